"""The inventory service as stories in messages, and what must hold of stock whatever happens."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Reason
from packhorse_contracts.inventory import (
    InventoryLowStock,
    InventoryReservationRefused,
    InventoryReservationReleased,
    InventoryReserved,
    InventoryStockAdjusted,
)
from packhorse_contracts.order import OrderCancelled
from packhorse_contracts.policies import InventoryPolicy
from packhorse_contracts.shipping import ShippingDispatched, ShippingShortPicked, ShippingWithdrawn
from packhorse_contracts.warehouse import StockCounted, StockMoved
from packhorse_inventory.reactions import routes
from packhorse_inventory.state import RESERVATIONS, STOCK, Level

from .inventory_story import NOON, accepted, place, product, received

SECOND = timedelta(seconds=1)
ROUTES = routes(InventoryPolicy(low_stock=2))
SKUS, PLACES = ("MUG", "TRAY"), ("north", "south")


def cancelled(
    order_id: str, *, whole: bool = True, code: str = "x", by: str = "customer", **lines: int
) -> OrderCancelled:
    """The order, or these pieces by line id."""
    return OrderCancelled.model_validate(
        {
            "order_id": order_id,
            "at": NOON,
            "lines": [{"line_id": name.removeprefix("l"), "quantity": count} for name, count in lines.items()],
            "whole": whole,
            "reason": Reason(code=code, message="x"),
            "by": by,
        }
    )


def dispatched(order_id: str, location: str, *lines: tuple[str, str, int]) -> ShippingDispatched:
    """These have left."""
    return ShippingDispatched.model_validate(
        {
            "order_id": order_id,
            "shipment_id": f"{order_id}-{location}",
            "pick_list_id": "p",
            "location": location,
            "at": NOON,
            "carrier": "dhl",
            "service": "standard",
            "tracking_numbers": [],
            "lines": [{"line_id": line, "sku": sku, "quantity": quantity} for line, sku, quantity in lines],
            "packages": [],
        }
    )


def withdrawn(order_id: str, location: str, *lines: tuple[str, str, int]) -> ShippingWithdrawn:
    """These will not ship from there."""
    return ShippingWithdrawn.model_validate(
        {
            "order_id": order_id,
            "shipment_id": f"{order_id}-{location}",
            "at": NOON,
            "location": location,
            "lines": [{"line_id": line, "sku": sku, "quantity": quantity} for line, sku, quantity in lines],
        }
    )


def short(order_id: str, location: str, line: str, sku: str, wanted: int, picked: int, why: str) -> ShippingShortPicked:
    """The warehouse didn't find all of it."""
    return ShippingShortPicked.model_validate(
        {
            "order_id": order_id,
            "shipment_id": f"{order_id}-{location}",
            "at": NOON,
            "location": location,
            "lines": [{"line_id": line, "sku": sku, "wanted": wanted, "picked": picked, "reason": why}],
        }
    )


def stocked(**north: int) -> Memory:
    """The service with a catalogue and some stock in the north."""
    service = Memory(ROUTES)
    hear(service, *map(product, SKUS), *map(place, PLACES), received("r-1", "north", **north))
    return service


def hear(service: Memory, *facts: Fact) -> None:
    """Hears these, one after another."""
    for fact in facts:
        service.hear(fact, NOON)


def level(service: Memory, sku: str, location: str = "north") -> Level:
    """The stock of a cell."""
    return service.state(STOCK, sku).levels.get(location, Level())


def test_all_or_nothing() -> None:
    """One line too many, and nothing at all is set aside; every short line is named."""
    service = stocked(MUG=5, TRAY=1)
    hear(service, accepted("o1", ("MUG", 2), ("TRAY", 2)))
    [refusal] = service.said(InventoryReservationRefused)
    assert [(line.sku, line.wanted, line.available) for line in refusal.short] == [("TRAY", 2, 1)]
    assert level(service, "MUG").reserved == 0
    hear(service, accepted("o2", ("MUG", 2), ("TRAY", 1)))
    assert len(service.said(InventoryReserved)) == 1
    assert level(service, "MUG").available_to_promise == 3


