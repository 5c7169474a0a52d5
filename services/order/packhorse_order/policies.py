"""The rules that a business tunes. Pure."""

from dataclasses import dataclass
from datetime import time, timedelta

from packhorse_contracts.blocks import ServiceLevel


@dataclass(frozen=True, slots=True)
class Policy:
    """What a business tunes."""

    payment_deadline: timedelta = timedelta(minutes=30)
    """An accepted order that isn't paid and reserved by then is cancelled."""

    cut_off: time = time(15, 0)
    """Orders confirmed before this time, on the clock of the location, leave the same day; for locations that name no
    cut-off of their own."""

    transit_days: tuple[tuple[ServiceLevel, int], ...] = (("economy", 5), ("standard", 3), ("express", 1))
    """Days from hand-over to the door, by service."""

    grace: timedelta = timedelta(days=1)
    """So long after the promise an order counts as overdue; looked at again as often."""
