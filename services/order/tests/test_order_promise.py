"""The promise: days on the calendars of the places that they are about."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Allocation, Promise
from packhorse_contracts.catalogue import LocationChanged
from packhorse_contracts.inventory import InventoryReserved
from packhorse_contracts.order import OrderConfirmed, OrderRejected
from packhorse_contracts.policies import OrderPolicy
from packhorse_order.state import LOCATIONS
from packhorse_order.timers import Overdue

from .test_order_stories import AUTHORISED, ID, ROUTES, placed

SATURDAY = datetime(2026, 11, 28, 9, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime", "Factory"})


def location(name: str, **keeps: object) -> LocationChanged:
    """A location that keeps its days like this."""
    return LocationChanged.model_validate(
        {"location": name, "kind": "warehouse", "name": name, "country": "GB", "active": True, **keeps}
    )


def reserved(**lines: str) -> InventoryReserved:
    """Pieces of each line, by its id, at this location."""
    allocations = tuple(
        Allocation(line_id=line[1:], sku="MUG", quantity=1, location=place) for line, place in lines.items()
    )
    return InventoryReserved(order_id=ID, at=SATURDAY, allocations=allocations)


def promised(
    at: datetime,
    *places: LocationChanged,
    service: str = "express",
    not_before: datetime | None = None,
    leads: Mapping[str, int] | None = None,
    country: str = "GB",
) -> Promise:
    """What an order is told that is confirmed at this moment, line by line from these places."""
    lines = [
        {"line_id": str(n), "sku": "MUG", "quantity": 1, "unit_price": 0, "lead_time_days": (leads or {}).get(str(n))}
        for n in range(1, len(places) + 1)
    ]
    order = placed(
        lines=lines,
        ship_to={
            "name": "Ada",
            "lines": ["1 High Street"],
            "city": "London",
            "postal_code": "W1A 1AA",
            "region": "England",
            "country": country,
        },
        placed_at=at,
        promotions=[],
        payments=[],
        delivery={"mode": "ship", "service": service, "price": 0, "not_before": not_before},
        totals={"goods": 0, "discount": 0, "delivery": 0, "tax": 0, "grand_total": 0},
    )
    shop = Memory(ROUTES)
    goods = reserved(**{f"l{n}": place.location for n, place in enumerate(places, 1)})
    for fact in (*places, order, AUTHORISED, goods):
        shop.hear(fact, at)
    return shop.said(OrderConfirmed)[0].promise


def days(promise: Promise) -> tuple[str | None, str | None]:
    """What the customer is told."""
    return promise.ship_on, promise.deliver_on


def test_a_saturday_is_told_as_a_saturday() -> None:
    """Whoever converted its last instant into another zone would say Sunday."""
    promise = promised(SATURDAY, location("W"), service="standard")
    assert days(promise) == ("2026-11-28", "2026-12-02")
    assert promise.timezone == "UTC"
    assert promise.ship_by == datetime(2026, 11, 28, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "confirmed", "ship_on", "ship_by"),
    [
        # Saturday 01:00 on the easternmost clock there is, while it is Friday 11:00 in UTC.
        ("Pacific/Kiritimati", "2026-11-27T11:00Z", "2026-11-28", "2026-11-28T09:59Z"),
        # There it is Sunday already, here still Saturday.
        ("Pacific/Kiritimati", "2026-11-28T11:00Z", "2026-11-30", "2026-11-30T09:59Z"),
        ("Pacific/Pago_Pago", "2026-11-29T10:00Z", "2026-11-28", "2026-11-29T10:59Z"),
        ("Asia/Kathmandu", "2026-11-27T09:14Z", "2026-11-27", "2026-11-27T18:14Z"),
        ("Asia/Kathmandu", "2026-11-27T09:15Z", "2026-11-28", "2026-11-28T18:14Z"),
        # The clocks go back in the night to the Sunday, and forward in March.
        ("Europe/Berlin", "2026-10-24T12:59Z", "2026-10-24", "2026-10-24T21:59Z"),
        ("Europe/Berlin", "2026-10-24T13:00Z", "2026-10-26", "2026-10-26T22:59Z"),
        ("Europe/Berlin", "2026-03-28T13:59Z", "2026-03-28", "2026-03-28T22:59Z"),
        ("Europe/Berlin", "2026-03-28T14:00Z", "2026-03-30", "2026-03-30T21:59Z"),
    ],
)
def test_cut_off_and_day_are_those_of_the_location_that_ships(
    zone: str, confirmed: str, ship_on: str, ship_by: str
) -> None:
    """15:00 on its own clock."""
    at = datetime.fromisoformat(confirmed)
    cut_off = "23:30" if zone == "Pacific/Pago_Pago" else None
    promise = promised(at, location("W", timezone=zone, cut_off=cut_off))
    assert (promise.ship_on, promise.ship_by) == (ship_on, datetime.fromisoformat(ship_by))
    assert promise.timezone == zone


@pytest.mark.parametrize(("minute", "ship_on"), [(29, "2026-11-27"), (30, "2026-11-28")])
def test_a_cut_off_late_in_the_evening_counts_on_the_day_there(minute: int, ship_on: str) -> None:
    """23:30 in Lisbon, where UTC is the same; and in Tokyo, where it is afternoon in UTC."""
    here = promised(datetime(2026, 11, 27, 23, minute, tzinfo=UTC), location("W", cut_off="23:30"))
    there = promised(
        datetime(2026, 11, 27, 14, minute, tzinfo=UTC), location("W", cut_off="23:30", timezone="Asia/Tokyo")
    )
    assert here.ship_on == there.ship_on == ship_on


def test_an_hour_that_comes_twice_has_one_cut_off() -> None:
    """Clocks go back from 3 to 2 on this Sunday: whoever missed 2:30 doesn't catch it an hour later."""
    place = location("W", timezone="Europe/Berlin", cut_off="02:30", working_weekdays=["sunday", "monday"])
    moments = [datetime(2026, 10, 25, 0, 29, tzinfo=UTC) + n * timedelta(minutes=30) for n in range(4)]
    assert [promised(at, place).ship_on for at in moments] == ["2026-10-25", *["2026-10-26"] * 3]


