"""What the order service does about what it hears. One short function an event; pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from packhorse_chassis.reaction import (
    CancelTimer,
    Decisions,
    Internal,
    Reaction,
    RefusedError,
    Route,
    Routes,
    SetTimer,
    on,
)
from packhorse_contracts.base import Model
from packhorse_contracts.blocks import CancelledBy, Fault, LineQuantity, Reason
from packhorse_contracts.checkout import OrderPlaced, UnsoundOrder
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.order import (
    DeclineCode,
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
)

from packhorse_order import checks, policies
from packhorse_order.policies import Policy
from packhorse_order.state import ORDERS, Line, Order, Request, Shipment, total


class PaymentDeadline(Internal):
    """Timer: paid and reserved by now, or cancelled."""

    order_id: str


class Overdue(Internal):
    """Timer: the promise has passed."""

    order_id: str


Decided = Decisions[Order]
_ASKED: Final = "the customer asked for it"
"""In place of the customer's own words: they may hold personal data, and go to warehouses, where it can't be erased."""

_GONE: Final = frozenset({"out_of_stock", "not_found", "damaged"})
_NOT_SENT: Final = frozenset({"incorrect_address", "undeliverable", "ineligible_product"})
"""Reasons of a short pick: what isn't there, and what can't be sent though it is. There may be others."""

_APART = timedelta(milliseconds=1)
SENT_THOUGH_CANCELLED: Final = "sent_though_cancelled"
"""The payment problem where a warehouse sends what it had agreed not to send."""

"""Readers derive ids from a moment, in which milliseconds count."""


def place(policy: Policy, order: Order, placed: OrderPlaced, now: datetime) -> Decided:
    """Checks the order, and accepts it or rejects it with every fault."""
    placed = checks.tidied(placed)
    mark = checks.fingerprint(placed)
    if order.known:
        return _known_already(order, {mark, checks.first_fingerprint(placed)})
    if found := checks.faults(placed, now):
        return _reject(order, mark, found, now)
    seen = order.model_copy(update={"fingerprint": mark, "placed_at": placed.placed_at, "early": ()})
    lines = tuple(
        Line(line_id=ln.line_id, sku=ln.sku, title=ln.title, ordered=ln.quantity, unit_price=ln.unit_price)
        for ln in placed.lines
    )
    accepted = OrderAccepted(at=now, **{name: getattr(placed, name) for name in _ACCEPTED})
    taken = seen.model_copy(update={"accepted": True, "lines": lines, "placed": accepted})
    deadline = SetTimer(PaymentDeadline(order_id=order.order_id), order.order_id, now + policy.payment_deadline)
    decided = Decisions(taken, events=[accepted], timers=[deadline])
    for asked in order.early:
        answer = request_cancellation(decided.state, asked, now)
        decided = Decisions(
            answer.state, events=[*decided.events, *answer.events], timers=[*decided.timers, *answer.timers]
        )
    return decided


def reject_unsound(order: Order, unsound: UnsoundOrder, now: datetime) -> Decided:
    """What breaks the contract is rejected too, with every fault: so the checkout hears of it."""
    mark = checks.fingerprint(unsound)
    if order.known:
        return _known_already(order, {mark})
    more = checks.faults(checks.tidied(unsound.part), now) if unsound.part is not None else []
    return _reject(order, mark, [*unsound.faults, *more], now)


def _known_already(order: Order, marks: set[str]) -> Decided:
    if order.fingerprint in marks:
        return Decisions(order)
    raise RefusedError("order_id_reused", "another order has this order_id already", "order_id")


def _reject(order: Order, mark: str, found: Sequence[Fault], now: datetime) -> Decided:
    state = order.model_copy(update={"fingerprint": mark, "rejected": True, "early": ()})
    said = OrderRejected(order_id=order.order_id, at=now, reasons=tuple(found))
    return Decisions(state, events=[said])


_ACCEPTED = tuple(name for name in OrderPlaced.model_fields if name in OrderAccepted.model_fields)


def note_authorisation(policy: Policy, order: Order, _fact: PaymentAuthorised, now: datetime) -> Decided:
    """The money is set aside."""
    return _confirm_if_complete(policy, order.model_copy(update={"authorised": True}), now)


def note_reservation(policy: Policy, order: Order, fact: InventoryReserved, now: datetime) -> Decided:
    """The goods are set aside."""
    if order.allocations is not None:
        return Decisions(order)
    return _confirm_if_complete(policy, order.model_copy(update={"allocations": fact.allocations}), now)


def _confirm_if_complete(policy: Policy, order: Order, now: datetime) -> Decided:
    if order.ended or order.confirmed or not order.authorised or order.allocations is None or order.placed is None:
        return Decisions(order)
    placed = order.placed
    promised = policies.promise(policy, placed.delivery.service, now, placed.delivery.not_before)
    confirmed = OrderConfirmed(
        order_id=order.order_id,
        at=now,
        customer=placed.customer,
        ship_to=placed.ship_to,
        delivery=placed.delivery,
        lines=order.confirmed_lines,
        allocations=order.allocations,
        promise=promised,
    )
    # The personal data of the order were needed until here.
    state = order.model_copy(update={"confirmed": True, "placed": None})
    watch = SetTimer(Overdue(order_id=order.order_id), order.order_id, promised.deliver_by + policy.grace)
    return Decisions(state, events=[confirmed], timers=[CancelTimer(PaymentDeadline, order.order_id), watch])


def give_up_for_stock(order: Order, fact: InventoryReservationRefused, now: datetime) -> Decided:
    """Stock can't serve it."""
    skus = ", ".join(sorted({line.sku for line in fact.short})[:5])
    return _cancel_all(order, Reason(code="out_of_stock", message=f"not enough stock of {skus}"), "stock", now)


