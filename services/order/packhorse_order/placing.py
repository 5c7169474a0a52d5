"""From the placed order to the confirmed one, or to the reason why not. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.reaction import Decisions, Others
from packhorse_chassis.core.turn import CancelTimer, SetTimer
from packhorse_contracts.blocks import ConfirmedLine, Fault, Reason
from packhorse_contracts.checkout import OrderPlaced, UnsoundOrder
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.order import OrderAccepted, OrderConfirmed, OrderRejected
from packhorse_contracts.payment import PaymentAuthorised, PaymentDeclined

from packhorse_order import checks
from packhorse_order.cancelling import request_cancellation
from packhorse_order.ending import Decided, cancel_all
from packhorse_order.policies import Policy
from packhorse_order.promise import promise
from packhorse_order.state import LOCATIONS, Line, Order
from packhorse_order.timers import NeverCame, Overdue, PaymentDeadline


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
    return _with_early(order, Decisions(taken, events=[accepted], timers=[deadline]), now)


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
    return _with_early(order, Decisions(state, events=[said]), now)


def _with_early(order: Order, decided: Decided, now: datetime) -> Decided:
    """The same, and an answer to every request that came before the order."""
    if order.early:
        decided = replace(decided, timers=[*decided.timers, CancelTimer(NeverCame, order.order_id)])
    for asked in order.early:
        answer = request_cancellation(decided.state, asked, now)
        decided = Decisions(
            answer.state, events=[*decided.events, *answer.events], timers=[*decided.timers, *answer.timers]
        )
    return decided


_ACCEPTED = tuple(name for name in OrderPlaced.model_fields if name in OrderAccepted.model_fields)


def note_authorisation(
    policy: Policy, order: Order, _fact: PaymentAuthorised, now: datetime, others: Others
) -> Decided:
    """The money is set aside."""
    return _confirm_if_complete(policy, order.model_copy(update={"authorised": True}), now, others)


def note_reservation(policy: Policy, order: Order, fact: InventoryReserved, now: datetime, others: Others) -> Decided:
    """The goods are set aside."""
    if order.allocations is not None:
        return Decisions(order)
    return _confirm_if_complete(policy, order.model_copy(update={"allocations": fact.allocations}), now, others)


def _confirm_if_complete(policy: Policy, order: Order, now: datetime, others: Others) -> Decided:
    if order.ended or order.confirmed or not order.authorised or order.allocations is None or order.placed is None:
        return Decisions(order)
    placed = order.placed
    promised = promise(policy, placed, order.allocations, lambda name: others.get(LOCATIONS, name), now)
    confirmed = OrderConfirmed(
        order_id=order.order_id,
        at=now,
        customer=placed.customer,
        ship_to=placed.ship_to,
        delivery=placed.delivery,
        lines=_confirmed_lines(order, placed),
        allocations=order.allocations,
        promise=promised,
    )
    # The personal data of the order were needed until here.
    state = order.model_copy(update={"confirmed": True, "placed": None})
    watch = SetTimer(Overdue(order_id=order.order_id), order.order_id, promised.deliver_by + policy.grace)
    return Decisions(state, events=[confirmed], timers=[CancelTimer(PaymentDeadline, order.order_id), watch])


def _confirmed_lines(order: Order, placed: OrderAccepted) -> tuple[ConfirmedLine, ...]:
    messages = {line.line_id: line.gift_message for line in placed.lines}
    return tuple(
        ConfirmedLine(
            line_id=line.line_id,
            sku=line.sku,
            title=line.title,
            quantity=line.wanted,
            unit_price=line.unit_price,
            gift_message=messages[line.line_id],
        )
        for line in order.lines
        if line.wanted
    )


def give_up_for_stock(order: Order, fact: InventoryReservationRefused, now: datetime) -> Decided:
    """Stock can't serve it."""
    skus = ", ".join(sorted({line.sku for line in fact.short})[:5])
    return cancel_all(order, Reason(code="out_of_stock", message=f"not enough stock of {skus}"), "stock", now)


def give_up_for_payment(order: Order, fact: PaymentDeclined, now: datetime) -> Decided:
    """The money can't be had."""
    if order.confirmed:
        return Decisions(order)
    return cancel_all(order, fact.reason, "payment", now)


def give_up_for_time(order: Order, _timer: PaymentDeadline, now: datetime) -> Decided:
    """Not paid and reserved in time."""
    if order.confirmed:
        return Decisions(order)
    missing = "payment" if not order.authorised else "stock"
    return cancel_all(order, Reason(code="deadline", message=f"no answer about {missing} in time"), "timeout", now)