def test_two_lines_of_one_item_are_checked_together() -> None:
    """Each alone would fit."""
    service = stocked(MUG=3)
    hear(service, accepted("o1", ("MUG", 2), ("MUG", 2)))
    assert not service.said(InventoryReserved)


def test_n_buyers_one_unit_one_order() -> None:
    """The last unit is sold once."""
    service = stocked(MUG=1)
    hear(service, *(accepted(f"o{n}", ("MUG", 1)) for n in range(10)))
    assert len(service.said(InventoryReserved)) == 1
    assert len(service.said(InventoryReservationRefused)) == 9


def test_one_parcel_where_one_location_can_serve_all() -> None:
    """Else as few as possible."""
    service = stocked(MUG=5, TRAY=5)
    hear(service, received("r-2", "south", MUG=50), accepted("o1", ("MUG", 2), ("TRAY", 2)))
    assert {part.location for part in service.said(InventoryReserved)[0].allocations} == {"north"}
    hear(service, accepted("o2", ("MUG", 20), ("TRAY", 2)))
    assert {part.location for part in service.said(InventoryReserved)[1].allocations} == {"north", "south"}


def test_a_closed_location_serves_nobody() -> None:
    """Its stock is there, but not to promise."""
    service = stocked(MUG=5)
    hear(service, place("north", active=False), accepted("o1", ("MUG", 1)))
    assert service.said(InventoryReservationRefused)


def test_cancellation_releases_once() -> None:
    """All of it; repeats and orders without a reservation change nothing."""
    service = stocked(MUG=5)
    hear(service, accepted("o1", ("MUG", 4)), cancelled("o1"), cancelled("o1"), cancelled("unknown"))
    assert level(service, "MUG").reserved == 0
    assert len(service.said(InventoryReservationReleased)) == 1


def halves(*facts: Fact) -> Memory:
    """An order of five mugs, three from the north and two from the south, after these."""
    service = stocked(MUG=3)
    hear(service, received("r-2", "south", MUG=2), accepted("o1", ("MUG", 5)), *facts)
    return service


def reserved_mugs(service: Memory) -> tuple[int, int]:
    """In the north and in the south."""
    return level(service, "MUG").reserved, level(service, "MUG", "south").reserved


SOUTH_STAYS = withdrawn("o1", "south", ("1", "MUG", 2))
HALF = cancelled("o1", whole=False, l1=2)


@pytest.mark.parametrize("facts", list(permutations([SOUTH_STAYS, HALF, dispatched("o1", "north", ("1", "MUG", 3))])))
def test_a_part_is_freed_where_it_was_set_aside(facts: tuple[Fact, ...]) -> None:
    """The south withdraws, the north sends its share from what was set aside for it; nothing stays reserved."""
    assert reserved_mugs(halves(SOUTH_STAYS, HALF)) == (3, 0)
    service = halves(*facts)
    assert reserved_mugs(service) == (0, 0)
    assert (level(service, "MUG").on_hand, level(service, "MUG", "south").on_hand) == (0, 2)
    assert not service.said(InventoryStockAdjusted)
    assert service.state(RESERVATIONS, "o1").allocated == ()


@pytest.mark.parametrize("facts", list(permutations([SOUTH_STAYS, cancelled("o1", l1=5), SOUTH_STAYS])))
def test_a_withdrawal_and_a_cancellation_free_each_piece_once(facts: tuple[Fact, ...]) -> None:
    """In either order, and however often; what the next order gets is its own."""
    service = halves(*facts)
    assert reserved_mugs(service) == (0, 0)
    assert sum(line.quantity for fact in service.said(InventoryReservationReleased) for line in fact.lines) == 5
    hear(service, accepted("o2", ("MUG", 5)), *facts)
    assert reserved_mugs(service) == (3, 2)


def test_a_withdrawal_is_heard_once() -> None:
    """Who asks again gets the same answer again; what is short besides still waits for its own fact."""
    again = withdrawn("o1", "north", ("1", "MUG", 1))
    service = halves(again, again)
    assert reserved_mugs(service) == (2, 2)
    hear(service, short("o1", "north", "1", "MUG", 3, 1, "not_found"))
    assert (level(service, "MUG").on_hand, reserved_mugs(service)) == (1, (0, 2))


