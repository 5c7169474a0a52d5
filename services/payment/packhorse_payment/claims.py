"""What the customer owes, by what left and what was cancelled. Pure."""

from dataclasses import replace

from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts import ids
from packhorse_contracts.order import OrderAccepted, OrderCancelled
from packhorse_contracts.pieces import by_line
from packhorse_contracts.shipping import ShippingDispatched

from packhorse_payment.allocation import worth
from packhorse_payment.ledger import book
from packhorse_payment.operations import Overtook
from packhorse_payment.policies import PaymentTurn
from packhorse_payment.settlement import proceed
from packhorse_payment.state import Early, Line, Means, Payment, Shipment


def open_claim(turn: PaymentTurn, payment: Payment, fact: OrderAccepted) -> Payment:
    """The order is known: what its parts are worth, less what became of them before it was."""
    parts = worth(
        fact.lines,
        sum(promotion.amount for promotion in fact.promotions),
        fact.delivery.price,
        fact.delivery.tax or 0,
    )
    if min(parts.lines, default=0) < 0 or parts.total != fact.totals.grand_total:
        raise RefusedError("sums", f"the parts are worth {parts.total}, not the grand total", "totals")
    lines = {line.line_id: Line(line.quantity, value) for line, value in zip(fact.lines, parts.lines, strict=True)}
    early = payment.early
    payment = replace(
        payment,
        payment_id=ids.derive(fact.at, "payment", fact.order_id),
        currency=fact.currency,
        total=parts.total,
        delivery=parts.delivery,
        lines=lines,
        means=tuple(Means(each.method, each.token) for each in fact.payments),
        early=(),
    )
    for bird in early:
        if bird.lines.keys() <= lines.keys():
            payment = _take(turn, payment, bird)
        else:  # the mistake of whoever said it must not cost the order its payment
            wrong = Overtook(
                order_id=fact.order_id, kind=bird.kind, reference=bird.reference, lines=bird.lines, whole=bird.whole
            )
            turn.remind(wrong, turn.now, f"{bird.kind} {bird.reference}")
    return payment


def keep_for_its_order(
    _turn: PaymentTurn, payment: Payment, heard: ShippingDispatched | OrderCancelled | Overtook
) -> Payment:
    """It came before the order itself, whose lines it is about: it is taken in with that."""
    bird = _early(heard)
    if any((bird.kind, bird.reference) == (other.kind, other.reference) for other in payment.early):
        return payment
    return replace(payment, early=(*payment.early, bird))


def capture_shipment(turn: PaymentTurn, payment: Payment, fact: ShippingDispatched) -> Payment:
    """Goods left: they are owed now, and to be captured."""
    return proceed(turn, _take(turn, payment, _early(fact)))


def give_up_claim(turn: PaymentTurn, payment: Payment, fact: OrderCancelled) -> Payment:
    """Units won't leave, or were taken back: they aren't owed."""
    return proceed(turn, _take(turn, payment, _early(fact)))


def take_by_itself(turn: PaymentTurn, payment: Payment, timer: Overtook) -> Payment:
    """What overtook its order and doesn't fit it: refused as if it came now."""
    return proceed(turn, _take(turn, payment, _early(timer)))


def _early(heard: ShippingDispatched | OrderCancelled | Overtook) -> Early:
    match heard:
        case ShippingDispatched():
            units = by_line((line.line_id, line.quantity) for line in heard.lines)
            return Early("dispatched", heard.shipment_id, units)
        case OrderCancelled():
            units = by_line((line.line_id, line.quantity) for line in heard.lines)
            parts = (f"{key} {count}" for key, count in sorted(units.items()))
            return Early("cancelled", ids.derive(heard.at, "cancelled", *parts), units, heard.whole)
        case Overtook():
            return Early(heard.kind, heard.reference, heard.lines, heard.whole)


def _take(turn: PaymentTurn, payment: Payment, bird: Early) -> Payment:
    """Takes in a dispatch or a cancellation, once."""
    if bird.reference in (payment.shipments if bird.kind == "dispatched" else payment.cancellations):
        return payment
    if unknown := sorted(bird.lines.keys() - payment.lines.keys()):
        raise RefusedError("unknown_line", f"the order has no line {unknown[0]}", "lines")
    return _ship(turn, payment, bird) if bird.kind == "dispatched" else _cancel(turn, payment, bird)


def _ship(turn: PaymentTurn, payment: Payment, dispatched: Early) -> Payment:
    lines = payment.lines
    left = replace(payment, lines={**lines, **{key: lines[key].ship(n) for key, n in dispatched.lines.items()}})
    value = left.owed - payment.owed
    left = replace(left, shipments={**left.shipments, dispatched.reference: Shipment(value)})
    return book(turn, left, "earned", value, dispatched.reference)


def _cancel(turn: PaymentTurn, payment: Payment, cancelled: Early) -> Payment:
    lines = payment.lines
    less = {**lines, **{key: lines[key].cancel(units) for key, units in cancelled.lines.items()}}
    if cancelled.whole:
        less = {key: line.cancel(line.open) for key, line in less.items()}
    after = replace(payment, lines=less, cancellations=(*payment.cancellations, cancelled.reference))
    return book(turn, after, "taken_back", payment.owed - after.owed, cancelled.reference)
