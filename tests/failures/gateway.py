"""The payment gateway's own book, as a value: it does each key once, and answers a repeat as it did the first time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from packhorse_payment.operations import AskGateway, Authorise, Capture, Done, Outcome, Refund, Refused, Void

EXPIRES = datetime(2026, 11, 30, 12, tzinfo=UTC)
Kind = Literal["authorise", "capture", "void", "refund"]


@dataclass(frozen=True, slots=True)
class Gateway:
    """Amounts are sums over all that it did, in minor units. What it is never to be asked for fails the test.

    `refuses`: how many more operations of a kind it won't do. `renews`: whether it authorises an order's money a
    second time. `held`: what is left of each authorisation, by reference; `lapsed` are those whose time is over.
    """

    refuses: Mapping[Kind, int] = field(default_factory=dict)
    renews: bool = True
    answers: Mapping[str, Outcome] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    lapsed: frozenset[str] = frozenset()
    authorised: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0

    @property
    def open(self) -> int:
        """What it holds: neither taken nor given back."""
        return sum(self.held.values())

    def count(self, kind: Kind) -> int:
        """How many operations of a kind it did."""
        return sum(isinstance(one, Done) and one.reference.startswith(kind) for one in self.answers.values())

    def lapse(self) -> "Gateway":
        """The time of all that it holds is over: the money is the customer's again."""
        return replace(
            self,
            held=dict.fromkeys(self.held, 0),
            lapsed=self.lapsed | {reference for reference, left in self.held.items() if left},
            voided=self.voided + self.open,
        )

    def do(self, request: AskGateway) -> tuple["Gateway", Outcome]:
        """The book after this request, and the answer."""
        if (known := self.answers.get(request.key)) is not None:
            return self, known
        book, outcome = self._perform(request)
        return replace(book, answers={**self.answers, request.key: outcome}), outcome

    def _perform(self, request: AskGateway) -> tuple["Gateway", Outcome]:
        asked, reference = request.operation, f"{request.operation.kind}-{request.key}"
        if left := self.refuses.get(asked.kind, 0):
            refuses = {**self.refuses, asked.kind: left - 1}
            return replace(self, refuses=refuses), Refused(code=f"{asked.kind}_refused", message="not today")
        done = Done(reference=reference, expires_at=EXPIRES if isinstance(asked, Authorise) else None)
        match asked:
            case Authorise() if self.authorised and not self.renews:
                return self, Refused(code="card_declined", message="not a second time")
            case Authorise():
                held = {**self.held, reference: asked.amount}
                return replace(self, held=held, authorised=self.authorised + asked.amount), done
            case Capture() | Void() if asked.authorisation in self.lapsed:
                return self, Refused(code="authorisation_expired", message="it has lapsed")
            case Capture() if self.held[asked.authorisation] >= asked.amount:
                book = self._less(asked.authorisation, asked.amount)
                return replace(book, captured=self.captured + asked.amount), done
            case Void() if self.held[asked.authorisation] == asked.amount:
                book = self._less(asked.authorisation, asked.amount)
                return replace(book, voided=self.voided + asked.amount), done
            case Refund() if self.refunded + asked.amount <= self.captured:
                return replace(self, refunded=self.refunded + asked.amount), done
        raise AssertionError(f"nobody may ever ask for {asked!r}; the book says {self!r}")

    def _less(self, authorisation: str, amount: int) -> "Gateway":
        return replace(self, held={**self.held, authorisation: self.held[authorisation] - amount})
