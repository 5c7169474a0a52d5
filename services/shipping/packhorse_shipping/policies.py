"""What a business tunes about shipping. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from packhorse_contracts.blocks import ServiceLevel


@dataclass(frozen=True, slots=True)
class Policy:
    """`answer_within`: a warehouse that takes longer to answer a pick list or a withdrawal is shown as overdue.
    `claim_within`: news of a parcel that no warehouse has handed over by then are given to an operator. Priorities go
    from 0 to 9, the most urgent."""

    answer_within: timedelta = timedelta(hours=4)
    claim_within: timedelta = timedelta(hours=1)
    economy_priority: int = 2
    standard_priority: int = 5
    express_priority: int = 8

    def priority(self, service: ServiceLevel) -> int:
        """How urgent a pick list of this service is."""
        return {
            "economy": self.economy_priority,
            "standard": self.standard_priority,
            "express": self.express_priority,
        }[service]
