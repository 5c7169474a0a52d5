"""Performs effects: leases due rows, asks the outside without any transaction open, stores the answers in bulk.

Leases are short and renewed while an attempt is under way. One that runs out (the process died, or hangs) lets another
process try again, with the same idempotency key.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import structlog

from packhorse_chassis import metrics
from packhorse_chassis.db import Pool
from packhorse_chassis.effect import Performer, RetryError
from packhorse_chassis.lane import Lane, Limits
from packhorse_chassis.reaction import Internal
from packhorse_chassis.settings import Settings
from packhorse_chassis.tracing import trace_id
from packhorse_chassis.wake import breath

_LEASE = """
UPDATE effect SET leased_until = now() + $2 * interval '1 second', attempts = attempts + 1
WHERE idempotency_key IN (
    SELECT idempotency_key FROM effect
    WHERE answered_at IS NULL AND next_at <= now() AND leased_until <= now() AND type = $3
    ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING idempotency_key, type, request::text, attempts, deadline, correlation_id, traceparent, now() AS now"""

_RENEW = """
UPDATE effect SET leased_until = now() + $2 * interval '1 second'
WHERE idempotency_key = ANY($1::text[]) AND answered_at IS NULL"""

_ANSWER = """
UPDATE effect e SET answered_at = clock_timestamp(), answer_type = new.type, answer = new.answer
FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS new (key, type, answer)
WHERE e.idempotency_key = new.key AND e.answered_at IS NULL"""

_LATER = """
UPDATE effect e SET next_at = now() + new.pause * interval '1 second',
    leased_until = '-infinity', last_error = new.error
FROM unnest($1::text[], $2::float8[], $3::text[]) AS new (key, pause, error)
WHERE e.idempotency_key = new.key AND e.answered_at IS NULL"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Ended:
    key: str
    answer: Internal | None
    pause: float = 0
    error: str = ""


class Executor:
    """Keeps effects under way, up to the limits of each outside. Its step never waits for a slow one."""

    def __init__(
        self,
        pool: Pool,
        performers: Mapping[type[Internal], Performer[Any, Internal]],
        settings: Settings,
    ) -> None:
        self._pool, self._settings = pool, settings
        self._performers = {request.__name__: (request, performer) for request, performer in performers.items()}
        limits = Limits(
            settings.effects_at_once, settings.effects_per_second, settings.breaker_failures, settings.breaker_rest
        )
        self._lanes = {name: Lane(limits) for name in self._performers}
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._renewed = time.monotonic()
        self._ended: list[_Ended] = []
        self._ring_ended: Callable[[], None] = lambda: None
        self._ring_answered: Callable[[], None] = lambda: None

    def connect(self, *, ended: Callable[[], None], answered: Callable[[], None]) -> None:
        """Whom to wake: `ended` when an attempt ended, `answered` when answers were stored."""
        self._ring_ended, self._ring_answered = ended, answered

    async def step(self) -> bool:
        """Stores what ended, leases what is due. True where more may be due."""
        moved = len(self._ended)
        await self._store()
        await self._renew()
        more = False
        for name, lane in self._lanes.items():
            if not (free := lane.free(time.monotonic())):
                continue
            rows = await self._pool.fetch(_LEASE, free, self._settings.effect_lease, name)
            lane.started(len(rows))
            moved += len(rows)
            for row in rows:
                task = asyncio.create_task(self._perform(row, lane))
                self._under_way[task] = row["idempotency_key"]
                task.add_done_callback(self._under_way.pop)
            more |= len(rows) == free and bool(lane.free(time.monotonic()))
        await asyncio.sleep(breath(moved))
        return more

    async def drain(self) -> None:
        """Waits for what is under way and stores how it ended."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._store()

    async def close(self) -> None:
        """Cancels what is still under way (its lease runs out) and closes the performers."""
        for task in self._under_way:
            task.cancel()
        for _, performer in self._performers.values():
            await performer.close()

    async def _renew(self) -> None:
        now, lease = time.monotonic(), self._settings.effect_lease
        if self._under_way and now - self._renewed > lease / 4:
            await self._pool.execute(_RENEW, list(self._under_way.values()), lease)
            self._renewed = now

    async def _store(self) -> None:
        ended, self._ended = self._ended, []
        if not ended:
            return
        try:
            answers = [(e.key, e.answer.type_name(), e.answer.model_dump_json()) for e in ended if e.answer is not None]
            if answers:
                await self._pool.execute(_ANSWER, *map(list, zip(*answers, strict=True)))
                self._ring_answered()
            later = [(e.key, e.pause, e.error) for e in ended if e.answer is None]
            if later:
                await self._pool.execute(_LATER, *map(list, zip(*later, strict=True)))
        except BaseException:
            self._ended = ended + self._ended
            raise

    async def _perform(self, row: asyncpg.Record, lane: Lane) -> None:
        key, type_name, began = row["idempotency_key"], row["type"], time.monotonic()
        structlog.contextvars.bind_contextvars(
            order_id=row["correlation_id"], trace_id=trace_id(row["traceparent"]), effect=type_name
        )
        try:
            ended = await self._attempt(row)
        except Exception as error:
            log.exception("an effect's own code failed", attempt=row["attempts"])
            ended = _Ended(key, None, self._back_off(row["attempts"]), repr(error)[:500])
        outcome = "answered" if ended.answer is not None else "retry"
        if lane.ended(time.monotonic(), reached=ended.answer is not None):
            log.error("the outside keeps failing and is left alone for a while", reason=ended.error)
        metrics.resting.labels(type_name).set(lane.resting)
        metrics.effects.labels(type_name, outcome).inc()
        metrics.effect_seconds.labels(type_name).observe(time.monotonic() - began)
        self._ended.append(ended)
        self._ring_ended()

    async def _attempt(self, row: asyncpg.Record) -> _Ended:
        key = row["idempotency_key"]
        request_type, performer = self._performers[row["type"]]
        request = request_type.model_validate_json(row["request"])
        if row["now"] >= row["deadline"]:
            reason = f"no answer until the deadline, after {row['attempts'] - 1} attempts"
            log.error("an effect is given up", reason=reason)
            return _Ended(key, performer.give_up(request, reason))
        try:
            async with asyncio.timeout(self._settings.effect_timeout):
                return _Ended(key, await performer.perform(request, key))
        except RetryError as retry:
            pause = retry.after if retry.after is not None else self._back_off(row["attempts"])
            reason = retry.reason
        except (OSError, TimeoutError) as error:
            pause, reason = self._back_off(row["attempts"]), repr(error)
        log.info("an effect will be tried again", attempt=row["attempts"], reason=reason, pause=round(pause, 2))
        # No attempt lies so far out that the deadline would pass in silence.
        left = max(0.0, (row["deadline"] - datetime.now(UTC)).total_seconds())
        return _Ended(key, None, min(pause, left + 0.1), reason[:500])

    def _back_off(self, attempts: int) -> float:
        """Capped exponential back-off with full jitter.

        Source: M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
        """
        return random.uniform(0, min(self._settings.retry_cap, self._settings.retry_base * 2 ** min(attempts, 20)))
