"""How an order ends, as a whole or in part: cancelled pieces, and the end of its way. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from packhorse_contracts.blocks import CancelledBy, LineQuantity, Reason
from packhorse_contracts.order import OrderCancelled, OrderCompleted, Outcome

from packhorse_order.state import Order, OrderTurn
from packhorse_order.timers import Overdue, PaymentDeadline

_APART: Final = timedelta(milliseconds=1)
"""Readers derive ids from a moment, in which milliseconds count."""


def cancel_all(turn: OrderTurn, order: Order, reason: Reason, by: CancelledBy) -> Order:
    """Cancels all of an open order that isn't cancelled yet."""
    rest = tuple(LineQuantity(line_id=line.line_id, quantity=line.wanted) for line in order.lines if line.wanted)
    at = _own_moment(order, turn.now)
    turn.say(OrderCancelled(order_id=order.order_id, at=at, lines=rest, whole=True, reason=reason, by=by))
    _forget_timers(turn)
    return replace(
        order,
        cancelled=True,
        cancelled_at=at,
        cancelling=False,
        request=None,
        lines=tuple(replace(line, cancelled=line.ordered) for line in order.lines),
        placed=None,
    )


def _own_moment(order: Order, now: datetime) -> datetime:
    """Two cancellations of one order may follow from one batch, and name the same pieces of a line: that they are two,
    only their moments tell."""
    return now if order.cancelled_at is None else max(now, order.cancelled_at + _APART)


def _forget_timers(turn: OrderTurn) -> None:
    turn.forget(PaymentDeadline)
    turn.forget(Overdue)


def cancel_lines(turn: OrderTurn, order: Order, pieces: dict[str, int], reason: Reason, by: CancelledBy) -> Order:
    """Cancels these pieces of an open order, by line id; the whole of it where nothing else is wanted."""
    gone = {line.line_id: min(pieces.get(line.line_id, 0), line.wanted) for line in order.lines}
    lines = tuple(replace(line, cancelled=line.cancelled + gone[line.line_id]) for line in order.lines)
    if not any(line.wanted for line in lines):
        return cancel_all(turn, order, reason, by)
    at = _own_moment(order, turn.now)
    if named := tuple(LineQuantity(line_id=name, quantity=count) for name, count in gone.items() if count):
        turn.say(OrderCancelled(order_id=order.order_id, at=at, lines=named, whole=False, reason=reason, by=by))
    return then_complete(turn, replace(order, lines=lines, cancelled_at=at))


def then_complete(turn: OrderTurn, order: Order) -> Order:
    """Completes the order once all that is still wanted was dispatched and every parcel's way has ended. What didn't
    arrive stays marked for people, before and after that."""
    sent = [shipment for shipment in order.shipments.values() if shipment.dispatched]
    ends = {end for shipment in sent for end in shipment.outcomes}
    undelivered = ", ".join(sorted(ends - {"delivered"})) or None
    if undelivered != order.undelivered:
        order = replace(order, undelivered=undelivered)
    if order.ended or order.cancelling or not order.all_dispatched or not all(shipment.ended for shipment in sent):
        return order
    outcome: Outcome = "partly_delivered" if "delivered" in ends else "returned"
    if ends == {"delivered"} and not any(line.cancelled for line in order.lines):
        outcome = "delivered"
    turn.say(OrderCompleted(order_id=order.order_id, at=turn.now, outcome=outcome))
    _forget_timers(turn)
    return replace(order, completed=True, overdue=False)
