"""What is to be done next about a payment. Pure.

Facts change what is owed, answers change what is known; after either, `proceed` compares the two. It asks the gateway
for at most one thing, and goes on from there when the answer is in. So no two operations race, and whatever order the
facts come in, the end is the same: each authorisation is captured or released, and what was taken is what is owed.
"""

from dataclasses import replace

from packhorse_contracts.blocks import Reason
from packhorse_contracts.payment import PaymentAuthorised, PaymentCaptured, PaymentCaptureFailed, PaymentDeclined

from packhorse_payment.operations import Authorise, Capture, Refund, Refused, Void
from packhorse_payment.state import Authorisation, Payment, Shipment
from packhorse_payment.turn import Turn


def proceed(turn: Turn) -> None:
    """Does everything that needs no answer, up to the next question to the gateway."""
    if not turn.payment.accepted or turn.payment.pending:
        return
    if turn.payment.decided is None:
        _begin(turn)
    while turn.payment.pending is None and (waiting := _first_waiting(turn.payment)) is not None:
        _collect(turn, *waiting)
    if turn.payment.pending is None:
        _give_back(turn)


def _begin(turn: Turn) -> None:
    """The first authorisation: all that isn't cancelled yet. Nothing is asked for an order that costs nothing."""
    payment = turn.payment
    amount = payment.claimable
    if payment.total == 0:
        turn.payment = replace(turn.payment, decided="authorised")
        turn.say(
            PaymentAuthorised(
                order_id=payment.order_id,
                payment_id=payment.payment_id,
                at=turn.now,
                amount=0,
                currency=payment.currency,
                tenders=(),
            )
        )
    elif len(payment.means) != 1:
        decline(turn, Refused(code="split_tender", message="exactly one means of payment is needed", may_retry=True))
    elif amount > 0:
        _authorise(turn, amount)


def _authorise(turn: Turn, amount: int) -> None:
    (means,) = turn.payment.means
    turn.ask(Authorise(amount=amount, currency=turn.payment.currency, method=means.method, token=means.token))


def decline(turn: Turn, refused: Refused, reference: str | None = None) -> None:
    """The order can't be paid like this."""
    payment = turn.payment
    turn.payment = replace(turn.payment, decided="declined", declined=refused)
    turn.say(
        PaymentDeclined(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            at=turn.now,
            reason=Reason(code=refused.code, message=refused.message),
            may_retry=refused.may_retry,
            tenders=turn.tenders(payment.total, reference),
        )
    )


def _first_waiting(payment: Payment) -> tuple[str, Shipment] | None:
    return next(((key, s) for key, s in payment.shipments.items() if not s.closed), None)


def _collect(turn: Turn, shipment_id: str, shipment: Shipment) -> None:
    """Captures a shipment as far as it is still owed. Renews an authorisation that expired; else says that it can't."""
    payment = turn.payment
    amount = min(shipment.outstanding, max(0, payment.owed - payment.kept))
    held = payment.held
    if amount == 0:
        _settle_without_money(turn, shipment_id)
    elif held:
        take = min(amount, held.remaining)
        turn.ask(Capture(authorisation=held.reference, shipment_id=shipment_id, amount=take, currency=payment.currency))
    elif _may_renew(payment.authorisation) and payment.renewed < turn.policy.reauthorisations:
        turn.payment = replace(turn.payment, renewed=payment.renewed + 1)
        _authorise(turn, payment.claimable - payment.kept)
    else:
        fail(turn, shipment_id, amount, _why_not(payment))


def _may_renew(authorisation: Authorisation | None) -> bool:
    return authorisation is not None and authorisation.ended == "expired"


def _why_not(payment: Payment) -> Refused:
    if payment.declined:
        return payment.declined
    ended = payment.authorisation.ended if payment.authorisation else "missing"
    return Refused(code=f"authorisation_{ended}", message="the goods left, but nothing is held that could be captured")


def _close(turn: Turn, shipment_id: str) -> None:
    shipments = turn.payment.shipments
    turn.payment = replace(
        turn.payment, shipments={**shipments, shipment_id: replace(shipments[shipment_id], closed=True)}
    )


def _settle_without_money(turn: Turn, shipment_id: str) -> None:
    """Nothing more is to be captured for this shipment. Said where nothing ever was: then it costs nothing."""
    payment = turn.payment
    _close(turn, shipment_id)
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


def fail(turn: Turn, shipment_id: str, amount: int, refused: Refused) -> None:
    """`amount` can't be captured for a shipment that left: it stays owed in the ledger, and is said aloud."""
    payment = turn.payment
    _close(turn, shipment_id)
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


def _give_back(turn: Turn) -> None:
    """Refunds what was taken above what is owed; releases a hold that nothing can be captured from any more."""
    payment, held = turn.payment, turn.payment.held
    excess = payment.kept - payment.owed
    if excess > 0 and "refund" not in payment.refused:
        last = next(captured for captured in reversed(payment.captures) if captured.refunded < captured.amount)
        turn.ask(
            Refund(
                authorisation=last.authorisation,
                capture=last.reference,
                amount=min(excess, last.amount - last.refunded),
                currency=payment.currency,
                cause="cancelled",
            )
        )
    elif held and (held.lapsed or not payment.more_may_leave) and "void" not in payment.refused:
        turn.ask(Void(authorisation=held.reference, amount=held.remaining, currency=payment.currency))