def give_up_for_payment(order: Order, fact: PaymentDeclined, now: datetime) -> Decided:
    """The money can't be had."""
    if order.confirmed:
        return Decisions(order)
    return _cancel_all(order, fact.reason, "payment", now)


def give_up_for_time(order: Order, _timer: PaymentDeadline, now: datetime) -> Decided:
    """Not paid and reserved in time."""
    if order.confirmed:
        return Decisions(order)
    missing = "payment" if not order.authorised else "stock"
    return _cancel_all(order, Reason(code="deadline", message=f"no answer about {missing} in time"), "timeout", now)


def _cancel_all(order: Order, reason: Reason, by: CancelledBy, now: datetime) -> Decided:
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


def request_cancellation(order: Order, asked: CancellationRequested, now: datetime) -> Decided:
    """Cancels at once what isn't confirmed; asks shipping about what is; declines what is gone, and parts."""
    if not order.known:
        again = any(asked.lines == early.lines for early in order.early)
        kept = asked.model_copy(update={"reason": _ASKED})
        return Decisions(order if again else order.model_copy(update={"early": (*order.early, kept)}))
    if order.cancelling or order.cancelled:
        return Decisions(order)
    if order.ended:
        return _decline(order, "ended", "the order has ended already", now)
    if asked.lines is not None and {(ln.line_id, ln.quantity) for ln in asked.lines} != {
        (line.line_id, line.ordered) for line in order.lines
    }:
        return _decline(order, "part_cancellation_not_offered", "only whole orders can be cancelled", now)
    request = Request(reason=Reason(code="customer_request", message=_ASKED), by="customer")
    if not order.confirmed:
        return _cancel_all(order, request.reason, request.by, now)
    if order.all_dispatched:
        return _decline(order, "dispatched", "the order is on its way already", now)
    state = order.model_copy(update={"request": request, "cancelling": True})
    asking = OrderCancellationRequested(order_id=order.order_id, at=now, reason=request.reason, by=request.by)
    return Decisions(state, events=[asking])


def _decline(order: Order, code: DeclineCode, message: str, now: datetime) -> Decided:
    reasons = (Fault(code=code, message=message),)
    said = OrderCancellationDeclined(order_id=order.order_id, at=now, reasons=reasons)
    return Decisions(order.model_copy(update={"request": None, "cancelling": False}), events=[said])


