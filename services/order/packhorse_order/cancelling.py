"""Who doesn't want it any more, what the warehouses say to that, and what they don't find. Pure."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Final

from packhorse_chassis.core.reaction import Route, ignored, on
from packhorse_contracts.base import MAX_ITEMS
from packhorse_contracts.blocks import Fault, Reason
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.order import DeclineCode, OrderCancellationDeclined, OrderCancellationRequested
from packhorse_contracts.pieces import by_line, total
from packhorse_contracts.shipping import (
    ShippingPlanned,
    ShippingShortPicked,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
)

from packhorse_order.ending import cancel_all, cancel_lines, then_complete
from packhorse_order.requests import declined
from packhorse_order.state import ORDERS, Order, OrderTurn, Request, Shipment
from packhorse_order.timers import NeverCame

_ASKED: Final = "the customer asked for it"
"""In place of the customer's own words: they may hold personal data, and go to warehouses, where it can't be erased."""

_GONE: Final = frozenset({"out_of_stock", "not_found", "damaged"})
_NOT_SENT: Final = frozenset({"incorrect_address", "undeliverable", "ineligible_product"})
"""Reasons of a short pick: what isn't there, and what can't be sent though it is. There may be others."""

_WAIT: Final = timedelta(hours=24)
"""So long a request waits for its order. Checkouts are away for hours, not for days."""

_REQUEST: Final = Request(reason=Reason(code="customer_request", message=_ASKED), by="customer")
_CANCELLATION: Final = "cancellation"
_MOST: Final = 10
"""Different wishes that wait for one order, with as many lines together as an order may have."""


def cancel_at_once(turn: OrderTurn, order: Order, asked: CancellationRequested) -> Order:
    """Nothing is confirmed yet, so nobody has to be asked. A part can't be cancelled."""
    if faults := _faults(order, asked):
        return _decline(turn, order, faults)
    return cancel_all(turn, order, _REQUEST.reason, _REQUEST.by)


def ask_shipping(turn: OrderTurn, order: Order, asked: CancellationRequested) -> Order:
    """It may be gone already: shipping is asked. A part can't be cancelled."""
    if faults := _faults(order, asked):
        return _decline(turn, order, faults)
    turn.say(OrderCancellationRequested(order_id=order.order_id, at=turn.now, reason=_REQUEST.reason, by=_REQUEST.by))
    return replace(order, request=_REQUEST, cancelling=True)


def decline_gone(turn: OrderTurn, order: Order, asked: CancellationRequested) -> Order:
    """Too late: it is on its way."""
    gone = _fault("dispatched", "the order is on its way already")
    return _decline(turn, order, _faults(order, asked) or gone)


def decline_ended(turn: OrderTurn, order: Order, _asked: CancellationRequested) -> Order:
    """Too late: the order has ended."""
    return _decline(turn, order, _fault("ended", "the order has ended already"))


def wait_for_order(turn: OrderTurn, order: Order, asked: CancellationRequested) -> Order:
    """Keeps it until the order comes, or has had the time to: so many wishes, and no more."""
    waiting, pieces = order.early, _pieces(asked)
    if any(pieces == _pieces(early) for early in waiting):
        return order
    lines = sum(len(early.lines or ()) for early in (*waiting, asked))
    if len(waiting) >= _MOST or lines > MAX_ITEMS:
        fault = Fault(code="too_many_requests", message="too many requests wait for this order")
        turn.say(declined(order.order_id, _CANCELLATION, (fault,), turn.now))
        return order
    if not waiting:
        turn.remind(NeverCame(order_id=order.order_id), turn.now + _WAIT)
    kept = CancellationRequested(order_id=asked.order_id, lines=asked.lines, reason=_ASKED)
    return replace(order, early=(*waiting, kept))


CANCELLATION: Final[Route] = on(
    CancellationRequested,
    ORDERS,
    "order_id",
    {
        "unknown": wait_for_order,
        "accepted": cancel_at_once,
        "confirmed": ask_shipping,
        "cancelling": ignored("shipping is being asked already, and its answer is the answer to this too"),
        "dispatched": decline_gone,
        ("rejected", "completed"): decline_ended,
        "cancelled": ignored("it is cancelled already, and that was said"),
    },
)
"""A row of the table. It stands here because what waited for its order is answered by it, too."""


