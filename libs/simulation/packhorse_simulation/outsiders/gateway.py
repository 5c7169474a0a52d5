"""The payment gateway: its own book, an answer kept for every idempotency key, and all the ways of not saying it.

It plays behind the payment service's own performer, which settles what is uncertain by asking.
"""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

from packhorse_chassis.core.kinds import Internal
from packhorse_payment.effects import GatewayPerformer
from packhorse_payment.gateways import UncertainError
from packhorse_payment.gateways.rest_answers import outcome as meaning
from packhorse_payment.operations import (
    AskGateway,
    Authorise,
    Capture,
    Done,
    Operation,
    Outcome,
    Refund,
    Refused,
    UnderReview,
    Void,
)
from pydantic import JsonValue

from packhorse_simulation.faults import Chance
from packhorse_simulation.scheduler import Scheduler

T = TypeVar("T")
_WEEK: Final = timedelta(days=7)
_CODES: Final = ("", " \0", None, "no\0t today", "x" * 500)
_SOUND: Final[dict[str, JsonValue]] = {"id": "auth-1", "amount": 1, "currency": "GBP"}
_NONSENSE: Final[tuple[tuple[int, JsonValue], ...]] = (
    (201, None),
    (201, {**_SOUND, "amount": "1"}),
    (201, {**_SOUND, "amount": -(10**30)}),
    (201, {**_SOUND, "currency": "XXX"}),
    (201, {**_SOUND, "id": ".."}),
    (201, {**_SOUND, "status": "failed"}),
    (301, _SOUND),
    (404, {}),
    (409, {"code": ""}),
)
"""Answers that say for certain neither yes nor no, whatever was done."""


@dataclass(slots=True)
class Hold:
    """An authorisation in the gateway's book. Amounts in minor units."""

    order_id: str
    amount: int
    expires_at: datetime
    review_until: datetime | None = None
    declined: bool = False
    captured: int = 0
    voided: int = 0
    refunded: int = 0

    @property
    def left(self) -> int:
        """Neither captured nor given back."""
        return self.amount - self.captured - self.voided


