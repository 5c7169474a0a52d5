"""Orders as large as the contract lets them be: what is said about them still fits into a record."""

from packhorse_chassis.memory import Memory
from packhorse_chassis.said import MAX_EVENT_BYTES
from packhorse_contracts.base import MAX_ITEMS
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.order import OrderAccepted

from .test_inventory_stock import NOON, ROUTES, accepted, place, product, received

LONG_SKUS = [f"{'s' * 60}{number:04}" for number in range(MAX_ITEMS)]
LONG_PLACES = [f"{'p' * 63}{number}" for number in range(2)]


def stocked(at_each_place: int) -> Memory:
    """A warehouse or two with so many pieces of everything."""
    service = Memory(ROUTES)
    for name in LONG_PLACES:
        service.hear(place(name), NOON)
    for sku in LONG_SKUS:
        service.hear(product(sku), NOON)
    for name in LONG_PLACES:
        service.hear(received(name, name, **dict.fromkeys(LONG_SKUS, at_each_place)), NOON)
    return service


def order(pieces: int) -> OrderAccepted:
    """So many pieces of everything, on lines with the longest ids."""
    told = accepted("o" * 64, *((sku, pieces) for sku in LONG_SKUS))
    lines = [line.model_copy(update={"line_id": f"{'l' * 60}{n:04}"}) for n, line in enumerate(told.lines)]
    return told.model_copy(update={"lines": tuple(lines)})


def test_the_largest_order_is_reserved() -> None:
    """With every line from one location."""
    service = stocked(2)
    service.hear(order(2), NOON)
    [reserved] = service.said(InventoryReserved)
    assert len(reserved.model_dump_json()) < MAX_EVENT_BYTES * 0.6  # the confirmation says the lines as well


def test_a_huge_order_that_would_be_scattered_is_refused() -> None:
    """Its reservation would not fit into a record; the refusal says which lines no one location serves."""
    service = stocked(2)
    service.hear(order(3), NOON)
    assert not service.said(InventoryReserved)
    [refused] = service.said(InventoryReservationRefused)
    assert {(line.wanted, line.available) for line in refused.short} == {(3, 2)}
    assert len(refused.model_dump_json()) < MAX_EVENT_BYTES
