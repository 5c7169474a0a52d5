"""A 0 among other numbers is nothing, and costs the others nothing."""

from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.warehouse import StockMoved
from packhorse_inventory.reactions import routes
from packhorse_inventory.state import STOCK

from .inventory_story import NOON, place, product, received

SKUS = ("MUG", "TRAY", "LAMP")


@given(st.dictionaries(st.sampled_from([*SKUS, "UNKNOWN"]), st.integers(0, 3)))
def test_a_line_of_nothing_refuses_no_receipt(pieces: dict[str, int]) -> None:
    """The rest is booked, once; also where the catalogue has never heard of what there is nothing of."""
    pieces["UNKNOWN"] = 0
    service = Memory(routes())
    for fact in (place("north"), *(product(sku) for sku in SKUS)):
        service.hear(fact, NOON)
    for _ in range(2):
        service.hear(received("r-1", "north", **pieces), NOON)
    on_hand = {sku: sum(level.on_hand for level in service.state(STOCK, sku).levels.values()) for sku in SKUS}
    assert on_hand == {sku: pieces.get(sku, 0) for sku in SKUS}
    assert len(service.journal) == sum(count > 0 for count in pieces.values())


def test_a_move_of_nothing_moves_nothing() -> None:
    """It is heard, and that is all."""
    service = Memory(routes())
    moved = {"move_id": "m-1", "from": "north", "to": "south", "sku": "MUG", "quantity": 0}
    service.hear(StockMoved.model_validate(moved), NOON)
    assert not service.events
    assert not service.journal
