"""Brings in what the database holds for the reactions: due timers, retries, and the queues behind them."""

import time
from collections.abc import Callable
from typing import Final

import asyncpg
import structlog

from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import Arrival, Raw, unpack_headers
from packhorse_chassis.core.kinds import NewerError, Ref
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.source import UNPARK, Known, Queue, Retry, Timers

_DUE = """
SELECT type, key, name, id, due, payload::text, correlation_id, traceparent
FROM timer WHERE due <= now() AND id <> ALL($2::text[]) ORDER BY due, type, key, name LIMIT $1"""

_ASKED = """
SELECT id, status, origin, topic, partition, "offset", key, headers, value, parked, subject_kind, subject_key
FROM dead_letter WHERE status IN ('retry', 'discard') AND id <> ALL($2::text[]) ORDER BY at LIMIT $1"""

_WAITS = """
SELECT EXISTS (SELECT FROM timer WHERE due <= now() AND id <> ALL($1::text[])),
    EXISTS (SELECT FROM waiting WHERE subject_kind = ANY($2::text[])),
    EXISTS (SELECT FROM dead_letter WHERE status = 'open' AND subject_kind = ANY($2::text[])),
    EXISTS (SELECT FROM dead_letter WHERE status IN ('retry', 'discard') AND id <> ALL($1::text[])),
    EXISTS (SELECT FROM parked)"""

_NAMED = """
SELECT w.subject_key, min(w.at) < now() - $1 * interval '1 second' AS overdue
FROM waiting w LEFT JOIN {alias} a ON a.id = w.subject_key WHERE w.subject_kind = '{alias}'
GROUP BY w.subject_key
HAVING bool_or(a.state->>'subject' <> '') OR min(w.at) < now() - $1 * interval '1 second' LIMIT $2"""

_KNOWN_AFTER_ALL = """
UPDATE dead_letter d SET status = 'retry', decided_at = now(), decided_by = 'packhorse', why = 'it is known by now'
FROM {alias} a WHERE a.id = d.subject_key AND a.state->>'subject' <> ''
    AND d.subject_kind = '{alias}' AND d.status = 'open' AND d.retryable AND d.emptied_at IS NULL"""

_DISCARD = "UPDATE dead_letter SET status = 'discarded', ended_at = now() WHERE id = $1 AND status = 'discard'"

_FREED = """
SELECT p.kind, p.key FROM parked p JOIN dead_letter d ON d.id = p.dead_letter_id
WHERE d.status IN ('retried', 'discarded') LIMIT $1"""

_QUEUE = """
SELECT seq, origin, topic, partition, "offset", key, headers, value
FROM waiting WHERE subject_kind = $1 AND subject_key = $2 ORDER BY seq LIMIT $3"""

_NAMES_EVERY: Final = 1.0
"""Seconds. What waits for a name, perhaps for an hour, is looked at this often, however much it is; and when one was
given here."""

_LEFT_ALONE: Final = 10.0
"""Seconds for which what a newer release wrote isn't looked at again."""

log = structlog.get_logger(__name__)


