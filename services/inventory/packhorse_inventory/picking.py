"""Goods on their way out: picked, found short, handed over. Pure.

What the warehouse did is booked also where nothing was set aside for it: the order may have been cancelled before it
is heard.
"""

from collections import Counter
from dataclasses import replace
from typing import Final

from packhorse_contracts.base import moment
from packhorse_contracts.shipping import ShippingDispatched, ShippingPicked, ShippingShortPicked

from packhorse_inventory import parts
from packhorse_inventory.shelves import Shelves
from packhorse_inventory.state import InventoryTurn, Reservation

GONE: Final = frozenset({"out_of_stock", "not_found", "damaged"})
"""Reasons of a short pick that say that the goods aren't there; others only free the reservation."""


def note_pick(turn: InventoryTurn, kept: Reservation, pick: ShippingPicked) -> Reservation:
    """The goods left their shelf, and are still ours: on a cart, or packed. They are spoken for, also where their order
    was cancelled meanwhile."""
    shipment = pick.shipment_id
    if shipment in kept.carts or shipment in kept.dispatched:
        return kept
    shelves = Shelves(turn)
    held, _, elsewhere = parts.of_shipment(kept, shipment)
    cart = parts.pieces_at(pick.location, pick.lines)
    for part, count in cart.items():
        before, beyond = shelves.level(part.sku, part.location), max(count - held[part], 0)
        held[part] += beyond
        shelves.move(
            part.sku,
            part.location,
            shelf=-count,
            picked=count,
            reserved=beyond,
            moment=moment(pick.at, turn.now),
            cause="picked",
            reference=shipment,
        )
        if beyond:
            shelves.unreserved(part, before, "picked")
    shelves.settle()
    carts = {**kept.carts, shipment: parts.allocations(cart)}
    return replace(kept, decided=True, allocated=parts.allocations(held + elsewhere), carts=carts)


def take_off(turn: InventoryTurn, kept: Reservation, shipment: ShippingDispatched) -> Reservation:
    """The goods have left: no longer on hand, and no longer reserved. What of it nobody had picked was picked now; what
    was picked and hasn't left is lost.

    Also where their reservation is gone: the warehouse may ship after a cancellation.
    """
    name = shipment.shipment_id
    if name in kept.dispatched:
        return kept
    shelves = Shelves(turn)
    held, cart, elsewhere = parts.of_shipment(kept, name)
    left = parts.pieces_at(shipment.location, shipment.lines)
    for part in left | cart:
        before = shelves.level(part.sku, part.location)
        freed = min(held[part], max(left[part], cart[part]))
        held[part] -= freed
        shelves.move(
            part.sku,
            part.location,
            shelf=min(cart[part] - left[part], 0),
            picked=-cart[part],
            reserved=-freed,
            moment=moment(shipment.at, turn.now),
            cause="dispatched",
            reference=name,
        )
        if left[part] > freed:
            shelves.unreserved(part, before, "dispatched")
        if cart[part] > left[part]:
            shelves.adjusted(part.sku, part.location, before.on_hand, "picked, and not among what left")
    shelves.settle()
    return replace(
        kept,
        allocated=parts.allocations(held + elsewhere),
        carts={**kept.carts, name: ()},
        dispatched=(*kept.dispatched, name),
    )


def write_off_short(turn: InventoryTurn, kept: Reservation, pick: ShippingShortPicked) -> Reservation:
    """What the warehouse doesn't have is no longer reserved, and, where it isn't there, no longer on hand; nor is what
    was picked and then lost. Said again, a short pick names all of it once more.

    Also where its reservation is gone: the order may have been cancelled before the short pick is heard.
    """
    known = Counter(kept.missing.get(pick.shipment_id, {}))
    named = parts.by_line((line.line_id, max(line.wanted - line.picked, 0)) for line in pick.lines)
    more = named - known
    if not more:
        return kept
    shelves = Shelves(turn)
    when, name = moment(pick.at, turn.now), pick.shipment_id
    held, cart, elsewhere = parts.of_shipment(kept, name)
    there = parts.by_line((line.line_id, line.picked) for line in pick.lines)
    reasons = {line.line_id: line.reason for line in pick.lines}
    for part in parts.at(pick.location, held):
        lost = min(more[part.line_id], max(cart[part] - there[part.line_id], 0))
        unpicked = min(more[part.line_id] - lost, held[part] - cart[part])
        count = lost + unpicked
        if not count:
            continue
        before, reason = shelves.level(part.sku, part.location), reasons[part.line_id]
        gone = unpicked if reason in GONE else 0
        shelves.move(
            part.sku,
            part.location,
            shelf=-gone,
            picked=-lost,
            reserved=-count,
            moment=when,
            cause="short_pick",
            reference=name,
        )
        held[part], cart[part] = held[part] - count, cart[part] - lost
        more[part.line_id] -= count
        if shelves.level(part.sku, part.location).on_hand != before.on_hand:
            shelves.adjusted(part.sku, part.location, before.on_hand, f"short pick: {reason}")
    for line in pick.lines:
        if (pieces := more.pop(line.line_id, 0)) and line.reason in GONE and pick.location is not None:
            place = parts.Part(line.line_id, line.sku, pick.location)
            before = shelves.level(place.sku, place.location)
            cause = "short_pick_unreserved"
            shelves.move(place.sku, place.location, shelf=-pieces, moment=when, cause=cause, reference=name)
            shelves.unreserved(place, before, "short pick")
    shelves.settle()
    return replace(
        kept,
        allocated=parts.allocations(held + elsewhere),
        carts={**kept.carts, name: parts.allocations(cart)} if name in kept.carts else kept.carts,
        missing={**kept.missing, name: dict(known | named)},
    )
