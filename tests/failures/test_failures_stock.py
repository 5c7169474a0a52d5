"""Stock that others sell twice, keep reserved for ever, or count wrongly."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_audit.books import stock_is_conserved
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.base import Fact
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved, InventoryStockAdjusted
from packhorse_contracts.order import OrderCompleted
from packhorse_contracts.shipping import ShippingDispatched, ShippingShortPicked
from packhorse_contracts.warehouse import StockCounted, StockMoved
from packhorse_inventory.state import Movement
from packhorse_order.state import ORDERS

from .books import book, conserved, reservation, shelf
from .every_order import NOON, World, explore
from .shop import (
    INVENTORY,
    NORTH,
    SOUTH,
    accepted,
    cancel,
    cancelled,
    dispatched,
    opened,
    placed,
    received,
    stocked,
)
from .warehouse import Warehouse


def test_the_order_that_holds_the_last_piece_ships_it() -> None:
    """medusa#9821: all pieces were reserved, so none was available, and the order that had reserved them could not be
    fulfilled.

    Here what an order holds is its own: nothing is available for anybody else, and it leaves without a correction.
    """
    world = opened({"mug": {NORTH: 1}}, warehouse=Warehouse(delivers=False)).say(placed())

    def nobody_else_can_have_it(seen: World) -> None:
        conserved(seen)
        assert shelf(seen, NORTH).available_to_promise == (0 if reservation(seen).decided else 1)

    for end in explore(world, nobody_else_can_have_it).ends:
        assert end.state(ORDERS, "o1").status == "dispatched"
        assert (shelf(end, NORTH).on_hand, shelf(end, NORTH).reserved) == (0, 0)
        assert not end.said(InventoryStockAdjusted)
        assert not end.refused


@pytest.mark.parametrize("reason", ["not_found", "no_time"])
def test_the_rest_of_a_part_delivery_is_free_again(reason: str) -> None:
    """erpnext#52851: of a pick list a part was delivered. The rest stayed reserved for it, though nobody would ever
    deliver it, and no new order could have it.

    Here every reservation ends, whatever comes first: what wasn't picked is free for the next order, or is written
    off where the warehouse doesn't find it.
    """
    world = opened({"mug": {NORTH: 3}}, warehouse=Warehouse(missing={"mug": 1}, reason=reason))
    found = explore(world.say(placed("o1", ("mug", 3))), conserved)
    for end in found.ends:
        assert [one.outcome for one in end.said(OrderCompleted)] == ["partly_delivered"]
        assert reservation(end).allocated == ()
        assert shelf(end, NORTH).reserved == 0
        assert shelf(end, NORTH).available_to_promise == (1 if reason == "no_time" else 0)


def test_two_lines_of_one_item_are_checked_together() -> None:
    """medusa#16502: two lines of a cart shared an item. Each was held against what was available before either of
    them, both passed, and more was reserved than there was.

    Here the pieces are summed up by SKU before anything is set aside.
    """
    for there, served in ((2, False), (3, True)):
        world = World.of([INVENTORY]).settle(*stocked({"mug": {NORTH: there}}), accepted(("mug", 1), ("mug", 2)))
        conserved(world)
        assert bool(world.said(InventoryReserved)) is served
        assert shelf(world, NORTH).reserved == (3 if served else 0)


WANTED = st.lists(st.tuples(st.sampled_from(["mug", "pot"]), st.integers(1, 3)), min_size=1, max_size=5)
THERE = st.fixed_dictionaries(
    {sku: st.fixed_dictionaries({place: st.integers(1, 5) for place in (NORTH, SOUTH)}) for sku in ("mug", "pot")}
)


@given(WANTED, THERE)
def test_an_order_is_served_exactly_where_the_sum_of_its_lines_is_there(
    wanted: list[tuple[str, int]], there: dict[str, dict[str, int]]
) -> None:
    """medusa#16502, vendure#3588, in general: for any lines and any shelves an order is served in full, over as many
    locations as it takes, or not at all; by the sums of each SKU alone."""
    world = World.of([INVENTORY]).settle(*stocked(there), accepted(*wanted))
    conserved(world)
    sums = {sku: sum(pieces for name, pieces in wanted if name == sku) for sku in there}
    enough = all(pieces <= sum(there[sku].values()) for sku, pieces in sums.items())
    assert bool(world.said(InventoryReserved)) is enough
    assert bool(world.said(InventoryReservationRefused)) is not enough
    for sku, pieces in sums.items():
        held = sum(part.quantity for part in reservation(world).allocated if part.sku == sku)
        assert held == (pieces if enough else 0)


def test_an_order_that_no_location_can_serve_is_split() -> None:
    """vendure#3588: an order whose pieces lie in two places could not be served from both.

    Here it leaves in two shipments, whatever arrives first, and is complete when both have arrived.
    """
    world = opened({"mug": {NORTH: 1, SOUTH: 1}}, warehouse=Warehouse(delivers=False))
    for end in explore(world.say(placed("o1", ("mug", 2)))).ends:
        assert {one.location for one in end.said(ShippingDispatched)} == {NORTH, SOUTH}
        assert end.state(ORDERS, "o1").status == "dispatched"
        assert (shelf(end, NORTH).on_hand, shelf(end, SOUTH).on_hand) == (0, 0)


@pytest.mark.parametrize("keeps_its_word", [True, False])
def test_undoing_an_order_after_each_step_revives_nothing(*, keeps_its_word: bool) -> None:
    """medusa#16406: a later step failed, and undoing the earlier ones brought back reservations that had been used up
    by then. Stock was held for goods that had left.

    Here the customer cancels after every step, and the warehouse may send the goods all the same. At each moment
    reservations, movements and levels agree, and in the end the shelf has what came in less what left.
    """
    warehouse = Warehouse(keeps_its_word=keeps_its_word, delivers=False)
    world = opened({"mug": {NORTH: 2}}, warehouse=warehouse).say(placed(), cancel())
    for end in explore(world, conserved).ends:
        left = len(end.said(ShippingDispatched))
        assert (shelf(end, NORTH).on_hand, shelf(end, NORTH).reserved) == (2 - left, 0)
        assert reservation(end).allocated == ()
        assert sum(one.reserved_change for one in movements(end)) == 0


def movements(world: World) -> list[Movement]:
    """All changes of stock, in order."""
    return [one for one in world.services["inventory"].journal if isinstance(one, Movement)]


ORDERS_OF_TWO = st.sampled_from(["o1", "o2", "o3"])
PIECES = st.integers(1, 3)
PLACES = st.sampled_from([NORTH, SOUTH])


def _of(order_id: str, fact: Fact) -> Fact:
    return fact.model_copy(update={"order_id": order_id})


def _short(order_id: str, place: str, wanted: int, picked: int, reason: str) -> Fact:
    line = {"line_id": "1", "sku": "mug", "wanted": wanted, "picked": picked, "reason": reason}
    body = {"order_id": order_id, "shipment_id": f"s-{place}", "location": place, "at": NOON, "lines": [line]}
    return ShippingShortPicked.model_validate(body)


def _moved(move_id: str, there: str, pieces: int) -> Fact:
    to = SOUTH if there == NORTH else NORTH
    return StockMoved.model_validate({"move_id": move_id, "from": there, "to": to, "sku": "mug", "quantity": pieces})


IDS = st.integers(1, 9).map("d{}".format)
ANYTHING = st.one_of(
    st.builds(lambda name, pieces: _of(name, accepted(("mug", pieces))), ORDERS_OF_TWO, PIECES),
    st.builds(
        lambda name, pieces, minute, whole: _of(name, cancelled(pieces, minute=minute, whole=whole)),
        ORDERS_OF_TWO,
        PIECES,
        st.integers(0, 3),
        st.booleans(),
    ),
    st.builds(
        lambda name, place, pieces: _of(name, dispatched(f"s-{place}", ("mug", pieces), location=place)),
        ORDERS_OF_TWO,
        PLACES,
        PIECES,
    ),
    st.builds(_short, ORDERS_OF_TWO, PLACES, PIECES, st.integers(0, 3), st.sampled_from(["not_found", "no_time"])),
    st.builds(lambda name, place, pieces: received("mug", place, pieces, name), IDS, PLACES, PIECES),
    st.builds(_moved, IDS, PLACES, PIECES),
    st.builds(
        lambda name, place, pieces: StockCounted(count_id=name, location=place, sku="mug", counted=pieces),
        IDS,
        PLACES,
        st.integers(0, 6),
    ),
)


@given(st.lists(ANYTHING, max_size=20))
def test_no_sequence_of_facts_makes_the_counters_drift(facts: list[Fact]) -> None:
    """odoo#62139: the counter of reserved pieces and the reservations themselves drifted apart, over years and by
    many bugs, until orders could be neither shipped nor cancelled.

    Here the journal is the truth: after any facts at all, sensible or not, the counter is its sum and that of the
    reservations, or the fact was refused.
    """
    world = World.of([INVENTORY]).settle(*stocked({"mug": {NORTH: 4, SOUTH: 2}}))
    inventory = world.services["inventory"]
    for fact in facts:
        with suppress(RefusedError):
            inventory.hear(fact, NOON)
        conserved(world)


def test_the_audit_names_a_counter_that_has_drifted_by_one() -> None:
    """odoo#62139, once more: nobody noticed until it hurt. Here one piece is enough for the audit to name its cell."""
    world = World.of([INVENTORY]).settle(*stocked({"mug": {NORTH: 4}}), accepted(("mug", 2)))
    right = book(world)
    on_hand, reserved = right.levels["mug", NORTH]
    for spoiled in ((on_hand, reserved + 1), (on_hand - 1, reserved)):
        found = list(stock_is_conserved(replace(right, levels={("mug", NORTH): spoiled})))
        assert {violation.subject for violation in found} == {"mug at north"}
