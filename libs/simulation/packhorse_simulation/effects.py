"""Performs the effects of one service: the in-memory twin of `packhorse_chassis.effects.executor`."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from packhorse_chassis.core.effect import RetryError
from packhorse_chassis.core.kinds import Internal

from packhorse_simulation.database import Database, EffectRow
from packhorse_simulation.faults import Chance
from packhorse_simulation.scheduler import Scheduler

LEASE, BASE, CAP = 10.0, 0.5, 60.0
"""As the chassis's settings have them, in seconds: the lease of an attempt whose process died or hangs, the first and
the longest back-off."""


class Outside(Protocol):
    """A performer without waiting: what it takes in time is the executor's to play."""

    def perform(self, request: Any, key: str) -> Internal:
        """Does it, or raises RetryError."""

    def give_up(self, request: Any, reason: str) -> Internal:
        """The answer once the deadline has passed."""


class Executor:
    """Leases, attempts, answers. `answered` is called when an answer is to be heard."""

    def __init__(
        self,
        scheduler: Scheduler,
        chance: Chance,
        db: Database,
        outside: Mapping[type[Internal], Outside],
        now: Callable[[], float],
        answered: Callable[[str], None],
    ) -> None:
        self._scheduler, self._chance, self._db, self._now, self._answered = scheduler, chance, db, now, answered
        self._outside = {request.__name__: (request, performer) for request, performer in outside.items()}

    def ask(self, key: str) -> None:
        """A new effect was stored."""
        self._scheduler.soon(lambda: self._attempt(key))

    def forget(self, key: str) -> None:
        """The process died before the answer was heard: it is asked for again once the lease has run out."""
        self._db.effects[key].answer = None
        self.ask(key)

    def _clock(self) -> Any:
        return self._scheduler.clock(self._now())

    def _attempt(self, key: str) -> None:
        row, now = self._db.effects[key], self._clock()
        if row.answer is not None or row.done:
            return
        if row.leased_until is not None and now < row.leased_until:
            left = (row.leased_until - now).total_seconds()
            self._scheduler.at(self._scheduler.now + left + 0.01, lambda: self._attempt(key))
            return
        row.attempts += 1
        row.leased_until = now + timedelta(seconds=LEASE)
        # A lease that isn't given back runs out, and another process tries.
        self._scheduler.at(self._scheduler.now + LEASE + 0.01, lambda: self._attempt(key))
        request_type, outside = self._outside[row.type]
        kept = row.request
        request = request_type.model_validate_json(kept) if isinstance(kept, bytes) else kept
        if now >= row.deadline:
            self._store(row, outside.give_up(request, f"no answer until the deadline, {row.attempts - 1} attempts"))
            return
        dies = self._chance.strikes("killed while an effect is under way", row.key)
        try:
            answer = outside.perform(request, key)
        except RetryError as retry:
            if not dies:
                self._later(row, retry.after)
            return
        if not dies:
            self._answer_later(row, answer)

    def _answer_later(self, row: EffectRow, answer: Internal) -> None:
        chance, scheduler = self._chance, self._scheduler
        if chance.strikes("an answer comes late", row.key):
            scheduler.after(LEASE, 10 * LEASE, lambda: self._store(row, answer))
        else:
            scheduler.soon(lambda: self._store(row, answer))
        if chance.strikes("an answer comes twice", row.key):
            scheduler.after(0.01, 60.0, lambda: self._store(row, answer))

    def _store(self, row: EffectRow, answer: Internal) -> None:
        if row.answer is not None or row.done:
            return
        row.answer = answer.model_dump_json().encode() if self._db.wire else answer
        row.answer_type, row.answered_at = answer.type_name(), self._clock()
        self._answered(row.key)

    def _later(self, row: EffectRow, after: float | None) -> None:
        pause = after
        if pause is None:
            pause = self._scheduler.random.random() * min(CAP, BASE * 2 ** min(row.attempts, 20))
        left = max(0.0, (row.deadline - self._clock()).total_seconds())
        row.leased_until = None
        self._scheduler.at(self._scheduler.now + min(pause, left + 0.1), lambda: self._attempt(row.key))
