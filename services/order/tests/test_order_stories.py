"""The order service as stories in messages."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.documents import Documents
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Allocation, Reason, ShortLine, SkuLine
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.order import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderConfirmed,
    OrderRejected,
)
from packhorse_contracts.payment import PaymentAuthorised, PaymentCaptureFailed, PaymentDeclined
from packhorse_contracts.shipping import (
    PlannedShipment,
    ShippingDelivered,
    ShippingDispatched,
    ShippingPlanned,
    ShippingReturnedToSender,
    ShippingShortPicked,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
    ShortPickedLine,
)
from packhorse_order.reactions import routes
from packhorse_order.state import ORDERS
from packhorse_order.timers import Overdue, PaymentDeadline

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ID = "order-1"
ROUTES = routes()


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


def planned(*shipments: str) -> ShippingPlanned:
    """These fulfilment orders are to ship it, each from the location of its name."""
    named = tuple(PlannedShipment(shipment_id=name, location=name, lines=()) for name in shipments)
    return ShippingPlanned(order_id=ID, at=NOON, shipments=named)


PLANNED = planned("north", "south")
NORTH, SOUTH = dispatched("north", "1", "MUG", 2), dispatched("south", "2", "TRAY", 1)
CONFIRMED: tuple[Fact, ...] = (placed(), AUTHORISED, RESERVED, PLANNED)
"""An order that is confirmed, and planned."""

CANCEL = CancellationRequested(order_id=ID, reason="changed my mind")


def told(*facts: Fact) -> Memory:
    """The service after it has heard these."""
    service = Memory(ROUTES)
    for fact in facts:
        service.hear(fact, NOON)
    return service


def kept(service: Memory) -> str:
    """The order as it is written down."""
    return Documents(ORDERS).write(ID, service.state(ORDERS, ID)).decode()


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
    """A confirmed order of one line of mugs, planned from two shelves."""
    mugs = north + south
    order = placed(
        lines=[{"line_id": "1", "sku": "MUG", "quantity": mugs, "unit_price": 500}],
        promotions=[],
        payments=[{"method": "card", "amount": 500 * mugs + 400, "token": "tok_ok"}],
        totals={"goods": 500 * mugs, "discount": 0, "delivery": 400, "tax": 0, "grand_total": 500 * mugs + 400},
    )
    shelves = (("north", north), ("south", south))
    allocations = tuple(Allocation(line_id="1", sku="MUG", quantity=count, location=place) for place, count in shelves)
    return order, AUTHORISED, InventoryReserved(order_id=ID, at=NOON, allocations=allocations), PLANNED


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


@given(st.permutations([AUTHORISED, RESERVED, PLANNED, NORTH, SOUTH, delivered("north"), delivered("south")]))
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
