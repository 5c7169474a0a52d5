"""The gateway's operations: each is one transaction on the book, and its answer is stored in it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from packhorse_devstack.counterparties.gateway import answers, rules
from packhorse_devstack.counterparties.gateway.book import Book, Json, Kind, Movement, Operation
from packhorse_devstack.counterparties.gateway.rules import Authorisation, RefusalError

Amount = Annotated[int, Field(strict=True, gt=0, le=10**15)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Request(BaseModel):
    """A request's body: what isn't known is a fault of the caller."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: Name | None = None


class Authorise(Request):
    """Set an amount aside for a reference (the order)."""

    reference: Name
    amount: Amount
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    method: Name
    token: Name | None = None


class Capture(Request):
    """Take a part of what was set aside; with `final` the rest is given back."""

    amount: Amount
    final: bool = False


class Void(Request):
    """Give back what isn't captured."""


class Refund(Request):
    """Give back what was captured."""

    amount: Amount


@dataclass(frozen=True, slots=True)
class Settings:
    """How the test tokens behave."""

    review_after: timedelta = timedelta(seconds=2)
    review_outcome: Literal["approve", "decline"] = "approve"
    expires_after: timedelta = timedelta(seconds=60)
    validity: timedelta = timedelta(days=7)


class Desk:
    """Does what is asked once per idempotency key, and answers a repeat from the book."""

    def __init__(self, book: Book, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._book, self._settings, self._clock = book, settings, clock

    def answered(self, key: str, fingerprint: str) -> Operation | None:
        """The stored answer to a key; refuses a key that came with another request before."""
        stored = self._book.operation(key)
        if stored is not None and stored.fingerprint != fingerprint:
            raise RefusalError(422, "idempotency_key_reused", "This Idempotency-Key was used for another request.")
        return stored

    def perform(self, key: str, fingerprint: str, target: str | None, request: Request) -> Operation:
        """Does the work and stores the answer in one transaction. `target` is the id in the request's path."""
        now = self._clock()
        with self._book.transaction():
            status, answer = self._perform(key, target, request, now)
            done = Operation(key, fingerprint, type(request).__name__.lower(), status, answer, now)
            self._book.add_operation(done)
        return done

    def _perform(self, key: str, target: str | None, request: Request, now: datetime) -> tuple[int, Json]:
        if isinstance(request, Authorise):
            return self._authorise(key, request, now)
        authorisation = self._authorisation(target or "")
        try:
            if isinstance(request, Capture):
                return 201, self._capture(key, authorisation, request, now)
            if isinstance(request, Void):
                return 201, self._void(key, authorisation, request, now)
            if isinstance(request, Refund):
                return 201, self._refund(key, target or "", authorisation, request, now)
        except RefusalError as refusal:
            return refusal.status, answers.problem(refusal, authorisation, now)
        raise TypeError(f"no such operation: {type(request).__name__}")

    def _authorisation(self, target: str) -> Authorisation:
        """The authorisation that a path names, itself or by one of its captures."""
        capture = self._book.movement(target, "capture")
        found = self._book.authorisation(capture.authorisation_id if capture else target)
        if found is None:
            raise RefusalError(404, "not_found", "There is no such authorisation or capture.")
        return found

    def _authorise(self, key: str, request: Authorise, now: datetime) -> tuple[int, Json]:
        refusal = _decline(request.token)
        review = request.token == "tok_review"  # noqa: S105  (a test token, not a secret)
        expires = self._settings.expires_after if request.token == "tok_expires" else self._settings.validity  # noqa: S105
        declined_later = review and self._settings.review_outcome == "decline"
        decline_code = refusal.code if refusal else "card_declined" if declined_later else None
        authorisation = Authorisation(
            id=_identifier("auth", key),
            reference=request.reference,
            amount=request.amount,
            currency=request.currency,
            method=request.method,
            token=request.token,
            decision="declined" if decline_code else "authorised",
            decline_code=decline_code,
            review_until=now + self._settings.review_after if review else None,
            created_at=now,
            expires_at=now + expires,
        )
        self._book.save_authorisation(authorisation)
        if refusal:
            return refusal.status, answers.problem(refusal, authorisation, now)
        return 202 if review else 201, answers.authorisation(authorisation, now)

    def _capture(self, key: str, before: Authorisation, request: Capture, now: datetime) -> Json:
        after = rules.capture(before, request.amount, request.final, now)
        movement = _movement("capture", key, after, request.reference, request.amount, now)
        return self._book_movement(replace(movement, final=request.final), after, now)

    def _void(self, key: str, before: Authorisation, request: Void, now: datetime) -> Json:
        after = rules.void(before, now)
        movement = _movement("void", key, after, request.reference, after.voided - before.voided, now)
        return self._book_movement(movement, after, now)

    def _refund(self, key: str, target: str, before: Authorisation, request: Refund, now: datetime) -> Json:
        captures = [
            (capture.id, capture.amount - capture.refunded)
            for capture in self._book.movements("capture", authorisation_id=before.id)
            if target in (capture.id, before.id)
        ]
        parts = rules.spread_refund(request.amount, captures)
        after = replace(before, refunded=before.refunded + request.amount)
        movement = _movement("refund", key, after, request.reference, request.amount, now)
        return self._book_movement(replace(movement, parts=tuple(parts)), after, now)

    def _book_movement(self, movement: Movement, after: Authorisation, now: datetime) -> Json:
        self._book.save_authorisation(after)
        self._book.add_movement(movement)
        return answers.movement(movement) | {"authorisation": answers.authorisation(after, now)}


def _movement(
    kind: Kind, key: str, after: Authorisation, reference: str | None, amount: int, now: datetime
) -> Movement:
    identifier = _identifier({"capture": "cap", "void": "void", "refund": "ref"}[kind], key)
    return Movement(identifier, kind, after.id, reference, amount, after.currency, now)


def _decline(token: str | None) -> RefusalError | None:
    if token in rules.DECLINES:
        code, detail = rules.DECLINES[token]
        return RefusalError(402, code, detail)
    return None if token in rules.APPROVING else RefusalError(402, "invalid_token", "No such token.")


def _identifier(prefix: str, key: str) -> str:
    """Derived from the idempotency key, so that a run can be repeated."""
    return f"{prefix}_{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}"
