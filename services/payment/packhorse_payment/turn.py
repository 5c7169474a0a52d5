"""One turn of a reaction: the payment as it changes, and all that is said, booked, asked and timed on the way."""

from dataclasses import replace
from datetime import datetime

from packhorse_chassis.core.kinds import Internal
from packhorse_chassis.core.reaction import Decisions
from packhorse_chassis.core.turn import CancelTimer, Effect, SetTimer
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Tender

from packhorse_payment import ledger
from packhorse_payment.operations import AskGateway, Operation
from packhorse_payment.policies import Policy
from packhorse_payment.state import Payment, Pending


class Turn:
    """Gathers decisions. Lives for one input; a reaction that uses it is as pure as one that doesn't."""

    def __init__(self, policy: Policy, payment: Payment, now: datetime) -> None:
        self.policy, self.payment, self.now = policy, payment, now
        self._events: list[Fact] = []
        self._entries: list[ledger.LedgerEntry] = []
        self._timers: list[SetTimer | CancelTimer] = []
        self._effects: list[Effect] = []

    def say(self, fact: Fact) -> None:
        """Publishes a fact."""
        self._events.append(fact)

    def book(self, movement: ledger.Movement, amount: int, cause: str) -> None:
        """Writes a movement into the ledger. Nothing is written for an amount of 0."""
        if amount == 0:
            return
        payment = self.payment
        number = payment.entries + 1
        self._entries.append(
            ledger.entry(
                movement, payment.payment_id, number, payment.order_id, self.now, amount, payment.currency, cause
            )
        )
        self.payment = replace(self.payment, entries=number)

    def ask(self, operation: Operation) -> None:
        """Has the gateway asked. The intent is stored with this very state, before the gateway hears of it."""
        number = self.payment.operations + 1
        key = f"{self.payment.payment_id}-{number}-{operation.kind}"
        self.payment = replace(self.payment, operations=number, pending=Pending(key, operation))
        self._send(AskGateway(order_id=self.payment.order_id, key=key, operation=operation), key)

    def ask_again(self) -> None:
        """Has the pending operation asked again: a new effect, with the gateway's key as it was."""
        pending = self.payment.pending
        assert pending is not None  # noqa: S101 -- only called for one
        asked = pending.asked + 1
        self.payment = replace(self.payment, pending=replace(pending, status="asked", asked=asked))
        request = AskGateway(
            order_id=self.payment.order_id,
            key=pending.key,
            operation=pending.operation,
            again=True,
            reference=pending.reference,
        )
        self._send(request, f"{pending.key}-{asked}")

    def _send(self, request: AskGateway, idempotency_key: str) -> None:
        self._effects.append(Effect(request, idempotency_key, deadline=self.policy.ask_for))

    def remind(self, payload: Internal, due: datetime, name: str = "") -> None:
        """Sets a timer of this payment; one of each type and name."""
        self._timers.append(SetTimer(payload, self.payment.order_id, due, name))

    def forget(self, payload: type[Internal]) -> None:
        """Cancels a timer of this payment."""
        self._timers.append(CancelTimer(payload, self.payment.order_id))

    def tenders(self, amount: int, reference: str | None) -> tuple[Tender, ...]:
        """What the customer paid with, for this amount; none where nothing is paid."""
        if amount == 0 or not self.payment.means:
            return ()
        method = self.payment.means[0].method
        return (Tender(method=method, amount=amount, gateway=self.policy.gateway, reference=reference),)

    def decisions(self) -> Decisions[Payment]:
        """All that was gathered."""
        return Decisions(self.payment, self._events, self._timers, self._effects, self._entries)
