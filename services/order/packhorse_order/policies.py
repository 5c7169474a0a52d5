"""The rules that a business tunes. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from packhorse_contracts.blocks import Promise, ServiceLevel


@dataclass(frozen=True, slots=True)
class Policy:
    """What a business tunes."""

    payment_deadline: timedelta = timedelta(minutes=30)
    """An accepted order that isn't paid and reserved by then is cancelled."""

    cut_off: time = time(15, 0)
    """Orders confirmed before this time (UTC) are to be handed over the same day."""

    transit_days: tuple[tuple[ServiceLevel, int], ...] = (("economy", 5), ("standard", 3), ("express", 1))
    """Days from hand-over to the door, by service."""

    grace: timedelta = timedelta(days=1)
    """So long after the promise an order counts as overdue; looked at again as often."""


def promise(policy: Policy, service: ServiceLevel, confirmed_at: datetime, not_before: datetime | None) -> Promise:
    """When it will be handed over and delivered: as soon as may be, and so late that it arrives no earlier than is
    wished. Sundays don't count."""
    ship_by = datetime.combine(confirmed_at.date(), time(23, 59, tzinfo=confirmed_at.tzinfo))
    if confirmed_at.time() >= policy.cut_off:
        ship_by += timedelta(days=1)
    ship_by = _working(ship_by)
    transit = dict(policy.transit_days)[service]
    while not_before and _after(ship_by, transit) < not_before:
        ship_by = _after(ship_by, 1)
    return Promise(ship_by=ship_by, deliver_by=_after(ship_by, transit))


def _after(day: datetime, working_days: int) -> datetime:
    for _ in range(working_days):
        day = _working(day + timedelta(days=1))
    return day


def _working(day: datetime) -> datetime:
    return day + timedelta(days=1) if day.isoweekday() == 7 else day