class Gateway:
    """The book, and the protocol that the payment service speaks."""

    def __init__(self, scheduler: Scheduler, chance: Chance) -> None:
        self._scheduler, self._chance = scheduler, chance
        self.holds: dict[str, Hold] = {}
        self.captures: dict[str, tuple[str, int, int]] = {}
        """By id: authorisation, amount, and how much of it was refunded."""

        self.operations: dict[str, Outcome] = {}
        self.overreached: list[tuple[str, str]] = []
        """Order and sentence: what was asked for that nobody may ever ask for."""

        self.done: list[tuple[float, str, Operation, Outcome]] = []
        """When, for which order, what was asked, and how it ended."""

    async def do(self, operation: Operation, key: str, order_id: str) -> Outcome:
        """Does it once for each key, if the request gets here, and if the answer gets back."""
        chance = self._chance
        if chance.strikes("the gateway is away"):
            raise UncertainError("503")
        if chance.strikes("a request reaches the gateway late"):
            self._scheduler.after(0.1, 90.0, lambda: self._once(operation, key, order_id))
            raise UncertainError("timed out")
        outcome = self._once(operation, key, order_id)
        if chance.strikes("the gateway does it and its answer is lost"):
            raise UncertainError("502")
        if chance.strikes("the gateway talks nonsense"):
            return meaning(operation, *self._scheduler.random.choice(_NONSENSE))
        return outcome

    async def recall(self, operation: Operation, key: str) -> Outcome | None:
        """What became of a key; None where it never came."""
        self._may_fail()
        return self.operations.get(key)

    async def review(self, reference: str, operation: Operation) -> Outcome:
        """How a review stands."""
        self._may_fail()
        hold = self.holds[reference]
        if hold.review_until is not None and self._scheduler.clock() < hold.review_until:
            return UnderReview(reference=reference)
        if hold.declined:
            return Refused(code="card_declined", message="declined after a review", may_retry=True)
        return Done(reference=reference, expires_at=hold.expires_at)

    async def close(self) -> None:
        """Nothing to free."""

    def totals(self, now: datetime) -> dict[str, tuple[int, int, int, int]]:
        """By order: authorised, captured, given back, refunded. What has lapsed is given back."""
        result: dict[str, tuple[int, int, int, int]] = {}
        for hold in self.holds.values():
            if hold.declined:
                continue
            before = result.get(hold.order_id, (0, 0, 0, 0))
            voided = hold.voided + (hold.left if now >= hold.expires_at else 0)
            result[hold.order_id] = (
                before[0] + hold.amount,
                before[1] + hold.captured,
                before[2] + voided,
                before[3] + hold.refunded,
            )
        return result

    def _may_fail(self) -> None:
        if self._chance.strikes("the gateway can't say what became of it"):
            raise UncertainError("504")

    def _once(self, operation: Operation, key: str, order_id: str) -> Outcome:
        kept = self.operations.get(key)
        if kept is None:
            kept = self.operations[key] = self._perform(operation, key, order_id, self._scheduler.clock())
            self.done.append((self._scheduler.now, order_id, operation, kept))
        return kept

    def _perform(self, operation: Operation, key: str, order_id: str, now: datetime) -> Outcome:
        match operation:
            case Authorise():
                return self._authorise(operation, key, order_id, now)
            case Capture():
                return self._capture(operation, key, now)
            case Void():
                return self._void(operation, key, now)
            case Refund():
                return self._refund(operation, key)

    def _authorise(self, asked: Authorise, key: str, order_id: str, now: datetime) -> Outcome:
        chance, reference = self._chance, f"auth-{key}"
        if chance.strikes("the gateway declines"):
            if chance.strikes("the gateway doesn't say why it declines"):
                return meaning(asked, 402, {"code": self._scheduler.random.choice(_CODES), "detail": None})
            return Refused(code="card_declined", message="the card was declined", may_retry=True)
        lasts = timedelta(minutes=10) if chance.strikes("the authorisation is short-lived") else _WEEK
        hold = self.holds[reference] = Hold(order_id, asked.amount, now + lasts)
        if chance.strikes("the gateway reviews"):
            hold.review_until = now + timedelta(seconds=self._scheduler.random.choice((2, 60, 2400)))
            hold.declined = chance.strikes("the gateway declines")
            return UnderReview(reference=reference)
        return Done(reference=reference, expires_at=hold.expires_at)

    def _capture(self, asked: Capture, key: str, now: datetime) -> Outcome:
        hold = self.holds[asked.authorisation]
        if now >= hold.expires_at and hold.left:
            return Refused(code="authorisation_expired", message="it has lapsed")
        if hold.declined or hold.voided:
            return Refused(code="not_capturable", message="it was given back")
        if self._chance.strikes("the gateway refuses a capture"):
            return Refused(code="capture_failed", message="the issuer refused")
        if asked.amount > hold.left:
            self.overreached.append((hold.order_id, f"capture of {asked.amount}, {hold.left} are left"))
            return Refused(code="amount_too_large", message="more than is left")
        hold.captured += asked.amount
        reference = f"cap-{key}"
        self.captures[reference] = (asked.authorisation, asked.amount, 0)
        return Done(reference=reference)

    def _void(self, asked: Void, key: str, now: datetime) -> Outcome:
        hold = self.holds[asked.authorisation]
        if now >= hold.expires_at and hold.left:
            return Refused(code="authorisation_expired", message="it has lapsed")
        if self._chance.strikes("the gateway refuses a refund or void"):
            return Refused(code="try_later", message="not today")
        if not hold.left:
            return Refused(code="nothing_to_void", message="nothing is left")
        hold.voided += hold.left
        return Done(reference=f"void-{key}")

    def _refund(self, asked: Refund, key: str) -> Outcome:
        authorisation, amount, refunded = self.captures[asked.capture]
        hold = self.holds[authorisation]
        if self._chance.strikes("the gateway refuses a refund or void"):
            return Refused(code="try_later", message="not today")
        if asked.amount > amount - refunded:
            self.overreached.append((hold.order_id, f"refund of {asked.amount}, {amount - refunded} can be"))
            return Refused(code="amount_too_large", message="more than was captured")
        self.captures[asked.capture] = (authorisation, amount, refunded + asked.amount)
        hold.refunded += asked.amount
        return Done(reference=f"ref-{key}")


class Payments:
    """The payment service's own performer before this gateway, without an event loop."""

    def __init__(self, gateway: Gateway) -> None:
        self._performer = GatewayPerformer(gateway)

    def perform(self, request: AskGateway, key: str) -> Internal:
        """Runs it to its end, which it reaches without waiting for anything."""
        return at_once(self._performer.perform(request, key))

    def give_up(self, request: AskGateway, reason: str) -> Internal:
        """As the performer does."""
        return self._performer.give_up(request, reason)


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    raise RuntimeError("it waits for something that isn't there")
