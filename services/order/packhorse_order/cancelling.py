"""Who doesn't want it any more, what the warehouses say to that, and what they don't find. Pure."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from packhorse_chassis.core.reaction import Decisions
from packhorse_chassis.core.turn import SetTimer
from packhorse_contracts.base import MAX_ITEMS
from packhorse_contracts.blocks import Fault, Reason
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.order import DeclineCode, OrderCancellationDeclined, OrderCancellationRequested
from packhorse_contracts.shipping import ShippingShortPicked, ShippingWithdrawalRefused, ShippingWithdrawn

from packhorse_order.ending import Decided, cancel_all, cancel_lines, then_complete
from packhorse_order.requests import declined
from packhorse_order.state import Order, Request, Shipment, total
from packhorse_order.timers import NeverCame

_ASKED: Final = "the customer asked for it"
"""In place of the customer's own words: they may hold personal data, and go to warehouses, where it can't be erased."""

_GONE: Final = frozenset({"out_of_stock", "not_found", "damaged"})
_NOT_SENT: Final = frozenset({"incorrect_address", "undeliverable", "ineligible_product"})
"""Reasons of a short pick: what isn't there, and what can't be sent though it is. There may be others."""


_WAIT: Final = timedelta(hours=24)
"""So long a request waits for its order. Checkouts are away for hours, not for days."""

_CANCELLATION: Final = "cancellation"
_MOST: Final = 10
"""Different wishes that wait for one order, with as many lines together as an order may have."""


def request_cancellation(order: Order, asked: CancellationRequested, now: datetime) -> Decided:
    """Cancels at once what isn't confirmed; asks shipping about what is; declines what is gone, and parts."""
    if not order.known:
        return _wait_for_order(order, asked, now)
    if order.cancelling or order.cancelled:
        return Decisions(order)
    if order.ended:
        return _declined(order, "ended", "the order has ended already", now)
    if faults := _faults(order, asked):
        return _decline(order, faults, now)
    pieces = _pieces(asked)
    if pieces is not None and any(pieces.get(line.line_id, 0) < line.wanted for line in order.lines):
        return _declined(order, "part_cancellation_not_offered", "only whole orders can be cancelled", now)
    request = Request(reason=Reason(code="customer_request", message=_ASKED), by="customer")
    if not order.confirmed:
        return cancel_all(order, request.reason, request.by, now)
    if order.all_dispatched:
        return _declined(order, "dispatched", "the order is on its way already", now)
    state = order.model_copy(update={"request": request, "cancelling": True})
    asking = OrderCancellationRequested(order_id=order.order_id, at=now, reason=request.reason, by=request.by)
    return Decisions(state, events=[asking])


def give_up_waiting(order: Order, _timer: NeverCame, now: datetime) -> Decided:
    """The order hasn't come: who wanted it cancelled is told so, and nothing is kept of it. If it still comes, it is an
    order like any other."""
    if order.known:
        return Decisions(order)
    fault = Fault(code="unknown_order", field="order_id", message="there is no such order")
    answers = [declined(order.order_id, _CANCELLATION, (fault,), now) for _ in order.early]
    return Decisions(order.model_copy(update={"early": ()}), events=answers)


def _wait_for_order(order: Order, asked: CancellationRequested, now: datetime) -> Decided:
    """Keeps it until the order comes, or has had the time to: so many wishes, and no more."""
    waiting, pieces = order.early, _pieces(asked)
    if any(pieces == _pieces(early) for early in waiting):
        return Decisions(order)
    lines = sum(len(early.lines or ()) for early in (*waiting, asked))
    if len(waiting) >= _MOST or lines > MAX_ITEMS:
        fault = Fault(code="too_many_requests", message="too many requests wait for this order")
        return Decisions(order, events=[declined(order.order_id, _CANCELLATION, (fault,), now)])
    kept = asked.model_copy(update={"reason": _ASKED})
    timers = [] if waiting else [SetTimer(NeverCame(order_id=order.order_id), order.order_id, now + _WAIT)]
    return Decisions(order.model_copy(update={"early": (*waiting, kept)}), timers=timers)


