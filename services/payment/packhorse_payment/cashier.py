"""Has orders authorised, and takes the gateway's answers: what is known now is booked and said. Pure."""

from dataclasses import dataclass, replace

from packhorse_contracts.blocks import Reason
from packhorse_contracts.order import OrderAccepted
from packhorse_contracts.payment import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
)

from packhorse_payment.asking import wait
from packhorse_payment.claims import open_claim
from packhorse_payment.ledger import book
from packhorse_payment.operations import (
    AuthorisationLapses,
    Authorise,
    Capture,
    Done,
    GatewayAnswered,
    Operation,
    Outcome,
    Refund,
    Refused,
    UnderReview,
    Unknown,
    Void,
)
from packhorse_payment.policies import PaymentTurn
from packhorse_payment.settlement import authorise, fail, fail_refund, proceed, try_later
from packhorse_payment.state import Authorisation, Captured, Ended, Payment, Pending


@dataclass(frozen=True, slots=True)
class Cashier:
    """The reactions whose facts name the gateway."""

    gateway: str

    def authorise_payment(self, turn: PaymentTurn, payment: Payment, fact: OrderAccepted) -> Payment:
        """The order is known: works out what its parts are worth, and has all of it authorised that isn't cancelled
        yet. Nothing is asked for an order that costs nothing."""
        payment = open_claim(turn, payment, fact)
        if payment.total == 0:
            payment = replace(payment, decided="authorised")
            self._say_authorised(turn, payment, 0, None)
        elif len(payment.means) != 1:
            refused = Refused(code="split_tender", message="exactly one means of payment is needed", may_retry=True)
            payment = self._decline(turn, payment, refused)
        elif payment.claimable > 0:
            payment = authorise(turn, payment, payment.claimable)
        return proceed(turn, payment)

    def learn_outcome(self, turn: PaymentTurn, payment: Payment, answer: GatewayAnswered) -> Payment:
        """The gateway answered, or nobody knows what it did."""
        pending = payment.pending
        if pending is None or pending.key != answer.key:
            return payment  # the answer to an earlier question
        return proceed(turn, self._learn(turn, payment, pending, answer.outcome))

    def _learn(self, turn: PaymentTurn, payment: Payment, pending: Pending, outcome: Outcome) -> Payment:
        match outcome:
            case Unknown():
                return wait(turn, payment, replace(pending, status="unknown"))
            case UnderReview():
                return wait(turn, payment, replace(pending, status="review", reference=outcome.reference))
            case Done() if _known_already(payment, pending.operation, outcome):
                return wait(turn, payment, replace(pending, status="unknown"))
            case Done():
                return self._done(turn, replace(payment, pending=None), pending, outcome)
            case Refused():
                return self._refused(turn, replace(payment, pending=None), pending, outcome)

    def _done(self, turn: PaymentTurn, payment: Payment, pending: Pending, done: Done) -> Payment:
        match pending.operation:
            case Authorise() as asked:
                return self._authorised(turn, payment, pending.key, asked, done)
            case Capture() as asked:
                return self._captured(turn, payment, pending.key, asked, done)
            case Void():
                lapsed = payment.held is not None and payment.held.lapsed
                return self._released(turn, payment, "expired" if lapsed else "voided", pending.key)
            case Refund() as asked:
                return self._refunded(turn, payment, pending.key, asked, done)

    def _refused(self, turn: PaymentTurn, payment: Payment, pending: Pending, refused: Refused) -> Payment:
        match pending.operation:
            case Authorise() if payment.decided is None:
                return self._decline(turn, payment, refused)
            case Authorise():
                # of a renewal: the shipments that wait for it can't be captured
                return replace(payment, declined=refused)
            case Capture() as asked:
                return self._not_captured(turn, payment, pending.key, asked, refused)
            case Void():
                return self._not_voided(turn, payment, pending.key, refused)
            case Refund() as asked:
                return fail_refund(turn, payment, asked.amount, refused)

    def _decline(self, turn: PaymentTurn, payment: Payment, refused: Refused) -> Payment:
        """The order can't be paid like this."""
        turn.say(
            PaymentDeclined(
                order_id=payment.order_id,
                payment_id=payment.payment_id,
                at=turn.now,
                reason=Reason(code=refused.code, message=refused.message),
                may_retry=refused.may_retry,
                tenders=payment.tenders(payment.total, self.gateway, None),
            )
        )
        return replace(payment, decided="declined", declined=refused)

    def _authorised(self, turn: PaymentTurn, payment: Payment, key: str, asked: Authorise, done: Done) -> Payment:
        if done.expires_at is not None:
            lapse = AuthorisationLapses(order_id=payment.order_id, authorisation=done.reference)
            turn.remind(lapse, done.expires_at)
        self._say_authorised(turn, payment, asked.amount, done)
        payment = replace(
            payment,
            decided="authorised",
            authorisation=Authorisation(done.reference, asked.amount, asked.amount, done.expires_at),
            authorised=payment.authorised + asked.amount,
        )
        return book(turn, payment, "authorised", asked.amount, key)

    def _say_authorised(self, turn: PaymentTurn, payment: Payment, amount: int, done: Done | None) -> None:
        turn.say(
            PaymentAuthorised(
                order_id=payment.order_id,
                payment_id=payment.payment_id,
                at=turn.now,
                amount=amount,
                currency=payment.currency,
                tenders=payment.tenders(amount, self.gateway, done.reference if done else None),
                expires_at=done.expires_at if done else None,
            )
        )

    def _captured(self, turn: PaymentTurn, payment: Payment, key: str, asked: Capture, done: Done) -> Payment:
        held = payment.held
        assert held is not None  # noqa: S101 -- nothing ends a hold while something is pending
        remaining = held.remaining - asked.amount
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
                tenders=payment.tenders(asked.amount, self.gateway, done.reference),
            )
        )
        shipment = payment.shipments[asked.shipment_id]
        shipment = replace(shipment, captured=shipment.captured + asked.amount)
        payment = replace(
            payment,
            authorisation=replace(held, remaining=remaining, ended=None if remaining else "captured"),
            captures=(*payment.captures, Captured(done.reference, asked.authorisation, asked.amount)),
            captured=payment.captured + asked.amount,
            renewed=0,
            shipments={**payment.shipments, asked.shipment_id: shipment},
        )
        payment = book(turn, payment, "hold_used", asked.amount, key)
        return book(turn, payment, "captured", asked.amount, key)

    def _released(self, turn: PaymentTurn, payment: Payment, ended: Ended, key: str) -> Payment:
        """What the authorisation still held is the customer's again."""
        held = payment.held
        assert held is not None  # noqa: S101 -- as above
        turn.forget(AuthorisationLapses)
        nothing_captured = held.remaining == held.amount
        turn.say(
            PaymentVoided(
                order_id=payment.order_id,
                payment_id=payment.payment_id,
                at=turn.now,
                amount=held.remaining,
                currency=payment.currency,
                tenders=payment.tenders(held.remaining, self.gateway, held.reference),
                cause="expired" if ended == "expired" else "cancelled" if nothing_captured else "remainder",
            )
        )
        payment = replace(
            payment,
            authorisation=replace(held, remaining=0, ended=ended),
            voided=payment.voided + held.remaining,
        )
        return book(turn, payment, "released", held.remaining, key)

    def _refunded(self, turn: PaymentTurn, payment: Payment, key: str, asked: Refund, done: Done) -> Payment:
        turn.say(
            PaymentRefunded(
                order_id=payment.order_id,
                payment_id=payment.payment_id,
                at=turn.now,
                amount=asked.amount,
                currency=payment.currency,
                tenders=payment.tenders(asked.amount, self.gateway, done.reference),
                cause=asked.cause,
            )
        )
        captures = tuple(
            replace(captured, refunded=captured.refunded + asked.amount)
            if captured.reference == asked.capture
            else captured
            for captured in payment.captures
        )
        payment = replace(payment, captures=captures, refunded=payment.refunded + asked.amount)
        return book(turn, payment, "refunded", asked.amount, key)

    def _not_captured(self, turn: PaymentTurn, payment: Payment, key: str, asked: Capture, refused: Refused) -> Payment:
        if refused.code == "authorisation_expired":
            # the shipment still waits, for an authorisation anew
            return self._released(turn, payment, "expired", key)
        if refused.code == "not_capturable":
            return self._released(turn, payment, "voided", key)
        return fail(turn, payment, asked.shipment_id, asked.amount, refused)

    def _not_voided(self, turn: PaymentTurn, payment: Payment, key: str, refused: Refused) -> Payment:
        held = payment.held
        if refused.code == "authorisation_expired":
            return self._released(turn, payment, "expired", key)
        if refused.code == "nothing_to_void":
            return self._released(turn, payment, "expired" if held and held.lapsed else "voided", key)
        return try_later(turn, payment, "void")


def _known_already(payment: Payment, operation: Operation, done: Done) -> bool:
    """A second capture under the id of another: nobody could say any more which of them a refund is of."""
    return isinstance(operation, Capture) and any(done.reference == kept.reference for kept in payment.captures)
