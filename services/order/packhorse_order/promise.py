"""When an order leaves and when it arrives: days on the calendars of the places that they are about. Pure.

How days, cut-offs, working days, holidays and time zones are meant: `libs/contracts/time-and-place.md`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, get_args
from zoneinfo import ZoneInfo, available_timezones

import holidays
from packhorse_chassis.core.kinds import Ref, RefusedError
from packhorse_contracts.blocks import Allocation, PartPromise, Promise
from packhorse_contracts.catalogue import LocationChanged, Weekday
from packhorse_contracts.inventory import InventoryReserved
from packhorse_contracts.order import OrderAccepted
from packhorse_contracts.policies import OrderPolicy

from packhorse_order.state import LOCATIONS, Location, Order, OrderTurn

LONGEST_LEAD: Final = 366
"""Days. No line waits longer; an order that says so is rejected."""

_LONGEST_SEARCH: Final = 366
"""A calendar without a working day in a whole year is a mistake: any day will do then."""

_SUNDAY: Final = 6
_DAY: Final = timedelta(days=1)
_END: Final = time(23, 59, fold=1)  # where clocks go back at midnight, 23:59 comes twice
_NOBODYS: Final = frozenset({"localtime", "Factory"})
"""Names that stand in the time zone database and mean another place on every machine, or none."""

_WEEKDAYS: Final[tuple[str, ...]] = get_args(Weekday)


def know_location(_turn: OrderTurn, _kept: Location, fact: LocationChanged) -> Location:
    """How a location keeps its days: the promise is reckoned by them."""
    if fact.timezone is not None and not known_zone(fact.timezone):
        message = f"the IANA time zone database has no {fact.timezone!r}"
        raise RefusedError("unknown_timezone", message, "timezone", retryable=True)
    if fact.holidays_of is not None and not known_calendar(fact.holidays_of):
        message = f"nobody knows the public holidays of {fact.holidays_of}"
        raise RefusedError("unknown_holidays", message, "holidays_of", retryable=True)
    return Location(**{field.name: getattr(fact, field.name) for field in fields(Location)})


def locations_named(_order: Order, fact: InventoryReserved) -> set[Ref]:
    """Where the goods were set aside."""
    return {LOCATIONS.ref(part.location) for part in fact.allocations}


def locations_kept(order: Order, _heard: object) -> set[Ref]:
    """Where the goods were set aside before."""
    return {LOCATIONS.ref(part.location) for part in order.allocations or ()}


@dataclass(frozen=True, slots=True)
class Calendar:
    """On which days something happens at a place."""

    weekdays: frozenset[int]
    holidays_of: str | None

    def next(self, day: date) -> date:
        """This day, or the first one after it on which something happens."""
        for _ in range(_LONGEST_SEARCH):
            if day.weekday() in self.weekdays and not (
                self.holidays_of is not None and day in public_holidays(self.holidays_of, day.year)
            ):
                break
            day += _DAY
        return day

    def after(self, day: date, days: int) -> date:
        """So many of its days later."""
        for _ in range(days):
            day = self.next(day + _DAY)
        return day


_USUAL: Final = frozenset(range(7)) - {_SUNDAY}


def promise(
    policy: OrderPolicy,
    order: OrderAccepted,
    allocations: Iterable[Allocation],
    location_of: Callable[[str], Location],
    now: datetime,
) -> Promise:
    """For an order that is confirmed `now` (UTC): each location's part on its own days, and the last of them.

    It leaves as soon as may be, and so late that it arrives no earlier than is wished.
    """
    leads = {line.line_id: line.lead_time_days or 0 for line in order.lines}
    lead: dict[str, int] = {}
    for part in allocations:
        lead[part.location] = max(lead.get(part.location, 0), leads.get(part.line_id, 0))
    door = Calendar(_USUAL, order.ship_to.country if order.ship_to else None)
    transit = policy.transit_days[order.delivery.service]
    parts: list[PartPromise] = []
    arrivals: list[tuple[date, datetime]] = []
    for name, days in lead.items():
        location = location_of(name)
        zone = _zone(location.timezone or "UTC")
        first = _first_day(policy, location, zone, now)
        calendar = _calendar(location)
        leaves = calendar.next(max(first, now.astimezone(zone).date() + min(days, LONGEST_LEAD) * _DAY))
        if order.delivery.not_before is not None:
            wish = max(order.delivery.not_before, now).astimezone(zone).date()  # of year 1 not every zone has a date
            while door.after(leaves, transit) < wish:
                leaves = calendar.next(leaves + _DAY)
        arrives = door.after(leaves, transit)
        arrivals.append((arrives, _end_of(arrives, zone)))
        parts.append(
            PartPromise(
                location=name,
                ship_on=leaves.isoformat(),
                ship_by=_end_of(leaves, zone),
                timezone=zone.key,
                pick_from=None if not days and leaves == calendar.next(first) else _begin_of(leaves, zone),
            )
        )
    last = max(parts, key=lambda part: part.ship_by)
    return Promise(
        ship_by=last.ship_by,
        deliver_by=max(instant for _, instant in arrivals),
        ship_on=last.ship_on,
        deliver_on=max(day for day, _ in arrivals).isoformat(),
        timezone=last.timezone,
        parts=tuple(parts),
    )


def _first_day(policy: OrderPolicy, location: Location, zone: ZoneInfo, now: datetime) -> date:
    """Today, or tomorrow where the cut-off has passed. Of a time that comes twice, when clocks go back, the first one
    counts."""
    cut_off = time.fromisoformat(location.cut_off or policy.cut_off)
    here = now.astimezone(zone)
    in_time = here.time() < cut_off and now < datetime.combine(here.date(), cut_off, zone).astimezone(UTC)
    return here.date() if in_time else here.date() + _DAY


def _calendar(location: Location) -> Calendar:
    named = location.working_weekdays
    weekdays = frozenset(_WEEKDAYS.index(day) for day in named) if named else _USUAL
    return Calendar(weekdays, location.holidays_of)


def _begin_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, _END, zone).astimezone(UTC)


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name) if known_zone(name) else ZoneInfo("UTC")


@lru_cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOBODYS


def known_zone(name: str) -> bool:
    """True for a name of the IANA time zone database."""
    return name in _zones()


def known_calendar(code: str) -> bool:
    """True for a country, or a part of one, whose public holidays can be told."""
    country, _, part = code.partition("-")
    known = holidays.list_supported_countries()
    return country in known and (not part or part in known[country])


@lru_cache(maxsize=4096)
def public_holidays(code: str, year: int) -> frozenset[date]:
    """The public holidays of a country or a part of one; none where nobody knows them."""
    country, _, part = code.partition("-")
    if not known_calendar(code):
        return frozenset()
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))
