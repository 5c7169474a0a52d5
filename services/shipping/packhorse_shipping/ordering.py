"""Reactions to the order service: split and issue, withdraw. Pure."""

from datetime import datetime

from packhorse_chassis.reaction import CancelTimer, Decisions, Internal, Others, SetTimer
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Reason, SkuLine
from packhorse_contracts.order import OrderCancellationRequested, OrderCancelled, OrderConfirmed
from packhorse_contracts.shipping import (
    PickLine,
    ShippingPickListIssued,
    ShippingPickListWithdrawn,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
)

from packhorse_shipping import policies
from packhorse_shipping.policies import Policy
from packhorse_shipping.state import PICK_LISTS, SHIPMENTS, FulfilmentOrder, OrderRef, PickListRef, Shipments


class Silence(Internal):
    """Timer: has the warehouse answered this pick list?"""

    order_id: str
    pick_list_id: str


def issue(policy: Policy, kept: OrderRef, order: OrderConfirmed, now: datetime, _others: Others) -> Decisions[OrderRef]:
    """Splits the order over its locations, and gives each its pick list."""
    if kept.confirmed_at is not None:
        return Decisions(kept)
    service = order.delivery.service
    split = policies.split(order.order_id, order.at, order.lines, order.allocations, service)
    issued = [
        ShippingPickListIssued(
            pick_list_id=part.pick_list_id,
            order_id=order.order_id,
            shipment_id=part.shipment_id,
            location=part.location,
            priority=policy.priority(service),
            ship_by=order.promise.ship_by,
            service=service,
            ship_to=order.ship_to,
            lines=tuple(
                PickLine(line_id=ln.line_id, sku=ln.sku, title=ln.title, quantity=ln.wanted) for ln in part.lines
            ),
        )
        for part in split
    ]
    watches = [
        SetTimer(
            Silence(order_id=order.order_id, pick_list_id=part.pick_list_id), part.pick_list_id, now + policy.silence
        )
        for part in split
    ]
    index = {PICK_LISTS.ref(part.pick_list_id): PickListRef(order_id=order.order_id) for part in split}
    shipments = Shipments(orders={part.shipment_id: part for part in split})
    return Decisions(
        OrderRef(confirmed_at=order.at),
        events=issued,
        timers=watches,
        others={SHIPMENTS.ref(order.order_id): shipments, **index},
    )


def withdraw(kept: OrderRef, asked: OrderCancellationRequested, now: datetime, others: Others) -> Decisions[OrderRef]:
    """Withdraws what is not yet gone; every fulfilment order answers once, now or when the warehouse has."""
    return _withdraw(kept, asked.order_id, asked.reason, now, others, answer=True)


def withdraw_cancelled(kept: OrderRef, cancelled: OrderCancelled, now: datetime, others: Others) -> Decisions[OrderRef]:
    """The whole order is cancelled: what the warehouse still works on is withdrawn."""
    if not cancelled.whole:
        return Decisions(kept)
    return _withdraw(kept, cancelled.order_id, cancelled.reason, now, others, answer=False)


def _withdraw(
    kept: OrderRef, order_id: str, reason: Reason, now: datetime, others: Others, *, answer: bool
) -> Decisions[OrderRef]:
    shipments = others.get(SHIPMENTS, order_id)
    said: list[Fact] = []
    for part in list(shipments.orders.values()):
        if part.live and part.request in {"submitted", "accepted", "rejected"}:
            shipments = shipments.with_(part.model_copy(update={"request": "withdrawal_requested"}))
            said.append(
                ShippingPickListWithdrawn(
                    pick_list_id=part.pick_list_id, order_id=order_id, location=part.location, reason=reason.message
                )
            )
        elif answer and part.left:
            said.append(refused(part, order_id, "dispatched", "it is on its way already", now))
        elif answer and part.status in {"closed", "withdrawn"}:
            said.append(withdrawn(part, order_id, now))
        elif answer and part.request == "withdrawal_rejected":
            said.append(refused(part, order_id, "packed", "the warehouse has packed it already", now))
    return Decisions(kept, events=said, others={SHIPMENTS.ref(order_id): shipments} if said else {})


def note_silence(policy: Policy, kept: OrderRef, timer: Silence, now: datetime, others: Others) -> Decisions[OrderRef]:
    """The warehouse hasn't answered: operators see it; looked at again until it has."""
    shipments = others.get(SHIPMENTS, timer.order_id)
    part = shipments.by_pick_list(timer.pick_list_id)
    if not part.live or part.request not in {"submitted", "withdrawal_requested"}:
        return Decisions(kept)
    late = shipments.with_(part.model_copy(update={"overdue": True}))
    again = SetTimer(timer, timer.pick_list_id, now + policy.silence)
    return Decisions(kept, timers=[again], others={SHIPMENTS.ref(timer.order_id): late})


def withdrawn(part: FulfilmentOrder, order_id: str, now: datetime) -> ShippingWithdrawn:
    """It will not ship. Names the pieces that were still to go; a fulfilment order that ended earlier has none."""
    lines = tuple(SkuLine(line_id=ln.line_id, sku=ln.sku, quantity=ln.shipping) for ln in part.lines if ln.shipping)
    return ShippingWithdrawn(order_id=order_id, shipment_id=part.shipment_id, at=now, lines=lines)


def refused(part: FulfilmentOrder, order_id: str, code: str, message: str, now: datetime) -> ShippingWithdrawalRefused:
    """It ships all the same."""
    reason = Reason(code=code, message=message)
    return ShippingWithdrawalRefused(order_id=order_id, shipment_id=part.shipment_id, at=now, reason=reason)


def no_more_silence(part: FulfilmentOrder) -> CancelTimer:
    """The warehouse has answered."""
    return CancelTimer(Silence, part.pick_list_id)
