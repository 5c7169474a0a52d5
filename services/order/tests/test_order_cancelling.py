"""An order that is cancelled, in whole or in part, by its customer or for want of goods."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.memory import Memory
from packhorse_contracts import blocks
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Allocation
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.inventory import InventoryReserved
from packhorse_contracts.order import (
    OrderAccepted,
    OrderCancellationDeclined,
    OrderCancellationRequested,
    OrderCancelled,
    OrderCompleted,
    OrderConfirmed,
)
from packhorse_contracts.shipping import ShippingShortPicked, ShortPickedLine
from packhorse_order.state import ORDERS

from .test_order_stories import (
    AUTHORISED,
    CANCEL,
    CONFIRMED,
    ID,
    NOON,
    NORTH,
    RESERVED,
    SOUTH,
    delivered,
    dispatched,
    kept,
    placed,
    refused,
    short,
    split,
    status,
    told,
    withdrawn,
)


def test_a_cancellation_before_the_confirmation_is_at_once() -> None:
    """Nobody has to be asked; asking twice says it once."""
    service = told(placed(), CANCEL, CANCEL)
    assert [fact.by for fact in service.said(OrderCancelled)] == ["customer"]
    assert not service.timers


def test_a_cancellation_that_overtakes_its_order() -> None:
    """Kept until the order comes, then done."""
    service = told(CANCEL, placed())
    assert service.said(OrderAccepted)
    assert status(service) == "cancelled"


def test_a_customers_own_words_go_no_further() -> None:
    """They may hold anything, and stand in no block that can be erased: no fact of ours and no state repeats them."""
    words = CANCEL.model_copy(update={"reason": "Ada of 1 High Street has died"})
    for facts in ((words,), (placed(), words), (placed(), AUTHORISED, RESERVED, words)):
        service = told(*facts)
        assert "has died" not in kept(service) + "".join(fact.model_dump_json() for fact in service.events)


def of_part(line_id: str = "1", pieces: int = 1) -> CancellationRequested:
    """Only these pieces are not wanted."""
    return CANCEL.model_copy(update={"lines": (blocks.LineQuantity(line_id=line_id, quantity=pieces),)})


def test_a_wish_for_a_part_that_overtakes_its_order_cancels_nothing() -> None:
    """It is declined as if it came later, and the order goes on, with its deadline."""
    service = told(of_part(), placed())
    assert [fact.reasons[0].code for fact in service.said(OrderCancellationDeclined)] == [
        "part_cancellation_not_offered"
    ]
    assert (status(service), len(service.timers)) == ("accepted", 1)
    for fact in (AUTHORISED, RESERVED):
        service.hear(fact, NOON)
    assert service.said(OrderConfirmed)


ALL_LINES = CANCEL.model_copy(
    update={"lines": tuple(blocks.LineQuantity(line_id=line, quantity=count) for line, count in (("1", 2), ("2", 1)))}
)


WISHES = st.lists(st.sampled_from([CANCEL, ALL_LINES, of_part(), of_part("2")]), max_size=4, unique_by=id)


@given(WISHES, st.integers(0, 4))
def test_wishes_that_overtake_their_order_are_answered_as_if_they_came_after_it(
    wishes: list[CancellationRequested], early: int
) -> None:
    """However many, in their order; a part never takes the place of the whole."""
    before, after = told(*wishes[:early], placed(), *wishes[early:]), told(placed(), *wishes)
    assert before.events == after.events
    assert before.state(ORDERS, ID) == after.state(ORDERS, ID)
    assert before.timers == after.timers


def test_a_confirmed_order_is_cancelled_once_all_have_withdrawn() -> None:
    """Shipping is asked first, for the goods may be gone."""
    service = told(*CONFIRMED, CANCEL, CANCEL)
    assert len(service.said(OrderCancellationRequested)) == 1
    assert status(service) == "cancelling"
    service.hear(withdrawn("north", "1", "MUG", 2), NOON)
    assert not service.said(OrderCancelled)
    service.hear(withdrawn("south", "2", "TRAY", 1), NOON)
    [cancelled] = service.said(OrderCancelled)
    assert cancelled.whole
    assert {line.line_id: line.quantity for line in cancelled.lines} == {"1": 2, "2": 1}


def test_a_cancellation_that_comes_too_late_is_declined() -> None:
    """All packed, or on its way, or ended; a part is not offered."""
    packed = told(*CONFIRMED, CANCEL, refused("north"), refused("south"))
    gone = told(placed(), AUTHORISED, RESERVED, NORTH, SOUTH, CANCEL)
    ended = told(placed(), AUTHORISED, RESERVED, NORTH, SOUTH, delivered("north"), delivered("south"), CANCEL)
    part = told(placed(), CANCEL.model_copy(update={"lines": (blocks.LineQuantity(line_id="1", quantity=1),)}))
    codes = [s.said(OrderCancellationDeclined)[0].reasons[0].code for s in (packed, gone, ended, part)]
    assert codes == ["packed", "dispatched", "ended", "part_cancellation_not_offered"]


def test_half_withdrawn_cancels_half() -> None:
    """What ships on is delivered; the rest is cancelled."""
    service = told(*CONFIRMED, CANCEL, refused("north"), withdrawn("south", "2", "TRAY", 1))
    [cancelled] = service.said(OrderCancelled)
    assert (cancelled.whole, [line.line_id for line in cancelled.lines]) == (False, ["2"])
    service.hear(NORTH, NOON)
    service.hear(delivered("north"), NOON)
    assert service.said(OrderCompleted)[0].outcome == "partly_delivered"


def test_what_a_withdrawn_shipment_left_behind_is_cancelled() -> None:
    """One of two pieces left in spite of the withdrawal, while the other warehouse was still asked."""
    one_left = dispatched("north", "1", "MUG", 1)
    service = told(*CONFIRMED, CANCEL, withdrawn("north", "1", "MUG", 2), one_left)
    service.hear(withdrawn("south", "2", "TRAY", 1), NOON)
    [cancelled] = service.said(OrderCancelled)
    assert {line.line_id: line.quantity for line in cancelled.lines} == {"1": 1, "2": 1}
    service.hear(delivered("north"), NOON)
    assert service.said(OrderCompleted)[0].outcome == "partly_delivered"


@pytest.mark.parametrize("first", [refused("north"), withdrawn("south", "1", "MUG", 2)])
def test_who_asks_twice_gives_the_same_pieces_up_once(first: Fact) -> None:
    """One half was withdrawn, the other ships: whoever answers the second request first, there is nothing more to
    withdraw, and the customer is told so."""
    half = (*split(2, 2), CANCEL, withdrawn("south", "1", "MUG", 2), refused("north"))
    service = told(*half, CANCEL, first)
    [cancelled] = service.said(OrderCancelled)
    assert (cancelled.whole, cancelled.lines[0].quantity) == (False, 2)
    assert [fact.reasons[0].code for fact in service.said(OrderCancellationDeclined)] == ["packed"]
    service.hear(dispatched("north", "1", "MUG", 2), NOON)
    service.hear(delivered("north"), NOON)
    assert service.said(OrderCompleted)[0].outcome == "partly_delivered"


def test_who_asks_again_about_what_ships_is_told_so() -> None:
    """A whole line was withdrawn, and the other one ships."""
    service = told(*CONFIRMED, CANCEL, refused("north"), withdrawn("south", "2", "TRAY", 1))
    service.hear(CANCEL, NOON)
    service.hear(withdrawn("south", "2", "TRAY", 1), NOON)
    assert len(service.said(OrderCancelled)) == len(service.said(OrderCancellationDeclined)) == 1
    assert status(service) == "confirmed"


def test_what_was_given_up_and_is_sent_while_the_customer_asks_again_is_seen() -> None:
    """An agreed cancellation stands, whatever is asked meanwhile."""
    service = told(*split(2, 2), CANCEL, withdrawn("south", "1", "MUG", 2), refused("north"), CANCEL)
    service.hear(dispatched("south", "1", "MUG", 2), NOON)
    assert service.state(ORDERS, ID).payment_problem == "sent_though_cancelled"


def given_up_and_sent() -> Memory:
    """Of five mugs three were withdrawn, and are sent and delivered all the same; two are still to come."""
    three = (withdrawn("north", "1", "MUG", 3), refused("south"), dispatched("north", "1", "MUG", 3))
    return told(*split(3, 2), CANCEL, *three, delivered("north"))


def test_what_was_given_up_doesn_t_stand_in_for_what_is_still_to_come() -> None:
    """The order is complete when the customer has what is still wanted."""
    service = given_up_and_sent()
    assert (status(service), service.said(OrderCompleted)) == ("confirmed", [])
    service.hear(dispatched("south", "1", "MUG", 2), NOON)
    assert status(service) == "dispatched"
    service.hear(delivered("south"), NOON)
    assert service.said(OrderCompleted)[0].outcome == "partly_delivered"


def test_what_is_short_after_something_was_sent_though_cancelled_is_cancelled() -> None:
    """Nobody pays for what isn't there because something else came that wasn't wanted."""
    service = given_up_and_sent()
    service.hear(short("south", "1", "MUG", 2, 0), NOON)
    assert [fact.whole for fact in service.said(OrderCancelled)] == [False, True]
    assert (status(service), service.timers) == ("cancelled", {})


def test_a_short_pick_cancels_the_missing_pieces() -> None:
    """Once, even when repeated; a shipment of nothing cancels the order if nothing else is left."""
    first = short("north", "1", "MUG", 2, 1)
    service = told(placed(), AUTHORISED, RESERVED, first, first)
    [cancelled] = service.said(OrderCancelled)
    assert (cancelled.by, cancelled.reason.code, cancelled.lines[0].quantity) == ("warehouse", "short_pick", 1)
    nothing = told(
        placed(), AUTHORISED, RESERVED, short("north", "1", "MUG", 2, 0), short("south", "2", "TRAY", 1, 0), NORTH
    )
    assert nothing.said(OrderCancelled)[-1].whole


@pytest.mark.parametrize(
    ("reasons", "code"),
    [
        (("not_found", "damaged"), "short_pick"),
        (("incorrect_address", "incorrect_address"), "incorrect_address"),
        (("undeliverable", "undeliverable"), "undeliverable"),
        (("ineligible_product", "not_found"), "not_sent"),
        (("other", "other"), "not_sent"),
        (("a code of tomorrow\u202e", "a code of tomorrow\u202e"), "not_sent"),
    ],
)
def test_a_cancellation_says_that_goods_are_gone_only_where_they_are(reasons: tuple[str, str], code: str) -> None:
    """The customer reads it: the warehouse's reason where all lines share it, else no reason is made up."""
    lines = tuple(
        ShortPickedLine(line_id=line, sku=sku, wanted=1, picked=0, reason=reason)
        for line, sku, reason in zip(("1", "2"), ("MUG", "TRAY"), reasons, strict=True)
    )
    both = ShippingShortPicked(order_id=ID, shipment_id="north", at=NOON, lines=lines)
    [cancelled] = told(placed(), AUTHORISED, RESERVED, both).said(OrderCancelled)
    assert (cancelled.by, cancelled.reason.code) == ("warehouse", code)