def note_withdrawal(order: Order, fact: ShippingWithdrawn, now: datetime) -> Decided:
    """A fulfilment order will not ship."""
    pieces = total({line.line_id: line.quantity} for line in fact.lines)
    return _settle(_with(order, fact.shipment_id, withdrawn=pieces), now)


def note_refusal(order: Order, fact: ShippingWithdrawalRefused, now: datetime) -> Decided:
    """A fulfilment order ships all the same."""
    return _settle(_with(order, fact.shipment_id, refused=True), now)


def _settle(order: Order, now: datetime) -> Decided:
    """Ends a cancellation once every fulfilment order has answered."""
    if not order.cancelling or order.request is None or order.ended:
        return Decisions(order)
    answered = [s for s in order.shipments.values() if s.withdrawn is not None or s.refused or s.ended or s.dispatched]
    if len(answered) < order.expected_shipments:
        return Decisions(order)
    withdrawn = total(s.left_behind for s in order.shipments.values())
    if not withdrawn:
        return _then_complete(_decline(order, "packed", "the warehouse has packed it already", now), now)
    request = order.request
    settled = {shipment_id: shipment.settled for shipment_id, shipment in order.shipments.items()}
    state = order.model_copy(update={"cancelling": False, "request": None, "shipments": settled})
    if not any(s.refused or s.dispatched for s in settled.values()):
        return _cancel_all(state, request.reason, request.by, now)
    return _cancel_lines(state, withdrawn, request.reason, request.by, now)


def cancel_short_lines(order: Order, fact: ShippingShortPicked, now: datetime) -> Decided:
    """The warehouse doesn't have everything: what is short will not come. Said again, it names all of it once more."""
    known = Counter(order.shipments.get(fact.shipment_id, Shipment()).missing)
    named = Counter(total({line.line_id: max(line.wanted - line.picked, 0)} for line in fact.lines))
    short = named - known
    if order.ended or not short:
        return Decisions(order)
    noted = _with(order, fact.shipment_id, missing=dict(known | named))
    why = _why_short({line.reason for line in fact.lines if line.line_id in short})
    return _cancel_lines(noted, short, why, "warehouse", now)


def _why_short(reasons: set[str]) -> Reason:
    """That goods aren't there is said only where the warehouse has said so of all of them."""
    if reasons <= _GONE:
        return Reason(code="short_pick", message="the warehouse could not find all of it")
    code = reasons.pop() if len(reasons) == 1 and reasons <= _NOT_SENT else "not_sent"
    return Reason(code=code, message="the warehouse could not send all of it")


def _cancel_lines(order: Order, pieces: dict[str, int], reason: Reason, by: CancelledBy, now: datetime) -> Decided:
    gone = {line.line_id: min(pieces.get(line.line_id, 0), line.wanted) for line in order.lines}
    lines = tuple(line.model_copy(update={"cancelled": line.cancelled + gone[line.line_id]}) for line in order.lines)
    if not any(line.wanted for line in lines):
        return _cancel_all(order, reason, by, now)
    at = _own_moment(order, now)
    said = OrderCancelled(
        order_id=order.order_id,
        at=at,
        lines=tuple(LineQuantity(line_id=name, quantity=count) for name, count in gone.items() if count),
        whole=False,
        reason=reason,
        by=by,
    )
    return _then_complete(
        Decisions(order.model_copy(update={"lines": lines, "cancelled_at": at}), events=[said] if said.lines else []),
        now,
    )


def note_dispatch(order: Order, fact: ShippingDispatched, now: datetime) -> Decided:
    """A shipment is on its way. An agreed cancellation stands even so: nobody pays, and operators see it."""
    pieces = total({line.line_id: line.quantity} for line in fact.lines)
    sent = _with(order, fact.shipment_id, lines=pieces, dispatched=True)
    if order.cancelled or sent.shipments[fact.shipment_id].given_up:
        sent = sent.model_copy(update={"payment_problem": SENT_THOUGH_CANCELLED})
    return _then_complete(_settle(sent, now), now)