def test_dispatch_takes_off_once() -> None:
    """On hand and reserved fall together; a repeat changes nothing."""
    service = stocked(MUG=5)
    gone = dispatched("o1", "north", ("1", "MUG", 2))
    hear(service, accepted("o1", ("MUG", 2)), gone, gone)
    assert (level(service, "MUG").on_hand, level(service, "MUG").reserved) == (3, 0)
    assert service.state(RESERVATIONS, "o1").allocated == ()


def test_what_ships_after_its_cancellation_leaves_all_the_same() -> None:
    """As far as the shelf has unreserved pieces; the rest is said, and nothing goes below zero."""
    service = stocked(MUG=3)
    hear(service, accepted("o1", ("MUG", 2)), cancelled("o1"), accepted("o2", ("MUG", 2)))
    hear(service, dispatched("o1", "north", ("1", "MUG", 2)))
    assert (level(service, "MUG").on_hand, level(service, "MUG").reserved) == (2, 2)
    assert "1 not on the books" in service.said(InventoryStockAdjusted)[0].cause


@pytest.mark.parametrize(("why", "on_hand"), [("not_found", 4), ("undeliverable", 5)])
def test_a_short_pick_frees_and_writes_off(why: str, on_hand: int) -> None:
    """What isn't there is no longer on hand; the order's cancellation doesn't free it again."""
    service = stocked(MUG=5)
    missing = short("o1", "north", "1", "MUG", 3, 2, why)
    hear(service, accepted("o1", ("MUG", 3)), missing, missing)
    hear(service, cancelled("o1", whole=False, code="not_sent", by="warehouse", l1=1))
    assert (level(service, "MUG").on_hand, level(service, "MUG").reserved) == (on_hand, 2)


def test_a_short_pick_said_again_frees_what_it_names_more() -> None:
    """One piece wasn't found, and another broke before it was packed; the rest leaves."""
    service = stocked(MUG=5)
    first = short("o1", "north", "1", "MUG", 3, 2, "not_found")
    again = short("o1", "north", "1", "MUG", 3, 1, "not_found")
    hear(service, accepted("o1", ("MUG", 3)), first, again, again, first)
    assert (level(service, "MUG").on_hand, level(service, "MUG").reserved) == (3, 1)
    hear(service, dispatched("o1", "north", ("1", "MUG", 1)))
    assert (level(service, "MUG").on_hand, level(service, "MUG").reserved) == (2, 0)


SHELVES = st.tuples(st.integers(1, 4), st.integers(0, 4), st.sampled_from(["not_found", "out_of_stock", "other"]))
"""How many of an order's pieces lie there, how many of them are picked at most, and why the others aren't."""


@given(SHELVES, SHELVES, st.permutations(range(3)))
def test_a_short_pick_and_the_end_of_its_order_come_in_any_order(
    north: tuple[int, int, str], south: tuple[int, int, str], arrival: list[int]
) -> None:
    """What isn't there leaves the books, also where the order was cancelled before it is heard."""
    service = stocked(MUG=north[0])
    hear(service, received("r-2", "south", MUG=south[0]), accepted("o1", ("MUG", north[0] + south[0])))
    facts: list[Fact] = [cancelled("o1", code="short_pick", l1=north[0] + south[0])]
    for name, (there, most, why) in zip(PLACES, (north, south), strict=True):
        facts.append(short("o1", name, "1", "MUG", there, min(there, most), why))
    hear(service, *(facts[number] for number in arrival))
    for name, (there, most, why) in zip(PLACES, (north, south), strict=True):
        left = there if why == "other" else min(there, most)
        assert (level(service, "MUG", name).on_hand, level(service, "MUG", name).reserved) == (left, 0)
    assert service.state(RESERVATIONS, "o1").allocated == ()


