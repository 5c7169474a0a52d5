"""From the placed order to the confirmed one, or to the reason why not. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.blocks import ConfirmedLine, Fault, Reason
from packhorse_contracts.checkout import OrderPlaced, UnsoundOrder
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.order import OrderAccepted, OrderConfirmed, OrderRejected
from packhorse_contracts.payment import PaymentAuthorised, PaymentDeclined

from packhorse_order import checks
from packhorse_order.cancelling import CANCELLATION
from packhorse_order.ending import cancel_all
from packhorse_order.promise import promise
from packhorse_order.state import LOCATIONS, Line, Order, OrderTurn
from packhorse_order.timers import NeverCame, Overdue, PaymentDeadline


def place(turn: OrderTurn, order: Order, placed: OrderPlaced) -> Order:
    """Checks the order, and accepts it or rejects it with every fault."""
    placed = checks.tidied(placed)
    mark = checks.fingerprint(placed)
    if found := checks.faults(placed, turn.now):
        return _reject(turn, order, mark, found)
    lines = tuple(
        Line(line_id=ln.line_id, sku=ln.sku, title=ln.title, ordered=ln.quantity, unit_price=ln.unit_price)
        for ln in placed.lines
    )
    accepted = OrderAccepted(at=turn.now, **{name: getattr(placed, name) for name in _ACCEPTED})
    turn.say(accepted)
    turn.remind(PaymentDeadline(order_id=order.order_id), turn.now + turn.policy.payment_deadline)
    taken = replace(
        order, fingerprint=mark, placed_at=placed.placed_at, accepted=True, lines=lines, placed=accepted, early=()
    )
    return _answer_early(turn, order, taken)


def reject_unsound(turn: OrderTurn, order: Order, unsound: UnsoundOrder) -> Order:
    """What breaks the contract is rejected too, with every fault: so the checkout hears of it."""
    more = checks.faults(checks.tidied(unsound.part), turn.now) if unsound.part is not None else []
    return _reject(turn, order, checks.fingerprint(unsound), [*unsound.faults, *more])


def place_again(_turn: OrderTurn, order: Order, placed: OrderPlaced) -> Order:
    """The same order again changes nothing; another one can't have its id."""
    placed = checks.tidied(placed)
    return _known_already(order, {checks.fingerprint(placed), checks.first_fingerprint(placed)})


def place_unsound_again(_turn: OrderTurn, order: Order, unsound: UnsoundOrder) -> Order:
    """The same order again changes nothing; another one can't have its id."""
    return _known_already(order, {checks.fingerprint(unsound)})


def _known_already(order: Order, marks: set[str]) -> Order:
    if order.fingerprint in marks:
        return order
    raise RefusedError("order_id_reused", "another order has this order_id already", "order_id")


def _reject(turn: OrderTurn, order: Order, mark: str, found: Sequence[Fault]) -> Order:
    turn.say(OrderRejected(order_id=order.order_id, at=turn.now, reasons=tuple(found)))
    return _answer_early(turn, order, replace(order, fingerprint=mark, rejected=True, early=()))


def _answer_early(turn: OrderTurn, before: Order, order: Order) -> Order:
    """Every cancellation that came before the order is answered as if it came now."""
    if before.early:
        turn.forget(NeverCame)
    for asked in before.early:
        order = CANCELLATION.cell(order)(turn, order, asked)
    return order


_ACCEPTED = tuple(name for name in OrderPlaced.model_fields if name in OrderAccepted.model_fields)


def note_authorisation(turn: OrderTurn, order: Order, _fact: PaymentAuthorised) -> Order:
    """The money is set aside."""
    return _confirm_if_complete(turn, replace(order, authorised=True))


def note_reservation(turn: OrderTurn, order: Order, fact: InventoryReserved) -> Order:
    """The goods are set aside."""
    if order.allocations is not None:
        return order
    return _confirm_if_complete(turn, replace(order, allocations=fact.allocations))


def _confirm_if_complete(turn: OrderTurn, order: Order) -> Order:
    placed = order.placed
    if not order.authorised or order.allocations is None or placed is None:
        return order
    promised = promise(turn.policy, placed, order.allocations, lambda name: turn.get(LOCATIONS, name), turn.now)
    turn.say(
        OrderConfirmed(
            order_id=order.order_id,
            at=turn.now,
            customer=placed.customer,
            ship_to=placed.ship_to,
            delivery=placed.delivery,
            lines=_confirmed_lines(order, placed),
            allocations=order.allocations,
            promise=promised,
        )
    )
    turn.forget(PaymentDeadline)
    turn.remind(Overdue(order_id=order.order_id), promised.deliver_by + turn.policy.grace)
    # The personal data of the order were needed until here.
    return replace(order, confirmed=True, placed=None)


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


def give_up_for_stock(turn: OrderTurn, order: Order, fact: InventoryReservationRefused) -> Order:
    """Stock can't serve it."""
    skus = ", ".join(sorted({line.sku for line in fact.short})[:5])
    return cancel_all(turn, order, Reason(code="out_of_stock", message=f"not enough stock of {skus}"), "stock")


def give_up_for_payment(turn: OrderTurn, order: Order, fact: PaymentDeclined) -> Order:
    """The money can't be had."""
    return cancel_all(turn, order, fact.reason, "payment")


def give_up_for_time(turn: OrderTurn, order: Order, _timer: PaymentDeadline) -> Order:
    """Not paid and reserved in time."""
    missing = "payment" if not order.authorised else "stock"
    return cancel_all(turn, order, Reason(code="deadline", message=f"no answer about {missing} in time"), "timeout")
