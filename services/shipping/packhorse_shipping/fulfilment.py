"""How a confirmed order is split into fulfilment orders. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from packhorse_contracts import ids
from packhorse_contracts.blocks import PartPromise
from packhorse_contracts.order import OrderConfirmed

from packhorse_shipping.shipment import Line, Shipment

_LONGEST: Final = timedelta(days=366)
"""No wish lies further ahead. What does is a mistake, and shows as an early pick list instead of one in a thousand
years."""


def untitled_skus(fact: OrderConfirmed) -> list[str]:
    """The SKUs of lines that come without a name."""
    return sorted({line.sku for line in fact.lines if not line.title})


def fulfilment_orders(fact: OrderConfirmed, titles: Mapping[str, str | None]) -> tuple[Shipment, ...]:
    """One for each location that stock was allocated at. `titles`: the catalogue's names by SKU, for nameless lines."""
    named = {line.line_id: line.title or titles.get(line.sku) for line in fact.lines}
    messages = {line.line_id: line.gift_message for line in fact.lines}
    pieces: dict[str, dict[tuple[str, str], int]] = {}
    for part in fact.allocations:
        here = pieces.setdefault(part.location, {})
        here[part.line_id, part.sku] = here.get((part.line_id, part.sku), 0) + part.quantity
    return tuple(
        _shipment(
            fact,
            location,
            tuple(
                Line(line_id, sku, named.get(line_id), quantity, gift_message=messages.get(line_id))
                for (line_id, sku), quantity in here.items()
            ),
        )
        for location, here in pieces.items()
    )


def issue_at(fact: OrderConfirmed, location: str, now: datetime) -> datetime:
    """When a location gets its pick list: at once, or at the beginning of the day on which it is to leave, where that
    is put off."""
    part = _part(fact, location)
    if part is None or part.pick_from is None:
        return now
    return max(now, min(part.pick_from, now + _LONGEST))


def _part(fact: OrderConfirmed, location: str) -> PartPromise | None:
    return next((part for part in fact.promise.parts if part.location == location), None)


def _shipment(fact: OrderConfirmed, location: str, lines: tuple[Line, ...]) -> Shipment:
    """Its ids follow from the confirmation, so that doing the same work again gives the same. Parts may be confirmed at
    one moment, so theirs follow from the part as well."""
    part = _part(fact, location)
    names = (fact.order_id, location) if fact.part is None else (fact.order_id, location, str(fact.part))
    return Shipment(
        shipment_id=ids.derive(fact.at, "shipment", *names),
        pick_list_id=ids.derive(fact.at, "pick_list", *names),
        location=location,
        lines=lines,
        ship_by=part.ship_by if part else fact.promise.ship_by,
    )