class Pump:
    """One step of it looks once for each kind of stored input."""

    def __init__(self, processor: Processor, pool: Pool, batch: int, committed: Callable[[], None]) -> None:
        self._processor, self._pool, self._batch, self._committed = processor, pool, batch, committed
        self._reader = Reader(processor.service.routes)
        self._aliases = processor.service.routes.aliases
        self._left: dict[str, str] = {}
        self._left_since = 0.0
        self._names_since = 0.0

    @property
    def left(self) -> str | None:
        """Something that waits for a process of a newer release, where something does."""
        return next(iter(self._left.values()), None)

    async def step(self) -> bool:
        """True where a full batch was found, so that more may wait."""
        if time.monotonic() - self._left_since > _LEFT_ALONE:
            self._left, self._left_since = {}, time.monotonic()
        names: list[str] = []
        if self._processor.named or time.monotonic() - self._names_since > _NAMES_EVERY:
            names, self._names_since = [alias.name for alias in self._aliases], time.monotonic()
            self._processor.named = False
        # One question for all: mostly nothing waits, and each is asked many times a second.
        row = await self._pool.fetchrow(_WAITS, list(self._left), names)
        assert row is not None  # noqa: S101 -- one row always
        if names:
            self._processor.nameless = row[1]
        kinds = zip(row, (self._timers, self._named, self._known_after_all, self._asked, self._freed), strict=True)
        found = [await take() for waits, take in kinds if waits]
        if any(found):
            self._committed()
        return any(count >= self._batch for count in found)

    async def _timers(self) -> int:
        arrivals = []
        for row in await self._pool.fetch(_DUE, self._batch, list(self._left)):
            context = row["correlation_id"], row["traceparent"]
            try:
                arrival = self._reader.stored("timer", row["type"], row["payload"], row["id"], row["due"], context)
            except NewerError as newer:
                self._leave(row["id"], str(newer))
                continue
            arrival.row = (row["type"], row["key"], row["name"])
            arrivals.append(arrival)
        return await self._processor.process(arrivals, Timers()) if arrivals else 0

    async def _asked(self) -> int:
        rows = await self._pool.fetch(_ASKED, self._batch, list(self._left))
        for row in rows:
            if row["status"] == "discard":
                await self._pool.execute(_DISCARD, row["id"])
                continue
            if (arrival := self._again(row)) is None:
                self._leave(row["id"], f"dead letter {row['id']} is of a type that this release doesn't know")
                continue
            # What parked its subject goes before all that wait behind it; anything else queues, as if it came now.
            released = frozenset({Ref(row["subject_kind"], row["subject_key"])} if row["parked"] else ())
            await self._processor.process([arrival], Retry(row["id"], released))
            log.info("dead letter tried again", dead_letter=row["id"], order_id=arrival.correlation_id)
        return len(rows)

    async def _named(self) -> int:
        """What waited for its subject's name: that is known now, or was waited for long enough."""
        found = 0
        for alias in self._aliases:
            query = _NAMED.format(alias=alias.name)
            for row in await self._pool.fetch(query, alias.patience.total_seconds(), self._batch):
                ref = alias.ref(row["subject_key"])
                if waiting := await self._queued(ref):
                    for arrival in waiting:
                        arrival.overdue = row["overdue"]
                    await self._processor.process(waiting, Known(ref))
                    found += len(waiting)
        return found

    async def _known_after_all(self) -> int:
        """What was given up for want of a name, and has it now."""
        for alias in self._aliases:
            await self._pool.execute(_KNOWN_AFTER_ALL.format(alias=alias.name))
        return 0

    async def _freed(self) -> int:
        went_on = False
        for row in await self._pool.fetch(_FREED, self._batch):
            ref = Ref(row["kind"], row["key"])
            waiting = await self._queued(ref)
            if waiting:
                await self._processor.process(waiting, Queue(ref))
            elif waiting is not None:
                await self._unpark(ref)
            went_on |= waiting is not None
        return self._batch if went_on else 0

    async def _queued(self, ref: Ref) -> list[Arrival] | None:
        """What waits there, as far as this release knows it; None where that is nothing of what there is."""
        waiting: list[Arrival] = []
        queued = await self._pool.fetch(_QUEUE, ref.kind, ref.key, self._batch)
        for each in queued:
            if (arrival := self._again(each)) is None:  # those behind it wait as well: they keep their order
                self._leave(f"{ref.kind} {ref.key}", f"what waits behind {ref.kind} {ref.key} isn't known here")
                break
            arrival.waiting = each["seq"]
            waiting.append(arrival)
        return waiting if waiting or not queued else None

    async def _unpark(self, ref: Ref) -> None:
        async with self._pool.acquire() as db, db.transaction():
            await self._processor.tables[ref.kind].lock(db, [ref.key])
            await db.execute(UNPARK, ref.kind, ref.key)
        log.info("a parked subject is free again", kind=ref.kind, key=ref.key)

    def _leave(self, what: str, why: str) -> None:
        """It waits for a newer process; looked at again after a while, should there be none."""
        if what not in self._left:
            log.warning("left to a newer release", what=what, reason=why)
        self._left[what] = why

    def _again(self, row: asyncpg.Record) -> Arrival | None:
        """The input that a row keeps; None where this release knows nothing of the like."""
        place = row["origin"], row["topic"], row["partition"], row["offset"], row["key"]
        try:
            return self._reader.again(Raw(*place, unpack_headers(row["headers"]), row["value"]))
        except NewerError:
            return None