def test_working_days_and_holidays_are_the_locations() -> None:
    """In Leipzig Reformation Day, Friday and Saturday here, is kept; in Berlin it isn't."""
    friday = datetime(2025, 10, 31, 9, tzinfo=UTC)
    week = {"working_weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"], "timezone": "Europe/Berlin"}
    assert promised(friday, location("W", holidays_of="DE-SN", **week)).ship_on == "2025-11-03"
    assert promised(friday, location("W", holidays_of="DE-BE", **week)).ship_on == "2025-10-31"
    assert promised(SATURDAY, location("W", **week)).ship_on == "2026-11-30"


def test_nothing_arrives_on_a_sunday_or_on_a_public_holiday_of_the_door() -> None:
    """Two days of Christmas and a Sunday, which the warehouse knows nothing of."""
    eve = datetime(2026, 12, 24, 9, tzinfo=UTC)
    assert days(promised(eve, location("W"), country="DE")) == ("2026-12-24", "2026-12-28")
    assert days(promised(eve, location("W"), country="US")) == ("2026-12-24", "2026-12-26")


def test_a_calendar_without_a_working_day_still_gives_a_day() -> None:
    """Every Sunday is a public holiday in Sweden's law: who works on Sundays alone is asked all the same."""
    place = location("W", working_weekdays=["sunday"], holidays_of="SE")
    assert promised(SATURDAY, place).ship_on is not None


def test_the_promise_of_several_locations_is_the_latest_of_its_parts() -> None:
    """Each part has its own day, and the customer hears of the last."""
    auckland = location("AKL", timezone="Pacific/Auckland")
    angeles = location("LAX", timezone="America/Los_Angeles", holidays_of="US")
    thanksgiving = datetime(2026, 11, 26, 9, tzinfo=UTC)
    for places in permutations((auckland, angeles)):
        promise = promised(thanksgiving, *places)
        parts = {part.location: (part.ship_on, part.timezone) for part in promise.parts}
        assert parts == {"AKL": ("2026-11-27", "Pacific/Auckland"), "LAX": ("2026-11-27", "America/Los_Angeles")}
        assert promise.timezone == "America/Los_Angeles"
        assert promise.ship_by == max(part.ship_by for part in promise.parts)


def test_a_lead_time_is_waited_for() -> None:
    """Thirty days on, and then the next working day of its location; the part from elsewhere needn't wait."""
    plain, made = location("W1"), location("W2", timezone="Europe/Berlin")
    promise = promised(SATURDAY, plain, made, leads={"2": 30})
    assert days(promise) == ("2026-12-28", "2026-12-29")
    first, second = promise.parts
    assert (first.ship_on, first.pick_from) == ("2026-11-28", None)
    assert (second.ship_on, second.pick_from) == ("2026-12-28", datetime(2026, 12, 27, 23, tzinfo=UTC))


def test_a_lead_time_beyond_a_year_is_rejected() -> None:
    """A mistake, and a promise that nobody waits for."""
    shop = Memory(ROUTES)
    line = {"line_id": "1", "sku": "MUG", "quantity": 2, "unit_price": 500, "lead_time_days": 1_000_000_000}
    shop.hear(placed(lines=[line]), SATURDAY)
    faults = {(fault.code, fault.field) for fault in shop.said(OrderRejected)[0].reasons}
    assert ("too_far_ahead", "lines.0.lead_time_days") in faults


