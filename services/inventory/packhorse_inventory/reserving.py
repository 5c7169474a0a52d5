"""Setting stock aside for an order: all of it, or nothing. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from packhorse_contracts.blocks import ShortLine
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.order import OrderAccepted

from packhorse_inventory import policies
from packhorse_inventory.shelves import Shelves
from packhorse_inventory.state import LOCATIONS, InventoryTurn, Reservation


def reserve(turn: InventoryTurn, kept: Reservation, order: OrderAccepted) -> Reservation:
    """Sets all of the order aside, or nothing."""
    shelves = Shelves(turn)
    wanted = policies.demand(order.lines)
    available = {sku: _open(turn, shelves.available(sku)) for sku in wanted}
    if short := policies.missing(wanted, available):
        return _refuse(turn, kept, order, {line.line_id: short[line.sku] for line in order.lines if line.sku in short})
    allocations = policies.allocate(order.lines, available)
    if len(allocations) > policies.MAX_PARTS:
        return _refuse(turn, kept, order, policies.scattered(order.lines, allocations))
    for part in allocations:
        shelves.move(part.sku, part.location, reserved=part.quantity, cause="reserved", reference=order.order_id)
    shelves.settle(InventoryReserved(order_id=order.order_id, at=turn.now, allocations=allocations))
    return replace(kept, decided=True, allocated=allocations)


def _refuse(turn: InventoryTurn, kept: Reservation, order: OrderAccepted, available: Mapping[str, int]) -> Reservation:
    """`available`: by line id, what is there for the lines that are short."""
    lines = tuple(
        ShortLine(line_id=line.line_id, sku=line.sku, wanted=line.quantity, available=available[line.line_id])
        for line in order.lines
        if line.line_id in available
    )
    turn.say(InventoryReservationRefused(order_id=order.order_id, at=turn.now, short=lines))
    return replace(kept, decided=True, refused=True)


def _open(turn: InventoryTurn, available: dict[str, int]) -> dict[str, int]:
    return {place: pieces for place, pieces in available.items() if pieces and turn.get(LOCATIONS, place).active}
