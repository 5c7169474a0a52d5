"""Policies as the console sets them."""

from datetime import UTC, datetime

from packhorse_contracts.operations import OperationsPolicySet

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def policy(version: int, service: str = "order", **fields: object) -> OperationsPolicySet:
    """By emma, for Christmas."""
    given = {"service": service, "policy_version": version, "at": NOON, "policy": fields}
    return OperationsPolicySet.model_validate({**given, "by": "emma", "why": "Christmas"})