def _pieces(asked: CancellationRequested) -> dict[str, int] | None:
    """What is to be cancelled, by line id, however often a line is named; None for the whole order."""
    return None if asked.lines is None else total({line.line_id: line.quantity} for line in asked.lines)


def _faults(order: Order, asked: CancellationRequested) -> list[Fault]:
    """What can't be cancelled because it was never ordered; or because nothing is named."""
    if asked.lines is None:
        return []
    if not asked.lines:
        return [Fault(code="no_lines", field="lines", message="nothing is named that shall be cancelled")]
    ordered = {line.line_id: line.ordered for line in order.lines}
    unknown = [
        Fault(code="unknown_line", field=f"lines.{number}.line_id", message=f"the order has no line {line.line_id}")
        for number, line in enumerate(asked.lines)
        if line.line_id not in ordered
    ]
    return unknown + [
        Fault(code="too_many", field="lines", message=f"of line {line_id} only {ordered[line_id]} were ordered")
        for line_id, pieces in (_pieces(asked) or {}).items()
        if pieces > ordered.get(line_id, pieces)
    ]


def _declined(order: Order, code: DeclineCode, message: str, now: datetime) -> Decided:
    return _decline(order, [Fault(code=code, message=message)], now)


def _decline(order: Order, faults: list[Fault], now: datetime) -> Decided:
    """Said twice: once for readers of cancellations, once for those that look for an answer to any request."""
    said = OrderCancellationDeclined(order_id=order.order_id, at=now, reasons=tuple(faults))
    answer = declined(order.order_id, _CANCELLATION, faults, now)
    return Decisions(order.model_copy(update={"request": None, "cancelling": False}), events=[said, answer])


def note_withdrawal(order: Order, fact: ShippingWithdrawn, now: datetime) -> Decided:
    """A fulfilment order will not ship."""
    pieces = total({line.line_id: line.quantity} for line in fact.lines)
    return settle(order.with_shipment(fact.shipment_id, withdrawn=pieces), now)


def note_refusal(order: Order, fact: ShippingWithdrawalRefused, now: datetime) -> Decided:
    """A fulfilment order ships all the same."""
    return settle(order.with_shipment(fact.shipment_id, refused=True), now)


def settle(order: Order, now: datetime) -> Decided:
    """Ends a cancellation once every fulfilment order has answered."""
    if not order.cancelling or order.request is None or order.ended:
        return Decisions(order)
    answered = [s for s in order.shipments.values() if s.withdrawn is not None or s.refused or s.ends or s.dispatched]
    if len(answered) < order.expected_shipments:
        return Decisions(order)
    withdrawn = total(s.left_behind for s in order.shipments.values())
    if not withdrawn:
        return then_complete(_declined(order, "packed", "the warehouse has packed it already", now), now)
    request = order.request
    settled = {shipment_id: shipment.settled for shipment_id, shipment in order.shipments.items()}
    state = order.model_copy(update={"cancelling": False, "request": None, "shipments": settled})
    if not any(s.refused or s.dispatched for s in settled.values()):
        return cancel_all(state, request.reason, request.by, now)
    return cancel_lines(state, withdrawn, request.reason, request.by, now)


def cancel_short_lines(order: Order, fact: ShippingShortPicked, now: datetime) -> Decided:
    """The warehouse doesn't have everything: what is short will not come. Said again, it names all of it once more."""
    known = Counter(order.shipments.get(fact.shipment_id, Shipment()).missing)
    named = Counter(total({line.line_id: max(line.wanted - line.picked, 0)} for line in fact.lines))
    short = named - known
    if order.ended or not short:
        return Decisions(order)
    noted = order.with_shipment(fact.shipment_id, missing=dict(known | named))
    why = _why_short({line.reason for line in fact.lines if line.line_id in short})
    return cancel_lines(noted, short, why, "warehouse", now)


def _why_short(reasons: set[str]) -> Reason:
    """That goods aren't there is said only where the warehouse has said so of all of them."""
    if reasons <= _GONE:
        return Reason(code="short_pick", message="the warehouse could not find all of it")
    code = reasons.pop() if len(reasons) == 1 and reasons <= _NOT_SENT else "not_sent"
    return Reason(code=code, message="the warehouse could not send all of it")
