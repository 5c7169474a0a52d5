"""What follows from the gateway's answers: what is known now is booked and said. Pure."""

from dataclasses import replace
from typing import Literal

from packhorse_contracts.blocks import Reason
from packhorse_contracts.payment import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentVoided,
)

from packhorse_payment.operations import (
    AskAgain,
    AuthorisationLapses,
    Authorise,
    Capture,
    Done,
    Operation,
    Outcome,
    Refund,
    Refused,
    TryAgain,
    UnderReview,
    Unknown,
    Void,
)
from packhorse_payment.policies import pause
from packhorse_payment.settlement import decline, fail
from packhorse_payment.state import Authorisation, Captured, Ended, Pending
from packhorse_payment.turn import Turn


def learn(turn: Turn, pending: Pending, outcome: Outcome) -> None:
    """Takes what the gateway said about the pending operation."""
    match outcome:
        case Unknown():
            _wait(turn, replace(pending, status="unknown"))
        case UnderReview():
            _wait(turn, replace(pending, status="review", reference=outcome.reference))
        case Done() if _known_already(turn, pending.operation, outcome):
            _wait(turn, replace(pending, status="unknown"))
        case Done():
            turn.payment = replace(turn.payment, pending=None)
            _done(turn, pending, pending.operation, outcome)
        case Refused():
            turn.payment = replace(turn.payment, pending=None)
            _refused(turn, pending, pending.operation, outcome)


def _known_already(turn: Turn, operation: Operation, done: Done) -> bool:
    """A second capture under the id of another: nobody could say any more which of them a refund is of."""
    return isinstance(operation, Capture) and any(done.reference == kept.reference for kept in turn.payment.captures)


def _wait(turn: Turn, pending: Pending) -> None:
    """Not decided: it stays pending, and a timer asks again. Each wait is twice as long as the one before."""
    policy = turn.policy
    first = policy.review_poll if pending.status == "review" else policy.ask_again_after
    turn.payment = replace(turn.payment, pending=pending)
    due = turn.now + pause(first, pending.asked - 1, policy.ask_again_cap)
    turn.remind(AskAgain(order_id=turn.payment.order_id, key=pending.key), due)


def _done(turn: Turn, pending: Pending, operation: Operation, done: Done) -> None:
    match operation:
        case Authorise():
            _authorised(turn, pending, operation, done)
        case Capture():
            _captured(turn, pending, operation, done)
        case Void():
            lapsed = turn.payment.held is not None and turn.payment.held.lapsed
            _released(turn, "expired" if lapsed else "voided", pending.key)
        case Refund():
            _refunded(turn, pending, operation, done)


def _refused(turn: Turn, pending: Pending, operation: Operation, refused: Refused) -> None:
    match operation:
        case Authorise() if turn.payment.decided is None:
            decline(turn, refused)
        case Authorise():
            turn.payment = replace(
                turn.payment, declined=refused
            )  # of a renewal: the shipments that wait for it can't be captured
        case Capture():
            _not_captured(turn, pending, operation, refused)
        case Void():
            _not_voided(turn, pending, refused)
        case Refund():
            _not_refunded(turn, operation, refused)


def _authorised(turn: Turn, pending: Pending, asked: Authorise, done: Done) -> None:
    turn.payment = replace(
        turn.payment,
        decided="authorised",
        authorisation=Authorisation(done.reference, asked.amount, asked.amount, done.expires_at),
        authorised=turn.payment.authorised + asked.amount,
    )
    turn.book("authorised", asked.amount, pending.key)
    payment = turn.payment
    if done.expires_at is not None:
        lapse = AuthorisationLapses(order_id=payment.order_id, authorisation=done.reference)
        turn.remind(lapse, done.expires_at)
    turn.say(
        PaymentAuthorised(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            at=turn.now,
            amount=asked.amount,
            currency=payment.currency,
            tenders=turn.tenders(asked.amount, done.reference),
            expires_at=done.expires_at,
        )
    )


