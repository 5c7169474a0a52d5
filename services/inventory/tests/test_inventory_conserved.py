"""Nothing appears, nothing is lost, nothing is sold twice, whatever comes in whatever order."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_contracts.blocks import OrderLine
from packhorse_contracts.inventory import InventoryLevelChanged
from packhorse_inventory.policies import allocate
from packhorse_inventory.state import RESERVATIONS, Movement

from .inventory_story import NOON, accepted, received
from .test_inventory_stock import PLACES, SKUS, cancelled, dispatched, hear, level, short, stocked, withdrawn

CELLS = st.sampled_from(SKUS)
LINES = st.lists(st.tuples(CELLS, st.integers(1, 4)), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("racdsw"), st.integers(0, 5), LINES), max_size=30))
def test_stock_is_conserved_whatever_happens(steps: list[tuple[str, int, list[tuple[str, int]]]]) -> None:
    """Receive, reserve, cancel, withdraw, dispatch, pick short, in any order and repeated: levels are sums of
    movements, what is reserved is what orders hold, nothing is ever oversold."""
    service = stocked(MUG=3, TRAY=3)
    for number, (step, order, lines) in enumerate(steps):
        name = f"o{order}"
        kept = service.state(RESERVATIONS, name).allocated
        if step == "r":
            pieces = Counter(dict.fromkeys((sku for sku, _ in lines), 2))
            hear(service, received(f"r-{number}", PLACES[number % 2], **pieces))
        elif step == "a":
            hear(service, accepted(name, *lines))
        elif step == "c":
            hear(service, cancelled(name))
        elif step == "w":
            there = PLACES[number % 2]
            stays = [(p.line_id, p.sku, p.quantity) for p in kept if p.location == there]
            hear(service, withdrawn(name, there, *stays), cancelled(name, whole=False, l1=1))
        elif kept and step == "d":
            here = [part for part in kept if part.location == kept[0].location]
            hear(service, dispatched(name, kept[0].location, *((p.line_id, p.sku, p.quantity) for p in here)))
        elif kept:
            part = kept[0]
            why = "not_found" if number % 2 else "other"
            hear(service, short(name, part.location, part.line_id, part.sku, part.quantity, 0, why))
    journal = [entry for entry in service.journal if isinstance(entry, Movement)]
    for sku in SKUS:
        for where in PLACES:
            cell = level(service, sku, where)
            mine = [entry for entry in journal if (entry.sku, entry.location) == (sku, where)]
            assert 0 <= cell.reserved <= cell.on_hand == sum(entry.on_hand_change for entry in mine)
            assert cell.reserved == sum(entry.reserved_change for entry in mine)
            assert [entry.number for entry in mine] == list(range(1, len(mine) + 1))
            held = sum(
                part.quantity
                for n in range(6)
                for part in service.state(RESERVATIONS, f"o{n}").allocated
                if (part.sku, part.location) == (sku, where)
            )
            assert held == cell.reserved
    versions = [(fact.subject, fact.version) for fact in service.said(InventoryLevelChanged)]
    assert len(set(versions)) == len(versions)


@given(st.lists(st.tuples(CELLS, st.integers(1, 9)), min_size=1, max_size=6), st.data())
def test_allocation_serves_every_piece_from_what_is_there(wanted: list[tuple[str, int]], data: st.DataObject) -> None:
    """Σ allocations = the order; no location gives more than it has."""
    lines = tuple(
        OrderLine(line_id=str(n), sku=sku, quantity=count, unit_price=1) for n, (sku, count) in enumerate(wanted)
    )
    demand = Counter[str]()
    for sku, count in wanted:
        demand[sku] += count
    available: dict[str, dict[str, int]] = {}
    for sku, count in demand.items():
        first = data.draw(st.integers(0, count))
        available[sku] = {"north": first + data.draw(st.integers(0, 3)), "south": count - first}
    parts = allocate(lines, available)
    for line in lines:
        assert sum(part.quantity for part in parts if part.line_id == line.line_id) == line.quantity
    for sku, places in available.items():
        for where, there in places.items():
            assert sum(part.quantity for part in parts if (part.sku, part.location) == (sku, where)) <= there


def test_more_than_there_is_is_an_error_and_no_endless_search() -> None:
    """Nobody asks for it; a mistake in the sums before it must not hang the process."""
    line = OrderLine(line_id="1", sku="MUG", quantity=3, unit_price=1)
    with pytest.raises(ValueError, match="more is wanted"):
        allocate((line,), {"MUG": {"north": 1, "south": 1}})


def test_a_reaction_that_would_oversell_raises() -> None:
    """The state has its own guard, before the database's."""
    from packhorse_chassis.core.policy import POLICY, InForce, Policies
    from packhorse_chassis.core.turn import Turn
    from packhorse_contracts.policies import InventoryPolicy
    from packhorse_inventory.shelves import Shelves
    from packhorse_inventory.state import Stock

    policies = Policies("inventory", InventoryPolicy())
    turn: Turn[InventoryPolicy] = Turn(
        RESERVATIONS.ref("o1"), NOON, lambda ref: InForce() if ref.kind == POLICY.name else Stock(), (), policies
    )
    shelves = Shelves(turn)
    with pytest.raises(ValueError, match="reserved"):
        shelves.move("MUG", "north", reserved=1, cause="x", reference="y")