def test_a_short_pick_said_again_cancels_what_it_names_more() -> None:
    """One mug wasn't found, and the other broke before it was packed."""
    missing = [short("north", "1", "MUG", 2, 1), short("north", "1", "MUG", 2, 0), short("north", "1", "MUG", 2, 1)]
    service = told(placed(), AUTHORISED, RESERVED, *missing)
    assert [fact.lines for fact in service.said(OrderCancelled)] == [
        (blocks.LineQuantity(line_id="1", quantity=1),),
        (blocks.LineQuantity(line_id="1", quantity=1),),
    ]
    service.hear(SOUTH, NOON)
    service.hear(delivered("south"), NOON)
    assert service.said(OrderCompleted)[0].outcome == "partly_delivered"


def test_two_short_picks_at_one_moment_are_two_cancellations() -> None:
    """A line is split over two shelves, and both are empty: heard in one batch, readers still see two losses."""
    rest = InventoryReserved(
        order_id=ID,
        at=NOON,
        allocations=(
            Allocation(line_id="1", sku="MUG", quantity=1, location="north"),
            Allocation(line_id="1", sku="MUG", quantity=1, location="south"),
        ),
    )
    service = told(placed(), AUTHORISED, rest, short("north", "1", "MUG", 1, 0), short("south", "1", "MUG", 1, 0))
    first, second = service.said(OrderCancelled)
    assert first.lines == second.lines
    assert first.at < second.at
