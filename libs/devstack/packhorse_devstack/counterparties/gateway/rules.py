"""What the gateway allows: pure rules on one authorisation. Amounts are in the currency's minor unit."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

Decision = Literal["authorised", "declined"]
Status = Literal["pending_review", "authorised", "declined", "partly_captured", "captured", "voided", "expired"]

DECLINES = {
    "tok_declined": ("card_declined", "The card was declined."),
    "tok_insufficient_funds": ("insufficient_funds", "The card has insufficient funds."),
}
APPROVING = frozenset(
    {None, "tok_ok", "tok_timeout", "tok_slow", "tok_flaky", "tok_review", "tok_capture_fails", "tok_expires"}
)
"""Tokens that end well, sooner or later."""

FLAKY_FAILURES = 2


class RefusalError(Exception):
    """A request that the book doesn't allow: an HTTP status, a code for machines, a sentence for people."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Money set aside for one reference, and what has become of it."""

    id: str
    reference: str
    amount: int
    currency: str
    method: str
    token: str | None
    decision: Decision
    decline_code: str | None
    review_until: datetime | None
    created_at: datetime
    expires_at: datetime
    captured: int = 0
    refunded: int = 0
    voided: int = 0

    def in_review(self, now: datetime) -> bool:
        """Whether its decision is still to come; a void ends the review."""
        return self.review_until is not None and now < self.review_until and not self.voided

    def capturable(self, now: datetime) -> int:
        """How much may still be captured."""
        if self.decision == "declined" or self.in_review(now) or now >= self.expires_at:
            return 0
        return self.amount - self.captured - self.voided

    def status(self, now: datetime) -> Status:
        """Where it stands: derived from its amounts and the time, never stored."""
        if self.captured:
            return "partly_captured" if self.capturable(now) else "captured"
        if self.voided:
            return "voided"
        if self.in_review(now):
            return "pending_review"
        if self.decision == "declined":
            return "declined"
        return "expired" if now >= self.expires_at else "authorised"


def check_capture(authorisation: Authorisation, amount: int, now: datetime) -> None:
    """Refuses a capture that isn't covered by what was authorised."""
    status = authorisation.status(now)
    if status in {"pending_review", "declined", "voided"}:
        raise RefusalError(409, "not_capturable", f"The authorisation is {status}.")
    _check_not_lapsed(authorisation, now)
    if authorisation.token == "tok_capture_fails":  # noqa: S105  (a test token, not a secret)
        raise RefusalError(402, "capture_failed", "The issuer refused the capture.")
    left = authorisation.capturable(now)
    if amount > left:
        raise RefusalError(409, "amount_too_large", f"{amount} is more than the {left} that can be captured.")


def capture(authorisation: Authorisation, amount: int, final: bool, now: datetime) -> Authorisation:
    """Takes `amount`; a final capture gives back what remains."""
    check_capture(authorisation, amount, now)
    taken = replace(authorisation, captured=authorisation.captured + amount)
    return replace(taken, voided=taken.voided + taken.capturable(now)) if final else taken


def void(authorisation: Authorisation, now: datetime) -> Authorisation:
    """Gives back all that isn't captured; one in review ends there."""
    if authorisation.in_review(now):
        return replace(authorisation, voided=authorisation.amount)
    if authorisation.decision == "authorised":
        _check_not_lapsed(authorisation, now)
    left = authorisation.capturable(now)
    if not left:
        raise RefusalError(409, "nothing_to_void", "Nothing is left that could be given back.")
    return replace(authorisation, voided=authorisation.voided + left)


def spread_refund(amount: int, captures: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Divides a refund over captures (id, refundable), oldest first; refuses more than was captured."""
    left, parts = amount, []
    for identifier, refundable in captures:
        part = min(left, refundable)
        if part:
            parts.append((identifier, part))
            left -= part
    if left:
        raise RefusalError(409, "amount_too_large", f"{amount} is more than the {amount - left} that can be refunded.")
    return parts


def _check_not_lapsed(authorisation: Authorisation, now: datetime) -> None:
    lapsed = authorisation.amount - authorisation.captured - authorisation.voided
    if now >= authorisation.expires_at and lapsed:
        raise RefusalError(409, "authorisation_expired", f"It lapsed at {authorisation.expires_at:%FT%TZ}.")