def test_what_is_short_and_sold_again_meanwhile_is_said() -> None:
    """Its order was cancelled first, and the next one has set the pieces aside: people have to look."""
    service = stocked(MUG=2)
    hear(service, accepted("o1", ("MUG", 2)), cancelled("o1", code="short_pick", l1=2), accepted("o2", ("MUG", 1)))
    hear(service, short("o1", "north", "1", "MUG", 2, 0, "not_found"))
    assert (level(service, "MUG").on_hand, level(service, "MUG").reserved) == (1, 1)
    assert "1 not on the books" in service.said(InventoryStockAdjusted)[0].cause


def test_stock_of_unknown_things_can_be_retried() -> None:
    """Once the catalogue knows them."""
    service = Memory(ROUTES)
    for fact, code in (
        (received("r", "north", MUG=1), "unknown_location"),
        (StockCounted(count_id="c", location="north", sku="MUG", counted=1), "unknown_location"),
    ):
        with pytest.raises(RefusedError) as refusal:
            service.hear(fact, NOON)
        assert (refusal.value.code, refusal.value.retryable) == (code, True)
    hear(service, place("north"))
    with pytest.raises(RefusedError, match="MUG"):
        service.hear(received("r", "north", MUG=1), NOON)


def test_counts_and_moves() -> None:
    """The books follow the shelf; each document counts once, and its id is no other's."""
    service = stocked(MUG=5)
    hear(service, accepted("o1", ("MUG", 2)))
    counted = StockCounted(count_id="1", location="north", sku="MUG", counted=4)
    moved = StockMoved.model_validate({"move_id": "1", "from": "north", "to": "south", "sku": "MUG", "quantity": 1})
    receipt = received("r-1", "north", MUG=5)
    hear(service, counted, counted, receipt)
    for _ in range(2):
        service.hear(moved, NOON + SECOND)
    assert (level(service, "MUG").on_hand, level(service, "MUG", "south").on_hand) == (3, 1)
    for fact in (
        counted.model_copy(update={"counted": 3}),
        moved.model_copy(update={"quantity": 2}),
        received("r-1", "north", MUG=6),
    ):
        with pytest.raises(RefusedError) as refusal:
            service.hear(fact, NOON)
        assert refusal.value.code == "document_id_reused"


def test_goods_that_are_reserved_are_not_moved() -> None:
    """They would be promised at their new place, and waited for at the old one: a person has to decide."""
    service = stocked(MUG=5)
    hear(service, accepted("o1", ("MUG", 2)))
    moved = StockMoved.model_validate({"move_id": "1", "from": "north", "to": "south", "sku": "MUG", "quantity": 4})
    with pytest.raises(RefusedError) as refusal:
        service.hear(moved, NOON)
    assert (refusal.value.code, refusal.value.retryable) == ("not_enough_unreserved", True)
    assert not level(service, "MUG", "south").on_hand


def test_two_warehouses_may_number_alike() -> None:
    """A document is known by its place, its kind and its id."""
    service = stocked(MUG=5)
    hear(service, received("r-1", "south", MUG=3), StockCounted(count_id="r-1", location="north", sku="MUG", counted=4))
    assert (level(service, "MUG").on_hand, level(service, "MUG", "south").on_hand) == (4, 3)


def test_more_pieces_than_a_fact_can_name_are_refused() -> None:
    """A receipt beyond that is somebody's mistake: it waits with its reason, and the SKU goes on."""
    service = stocked(MUG=5)
    hear(service, StockCounted(count_id="c", location="north", sku="MUG", counted=999_999_999))
    with pytest.raises(RefusedError) as refusal:
        service.hear(received("r-8", "north", MUG=2), NOON + SECOND)
    assert (refusal.value.code, refusal.value.field, refusal.value.retryable) == (
        "beyond_counting",
        "lines.0.quantity",
        True,
    )
    service.hear(received("r-9", "north", MUG=1), NOON + SECOND)
    assert level(service, "MUG").on_hand == 1_000_000_000


def test_low_stock_is_said_once_until_it_recovers() -> None:
    """At the threshold; again only after it was above."""
    service = stocked(MUG=4)
    hear(service, accepted("o1", ("MUG", 2)), accepted("o2", ("MUG", 1)))
    assert len(service.said(InventoryLowStock)) == 1
    hear(service, received("r-2", "north", MUG=5), accepted("o3", ("MUG", 6)))
    assert len(service.said(InventoryLowStock)) == 2
