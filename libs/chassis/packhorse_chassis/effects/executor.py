"""Performs effects: leases due rows, asks the outside without any transaction open, has the answers heard in bulk.

Leases are short and renewed while an attempt is under way. One that runs out (the process died, or hangs) lets another
process try again, with the same idempotency key. An answer isn't stored: it goes straight into the transaction of its
reaction, and one that is lost with its process is asked for again.
"""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog
from packhorse_contracts import envelope as ce
from pydantic import ValidationError

from packhorse_chassis.batch import Processor
from packhorse_chassis.core.documents import unknown_field
from packhorse_chassis.core.effect import Performer, RetryError
from packhorse_chassis.core.inputs import Arrival, internal, unheard
from packhorse_chassis.core.kinds import Internal, NewerError
from packhorse_chassis.effects.lane import Lane, Limits
from packhorse_chassis.postgres.source import Answers
from packhorse_chassis.settings import Settings
from packhorse_chassis.telemetry import metrics
from packhorse_chassis.telemetry.tracing import trace_id

_LEASE = """
UPDATE effect SET leased_until = now() + $2 * interval '1 second', attempts = attempts + 1
WHERE idempotency_key IN (
    SELECT idempotency_key FROM effect
    WHERE done_at IS NULL AND next_at <= now() AND leased_until <= now() AND type = $3
        AND idempotency_key <> ALL($4::text[])
    ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING idempotency_key, id, type, request::text, attempts, deadline, correlation_id, traceparent, now() AS now"""

# Only by whoever made the last attempt: a process that was frozen must not touch another one's lease.
_RENEW = """
UPDATE effect e SET leased_until = now() + $3 * interval '1 second'
FROM unnest($1::text[], $2::int[]) AS ours (key, attempt)
WHERE e.idempotency_key = ours.key AND e.attempts = ours.attempt AND e.done_at IS NULL"""

_LATER = """
UPDATE effect e SET next_at = now() + new.pause * interval '1 second',
    leased_until = '-infinity', last_error = new.error
FROM unnest($1::text[], $2::int[], $3::float8[], $4::text[]) AS new (key, attempt, pause, error)
WHERE e.idempotency_key = new.key AND e.attempts = new.attempt AND e.done_at IS NULL"""

_LEFT_ALONE = 70.0
"""Seconds for which what was left to a newer release is told of: longer than any back-off."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Ended:
    key: str
    attempt: int
    answer: Arrival | None
    pause: float = 0
    error: str = ""
    asked: bool = True
    """False where the outside wasn't asked any more."""


