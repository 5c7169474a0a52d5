"""The order service as stories in messages."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.memory import Memory
from packhorse_chassis.reaction import RefusedError
from packhorse_contracts import blocks
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Allocation, Reason, ShortLine, SkuLine
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.order import (
    OrderAccepted,
    OrderCancellationDeclined,
    OrderCancellationRequested,
    OrderCancelled,
    OrderCompleted,
    OrderConfirmed,
    OrderRejected,
)
from packhorse_contracts.payment import PaymentAuthorised, PaymentCaptureFailed, PaymentDeclined
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDispatched,
    ShippingReturnedToSender,
    ShippingShortPicked,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
    ShortPickedLine,
)
from packhorse_order.policies import Policy
from packhorse_order.reactions import routes
from packhorse_order.state import ORDERS
from packhorse_order.timers import Overdue, PaymentDeadline

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ID = "order-1"
ROUTES = routes(Policy())


def placed(**changes: object) -> OrderPlaced:
    """An order of two mugs and a tray, from two warehouses' shelves."""
    body: dict[str, object] = {
        "order_id": ID,
        "placed_at": NOON,
        "channel": "web",
        "currency": "GBP",
        "customer": {"customer_id": "c-1", "name": "Ada"},
        "ship_to": {
            "name": "Ada",
            "lines": ["1 High Street"],
            "city": "London",
            "postal_code": "SW1A 1AA",
            "country": "GB",
        },
        "lines": [
            {"line_id": "1", "sku": "MUG", "quantity": 2, "unit_price": 500, "discount": 100},
            {"line_id": "2", "sku": "TRAY", "quantity": 1, "unit_price": 1500, "tax": 300},
        ],
        "delivery": {"mode": "ship", "service": "standard", "price": 400},
        "payments": [{"method": "card", "amount": 3050, "token": "tok_ok"}],
        "promotions": [{"code": "HELLO", "amount": 50}],
        "totals": {"goods": 2500, "discount": 150, "delivery": 400, "tax": 300, "grand_total": 3050},
    }
    return OrderPlaced.model_validate(body | changes)


AUTHORISED = PaymentAuthorised(
    order_id=ID, payment_id="p-1", at=NOON, amount=3050, currency="GBP", tenders=(), expires_at=None
)
RESERVED = InventoryReserved(
    order_id=ID,
    at=NOON,
    allocations=(
        Allocation(line_id="1", sku="MUG", quantity=2, location="north"),
        Allocation(line_id="2", sku="TRAY", quantity=1, location="south"),
    ),
)


def dispatched(shipment: str, line: str, sku: str, quantity: int) -> ShippingDispatched:
    """A shipment is on its way."""
    return ShippingDispatched(
        order_id=ID,
        shipment_id=shipment,
        pick_list_id=f"pl-{shipment}",
        location=shipment,
        at=NOON,
        carrier="dhl",
        service="standard",
        tracking_numbers=(f"t-{shipment}",),
        lines=(SkuLine(line_id=line, sku=sku, quantity=quantity),),
        packages=(),
    )


def delivered(shipment: str) -> ShippingDelivered:
    """A shipment has arrived."""
    return ShippingDelivered(order_id=ID, shipment_id=shipment, at=NOON)


NORTH, SOUTH = dispatched("north", "1", "MUG", 2), dispatched("south", "2", "TRAY", 1)
CANCEL = CancellationRequested(order_id=ID, reason="changed my mind")


def told(*facts: Fact) -> Memory:
    """The service after it has heard these."""
    service = Memory(ROUTES)
    for fact in facts:
        service.hear(fact, NOON)
    return service


def status(service: Memory) -> str:
    """Where the order stands."""
    return service.state(ORDERS, ID).status


def withdrawn(shipment: str, line: str, sku: str, quantity: int) -> ShippingWithdrawn:
    """A fulfilment order will not ship."""
    lines = (SkuLine(line_id=line, sku=sku, quantity=quantity),) if quantity else ()
    return ShippingWithdrawn(order_id=ID, shipment_id=shipment, at=NOON, lines=lines)


def refused(shipment: str) -> ShippingWithdrawalRefused:
    """A fulfilment order ships all the same."""
    reason = Reason(code="packed", message="packed")
    return ShippingWithdrawalRefused(order_id=ID, shipment_id=shipment, at=NOON, reason=reason)


def short(shipment: str, line: str, sku: str, wanted: int, picked: int) -> ShippingShortPicked:
    """The warehouse didn't find all of it."""
    lines = (ShortPickedLine(line_id=line, sku=sku, wanted=wanted, picked=picked, reason="not_found"),)
    return ShippingShortPicked(order_id=ID, shipment_id=shipment, at=NOON, lines=lines)