def note_delivery(order: Order, fact: ShippingDelivered, now: datetime) -> Decided:
    """A shipment has arrived."""
    return _then_complete(Decisions(_with(order, fact.shipment_id, ended="delivered")), now)


def note_return(order: Order, fact: ShippingReturnedToSender, now: datetime) -> Decided:
    """A shipment could not be delivered and comes back."""
    return _then_complete(Decisions(_with(order, fact.shipment_id, ended="returned")), now)


def _then_complete(decided: Decided, now: datetime) -> Decided:
    """Completes the order once all that is still wanted was dispatched and every shipment has ended."""
    order = decided.state
    sent = [shipment for shipment in order.shipments.values() if shipment.dispatched]
    if order.ended or order.cancelling or not order.all_dispatched or not all(shipment.ended for shipment in sent):
        return decided
    ends = {shipment.ended for shipment in sent}
    outcome = "returned" if ends == {"returned"} else "partly_delivered"
    if ends == {"delivered"} and not any(line.cancelled for line in order.lines):
        outcome = "delivered"
    completed = OrderCompleted.model_validate({"order_id": order.order_id, "at": now, "outcome": outcome})
    return Decisions(
        order.model_copy(update={"completed": True, "overdue": False}),
        events=[*decided.events, completed],
        timers=[*decided.timers, *_no_timers(order)],
    )


def note_payment_problem(order: Order, fact: PaymentCaptureFailed, _now: datetime) -> Decided:
    """Goods went out whose money can't be had: operators see it, the order goes on."""
    return Decisions(order.model_copy(update={"payment_problem": fact.reason.code}))


def note_overdue(policy: Policy, order: Order, timer: Overdue, now: datetime) -> Decided:
    """The promise has passed: operators see it; looked at again until the order ends."""
    if order.ended:
        return Decisions(order)
    again = SetTimer(timer, order.order_id, now + policy.grace)
    return Decisions(order.model_copy(update={"overdue": True}), timers=[again])


def _with(order: Order, shipment_id: str, **changes: object) -> Order:
    shipment = order.shipments.get(shipment_id, Shipment()).model_copy(update=changes)
    return order.model_copy(update={"shipments": order.shipments | {shipment_id: shipment}})


I = TypeVar("I", bound=Model)  # noqa: E741


def routes(policy: Policy) -> Routes:
    """The whole service: which input leads to which reaction."""

    def tuned(react: Callable[[Policy, Order, I, datetime], Decided]) -> Reaction[Order, I]:
        def reaction(order: Order, heard: I, now: datetime) -> Decided:
            return react(policy, order, heard, now)

        reaction.__name__ = react.__name__
        return reaction

    table: list[Route] = [
        on(OrderPlaced, ORDERS, "order_id", tuned(place)),
        on(UnsoundOrder, ORDERS, "order_id", reject_unsound),
        on(CancellationRequested, ORDERS, "order_id", request_cancellation),
        on(PaymentAuthorised, ORDERS, "order_id", tuned(note_authorisation)),
        on(PaymentDeclined, ORDERS, "order_id", give_up_for_payment),
        on(PaymentCaptureFailed, ORDERS, "order_id", note_payment_problem),
        on(InventoryReserved, ORDERS, "order_id", tuned(note_reservation)),
        on(InventoryReservationRefused, ORDERS, "order_id", give_up_for_stock),
        on(ShippingShortPicked, ORDERS, "order_id", cancel_short_lines),
        on(ShippingWithdrawn, ORDERS, "order_id", note_withdrawal),
        on(ShippingWithdrawalRefused, ORDERS, "order_id", note_refusal),
        on(ShippingDispatched, ORDERS, "order_id", note_dispatch),
        on(ShippingDelivered, ORDERS, "order_id", note_delivery),
        on(ShippingReturnedToSender, ORDERS, "order_id", note_return),
        on(PaymentDeadline, ORDERS, "order_id", give_up_for_time),
        on(Overdue, ORDERS, "order_id", tuned(note_overdue)),
    ]
    return Routes("order", *table)