class Executor:
    """Keeps effects under way, up to the limits of each outside. Its step never waits for a slow one."""

    def __init__(
        self,
        processor: Processor,
        performers: Mapping[type[Internal], Performer[Any, Internal]],
        settings: Settings,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """`committed` is called when a reaction to answers was stored."""
        self._processor, self._settings, self._committed = processor, settings, committed
        self._pool, self._service = processor.pool, processor.service.name
        self.lease = settings.effect_lease
        self._performers = {request.__name__: (request, performer) for request, performer in performers.items()}
        limits = Limits(
            settings.effects_at_once, settings.effects_per_second, settings.breaker_failures, settings.breaker_rest
        )
        self._lanes = {name: Lane(limits) for name in self._performers}
        self._under_way: dict[asyncio.Task[None], asyncpg.Record] = {}
        self._renewed = time.monotonic()
        self._looked = -math.inf
        self._short: set[str] = set()
        """Types of which more may be due than was taken on."""

        self._ended: list[_Ended] = []
        self._leaving = False
        self._left = "", -math.inf
        self._told: Callable[[], None] = lambda: None

    def connect(self, told: Callable[[], None]) -> None:
        """`told` is called when an attempt has ended, so that the next step has something to do."""
        self._told = told

    async def step(self) -> bool:
        """Has answers heard, puts off what failed, leases what is due. True where more may be due."""
        await self._renew()  # first: a fault in what follows must not cost a lease
        await self._store()
        if self._short or time.monotonic() - self._looked >= self._settings.pump_idle:
            await self._look()
        return any(self._lanes[name].free(time.monotonic()) for name in self._short)

    async def _look(self) -> None:
        """Leases what is due and wasn't taken on when it was stored."""
        self._looked, self._short = time.monotonic(), set()
        for name, lane in self._lanes.items():
            if not (free := lane.free(time.monotonic())):
                self._short.add(name)
                continue
            rows = await self._pool.fetch(_LEASE, free, self.lease, name, list(self._ours()))
            lane.started(len(rows))
            self._start(rows)
            if len(rows) == free:
                self._short.add(name)

    def take(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """Takes on effects that are about to be stored, as far as their outsides may be asked now. That saves looking
        for them afterwards, and an update of each."""
        now, taken = time.monotonic(), {}
        if self._leaving:
            return {}
        for name, count in wanted.items():
            taken[name] = min(count, self._lanes[name].free(now))
            self._lanes[name].started(taken[name])
            if taken[name] < count:
                self._short.add(name)
        return taken

    def begin(self, taken: Mapping[str, int], rows: Sequence[asyncpg.Record]) -> None:
        """These were stored; what was taken beyond them wasn't."""
        self._start(rows)
        stored = Counter(row["type"] for row in rows)
        for name, count in taken.items():
            self._lanes[name].started(stored[name] - count)
        if self._short:
            self._told()

    def _start(self, rows: Sequence[asyncpg.Record]) -> None:
        for row in rows:
            task = asyncio.create_task(self._perform(row, self._lanes[row["type"]]))
            self._under_way[task] = row
            task.add_done_callback(self._under_way.pop)

    async def drain(self, seconds: float | None = None) -> None:
        """Takes nothing on any more, waits for what is under way (so long at most), and has heard what was answered."""
        self._leaving = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        await self._store()

    async def close(self) -> None:
        """Cancels what is still under way (its lease runs out) and closes the performers."""
        for task in self._under_way:
            task.cancel()
        for _, performer in self._performers.values():
            await performer.close()

    def _ours(self) -> dict[str, int]:
        """The attempts that this process is at: under way, or with an answer that isn't heard yet."""
        ours = {row["idempotency_key"]: row["attempts"] for row in self._under_way.values()}
        return ours | {ended.key: ended.attempt for ended in self._ended}

    async def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed > self.lease / 4 and (ours := self._ours()):
            await self._pool.execute(_RENEW, list(ours), list(ours.values()), self.lease)
            self._renewed = now

    async def _store(self) -> None:
        ended, self._ended = self._ended, []
        if not ended:
            return
        try:
            if later := [(e.key, e.attempt, e.pause, e.error) for e in ended if e.answer is None]:
                await self._pool.execute(_LATER, *map(list, zip(*later, strict=True)))
                ended = [e for e in ended if e.answer is not None]
            if ended:
                await self._hear(ended)
                self._committed()
        except BaseException:
            self._ended = ended + self._ended
            raise

    async def _hear(self, ended: Sequence[_Ended]) -> None:
        """What a state of a newer release waits for isn't heard here: a newer process asks again, with the same key."""
        try:
            await self._processor.process([each.answer for each in ended if each.answer is not None], Answers())
        except NewerError as newer:
            if len(ended) > 1:
                for each in ended:
                    await self._hear([each])
                return
            self._leave(str(newer))
            later = ended[0].key, ended[0].attempt, self._back_off(ended[0].attempt), str(newer)
            await self._pool.execute(_LATER, *([value] for value in later))

    def _leave(self, why: str) -> None:
        self._left = why, time.monotonic() + _LEFT_ALONE

    @property
    def left(self) -> str | None:
        """What is left to a process of a newer release, where that was so a moment ago."""
        return self._left[0] if time.monotonic() < self._left[1] else None

    async def _perform(self, row: asyncpg.Record, lane: Lane) -> None:
        type_name, began = row["type"], time.monotonic()
        structlog.contextvars.bind_contextvars(
            order_id=row["correlation_id"], trace_id=trace_id(row["traceparent"]), effect=type_name
        )
        try:
            ended = await self._attempt(row)
        except Exception as error:
            log.exception("an effect's own code failed", attempt=row["attempts"])
            ended = self._unable(row, began, repr(error))
        outcome = "answered" if ended.answer is not None else "retry"
        if lane.ended(time.monotonic(), reached=ended.answer is not None if ended.asked else None):
            log.error("the outside keeps failing and is left alone for a while", reason=ended.error)
        metrics.resting.labels(type_name).set(lane.resting)
        metrics.effects.labels(type_name, outcome).inc()
        metrics.effect_seconds.labels(type_name).observe(time.monotonic() - began)
        self._ended.append(ended)
        self._told()

    async def _attempt(self, row: asyncpg.Record) -> _Ended:
        key, began = row["idempotency_key"], time.monotonic()
        request_type, performer = self._performers[row["type"]]
        try:
            request = request_type.model_validate_json(row["request"], extra="forbid")
        except ValidationError as error:
            if (field := unknown_field(error)) is None:
                raise
            why = f"effect {row['type']} holds {field!r}, which this release doesn't know"
            self._leave(why)
            return self._again(row, began, self._back_off(row["attempts"]), why, asked=False)
        if row["now"] >= row["deadline"]:
            reason = f"no answer until the deadline, after {row['attempts'] - 1} attempts"
            log.error("an effect is given up", reason=reason)
            return self._heard(row, performer.give_up(request, reason), began, asked=False)
        try:
            async with asyncio.timeout(self._settings.effect_timeout):
                answer = await performer.perform(request, key)
            return self._heard(row, answer, began)
        except RetryError as retry:
            pause = retry.after if retry.after is not None else self._back_off(row["attempts"])
            reason = retry.reason
        except (OSError, TimeoutError) as error:
            pause, reason = self._back_off(row["attempts"]), repr(error)
        log.info("an effect will be tried again", attempt=row["attempts"], reason=reason, pause=round(pause, 2))
        return self._again(row, began, pause, reason)

    def _again(self, row: asyncpg.Record, began: float, pause: float, reason: str, *, asked: bool = True) -> _Ended:
        # No attempt lies so far out that the deadline would pass in silence.
        left = max(0.0, (row["deadline"] - _now(row, began)).total_seconds())
        return _Ended(row["idempotency_key"], row["attempts"], None, min(pause, left + 0.1), reason[:500], asked)

    def _unable(self, row: asyncpg.Record, began: float, error: str) -> _Ended:
        """A mistake of ours, such as a request that this release can't read, says nothing about the outside. A better
        release may come until the deadline; what can't even be given up then is a dead letter."""
        if row["now"] < row["deadline"]:
            return self._again(row, began, self._back_off(row["attempts"]), error, asked=False)
        at, context = _now(row, began), (row["correlation_id"], row["traceparent"])
        fault = ce.Unreadable("effect", f"{row['type']} could neither be performed nor given up: {error[:500]}")
        arrival = unheard("answer", row["type"], row["request"].encode(), row["id"], at, self._service, context, fault)
        arrival.row = (row["idempotency_key"],)
        return _Ended(row["idempotency_key"], row["attempts"], arrival, asked=False)

    def _heard(self, row: asyncpg.Record, answer: Internal, began: float, *, asked: bool = True) -> _Ended:
        at = _now(row, began)
        context = row["correlation_id"], row["traceparent"]
        arrival = internal("answer", answer, row["id"], at, self._service, context)
        arrival.row = (row["idempotency_key"],)
        return _Ended(row["idempotency_key"], row["attempts"], arrival, asked=asked)

    def _back_off(self, attempts: int) -> float:
        """Capped exponential back-off with full jitter.

        Source: M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
        """
        return random.uniform(0, min(self._settings.retry_cap, self._settings.retry_base * 2 ** min(attempts, 20)))


def _now(row: asyncpg.Record, began: float) -> datetime:
    """The time by the database's clock, which deadlines are by. This host's may be minutes off."""
    now: datetime = row["now"] + timedelta(seconds=time.monotonic() - began)
    return now
