"""What is to be done next about a payment. Pure.

Facts change what is owed, answers change what is known; after either, `proceed` compares the two. It asks the gateway
for at most one thing, and goes on from there when the answer is in. So no two operations race, and whatever order the
facts come in, the end is the same: each authorisation is captured or released, and what was taken is what is owed.
"""

from dataclasses import replace
from typing import Literal

from packhorse_contracts.blocks import Reason
from packhorse_contracts.payment import PaymentCaptured, PaymentCaptureFailed, PaymentRefundFailed

from packhorse_payment.asking import ask
from packhorse_payment.operations import Authorise, Capture, Refund, Refused, TryAgain, Void
from packhorse_payment.policies import PaymentTurn
from packhorse_payment.state import Authorisation, Payment, Shipment


def proceed(turn: PaymentTurn, payment: Payment) -> Payment:
    """Does everything that needs no answer, up to the next question to the gateway."""
    while payment.pending is None and (waiting := _first_waiting(payment)) is not None:
        payment = _collect(turn, payment, *waiting)
    return payment if payment.pending else _give_back(turn, payment)


def authorise(turn: PaymentTurn, payment: Payment, amount: int) -> Payment:
    """Has this much held on the one means of payment, for the first time or anew."""
    (means,) = payment.means
    return ask(
        turn, payment, Authorise(amount=amount, currency=payment.currency, method=means.method, token=means.token)
    )


def _first_waiting(payment: Payment) -> tuple[str, Shipment] | None:
    return next(((key, s) for key, s in payment.shipments.items() if not s.closed), None)


def _collect(turn: PaymentTurn, payment: Payment, shipment_id: str, shipment: Shipment) -> Payment:
    """Captures a shipment as far as it is still owed. Renews an authorisation that expired; else says that it can't."""
    amount = min(shipment.outstanding, max(0, payment.owed - payment.kept))
    held = payment.held
    if amount == 0:
        return _settle_without_money(turn, payment, shipment_id)
    if held:
        take = min(amount, held.remaining)
        capture = Capture(authorisation=held.reference, shipment_id=shipment_id, amount=take, currency=payment.currency)
        return ask(turn, payment, capture)
    if _may_renew(payment.authorisation) and payment.renewed < turn.policy.reauthorisations:
        renewed = replace(payment, renewed=payment.renewed + 1)
        return authorise(turn, renewed, payment.claimable - payment.kept)
    return fail(turn, payment, shipment_id, amount, _why_not(payment))


def _may_renew(authorisation: Authorisation | None) -> bool:
    return authorisation is not None and authorisation.ended == "expired"


def _why_not(payment: Payment) -> Refused:
    if payment.declined:
        return payment.declined
    ended = payment.authorisation.ended if payment.authorisation else "missing"
    return Refused(code=f"authorisation_{ended}", message="the goods left, but nothing is held that could be captured")


def _close(payment: Payment, shipment_id: str) -> Payment:
    shipments = payment.shipments
    return replace(payment, shipments={**shipments, shipment_id: replace(shipments[shipment_id], closed=True)})


def _settle_without_money(turn: PaymentTurn, payment: Payment, shipment_id: str) -> Payment:
    """Nothing more is to be captured for this shipment. Said where nothing ever was: then it costs nothing."""
    if payment.shipments[shipment_id].captured == 0:
        turn.say(
            PaymentCaptured(
                order_id=payment.order_id,
                payment_id=payment.payment_id,
                shipment_id=shipment_id,
                at=turn.now,
                amount=0,
                currency=payment.currency,
                tenders=(),
            )
        )
    return _close(payment, shipment_id)


def fail(turn: PaymentTurn, payment: Payment, shipment_id: str, amount: int, refused: Refused) -> Payment:
    """`amount` can't be captured for a shipment that left: it stays owed in the ledger, and is said aloud."""
    turn.say(
        PaymentCaptureFailed(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            at=turn.now,
            amount=amount,
            currency=payment.currency,
            reason=Reason(code=refused.code, message=refused.message),
        )
    )
    return _close(payment, shipment_id)


def _give_back(turn: PaymentTurn, payment: Payment) -> Payment:
    """Refunds what was taken above what is owed; releases a hold that nothing can be captured from any more."""
    held = payment.held
    excess = payment.kept - payment.owed
    if excess > 0 and "refund" not in payment.refused:
        last = next(captured for captured in reversed(payment.captures) if captured.refunded < captured.amount)
        refund = Refund(
            authorisation=last.authorisation,
            capture=last.reference,
            amount=min(excess, last.amount - last.refunded),
            currency=payment.currency,
            cause="cancelled",
        )
        return ask(turn, payment, refund)
    if held and (held.lapsed or not payment.more_may_leave) and "void" not in payment.refused:
        return ask(turn, payment, Void(authorisation=held.reference, amount=held.remaining, currency=payment.currency))
    return payment


def fail_refund(turn: PaymentTurn, payment: Payment, amount: int, refused: Refused) -> Payment:
    """The gateway wouldn't give `amount` back. It is still the customer's: the ledger keeps it owed."""
    turn.say(
        PaymentRefundFailed(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            at=turn.now,
            amount=amount,
            currency=payment.currency,
            reason=Reason(code=refused.code, message=refused.message),
        )
    )
    return try_later(turn, payment, "refund")


def try_later(turn: PaymentTurn, payment: Payment, kind: Literal["void", "refund"]) -> Payment:
    """A refusal is final for its key, so another try is another operation. After the last it takes a person."""
    refusals = payment.refusals + 1
    if refusals < turn.policy.attempts:
        turn.remind(TryAgain(order_id=payment.order_id), turn.now + turn.policy.repeat_after)
    return replace(payment, refused=(*payment.refused, kind), refusals=refusals)
