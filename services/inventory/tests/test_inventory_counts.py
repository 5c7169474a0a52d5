"""A count says what lay on a shelf at its moment: what came before it and what after is told apart, however late it is
heard.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_chassis.core.documents import Documents
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_contracts import ids
from packhorse_contracts.base import Fact
from packhorse_contracts.inventory import InventoryLevelChanged, InventoryReservationRefused, InventoryReserved
from packhorse_contracts.warehouse import StockReceived
from packhorse_inventory.state import STOCK, Level, Unexplained

from .inventory_story import accepted, place, product, received
from .inventory_truth import Truth, at, counted, late, picked, retried
from .test_inventory_stock import PLACES, ROUTES, cancelled, dispatched, hear, level, short, stocked, withdrawn


def four_of_ten() -> Memory:
    """Ten mugs, four of them reserved."""
    service = stocked(MUG=10)
    hear(service, accepted("o1", ("MUG", 4)))
    return service


OFF = [at(picked("o1", "north", ("1", "MUG", 4)), 10), at(dispatched("o1", "north", ("1", "MUG", 4)), 20)]


def test_a_count_that_overtakes_the_hand_over_it_has_seen() -> None:
    """Four left, and then six were counted: six, though inventory hears of the count first."""
    service = four_of_ten()
    late(service, at(counted(6), 30), *OFF)
    assert (level(service, "MUG").on_hand, level(service, "MUG").reserved) == (6, 0)


def test_a_warehouse_that_reports_no_picks_is_believed_for_its_hand_over() -> None:
    """The same where only the hand-over is told."""
    service = four_of_ten()
    late(service, at(counted(6), 30), OFF[1])
    assert level(service, "MUG").on_hand == 6


def test_goods_on_a_cart_are_ours_and_not_on_the_shelf() -> None:
    """Six are counted while four are on a cart: ten on hand until they leave."""
    service = four_of_ten()
    late(service, OFF[0], at(counted(6), 15))
    cell = level(service, "MUG")
    assert (cell.on_hand, cell.shelf, cell.picked, cell.reserved, cell.available_to_promise) == (10, 6, 4, 4, 6)
    assert (told := service.said(InventoryLevelChanged)[-1]).picked == 4
    assert told.unexplained == 0
    late(service, OFF[1])
    assert level(service, "MUG").on_hand == 6


def test_an_order_that_was_cancelled_holds_its_cart_until_that_is_put_back() -> None:
    """What lies on a cart can't be promised to anybody else."""
    service = four_of_ten()
    late(service, OFF[0], cancelled("o1"))
    assert level(service, "MUG").available_to_promise == 6
    late(service, at(withdrawn("o1", "north", ("1", "MUG", 4)), 40))
    cell = level(service, "MUG")
    assert (cell.on_hand, cell.shelf, cell.reserved, cell.picked) == (10, 10, 0, 0)


def test_an_older_count_changes_nothing() -> None:
    """It comes from the dead letters when the shelf was counted again."""
    service = stocked(MUG=10)
    late(service, at(counted(7, name="new"), 60), at(counted(3, name="old"), 30))
    assert level(service, "MUG").on_hand == 7


def test_a_count_that_is_retried_counts_as_of_its_moment() -> None:
    """What came and went since is added and taken off."""
    service = four_of_ten()
    late(service, *OFF, at(received("r-2", "north", MUG=5), 40), at(counted(9), 5))
    assert level(service, "MUG").on_hand == 9 - 4 + 5


def test_what_happened_at_the_moment_of_a_count_came_before_it() -> None:
    """A warehouse whose clock shows seconds counts after the hand-over that it reports in the same second."""
    service = four_of_ten()
    late(service, at(counted(6), 20), OFF[0], OFF[1])
    assert level(service, "MUG").on_hand == 6


def test_a_moment_in_the_future_is_now() -> None:
    """A warehouse's clock is wrong: its count doesn't outrank all that comes before that day."""
    service = stocked(MUG=10)
    hear(service, at(counted(8), 9_000_000))
    late(service, at(received("r-2", "north", MUG=5), 60))
    assert level(service, "MUG").on_hand == 13


def test_fewer_counted_than_reserved_waits_for_what_explains_it() -> None:
    """Four were on hand and reserved, all of them left, none is counted, and that is heard first: nothing is promised
    meanwhile, nothing is refused, and the look at it is called off."""
    service = stocked(MUG=4)
    hear(service, accepted("o1", ("MUG", 4)))
    late(service, at(counted(0), 30))
    cell = level(service, "MUG")
    assert (cell.on_hand, cell.available_to_promise, cell.unexplained) == (4, 0, 4)
    assert service.said(InventoryLevelChanged)[-1].unexplained == 4
    late(service, *OFF)
    cell = level(service, "MUG")
    assert (cell.on_hand, cell.reserved, cell.unexplained) == (0, 0, 0)
    assert not service.timers


