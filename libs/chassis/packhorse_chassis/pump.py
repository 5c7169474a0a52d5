"""Brings in what the database holds for the reactions: due timers, retries, and the queues behind them."""

from collections.abc import Callable

import asyncpg
import structlog

from packhorse_chassis.batch import Processor
from packhorse_chassis.db import Pool
from packhorse_chassis.inputs import Arrival, Raw, Reader, unpack_headers
from packhorse_chassis.reaction import Ref
from packhorse_chassis.source import UNPARK, Queue, Retry, Timers

_DUE = """
SELECT type, key, name, id, due, payload::text, correlation_id, traceparent
FROM timer WHERE due <= now() ORDER BY due, type, key, name LIMIT $1"""

_ASKED = """
SELECT id, status, origin, topic, partition, "offset", key, headers, value, parked, subject_kind, subject_key
FROM dead_letter WHERE status IN ('retry', 'discard') ORDER BY at LIMIT $1"""

_WAITS = """
SELECT EXISTS (SELECT FROM timer WHERE due <= now()),
    EXISTS (SELECT FROM dead_letter WHERE status IN ('retry', 'discard')),
    EXISTS (SELECT FROM parked)"""

_DISCARD = "UPDATE dead_letter SET status = 'discarded', ended_at = now() WHERE id = $1 AND status = 'discard'"

_FREED = """
SELECT p.kind, p.key FROM parked p JOIN dead_letter d ON d.id = p.dead_letter_id
WHERE d.status IN ('retried', 'discarded') LIMIT $1"""

_QUEUE = """
SELECT seq, origin, topic, partition, "offset", key, headers, value
FROM waiting WHERE subject_kind = $1 AND subject_key = $2 ORDER BY seq LIMIT $3"""

log = structlog.get_logger(__name__)


class Pump:
    """One step of it looks once for each kind of stored input."""

    def __init__(self, processor: Processor, pool: Pool, batch: int, committed: Callable[[], None]) -> None:
        self._processor, self._pool, self._batch, self._committed = processor, pool, batch, committed
        self._reader = Reader(processor.service.routes)

    async def step(self) -> bool:
        """True where a full batch was found, so that more may wait."""
        # One question for all: mostly nothing waits, and each is asked many times a second.
        kinds = zip(
            await self._pool.fetchrow(_WAITS) or (),
            (self._timers, self._asked, self._freed),
            strict=True,
        )
        found = [await take() for waits, take in kinds if waits]
        if any(found):
            self._committed()
        return any(count >= self._batch for count in found)

    async def _timers(self) -> int:
        arrivals = []
        for row in await self._pool.fetch(_DUE, self._batch):
            arrival = self._reader.stored(
                "timer",
                row["type"],
                row["payload"],
                row["id"],
                row["due"],
                (row["correlation_id"], row["traceparent"]),
            )
            arrival.row = (row["type"], row["key"], row["name"])
            arrivals.append(arrival)
        return await self._processor.process(arrivals, Timers()) if arrivals else 0

    async def _asked(self) -> int:
        rows = await self._pool.fetch(_ASKED, self._batch)
        for row in rows:
            arrival = self._again(row) if row["status"] == "retry" else None
            if arrival is None:
                await self._pool.execute("UPDATE dead_letter SET status = 'discard' WHERE id = $1", row["id"])
                await self._pool.execute(_DISCARD, row["id"])
                continue
            # What parked its subject goes before all that wait behind it; anything else queues, as if it came now.
            released = frozenset({Ref(row["subject_kind"], row["subject_key"])} if row["parked"] else ())
            await self._processor.process([arrival], Retry(row["id"], released))
            log.info("dead letter tried again", dead_letter=row["id"], order_id=arrival.correlation_id)
        return len(rows)

    async def _freed(self) -> int:
        freed = await self._pool.fetch(_FREED, self._batch)
        for row in freed:
            ref = Ref(row["kind"], row["key"])
            waiting = []
            for queued in await self._pool.fetch(_QUEUE, ref.kind, ref.key, self._batch):
                arrival = self._again(queued)
                if arrival is None:
                    await self._pool.execute("DELETE FROM waiting WHERE seq = $1", queued["seq"])
                    continue
                arrival.waiting = queued["seq"]
                waiting.append(arrival)
            if waiting:
                await self._processor.process(waiting, Queue(ref))
            else:
                await self._unpark(ref)
        return self._batch if freed else 0

    async def _unpark(self, ref: Ref) -> None:
        async with self._pool.acquire() as db, db.transaction():
            await self._processor.tables[ref.kind].lock(db, [ref.key])
            await db.execute(UNPARK, ref.kind, ref.key)
        log.info("a parked subject is free again", kind=ref.kind, key=ref.key)

    def _again(self, row: asyncpg.Record) -> Arrival | None:
        return self._reader.again(
            Raw(
                row["origin"],
                row["topic"],
                row["partition"],
                row["offset"],
                row["key"],
                unpack_headers(row["headers"]),
                row["value"],
            )
        )
