"""What customers and warehouses are promised, against the calendars of the places that it is about."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from packhorse_audit.verdict import Violation
from packhorse_contracts.blocks import PartPromise
from packhorse_contracts.order import OrderConfirmed
from packhorse_contracts.shipping import ShippingPickListIssued

from packhorse_simulation.outsiders.shop import CALENDARS
from packhorse_simulation.world import World

_A_MINUTE: Final = timedelta(minutes=1)


def promises(world: World) -> Iterator[Violation]:
    """A day is a day of the place that ships, its end the end there; no pick list comes before its time."""
    begins: dict[tuple[str, str], PartPromise] = {}
    for fact in (record.fact for record in world.log.records()):
        if isinstance(fact, OrderConfirmed):
            leads = {ln.line_id: ln.lead_time_days or 0 for ln in world.shop.ledger[fact.order_id].fact.lines}
            for part in fact.promise.parts:
                begins[fact.order_id, part.location] = part
                lines = {gone.line_id for gone in fact.allocations if gone.location == part.location}
                ready = fact.at.astimezone(ZoneInfo(part.timezone)).date()
                ready += timedelta(days=max(leads[line] for line in lines))
                if fault := _fault(part, ready):
                    yield Violation("a day is a day of the place that ships", fact.order_id, fault)
            if fact.promise.ship_by != max(part.ship_by for part in fact.promise.parts):
                yield Violation("a promise is the last of its parts", fact.order_id, f"ships by {fact.promise.ship_by}")
        elif isinstance(fact, ShippingPickListIssued):
            part = begins[fact.order_id, fact.location]
            if fact.ship_by != part.ship_by:
                yield Violation("a pick list has its location's day", fact.order_id, f"{fact.ship_by}, {part.ship_by}")


def _fault(part: PartPromise, ready: date) -> str | None:
    zone, day = ZoneInfo(part.timezone), date.fromisoformat(part.ship_on)
    kept = CALENDARS[part.location]
    last, after = (moment.astimezone(zone).date() for moment in (part.ship_by, part.ship_by + _A_MINUTE))
    known = part.timezone == kept.get("timezone", "UTC")  # else the catalogue was heard later than the order
    weekdays = kept.get("working_weekdays") if known else None
    if not last == day < after:
        return f"{day} in {part.timezone} doesn't end at {part.ship_by}"
    if day < ready:
        return f"{day} is before {ready}, when there is something to pick"
    if isinstance(weekdays, tuple) and day.strftime("%A").lower() not in weekdays:
        return f"{day} is no working day at {part.location}"
    return None
