"""Rules that follow from the shipping policy. Pure."""

from packhorse_contracts.blocks import ServiceLevel
from packhorse_contracts.policies import ShippingPolicy


def priority(policy: ShippingPolicy, service: ServiceLevel) -> int:
    """How urgent a pick list of this service is."""
    return {
        "economy": policy.economy_priority,
        "standard": policy.standard_priority,
        "express": policy.express_priority,
    }[service]