def give_up_waiting(turn: OrderTurn, order: Order, _timer: NeverCame) -> Order:
    """The order hasn't come: who wanted it cancelled is told so, and nothing is kept of it. If it still comes, it is an
    order like any other."""
    fault = Fault(code="unknown_order", field="order_id", message="there is no such order")
    turn.say(*(declined(order.order_id, _CANCELLATION, (fault,), turn.now) for _ in order.early))
    return replace(order, early=())


def _pieces(asked: CancellationRequested) -> dict[str, int] | None:
    """What is to be cancelled, by line id, however often a line is named; None for the whole order."""
    return None if asked.lines is None else by_line((line.line_id, line.quantity) for line in asked.lines)


def _faults(order: Order, asked: CancellationRequested) -> list[Fault]:
    """Why it can't be granted, however the order stands."""
    pieces = _pieces(asked)
    if pieces is None:
        return []
    faults = _never_ordered(order, asked)
    if not faults and any(pieces.get(line.line_id, 0) < line.wanted for line in order.lines):
        return _fault("part_cancellation_not_offered", "only whole orders can be cancelled")
    return faults


def _never_ordered(order: Order, asked: CancellationRequested) -> list[Fault]:
    """What is named and was never ordered; or that nothing is named."""
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


def _fault(code: DeclineCode, message: str) -> list[Fault]:
    return [Fault(code=code, message=message)]


def _decline(turn: OrderTurn, order: Order, faults: list[Fault]) -> Order:
    """Said twice: once for readers of cancellations, once for those that look for an answer to any request."""
    turn.say(
        OrderCancellationDeclined(order_id=order.order_id, at=turn.now, reasons=tuple(faults)),
        declined(order.order_id, _CANCELLATION, faults, turn.now),
    )
    return order


def note_plan(turn: OrderTurn, order: Order, fact: ShippingPlanned) -> Order:
    """These fulfilment orders will ship, or say that they won't: a cancellation waits for the word of each."""
    named = [shipment.shipment_id for shipment in fact.shipments]
    planned = tuple(dict.fromkeys((*(order.planned or ()), *named)))
    return settle(turn, order if planned == order.planned else replace(order, planned=planned, unnamed=0))


def note_withdrawal(turn: OrderTurn, order: Order, fact: ShippingWithdrawn) -> Order:
    """A fulfilment order will not ship."""
    pieces = by_line((line.line_id, line.quantity) for line in fact.lines)
    return settle(turn, order.with_shipment(fact.shipment_id, withdrawn=pieces))


def note_refusal(turn: OrderTurn, order: Order, fact: ShippingWithdrawalRefused) -> Order:
    """A fulfilment order ships all the same."""
    return settle(turn, order.with_shipment(fact.shipment_id, refused=True))


def settle(turn: OrderTurn, order: Order) -> Order:
    """Ends a cancellation once every fulfilment order has answered."""
    request = order.request
    if request is None or not order.all_answered:
        return order
    withdrawn = total(s.left_behind for s in order.shipments.values())
    settled = {shipment_id: shipment.settled for shipment_id, shipment in order.shipments.items()}
    order = replace(order, cancelling=False, request=None, shipments=settled)
    if not withdrawn:
        return then_complete(turn, _decline(turn, order, _fault("packed", "the warehouse has packed it already")))
    if not any(s.refused or s.dispatched for s in settled.values()):
        return cancel_all(turn, order, request.reason, request.by)
    return cancel_lines(turn, order, withdrawn, request.reason, request.by)


def cancel_short_lines(turn: OrderTurn, order: Order, fact: ShippingShortPicked) -> Order:
    """The warehouse doesn't have everything: what is short will not come. Said again, it names all of it once more."""
    known = Counter(order.shipments.get(fact.shipment_id, Shipment()).missing)
    named = Counter(by_line((line.line_id, max(line.wanted - line.picked, 0)) for line in fact.lines))
    short = named - known
    if not short:
        return order
    noted = order.with_shipment(fact.shipment_id, missing=dict(known | named))
    why = _why_short({line.reason for line in fact.lines if line.line_id in short})
    return cancel_lines(turn, noted, short, why, "warehouse")


def _why_short(reasons: set[str]) -> Reason:
    """That goods aren't there is said only where the warehouse has said so of all of them."""
    if reasons <= _GONE:
        return Reason(code="short_pick", message="the warehouse could not find all of it")
    code = reasons.pop() if len(reasons) == 1 and reasons <= _NOT_SENT else "not_sent"
    return Reason(code=code, message="the warehouse could not send all of it")
