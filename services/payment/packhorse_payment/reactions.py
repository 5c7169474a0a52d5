"""What this service does about what it hears. Pure.

Each reaction takes in what is new and then lets `settlement.proceed` find out what is to be done about it.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from packhorse_chassis.core.kinds import Internal, RefusedError
from packhorse_chassis.core.reaction import Decisions, Route, Routes, on
from packhorse_contracts import ids
from packhorse_contracts.base import Fact
from packhorse_contracts.order import OrderAccepted, OrderCancelled
from packhorse_contracts.shipping import ShippingDispatched

from packhorse_payment.allocation import worth
from packhorse_payment.answers import learn
from packhorse_payment.operations import AskAgain, AuthorisationLapses, GatewayAnswered, Overtook, TryAgain
from packhorse_payment.policies import Policy
from packhorse_payment.settlement import proceed
from packhorse_payment.state import PAYMENTS, Early, Line, Means, Payment, Shipment
from packhorse_payment.turn import Turn

I = TypeVar("I", bound=Fact | Internal)  # noqa: E741


def authorise_payment(turn: Turn, fact: OrderAccepted) -> None:
    """The order is known: works out what its parts are worth, and has all of it authorised."""
    if turn.payment.accepted:
        return
    parts = worth(
        fact.lines,
        sum(promotion.amount for promotion in fact.promotions),
        fact.delivery.price,
        fact.delivery.tax or 0,
    )
    if min(parts.lines, default=0) < 0 or parts.total != fact.totals.grand_total:
        raise RefusedError("sums", f"the parts are worth {parts.total}, not the grand total", "totals")
    lines = {line.line_id: Line(line.quantity, value) for line, value in zip(fact.lines, parts.lines, strict=True)}
    early = turn.payment.early
    turn.payment = replace(
        turn.payment,
        payment_id=ids.derive(fact.at, "payment", fact.order_id),
        currency=fact.currency,
        total=parts.total,
        delivery=parts.delivery,
        lines=lines,
        means=tuple(Means(payment.method, payment.token) for payment in fact.payments),
        early=(),
    )
    for bird in early:
        if bird.lines.keys() <= lines.keys():
            _take(turn, bird)
        else:  # the mistake of whoever said it must not cost the order its payment
            wrong = Overtook(
                order_id=fact.order_id, kind=bird.kind, reference=bird.reference, lines=bird.lines, whole=bird.whole
            )
            turn.remind(wrong, turn.now, f"{bird.kind} {bird.reference}")


def capture_shipment(turn: Turn, fact: ShippingDispatched) -> None:
    """Goods left: they are owed now, and to be captured."""
    units = _units((line.line_id, line.quantity) for line in fact.lines)
    _take(turn, Early("dispatched", fact.shipment_id, units))


def give_up_claim(turn: Turn, fact: OrderCancelled) -> None:
    """Units won't leave, or were taken back: they aren't owed."""
    units = _units((line.line_id, line.quantity) for line in fact.lines)
    reference = ids.derive(fact.at, "cancelled", *(f"{key} {count}" for key, count in sorted(units.items())))
    _take(turn, Early("cancelled", reference, units, fact.whole))


def take_by_itself(turn: Turn, timer: Overtook) -> None:
    """What overtook its order and doesn't fit it: refused as if it came now."""
    _take(turn, Early(timer.kind, timer.reference, timer.lines, timer.whole))


def _units(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    units: dict[str, int] = {}
    for line_id, quantity in lines:
        units[line_id] = units.get(line_id, 0) + quantity
    return units


def _take(turn: Turn, bird: Early) -> None:
    """Takes in a dispatch or a cancellation, once; keeps one that came before its order."""
    payment = turn.payment
    if not payment.accepted:
        if all((bird.kind, bird.reference) != (other.kind, other.reference) for other in payment.early):
            turn.payment = replace(turn.payment, early=(*payment.early, bird))
        return
    if bird.reference in (payment.shipments if bird.kind == "dispatched" else payment.cancellations):
        return
    if unknown := sorted(bird.lines.keys() - payment.lines.keys()):
        raise RefusedError("unknown_line", f"the order has no line {unknown[0]}", "lines")
    if bird.kind == "dispatched":
        _ship(turn, bird)
    else:
        _cancel(turn, bird)


def _ship(turn: Turn, dispatched: Early) -> None:
    before = turn.payment.owed
    lines = turn.payment.lines
    turn.payment = replace(
        turn.payment, lines={**lines, **{key: lines[key].ship(units) for key, units in dispatched.lines.items()}}
    )
    value = turn.payment.owed - before
    turn.payment = replace(turn.payment, shipments={**turn.payment.shipments, dispatched.reference: Shipment(value)})
    turn.book("earned", value, dispatched.reference)


def _cancel(turn: Turn, cancelled: Early) -> None:
    before = turn.payment.owed
    lines = turn.payment.lines
    less = {**lines, **{key: lines[key].cancel(units) for key, units in cancelled.lines.items()}}
    if cancelled.whole:
        less = {key: line.cancel(line.open) for key, line in less.items()}
    turn.payment = replace(turn.payment, lines=less, cancellations=(*turn.payment.cancellations, cancelled.reference))
    turn.book("taken_back", before - turn.payment.owed, cancelled.reference)


def learn_outcome(turn: Turn, answer: GatewayAnswered) -> None:
    """The gateway answered, or nobody knows what it did."""
    pending = turn.payment.pending
    if pending is not None and pending.key == answer.key:
        learn(turn, pending, answer.outcome)


def ask_again(turn: Turn, timer: AskAgain) -> None:
    """What was unknown or under review is asked again, with the same key."""
    pending = turn.payment.pending
    if pending is not None and pending.key == timer.key and pending.status != "asked":
        turn.ask_again()


def let_lapse(turn: Turn, timer: AuthorisationLapses) -> None:
    """The authorisation's time is over: it is released, and renewed when goods leave that it was for."""
    held = turn.payment.held
    if held is not None and held.reference == timer.authorisation:
        turn.payment = replace(turn.payment, authorisation=replace(held, lapsed=True))


def try_again(turn: Turn, _timer: TryAgain) -> None:
    """What the gateway refused may be asked anew."""
    turn.payment = replace(turn.payment, refused=())


def routes(policy: Policy) -> Routes:
    """What is heard, and what is done about it."""

    def about(heard: type[I], key: str, take_in: Callable[[Turn, I], None]) -> Route:
        def react(payment: Payment, said: I, now: datetime) -> Decisions[Payment]:
            turn = Turn(policy, payment, now)
            take_in(turn, said)
            proceed(turn)
            return turn.decisions()

        react.__name__ = take_in.__name__
        return on(heard, PAYMENTS, key, react)

    return Routes(
        "payment",
        about(OrderAccepted, "order_id", authorise_payment),
        about(ShippingDispatched, "order_id", capture_shipment),
        about(OrderCancelled, "order_id", give_up_claim),
        about(GatewayAnswered, "order_id", learn_outcome),
        about(AskAgain, "order_id", ask_again),
        about(AuthorisationLapses, "order_id", let_lapse),
        about(TryAgain, "order_id", try_again),
        about(Overtook, "order_id", take_by_itself),
    )