@pytest.mark.parametrize(
    ("service", "wish", "leaves", "arrives"),
    [
        ("express", datetime(2026, 12, 23, 12, tzinfo=UTC), "2026-12-22", "2026-12-23"),
        ("economy", datetime(2026, 12, 23, 12, tzinfo=UTC), "2026-12-17", "2026-12-23"),
        ("express", datetime(2026, 12, 6, 12, tzinfo=UTC), "2026-12-05", "2026-12-07"),
        ("standard", datetime(2026, 11, 24, tzinfo=UTC), "2026-11-28", "2026-12-02"),
    ],
)
def test_what_is_wished_for_later_leaves_later(service: str, wish: datetime, leaves: str, arrives: str) -> None:
    """On the first day from which it arrives no earlier; Sundays don't count."""
    promise = promised(SATURDAY, location("W"), service=service, not_before=wish)
    assert days(promise) == (leaves, arrives)
    assert (promise.parts[0].pick_from is not None) == (leaves != "2026-11-28")


@given(
    now=st.integers(1_577_836_800, 2_114_380_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    zone=st.sampled_from(ZONES),
    cut_off=st.times(),
    lead=st.integers(0, 366),
    later=st.timedeltas(timedelta(0), timedelta(days=4)),
)
def test_in_every_zone_a_day_ends_when_it_ends_there(
    now: datetime, zone: str, cut_off: time, lead: int, later: timedelta
) -> None:
    """The last minute of ship_on, whatever clocks do that night; and who orders later is never promised more."""
    place = location("W", timezone=zone, cut_off=cut_off.strftime("%H:%M"), holidays_of="GB-SCT")
    promise = promised(now, place, leads={"1": lead})
    part, here = promise.parts[0], ZoneInfo(zone)
    assert part.ship_on == promise.ship_on == part.ship_by.astimezone(here).date().isoformat()
    assert (part.ship_by + timedelta(minutes=1)).astimezone(here).date().isoformat() > part.ship_on
    assert now.astimezone(here).date() + timedelta(days=lead) <= date.fromisoformat(part.ship_on)
    assert now < part.ship_by
    if part.pick_from:
        assert part.pick_from.astimezone(here).date().isoformat() == part.ship_on
        assert (part.pick_from - timedelta(microseconds=1)).astimezone(here).date().isoformat() < part.ship_on
    after = promised(now + later, place, leads={"1": lead})
    assert str(after.ship_on) >= str(promise.ship_on)
    assert str(after.deliver_on) >= str(promise.deliver_on)
    assert str(promise.deliver_on) > part.ship_on


def test_a_wish_from_before_all_calendars_is_no_wish() -> None:
    """In Los Angeles the first hours of the year 1 have no date."""
    first = datetime(1, 1, 1, tzinfo=UTC)
    place = location("W", timezone="America/Los_Angeles")
    assert promised(SATURDAY, place, not_before=first) == promised(SATURDAY, place)


def test_the_promise_is_the_same_whichever_comes_first() -> None:
    """Stock or money: between topics nothing is ordered."""
    goods = reserved(l1="W", l2="W")
    for answers in permutations([AUTHORISED, goods]):
        shop = Memory(ROUTES)
        heard: list[Fact] = [location("W", timezone="Asia/Tokyo"), placed(), *answers]
        for fact in heard:
            shop.hear(fact, SATURDAY)
        assert shop.said(OrderConfirmed)[0].promise.ship_on == "2026-11-30"  # 18:00 there: too late, and no Sunday
        watch = shop.timers[Overdue.__name__, ID, ""]
        assert watch.due == shop.said(OrderConfirmed)[0].promise.deliver_by + OrderPolicy().grace


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"timezone": "Europe/Atlantis"}, "unknown_timezone"),
        ({"timezone": "../../etc/passwd"}, "unknown_timezone"),
        ({"timezone": ""}, "unknown_timezone"),
        ({"timezone": "localtime"}, "unknown_timezone"),
        ({"holidays_of": "XX"}, "unknown_holidays"),
        ({"holidays_of": "DE-ZZ"}, "unknown_holidays"),
    ],
)
def test_a_place_that_nobody_knows_is_refused_and_what_was_known_stands(wrong: dict[str, object], code: str) -> None:
    """A dead letter with the reason, to be retried with newer tables; orders go on."""
    shop = Memory(ROUTES)
    shop.hear(location("W", timezone="Europe/Lisbon"), SATURDAY)
    with pytest.raises(RefusedError) as refusal:
        shop.hear(location("W", **wrong), SATURDAY)
    assert (refusal.value.code, refusal.value.retryable) == (code, True)
    assert shop.state(LOCATIONS, "W").timezone == "Europe/Lisbon"
