"""Orders that others keep for ever, or that change their end."""

from itertools import product

import pytest
from packhorse_contracts.order import OrderAccepted, OrderCancelled, OrderCompleted, OrderConfirmed
from packhorse_contracts.shipping import ShippingDispatched
from packhorse_order.state import ORDERS
from packhorse_order.timers import PaymentDeadline
from packhorse_payment.state import PAYMENTS
from packhorse_shipping.state import ORDER_SHIPMENTS

from .books import conserved, reservation, shelf
from .every_order import Rules, World, explore
from .shop import DELIVERY, NORTH, ORDER, PRICE, cancel, opened, placed
from .warehouse import Warehouse


def test_goods_that_leave_after_a_cancellation_are_booked_and_said() -> None:
    """spree PR#5203: a shipment could still be marked as shipped after its order had been cancelled, and nobody
    noticed: the order was cancelled, the goods were gone, the books knew of neither.

    Here a warehouse agrees to stop and sends the goods all the same. It is the truth that they left, so it is taken
    as such: they are off the shelf, their parcel is followed. The cancellation stands: nobody pays for them, and the
    order says so to operators.
    """
    warehouse = Warehouse(keeps_its_word=False, delivers=False)
    found = explore(opened({"mug": {NORTH: 1}}, warehouse=warehouse).say(placed(), cancel()), conserved)
    cancelled = [end for end in found.ends if end.said(OrderCancelled)]
    late = [end for end in cancelled if end.said(ShippingDispatched)]
    assert late
    for end in late:
        assert (shelf(end, NORTH).on_hand, shelf(end, NORTH).reserved) == (0, 0)
        (shipment,) = end.state(ORDER_SHIPMENTS, "o1").shipments
        assert shipment.state == "dispatched"
        assert not end.refused
        payment = end.state(PAYMENTS, "o1")
        assert (payment.kept, payment.held) == (0, None)
        assert end.state(ORDERS, "o1").payment_problem is not None


@pytest.mark.parametrize("keeps_its_word", [True, False])
def test_a_cancelled_order_stays_cancelled(*, keeps_its_word: bool) -> None:
    """solidus#2947: the last piece of an order was cancelled, and its shipment became "shipped"; nothing went back
    into stock.

    Here an end is an end, whatever comes later: an order that was cancelled is never dispatched or completed, one
    that is dispatched isn't cancelled, and what didn't leave can be sold again.
    """

    def one_end(world: World) -> None:
        order = world.state(ORDERS, "o1")
        ends = len(world.said(OrderCancelled)) + len(world.said(OrderCompleted))
        assert ends == order.ended <= 1
        assert (order.status == "cancelled") == bool(world.said(OrderCancelled))

    warehouse = Warehouse(keeps_its_word=keeps_its_word)
    found = explore(opened({"mug": {NORTH: 1}}, warehouse=warehouse).say(placed(), cancel()), one_end)
    assert {end.state(ORDERS, "o1").status for end in found.ends} == {"cancelled", "completed"}
    for end in found.ends:
        assert end.state(ORDERS, "o1").ended
        if not end.said(ShippingDispatched):
            assert shelf(end, NORTH).available_to_promise == 1
            assert reservation(end).allocated == ()


def test_an_unpaid_order_expires() -> None:
    """vendure#3509: orders that were never paid stayed open for ever, and kept their stock.

    Here the deadline may pass at any moment, also while the gateway is silent. An order that isn't paid and reserved
    by then is cancelled and its stock free; one that is doesn't mind.
    """
    rules = Rules(timers=frozenset({PaymentDeadline}))
    found = explore(opened({"mug": {NORTH: 1}}, rules, warehouse=Warehouse()).say(placed()), conserved)
    for end in found.ends:
        paid = bool(end.said(OrderConfirmed))
        assert end.state(ORDERS, "o1").status == ("completed" if paid else "cancelled")
        assert [one.by for one in end.said(OrderCancelled)] == ([] if paid else ["timeout"])
        assert shelf(end, NORTH).available_to_promise == (0 if paid else 1)
        assert end.state(PAYMENTS, "o1").kept == end.gateway.captured
    assert {bool(end.said(OrderConfirmed)) for end in found.ends} == {True, False}


def test_an_open_order_always_has_a_live_timer() -> None:
    """vendure#3509, in general: at no moment is an order open with nothing that would look at it again."""

    def watched(world: World) -> None:
        order = world.state(ORDERS, "o1")
        assert order.ended or not order.accepted or world.services[ORDER.service].timers

    for end in explore(opened({"mug": {NORTH: 1}}, warehouse=Warehouse()).say(placed(), cancel()), watched).ends:
        assert len(end.said(OrderAccepted)) == 1


@pytest.mark.parametrize("missing", list(product((0, 1, 2), (0, 1))), ids=str)
def test_a_part_picked_list_always_closes(missing: tuple[int, int]) -> None:
    """odoo PR#243519: a wave of which not all was picked could never be closed.

    Here any part of a pick list may be missing, even all of it: the list closes, the order ends, nothing stays
    reserved, and the customer pays for what left.
    """
    mugs, pots = missing
    warehouse = Warehouse(missing={"mug": mugs, "pot": pots})
    world = opened({"mug": {NORTH: 2}, "pot": {NORTH: 1}}, warehouse=warehouse)
    world.settle(placed("o1", ("mug", 2), ("pot", 1)))
    conserved(world)
    (shipment,) = world.state(ORDER_SHIPMENTS, "o1").shipments
    left = (2 - mugs) + (1 - pots)
    assert (shipment.state, shipment.owed) == ("delivered" if left else "closed", False)
    assert world.state(ORDERS, "o1").status == ("completed" if left else "cancelled")
    assert reservation(world).allocated == ()
    assert world.gateway.captured == (PRICE * left + DELIVERY if left else 0)
    assert world.gateway.open == 0