def _captured(turn: Turn, pending: Pending, asked: Capture, done: Done) -> None:
    payment, held = turn.payment, turn.payment.held
    assert held is not None  # noqa: S101 -- nothing ends a hold while something is pending
    remaining = held.remaining - asked.amount
    shipment = payment.shipments[asked.shipment_id]
    shipment = replace(shipment, captured=shipment.captured + asked.amount)
    turn.payment = replace(
        turn.payment,
        authorisation=replace(held, remaining=remaining, ended=None if remaining else "captured"),
        captures=(*payment.captures, Captured(done.reference, asked.authorisation, asked.amount)),
        captured=payment.captured + asked.amount,
        renewed=0,
        shipments={**payment.shipments, asked.shipment_id: shipment},
    )
    turn.book("hold_used", asked.amount, pending.key)
    turn.book("captured", asked.amount, pending.key)
    if not remaining:
        turn.forget(AuthorisationLapses)
    turn.say(
        PaymentCaptured(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            shipment_id=asked.shipment_id,
            at=turn.now,
            amount=asked.amount,
            currency=payment.currency,
            tenders=turn.tenders(asked.amount, done.reference),
        )
    )


def _released(turn: Turn, ended: Ended, key: str) -> None:
    """What the authorisation still held is the customer's again."""
    payment, held = turn.payment, turn.payment.held
    assert held is not None  # noqa: S101 -- as above
    turn.payment = replace(
        turn.payment, authorisation=replace(held, remaining=0, ended=ended), voided=payment.voided + held.remaining
    )
    turn.book("released", held.remaining, key)
    turn.forget(AuthorisationLapses)
    nothing_captured = held.remaining == held.amount
    turn.say(
        PaymentVoided(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            at=turn.now,
            amount=held.remaining,
            currency=payment.currency,
            tenders=turn.tenders(held.remaining, held.reference),
            cause="expired" if ended == "expired" else "cancelled" if nothing_captured else "remainder",
        )
    )


def _refunded(turn: Turn, pending: Pending, asked: Refund, done: Done) -> None:
    payment = turn.payment
    turn.payment = replace(
        turn.payment,
        captures=tuple(
            replace(captured, refunded=captured.refunded + asked.amount)
            if captured.reference == asked.capture
            else captured
            for captured in payment.captures
        ),
        refunded=payment.refunded + asked.amount,
    )
    turn.book("refunded", asked.amount, pending.key)
    turn.say(
        PaymentRefunded(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            at=turn.now,
            amount=asked.amount,
            currency=payment.currency,
            tenders=turn.tenders(asked.amount, done.reference),
            cause=asked.cause,
        )
    )


def _not_captured(turn: Turn, pending: Pending, asked: Capture, refused: Refused) -> None:
    if refused.code == "authorisation_expired":
        _released(turn, "expired", pending.key)  # the shipment still waits, for an authorisation anew
    elif refused.code == "not_capturable":
        _released(turn, "voided", pending.key)
    else:
        fail(turn, asked.shipment_id, asked.amount, refused)


def _not_voided(turn: Turn, pending: Pending, refused: Refused) -> None:
    held = turn.payment.held
    if refused.code == "authorisation_expired":
        _released(turn, "expired", pending.key)
    elif refused.code == "nothing_to_void":
        _released(turn, "expired" if held and held.lapsed else "voided", pending.key)
    else:
        _try_later(turn, "void")


def _not_refunded(turn: Turn, asked: Refund, refused: Refused) -> None:
    """The money is still the customer's: the ledger keeps it owed."""
    payment = turn.payment
    turn.say(
        PaymentRefundFailed(
            order_id=payment.order_id,
            payment_id=payment.payment_id,
            at=turn.now,
            amount=asked.amount,
            currency=payment.currency,
            reason=Reason(code=refused.code, message=refused.message),
        )
    )
    _try_later(turn, "refund")


def _try_later(turn: Turn, kind: Literal["void", "refund"]) -> None:
    """A refusal is final for its key, so another try is another operation. After the last it takes a person."""
    payment = turn.payment
    turn.payment = replace(turn.payment, refused=(*payment.refused, kind), refusals=payment.refusals + 1)
    if turn.payment.refusals < turn.policy.attempts:
        turn.remind(TryAgain(order_id=payment.order_id), turn.now + turn.policy.repeat_after)