def test_what_stays_unexplained_is_reported() -> None:
    """Orders hold what isn't there: a person has to decide; once it is explained a retry passes."""
    service = stocked(MUG=4)
    hear(service, accepted("o1", ("MUG", 4)))
    late(service, at(counted(1), 30))
    [timer] = service.timers.values()
    assert timer.key == ids.joint("MUG", "north")
    with pytest.raises(RefusedError, match="1 lie there and 0 are picked, but 4 are reserved") as refusal:
        service.hear(timer.payload, timer.due)
    assert (refusal.value.code, refusal.value.retryable) == ("unexplained_stock", True)
    late(service, cancelled("o1"))
    assert level(service, "MUG").on_hand == 1
    service.hear(timer.payload, timer.due)
    assert isinstance(timer.payload, Unexplained)


def test_pieces_that_break_between_shelf_and_parcel_are_gone() -> None:
    """Whatever the reason: they were picked, and are in no package."""
    service = four_of_ten()
    late(service, OFF[0], at(short("o1", "north", "1", "MUG", 4, 3, "other"), 15), at(counted(6), 16))
    cell = level(service, "MUG")
    assert (cell.on_hand, cell.reserved, cell.picked) == (9, 3, 3)


SKUS_ARE_ANYTHING = [('P"', '["Y'), ("P@L", "Y@Z"), ("P@L@Y", "Z"), ('"],["', "\\"), ("a,b", "c")]


def test_no_two_cells_share_a_key() -> None:
    """Levels of cells whose names hold every joint are all said, also where one transaction changes them."""
    service = Memory(ROUTES)
    for number, (sku, where) in enumerate(SKUS_ARE_ANYTHING):
        line = [{"sku": sku, "quantity": number + 1}]
        receipt = StockReceived.model_validate({"receipt_id": "r", "location": where, "lines": line})
        hear(service, product(sku), place(where), receipt)
    said = service.said(InventoryLevelChanged)
    assert len({fact.key for fact in said}) == len({fact.subject for fact in said}) == len(SKUS_ARE_ANYTHING)
    assert [ids.apart(fact.key) for fact in said] == [[fact.sku, fact.location] for fact in said]


def test_a_product_that_the_catalogue_took_off_is_promised_no_more() -> None:
    """What is reserved goes on, goods are still booked, and it can come back."""
    from packhorse_contracts.catalogue import ProductWithdrawn

    service = four_of_ten()
    late(service, ProductWithdrawn(sku="MUG"), accepted("o2", ("MUG", 1)), received("r-2", "north", MUG=5), *OFF)
    assert [line.available for line in service.said(InventoryReservationRefused)[0].short] == [0]
    assert (level(service, "MUG").on_hand, level(service, "MUG").reserved) == (11, 0)
    late(service, product("MUG"), accepted("o3", ("MUG", 1)))
    assert len(service.said(InventoryReserved)) == 2


def test_a_location_that_the_catalogue_took_off_sends_nothing() -> None:
    """What is there is still booked."""
    from packhorse_contracts.catalogue import LocationWithdrawn

    service = stocked(MUG=5)
    late(service, LocationWithdrawn(location="north"), accepted("o1", ("MUG", 1)), received("r-2", "north", MUG=5))
    assert service.said(InventoryReservationRefused)
    assert level(service, "MUG").on_hand == 10


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_books_are_the_warehouse_however_its_news_arrive(data: st.DataObject) -> None:
    """Receipts, moves, picks, short picks, hand-overs, withdrawals and counts, all true, heard in any order that keeps
    each order's own, and some of them twice: on hand, reserved and picked are what the warehouse has. A move of goods
    that aren't there yet is a dead letter, and passes when it is retried."""
    truth = Truth(data)
    truth.live()
    waiting = [list(stream) for stream in truth.said if stream]
    heard: list[Fact] = []
    refused: list[Fact] = []
    while waiting:
        stream = data.draw(st.sampled_from(waiting))
        fact = stream.pop(0)
        waiting = [stream for stream in waiting if stream]
        refused += retried(truth.service, [fact])
        heard.append(fact)
        if data.draw(st.integers(0, 4)) == 0:
            retried(truth.service, [data.draw(st.sampled_from(heard))])
    while len(left := retried(truth.service, refused)) < len(refused):
        refused = left
    assert not left
    for where in PLACES:
        cell = level(truth.service, "MUG", where)
        there, picked, reserved = truth.shelf[where], truth.carts[where], truth.reserved(where)
        assert (cell.shelf, cell.picked, cell.reserved) == (there, picked, reserved)
        assert cell.on_hand == max(there + picked, reserved)


def test_a_flash_sale_leaves_no_trace_in_the_state() -> None:
    """Thousands of movements an hour make a stock's row no larger: what a late count needs is reckoned from the
    journal."""
    service = stocked(MUG=1)
    documents = Documents(STOCK)
    before = len(documents.write("MUG", service.state(STOCK, "MUG")))
    for number in range(1_000):
        late(service, at(received(f"r{number}", "north", MUG=1), number))
    late(service, at(counted(7), 499))
    assert level(service, "MUG").on_hand == 7 + 500
    assert len(documents.write("MUG", service.state(STOCK, "MUG"))) < before + 200
    assert isinstance(level(service, "MUG"), Level)