def split(north: int, south: int) -> tuple[Fact, ...]:
    """A confirmed order of one line of mugs, from two shelves."""
    mugs = north + south
    order = placed(
        lines=[{"line_id": "1", "sku": "MUG", "quantity": mugs, "unit_price": 500}],
        promotions=[],
        payments=[{"method": "card", "amount": 500 * mugs + 400, "token": "tok_ok"}],
        totals={"goods": 500 * mugs, "discount": 0, "delivery": 400, "tax": 0, "grand_total": 500 * mugs + 400},
    )
    shelves = (("north", north), ("south", south))
    allocations = tuple(Allocation(line_id="1", sku="MUG", quantity=count, location=place) for place, count in shelves)
    return order, AUTHORISED, InventoryReserved(order_id=ID, at=NOON, allocations=allocations)


def test_the_happy_way() -> None:
    """Accepted, confirmed when both are in, completed when both shipments have arrived."""
    service = told(placed(), AUTHORISED, RESERVED)
    [confirmed] = service.said(OrderConfirmed)
    assert [line.quantity for line in confirmed.lines] == [2, 1]
    assert status(service) == "confirmed"
    assert service.state(ORDERS, ID).placed is None
    for fact in (NORTH, SOUTH, delivered("north")):
        service.hear(fact, NOON)
    assert not service.said(OrderCompleted)
    service.hear(delivered("south"), NOON)
    assert service.said(OrderCompleted)[0].outcome == "delivered"
    assert not service.timers


@pytest.mark.parametrize("facts", list(permutations([AUTHORISED, RESERVED])))
def test_payment_and_stock_come_in_any_order(facts: tuple[Fact, ...]) -> None:
    """Confirmed exactly once, whichever comes first, however often."""
    service = told(placed(), *facts, *facts)
    assert len(service.said(OrderConfirmed)) == 1


@given(st.permutations([AUTHORISED, RESERVED, NORTH, SOUTH, delivered("north"), delivered("south")]))
def test_facts_commute(facts: list[Fact]) -> None:
    """Whatever overtakes what, the order ends delivered, and each outcome is said once."""
    service = told(placed(), *facts)
    assert status(service) == "completed"
    assert len(service.said(OrderCompleted)) == len(service.said(OrderConfirmed)) == 1 or not service.said(
        OrderConfirmed
    )


def test_every_fault_is_listed() -> None:
    """Not only the first one."""
    bad = placed(
        currency="XXZ",
        ship_to=None,
        lines=[
            {"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": 5, "discount": 6},
            {"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": 5},
        ],
        payments=[],
        placed_at=NOON + timedelta(days=400),
        bill_to={"name": "Ada", "lines": [" "], "city": "", "country": "ZZ"},
        totals={"goods": 1, "discount": 2, "delivery": 3, "tax": 4, "grand_total": 5},
    )
    [rejected] = told(bad).said(OrderRejected)
    codes = {fault.code for fault in rejected.reasons}
    assert codes == {
        "placed_in_the_future",
        "unknown_currency",
        "no_address",
        "duplicate_line",
        "discount_too_large",
        "unsupported_payments",
        "wrong_sum",
        "unknown_country",
        "incomplete_address",
    }


def test_an_empty_order_and_collection_are_rejected() -> None:
    """With their reasons; a rejected order stays rejected."""
    empty = placed(
        lines=[],
        promotions=[],
        payments=[],
        delivery={"mode": "collect", "service": "standard", "price": 0},
        totals={"goods": 0, "discount": 0, "delivery": 0, "tax": 0, "grand_total": 0},
    )
    service = told(empty, empty)
    [rejected] = service.said(OrderRejected)
    assert {fault.code for fault in rejected.reasons} == {"no_lines", "unsupported_delivery_mode"}
    assert status(service) == "rejected"


@given(st.sampled_from(["goods", "discount", "delivery", "tax", "grand_total"]), st.integers(1, 10))
def test_one_wrong_sum_is_named(field: str, off: int) -> None:
    """Any perturbed total rejects the order and names the field."""
    totals = placed().totals.model_dump()
    totals[field] += off
    [rejected] = told(placed(totals=totals)).said(OrderRejected)
    assert f"totals.{field}" in {fault.field for fault in rejected.reasons}


def test_the_same_order_again_is_dropped_and_another_content_refused() -> None:
    """The order id guards beside the event's id."""
    service = told(placed(), placed())
    assert len(service.said(OrderAccepted)) == 1
    with pytest.raises(RefusedError, match="order_id"):
        service.hear(placed(channel="phone"), NOON)


