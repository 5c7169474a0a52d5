"""What is on its way, and how its way ends. Pure."""

from datetime import datetime
from typing import Final

from packhorse_chassis.core.reaction import Decisions
from packhorse_chassis.core.turn import SetTimer
from packhorse_contracts.payment import PaymentCaptureFailed
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDispatched,
    ShippingLost,
    ShippingReturnedToSender,
)

from packhorse_order.cancelling import settle
from packhorse_order.ending import Decided, then_complete
from packhorse_order.policies import Policy
from packhorse_order.state import ALL, End, Order, Shipment, total
from packhorse_order.timers import Overdue

SENT_THOUGH_CANCELLED: Final = "sent_though_cancelled"
"""The payment problem where a warehouse sends what it had agreed not to send."""


def note_dispatch(order: Order, fact: ShippingDispatched, now: datetime) -> Decided:
    """A shipment is on its way. An agreed cancellation stands even so: nobody pays, and operators see it."""
    pieces = total({line.line_id: line.quantity} for line in fact.lines)
    sent = order.with_shipment(fact.shipment_id, lines=pieces, dispatched=True, tracking_numbers=fact.tracking_numbers)
    if order.cancelled or sent.shipments[fact.shipment_id].given_up:
        sent = sent.model_copy(update={"payment_problem": SENT_THOUGH_CANCELLED})
    return then_complete(settle(sent, now), now)


def note_delivery(order: Order, fact: ShippingDelivered, now: datetime) -> Decided:
    """A parcel has arrived."""
    return _note_end(order, fact, "delivered", now)


def note_return(order: Order, fact: ShippingReturnedToSender, now: datetime) -> Decided:
    """A parcel could not be delivered and comes back: operators see it, the order goes on."""
    return _note_end(order, fact, "returned", now)


def note_loss(order: Order, fact: ShippingLost, now: datetime) -> Decided:
    """A parcel is lost: operators see it, the order goes on without it. It may still turn up."""
    return _note_end(order, fact, "lost", now)


def _note_end(
    order: Order, fact: ShippingDelivered | ShippingReturnedToSender | ShippingLost, end: End, now: datetime
) -> Decided:
    parcel, ends = fact.tracking_number or ALL, order.shipments.get(fact.shipment_id, Shipment()).ends
    if ends.get(parcel) == "delivered":
        return Decisions(order)
    return then_complete(Decisions(order.with_shipment(fact.shipment_id, ends={**ends, parcel: end})), now)


def note_payment_problem(order: Order, fact: PaymentCaptureFailed, _now: datetime) -> Decided:
    """Goods went out whose money can't be had: operators see it, the order goes on."""
    return Decisions(order.model_copy(update={"payment_problem": fact.reason.code}))


def note_overdue(policy: Policy, order: Order, timer: Overdue, now: datetime) -> Decided:
    """The promise has passed: operators see it; looked at again until the order ends."""
    if order.ended:
        return Decisions(order)
    again = SetTimer(timer, order.order_id, now + policy.grace)
    return Decisions(order.model_copy(update={"overdue": True}), timers=[again])
