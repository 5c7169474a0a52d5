"""How an order ends, as a whole or in part: cancelled pieces, and the end of its way. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from packhorse_chassis.core.reaction import Decisions
from packhorse_chassis.core.turn import CancelTimer, SetTimer
from packhorse_contracts.blocks import CancelledBy, LineQuantity, Reason
from packhorse_contracts.order import OrderCancelled, OrderCompleted, Outcome

from packhorse_order.state import Order
from packhorse_order.timers import Overdue, PaymentDeadline

Decided = Decisions[Order]
_APART: Final = timedelta(milliseconds=1)
"""Readers derive ids from a moment, in which milliseconds count."""


def cancel_all(order: Order, reason: Reason, by: CancelledBy, now: datetime) -> Decided:
    """Cancels all that isn't cancelled yet."""
    if order.ended or not order.accepted:
        return Decisions(order)
    rest = tuple(LineQuantity(line_id=line.line_id, quantity=line.wanted) for line in order.lines if line.wanted)
    lines = tuple(line.model_copy(update={"cancelled": line.ordered}) for line in order.lines)
    at = _own_moment(order, now)
    state = order.model_copy(
        update={
            "cancelled": True,
            "cancelled_at": at,
            "cancelling": False,
            "request": None,
            "lines": lines,
            "placed": None,
        }
    )
    said = OrderCancelled(order_id=order.order_id, at=at, lines=rest, whole=True, reason=reason, by=by)
    return Decisions(state, events=[said], timers=_no_timers(order))


def _own_moment(order: Order, now: datetime) -> datetime:
    """Two cancellations of one order may follow from one batch, and name the same pieces of a line: that they are two,
    only their moments tell."""
    return now if order.cancelled_at is None else max(now, order.cancelled_at + _APART)


def _no_timers(order: Order) -> list[SetTimer | CancelTimer]:
    return [CancelTimer(PaymentDeadline, order.order_id), CancelTimer(Overdue, order.order_id)]


def cancel_lines(order: Order, pieces: dict[str, int], reason: Reason, by: CancelledBy, now: datetime) -> Decided:
    gone = {line.line_id: min(pieces.get(line.line_id, 0), line.wanted) for line in order.lines}
    lines = tuple(line.model_copy(update={"cancelled": line.cancelled + gone[line.line_id]}) for line in order.lines)
    if not any(line.wanted for line in lines):
        return cancel_all(order, reason, by, now)
    at = _own_moment(order, now)
    said = OrderCancelled(
        order_id=order.order_id,
        at=at,
        lines=tuple(LineQuantity(line_id=name, quantity=count) for name, count in gone.items() if count),
        whole=False,
        reason=reason,
        by=by,
    )
    return then_complete(
        Decisions(order.model_copy(update={"lines": lines, "cancelled_at": at}), events=[said] if said.lines else []),
        now,
    )


def then_complete(decided: Decided, now: datetime) -> Decided:
    """Completes the order once all that is still wanted was dispatched and every parcel's way has ended. What didn't
    arrive stays marked for people, before and after that."""
    order = decided.state
    sent = [shipment for shipment in order.shipments.values() if shipment.dispatched]
    ends = {end for shipment in sent for end in shipment.outcomes}
    undelivered = ", ".join(sorted(ends - {"delivered"})) or None
    if undelivered != order.undelivered:
        order = order.model_copy(update={"undelivered": undelivered})
        decided = replace(decided, state=order)
    if order.ended or order.cancelling or not order.all_dispatched or not all(shipment.ended for shipment in sent):
        return decided
    outcome: Outcome = "partly_delivered" if "delivered" in ends else "returned"
    if ends == {"delivered"} and not any(line.cancelled for line in order.lines):
        outcome = "delivered"
    completed = OrderCompleted(order_id=order.order_id, at=now, outcome=outcome)
    return Decisions(
        order.model_copy(update={"completed": True, "overdue": False}),
        events=[*decided.events, completed],
        timers=[*decided.timers, *_no_timers(order)],
    )