def test_refusal_by_stock_or_payment_cancels() -> None:
    """Whole, once, with who did it."""
    refusal = InventoryReservationRefused(
        order_id=ID, at=NOON, short=(ShortLine(line_id="1", sku="MUG", wanted=2, available=0),)
    )
    decline = PaymentDeclined(
        order_id=ID,
        payment_id="p-1",
        at=NOON,
        reason=Reason(code="card_declined", message="no"),
        may_retry=False,
        tenders=(),
    )
    service = told(placed(), refusal, decline, AUTHORISED, RESERVED)
    [cancelled] = service.said(OrderCancelled)
    assert (cancelled.by, cancelled.whole, cancelled.reason.code) == ("stock", True, "out_of_stock")
    assert not service.said(OrderConfirmed)
    assert told(placed(), decline).said(OrderCancelled)[0].by == "payment"
    assert not told(placed(), AUTHORISED, RESERVED, decline).said(OrderCancelled)


def test_the_deadline_cancels_what_is_not_confirmed() -> None:
    """And nothing else."""
    service = told(placed(), AUTHORISED)
    service.fire(PaymentDeadline, ID)
    assert service.said(OrderCancelled)[0].by == "timeout"
    confirmed = told(placed(), AUTHORISED, RESERVED)
    confirmed.hear(PaymentDeadline(order_id=ID), NOON)
    assert not confirmed.said(OrderCancelled)


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
        kept = service.state(ORDERS, ID).model_dump_json()
        assert "has died" not in kept + "".join(fact.model_dump_json() for fact in service.events)


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
    service = told(placed(), AUTHORISED, RESERVED, CANCEL, CANCEL)
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
    packed = told(placed(), AUTHORISED, RESERVED, CANCEL, refused("north"), refused("south"))
    gone = told(placed(), AUTHORISED, RESERVED, NORTH, SOUTH, CANCEL)
    ended = told(placed(), AUTHORISED, RESERVED, NORTH, SOUTH, delivered("north"), delivered("south"), CANCEL)
    part = told(placed(), CANCEL.model_copy(update={"lines": (blocks.LineQuantity(line_id="1", quantity=1),)}))
    codes = [s.said(OrderCancellationDeclined)[0].reasons[0].code for s in (packed, gone, ended, part)]
    assert codes == ["packed", "dispatched", "ended", "part_cancellation_not_offered"]


def test_half_withdrawn_cancels_half() -> None:
    """What ships on is delivered; the rest is cancelled."""
    service = told(placed(), AUTHORISED, RESERVED, CANCEL, refused("north"), withdrawn("south", "2", "TRAY", 1))
    [cancelled] = service.said(OrderCancelled)
    assert (cancelled.whole, [line.line_id for line in cancelled.lines]) == (False, ["2"])
    service.hear(NORTH, NOON)
    service.hear(delivered("north"), NOON)
    assert service.said(OrderCompleted)[0].outcome == "partly_delivered"


def test_what_a_withdrawn_shipment_left_behind_is_cancelled() -> None:
    """One of two pieces left in spite of the withdrawal, while the other warehouse was still asked."""
    one_left = dispatched("north", "1", "MUG", 1)
    service = told(placed(), AUTHORISED, RESERVED, CANCEL, withdrawn("north", "1", "MUG", 2), one_left)
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
    service = told(placed(), AUTHORISED, RESERVED, CANCEL, refused("north"), withdrawn("south", "2", "TRAY", 1))
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


def test_what_comes_back_ends_the_order_returned() -> None:
    """The carrier could not deliver any of it."""
    back = [ShippingReturnedToSender(order_id=ID, shipment_id=s, at=NOON) for s in ("north", "south")]
    service = told(placed(), AUTHORISED, RESERVED, NORTH, SOUTH, *back)
    assert service.said(OrderCompleted)[0].outcome == "returned"


def test_operators_see_what_is_late_and_what_is_unpaid() -> None:
    """The overdue timer re-arms until the end."""
    service = told(placed(), AUTHORISED, RESERVED)
    service.fire(Overdue, ID)
    assert service.state(ORDERS, ID).overdue
    assert len(service.timers) == 1
    failed = PaymentCaptureFailed(
        order_id=ID, payment_id="p", at=NOON, amount=1, currency="GBP", reason=Reason(code="lapsed", message="x")
    )
    service.hear(failed, NOON)
    assert service.state(ORDERS, ID).payment_problem == "lapsed"
    done = told(placed(), CANCEL)
    done.hear(Overdue(order_id=ID), NOON)
    assert not done.timers


def test_an_order_that_costs_nothing_needs_no_payment() -> None:
    """Free gifts are orders too."""
    free = placed(
        lines=[{"line_id": "1", "sku": "CARD", "quantity": 1, "unit_price": 0}],
        promotions=[],
        payments=[],
        delivery={"mode": "ship", "service": "economy", "price": 0},
        totals={"goods": 0, "discount": 0, "delivery": 0, "tax": 0, "grand_total": 0},
    )
    assert told(free).said(OrderAccepted)
