"""How the gateway is asked: once for each operation, and again with the same key while nobody knows. Pure."""

from dataclasses import replace

from packhorse_payment.operations import AskAgain, AskGateway, Operation
from packhorse_payment.policies import PaymentTurn, pause
from packhorse_payment.state import Payment, Pending


def ask(turn: PaymentTurn, payment: Payment, operation: Operation) -> Payment:
    """Has the gateway asked. The intent is stored with this very state, before the gateway hears of it."""
    number = payment.operations + 1
    key = f"{payment.payment_id}-{number}-{operation.kind}"
    turn.ask(AskGateway(order_id=payment.order_id, key=key, operation=operation), key, turn.policy.ask_for)
    return replace(payment, operations=number, pending=Pending(key, operation))


def wait(turn: PaymentTurn, payment: Payment, pending: Pending) -> Payment:
    """Not decided: it stays pending, and a timer asks again. Each wait is twice as long as the one before."""
    policy = turn.policy
    first = policy.review_poll if pending.status == "review" else policy.ask_again_after
    due = turn.now + pause(first, pending.asked - 1, policy.ask_again_cap)
    turn.remind(AskAgain(order_id=payment.order_id, key=pending.key), due)
    return replace(payment, pending=pending)


def ask_again(turn: PaymentTurn, payment: Payment, timer: AskAgain) -> Payment:
    """What was unknown or under review is asked again: a new effect, with the gateway's key as it was."""
    pending = payment.pending
    if pending is None or pending.key != timer.key:
        return payment  # the timer of an earlier question
    asked = pending.asked + 1
    request = AskGateway(
        order_id=payment.order_id,
        key=pending.key,
        operation=pending.operation,
        again=True,
        reference=pending.reference,
    )
    turn.ask(request, f"{pending.key}-{asked}", turn.policy.ask_for)
    return replace(payment, pending=replace(pending, status="asked", asked=asked))
