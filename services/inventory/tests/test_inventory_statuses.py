"""Where an order's reservation stands, and what then follows from news of it."""

import pytest
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.reaction import Ignored
from packhorse_contracts.base import Fact
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.order import OrderAccepted, OrderCancelled
from packhorse_inventory.state import RECEIPTS, RESERVATIONS

from .inventory_story import NOON, accepted
from .inventory_truth import picked
from .test_inventory_stock import ROUTES, cancelled, dispatched, hear, level, short, stocked, withdrawn

ORDER = accepted("o1", ("MUG", 2))
TOO_MUCH = accepted("o1", ("MUG", 9))
PICKED = picked("o1", "north", ("1", "MUG", 2))
LEFT = dispatched("o1", "north", ("1", "MUG", 2))
STAYS = withdrawn("o1", "north", ("1", "MUG", 2))
LOST = short("o1", "north", "1", "MUG", 2, 0, "not_found")
LIVES: list[tuple[list[Fact], str]] = [
    ([], "unknown"),
    ([LEFT], "unknown"),
    ([STAYS], "unknown"),
    ([cancelled("o1", whole=False, l1=1)], "unknown"),
    ([ORDER], "reserved"),
    ([ORDER, PICKED], "reserved"),
    ([PICKED], "reserved"),
    ([ORDER, cancelled("o1", whole=False, l1=1)], "reserved"),
    ([ORDER, PICKED, LEFT], "settled"),
    ([ORDER, STAYS], "settled"),
    ([ORDER, LOST], "settled"),
    ([TOO_MUCH], "refused"),
    ([TOO_MUCH, cancelled("o1")], "cancelled"),
    ([ORDER, cancelled("o1")], "cancelled"),
    ([ORDER, PICKED, cancelled("o1")], "cancelled"),
    ([ORDER, LEFT, cancelled("o1")], "cancelled"),
    ([cancelled("o1")], "cancelled"),
]


def lived(*facts: Fact) -> Memory:
    """Five mugs in the north, and these facts of one order."""
    service = stocked(MUG=5)
    hear(service, *facts)
    return service


@pytest.mark.parametrize(("facts", "status"), LIVES)
def test_a_reservation_stands_where_its_news_have_brought_it(facts: list[Fact], status: str) -> None:
    """Whatever was heard first."""
    assert lived(*facts).state(RESERVATIONS, "o1").status == status


def test_each_status_is_met() -> None:
    """And its table has no column for nothing."""
    assert {status for _, status in LIVES} == set(RESERVATIONS.statuses)


@pytest.mark.parametrize(("facts", "status"), LIVES)
def test_an_order_is_decided_on_once(facts: list[Fact], status: str) -> None:
    """While nothing is known of it. What is decided, or cancelled, stays: the same state, and nothing is said."""
    service = lived(*facts)
    before = service.state(RESERVATIONS, "o1")
    decided = service.hear(ORDER, NOON)
    if status == "unknown":
        assert isinstance(decided.facts[0], InventoryReserved | InventoryReservationRefused)
    else:
        assert service.state(RESERVATIONS, "o1") is before
        assert not decided.facts


@pytest.mark.parametrize("facts", [facts for facts, status in LIVES if status == "cancelled"])
def test_a_second_cancellation_changes_nothing(facts: list[Fact]) -> None:
    """Also where goods that were picked are still held."""
    service = lived(*facts)
    before = service.state(RESERVATIONS, "o1")
    assert not service.hear(cancelled("o1"), NOON).facts
    assert service.state(RESERVATIONS, "o1") is before


@pytest.mark.parametrize(("facts", "status"), LIVES)
def test_goods_that_leave_are_booked_in_every_status(facts: list[Fact], status: str) -> None:
    """The warehouse's word counts, whatever became of the order: once."""
    service = lived(*facts)
    there = level(service, "MUG").shelf
    hear(service, LEFT, LEFT)
    gone = 0 if PICKED in facts or LEFT in facts else 2
    assert level(service, "MUG").shelf == there - gone
    assert level(service, "MUG").picked == 0


def test_what_is_ignored_says_why() -> None:
    """In words for whoever wonders why nothing happened."""
    cells = {heard: ROUTES.by_input[heard].cells for heard in (OrderAccepted, OrderCancelled)}
    ignored = {
        (heard, status): cell.why
        for heard, row in cells.items()
        for status, cell in row.items()
        if isinstance(cell, Ignored)
    }
    assert {status for heard, status in ignored if heard is OrderAccepted} == {
        "reserved",
        "settled",
        "refused",
        "cancelled",
    }
    assert {status for heard, status in ignored if heard is OrderCancelled} == {"cancelled"}
    assert all(" " in why for why in ignored.values())


def test_a_document_is_new_until_it_is_booked() -> None:
    """The same again is known; it isn't booked twice."""
    service = stocked(MUG=5)
    key = next(ref.key for ref in service.states if ref.kind == RECEIPTS.name)
    assert service.state(RECEIPTS, key).status == "booked"
    assert service.state(RECEIPTS, "another").status == "new"
