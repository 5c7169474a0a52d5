"""Publishes the outbox: one leader, in id order, then deletes.

The leader reads the *set* of unsent rows, never "id greater than the last one": ids are drawn before the commit, so
a lower one may become visible later. It deletes on the connection that holds its advisory lock: one that lost the
lock can't delete. What it published before it died is published again, under the same ids.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from packhorse_chassis.core.inputs import unpack_headers
from packhorse_chassis.postgres.db import OwnConnection
from packhorse_chassis.postgres.faults import BrokerAwayError
from packhorse_chassis.telemetry import metrics

_LOCK = 7_223_302
"""With a second number, 0, since the first release: leaders of two releases must exclude each other."""

_CHANNEL = "packhorse_outbox"
_BYTES = 8 * 1_048_576
"""Published at once, about: a backlog of large dead letters must not run into the time limit of the statement."""

_PATIENCE = 30.0
"""Seconds for which one attempt to publish is waited for. Then the loop shows that it lives, and what it waits for."""

_TO_ANSWER = 5.0
"""Seconds. A broker that is there says within them which topics it has."""

_partitioner = DefaultPartitioner()
"""By murmur2 of the key, as all clients of Kafka do it: an operator's or outsider's tool finds the same partition."""

_NEXT = """
SELECT id, topic, key, headers, value, upto FROM (
    SELECT *, sum(size) OVER (ORDER BY id) AS upto
    FROM outbox, LATERAL (
        SELECT coalesce(octet_length(key), 0) + octet_length(headers) + octet_length(value) AS size) AS s
    ORDER BY id LIMIT $1) AS next
WHERE upto - size < $2 ORDER BY id"""
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"


class LeadLostError(Exception):
    """Only a new process, with an empty producer, may publish again."""


class Relay:
    """The publishing side of one process; idle while another process leads."""

    def __init__(self, connect: Callable[[], Awaitable[OwnConnection]], producer: AIOKafkaProducer, rows: int) -> None:
        self._connect, self._producer, self._rows = connect, producer, rows
        self._told: Callable[[], None] = lambda: None
        self._db: OwnConnection | None = None
        self._leads = False
        self._in_vain_since: float | None = None
        self._refused: Sequence[int] = []
        """What this process has published, and the database wouldn't delete."""

        self._unsettled = False
        """The producer may still hold records that nobody has confirmed."""

    def connect(self, told: Callable[[], None]) -> None:
        """`told` is called when another process of the service has stored something to publish."""
        self._told = told

    def stalled(self, limit: float) -> str:
        """Why only a new process helps: the broker answers, and yet nothing is published for so many seconds. Empty
        where that isn't so."""
        since = self._in_vain_since
        return "" if since is None or time.monotonic() - since < limit else f"nothing is published for {limit:.0f} s"

    async def step(self) -> bool:
        """Publishes one batch. True where more rows may wait."""
        try:
            db = await self._lead()
            if db is None:
                return False
            await self._delete(db, self._refused)
            rows = await db.fetch(_NEXT, self._rows, _BYTES)
            if not rows:
                return False
            await self._publish_patiently(rows)
            await self._delete(db, [row["id"] for row in rows])
            self._in_vain_since = None
        except BrokerAwayError:
            await self._notice()
            raise  # with the lead kept: what the producer still holds must not come behind a successor's records
        except Exception:
            await self.resign()
            raise
        metrics.published.inc(len(rows))
        return len(rows) == self._rows or rows[-1]["upto"] >= _BYTES

    async def _delete(self, db: OwnConnection, published: Sequence[int]) -> None:
        """Where the database refuses it (a privilege is missing, say), nothing is published again meanwhile: it would
        be the same, as often as it is tried."""
        if not published:
            return
        try:
            await db.execute(_DELETE, published)
        except asyncpg.PostgresError:
            self._refused = published
            raise
        self._refused = []

    async def _publish_patiently(self, rows: Sequence[asyncpg.Record]) -> None:
        """Raises BrokerAwayError where it takes too long, and what ended the producer for good as it is."""
        try:
            self._unsettled = True
            async with asyncio.timeout(_PATIENCE):
                await self._publish(rows)
            self._unsettled = False
        except TimeoutError:
            raise BrokerAwayError(f"nothing could be published for {_PATIENCE:.0f} s") from None
        except KafkaError as error:
            if not (error.retriable or isinstance(error, KafkaTimeoutError)):
                raise
            raise BrokerAwayError(repr(error)) from error

    async def _notice(self) -> None:
        """Whether it is the broker that is away, or its producer that hangs."""
        try:
            async with asyncio.timeout(_TO_ANSWER):
                await self._producer.client.fetch_all_metadata()
        except Exception:
            self._in_vain_since = None
        else:
            self._in_vain_since = self._in_vain_since or time.monotonic()

    async def _publish(self, rows: Sequence[asyncpg.Record]) -> None:
        """All of them, filled into batches by hand: a third of the work of sending one by one. Records of one key are
        in one partition, and lie there in the order of `rows`."""
        partitions = {topic: sorted(await self._producer.partitions_for(topic)) for topic in {r["topic"] for r in rows}}
        batches: dict[tuple[str, int], BatchBuilder] = {}
        sent = []
        for row in rows:
            place = row["topic"], _partitioner(row["key"], partitions[row["topic"]], partitions[row["topic"]])
            record = {"key": row["key"], "value": row["value"], "headers": unpack_headers(row["headers"])}
            batch = batches.get(place)
            if batch is None or batch.append(timestamp=None, **record) is None:
                if batch is not None:  # it is full
                    sent.append(await self._producer.send_batch(batch, place[0], partition=place[1]))
                batch = batches[place] = self._producer.create_batch()
                batch.append(timestamp=None, **record)
        sent += [
            await self._producer.send_batch(batch, topic, partition=partition)
            for (topic, partition), batch in batches.items()
        ]
        await asyncio.gather(*sent)

    async def resign(self) -> None:
        """Gives up the lead, and with it the connection."""
        self._leads = False
        metrics.leader.set(0)
        if self._db is not None:
            db, self._db = self._db, None
            with contextlib.suppress(Exception):
                await db.close(timeout=2)

    async def _lead(self) -> OwnConnection | None:
        if self._db is None or self._db.is_closed():
            if self._unsettled:
                # Another process may lead by now. What is still held here must not come behind what that one says.
                await self._producer._sender.close()
                raise LeadLostError("the lead is lost, with records under way to a broker that was away")
            self._leads = False
            self._db = await self._connect()
        if not self._leads:
            self._leads = await self._db.fetchval("SELECT pg_try_advisory_lock($1, 0)", _LOCK)
            metrics.leader.set(self._leads)
            if self._leads:
                await self._db.add_listener(_CHANNEL, lambda *_: self._told())
            else:
                await self._db.execute(f"NOTIFY {_CHANNEL}")  # the leader is elsewhere, and may sleep
        return self._db if self._leads else None
