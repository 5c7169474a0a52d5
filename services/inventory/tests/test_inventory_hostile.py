"""Orders as large as the contract lets them be: what is said about them still fits into a record."""

from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.said import MAX_EVENT_BYTES
from packhorse_contracts.base import MAX_ITEMS
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved, InventoryStockAdjusted
from packhorse_contracts.order import OrderAccepted
from packhorse_contracts.shipping import ShippingDispatched, ShippingShortPicked
from packhorse_inventory.state import STOCK

from .inventory_story import NOON, accepted, place, product, received
from .test_inventory_stock import ROUTES

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


def reserved_mugs() -> Memory:
    """An order for two mugs is reserved; of trays there is none."""
    service = Memory(ROUTES)
    for fact in (
        place("north"),
        product("MUG"),
        product("TRAY"),
        received("r", "north", MUG=2),
        accepted("o", ("MUG", 2)),
    ):
        service.hear(fact, NOON)
    return service


def test_a_dispatch_of_another_sku_takes_nothing_that_was_set_aside() -> None:
    """The line has the right id and the wrong SKU: the trays are for a person to look into, the mugs stay reserved."""
    service = reserved_mugs()
    [reserved] = service.said(InventoryReserved)
    line = {"line_id": reserved.allocations[0].line_id, "sku": "TRAY", "quantity": 2}
    told = {"order_id": "o", "shipment_id": "s", "pick_list_id": "p", "location": "north", "at": NOON}
    told |= {"carrier": "dhl", "service": "standard", "tracking_numbers": ["t"], "packages": []}
    service.hear(ShippingDispatched.model_validate({**told, "lines": [line]}), NOON)
    assert [fact.sku for fact in service.said(InventoryStockAdjusted)] == ["TRAY"]
    assert service.state(STOCK, "MUG").levels["north"].reserved == 2
    tray = service.state(STOCK, "TRAY").levels["north"]
    assert (tray.on_hand, tray.unexplained) == (0, 2)


def test_more_picked_than_wanted_books_nothing() -> None:
    """It is not short, whatever else it is."""
    service = reserved_mugs()
    line = {"line_id": service.said(InventoryReserved)[0].allocations[0].line_id, "sku": "MUG", "wanted": 2}
    told = {"order_id": "o", "shipment_id": "s", "location": "north", "at": NOON}
    short = {**line, "picked": 1_000_000, "reason": "not_found"}
    service.hear(ShippingShortPicked.model_validate({**told, "lines": [short]}), NOON)
    assert service.state(STOCK, "MUG").levels["north"].on_hand == 2


def test_a_short_line_that_is_named_twice_is_short_twice_and_no_more() -> None:
    """Each time for a piece that was set aside: nothing else leaves the books."""
    service = reserved_mugs()
    service.hear(received("r-2", "north", MUG=2), NOON)
    line = {"line_id": "1", "sku": "MUG", "wanted": 1, "picked": 0, "reason": "not_found"}
    told = {"order_id": "o", "shipment_id": "s", "location": "north", "at": NOON}
    service.hear(ShippingShortPicked.model_validate({**told, "lines": [line, line]}), NOON)
    assert service.state(STOCK, "MUG").levels["north"].on_hand == 2
