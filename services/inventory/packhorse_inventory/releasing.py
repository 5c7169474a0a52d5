"""Freeing what was set aside and won't ship. Pure."""

from collections import Counter
from dataclasses import replace

from packhorse_contracts.base import moment
from packhorse_contracts.inventory import InventoryReservationReleased
from packhorse_contracts.order import OrderCancelled
from packhorse_contracts.shipping import ShippingWithdrawn

from packhorse_inventory import parts
from packhorse_inventory.shelves import Shelves
from packhorse_inventory.state import InventoryTurn, Reservation


def release(turn: InventoryTurn, kept: Reservation, order: OrderCancelled) -> Reservation:
    """Frees all that is left of an order that was cancelled whole, but for what is picked: that is free when it was put
    back. Pieces of one were withdrawn, or found short: they are booked where that is heard, with the location."""
    if not order.whole:
        return kept
    picked = parts.pieces(part for cart in kept.carts.values() for part in cart)
    freed = parts.pieces(kept.allocated) - picked
    shelves = Shelves(turn)
    for part, count in freed.items():
        shelves.move(part.sku, part.location, reserved=-count, cause="released", reference=order.order_id)
    _say_freed(turn, shelves, order.order_id, freed)
    return replace(kept, allocated=parts.allocations(picked), released=True, decided=True)


def release_withdrawn(turn: InventoryTurn, kept: Reservation, withdrawn: ShippingWithdrawn) -> Reservation:
    """Frees what won't ship from its location; what was picked of it is on the shelf again."""
    shipment = withdrawn.shipment_id
    if shipment in kept.withdrawn:
        return kept
    shelves = Shelves(turn)
    held, cart, elsewhere = parts.of_shipment(kept, shipment)
    named = parts.by_line((line.line_id, line.quantity) for line in withdrawn.lines)
    freed: parts.Pieces = Counter()
    for part in parts.at(withdrawn.location, held):
        count = freed[part] = min(held[part], max(named[part.line_id], cart[part]))
        named[part.line_id] -= count
        shelves.move(
            part.sku,
            part.location,
            shelf=cart[part],
            picked=-cart[part],
            reserved=-count,
            moment=moment(withdrawn.at, turn.now),
            cause="released",
            reference=withdrawn.order_id,
        )
    _say_freed(turn, shelves, withdrawn.order_id, freed)
    return replace(
        kept,
        allocated=parts.allocations(held - freed + elsewhere),
        withdrawn=(*kept.withdrawn, shipment),
        carts={**kept.carts, shipment: ()} if shipment in kept.carts else kept.carts,
    )


def _say_freed(turn: InventoryTurn, shelves: Shelves, order_id: str, freed: parts.Pieces) -> None:
    """These aren't set aside for the order any more."""
    if lines := parts.sku_lines(freed):
        shelves.settle(InventoryReservationReleased(order_id=order_id, at=turn.now, lines=lines))
