"""The rules that go with the policy of payments (`packhorse_contracts.policies.PaymentPolicy`). Pure."""

from datetime import timedelta

from packhorse_chassis.core.turn import Turn
from packhorse_contracts.policies import PaymentPolicy

PaymentTurn = Turn[PaymentPolicy]
"""A turn of this service's reactions."""


def pause(first: timedelta, before: int, cap: timedelta) -> timedelta:
    """How long to wait after `before` earlier waits: doubles each time."""
    return min(first * (1 << min(before, 20)), cap)
