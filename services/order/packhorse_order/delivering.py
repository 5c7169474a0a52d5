"""What is on its way, and how its way ends. Pure."""

from dataclasses import replace
from typing import Final

from packhorse_contracts.payment import PaymentCaptureFailed
from packhorse_contracts.pieces import by_line
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDispatched,
    ShippingLost,
    ShippingReturnedToSender,
)

from packhorse_order.cancelling import settle
from packhorse_order.ending import then_complete
from packhorse_order.state import ALL, End, Order, OrderTurn, Shipment
from packhorse_order.timers import Overdue

SENT_THOUGH_CANCELLED: Final = "sent_though_cancelled"
"""The payment problem where a warehouse sends what it had agreed not to send."""


def note_dispatch(turn: OrderTurn, order: Order, fact: ShippingDispatched) -> Order:
    """A shipment is on its way. What it holds of what was given up nobody pays for, and operators see it."""
    sent = _sent(order, fact)
    if sent.shipments[fact.shipment_id].given_up:
        sent = replace(sent, payment_problem=SENT_THOUGH_CANCELLED)
    return then_complete(turn, settle(turn, sent))


def note_unwanted_dispatch(turn: OrderTurn, order: Order, fact: ShippingDispatched) -> Order:
    """A shipment is on its way all the same. The cancellation stands: nobody pays, and operators see it."""
    return then_complete(turn, replace(_sent(order, fact), payment_problem=SENT_THOUGH_CANCELLED))


def _sent(order: Order, fact: ShippingDispatched) -> Order:
    pieces = by_line((line.line_id, line.quantity) for line in fact.lines)
    numbers = fact.tracking_numbers
    return order.with_shipment(fact.shipment_id, lines=pieces, dispatched=True, tracking_numbers=numbers)


def note_delivery(turn: OrderTurn, order: Order, fact: ShippingDelivered) -> Order:
    """A parcel has arrived."""
    return _note_end(turn, order, fact, "delivered")


def note_return(turn: OrderTurn, order: Order, fact: ShippingReturnedToSender) -> Order:
    """A parcel could not be delivered and comes back: operators see it, the order goes on."""
    return _note_end(turn, order, fact, "returned")


def note_loss(turn: OrderTurn, order: Order, fact: ShippingLost) -> Order:
    """A parcel is lost: operators see it, the order goes on without it. It may still turn up."""
    return _note_end(turn, order, fact, "lost")


def _note_end(
    turn: OrderTurn, order: Order, fact: ShippingDelivered | ShippingReturnedToSender | ShippingLost, end: End
) -> Order:
    parcel, ends = fact.tracking_number or ALL, order.shipments.get(fact.shipment_id, Shipment()).ends
    if ends.get(parcel) == "delivered":
        return order
    return then_complete(turn, order.with_shipment(fact.shipment_id, ends={**ends, parcel: end}))


def note_payment_problem(_turn: OrderTurn, order: Order, fact: PaymentCaptureFailed) -> Order:
    """Goods went out whose money can't be had: operators see it, the order goes on."""
    return replace(order, payment_problem=fact.reason.code)


def note_overdue(turn: OrderTurn, order: Order, timer: Overdue) -> Order:
    """The promise has passed: operators see it; looked at again until the order ends."""
    turn.remind(timer, turn.now + turn.policy.grace)
    return replace(order, overdue=True)
