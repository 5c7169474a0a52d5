"""The Kafka side: one FastStream batch subscriber over all the topics that a service hears.

Positions are committed before the next poll, when the database has committed all that they cover: they never run ahead.
They may well lag behind, for the inbox drops what comes again: one commit a second is enough. `NACK_ON_ERROR` rewinds
a batch that failed; `MANUAL` and `ACK` would lose it, `ACK_FIRST` commits too early.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.kafka import lenient
from packhorse_chassis.kafka.progress import Progress
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.faults import is_transient
from packhorse_chassis.postgres.source import Records
from packhorse_chassis.settings import Settings
from packhorse_chassis.telemetry import metrics
from packhorse_chassis.wake import breath


class KafkaRecord(Protocol):
    """What is used of an aiokafka ConsumerRecord, which comes untyped."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


_PATIENCE = 20.0
"""Seconds of trying one batch before it is handed back and polled anew: well below max_poll_interval_ms."""

_COMMIT_EVERY = 1.0
"""Seconds."""

_LOOK_EVERY = 1.0
"""Seconds between looks at how far behind it is."""

_COMMIT_TIMEOUT = 5.0
"""Seconds. Without a limit aiokafka tries until the broker is back, and nobody sees that it waits."""

_REST = 3.0
"""Seconds at most after a batch that can't be taken at all, before it is polled again."""

_GULP = 262_144
"""Bytes that are read without letting anybody else have the loop, and one record more: tens of milliseconds."""

_POLL_MS = 500
"""How long a poll waits for a record; it returns as soon as there is one."""

log = structlog.get_logger(__name__)


class Consumer:
    """Feeds batches of records to the processor."""

    def __init__(self, processor: Processor, settings: Settings, committed: Callable[[], None]) -> None:
        self._processor, self._committed = processor, committed
        self._reader = Reader(processor.service.routes)
        self._stopping = False
        self._uncommitted, self._committed_at = False, 0.0
        self._in_hand = False
        """A batch was polled, and is neither handled nor rewound yet."""

        self._astray = False
        """A poll failed, and its positions are neither known nor to be committed."""

        self._max_records = settings.batch_records
        self.progress = Progress(processor.inbox.clock)
        self._looked_at = 0.0
        self.busy_since: float | None = None
        self._polled_at = time.monotonic()
        self.waits_for: str | None = None
        """Why the batch under way can't be stored just now: a full disk, say."""

        lenient.install()
        self.broker = KafkaBroker(
            settings.kafka.split(","),
            client_id=f"packhorse-{processor.service.name}",
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            serializer=None,
            logger=None,
            graceful_timeout=settings.stop_grace,
        )
        subscriber = self.broker.subscriber(
            *processor.service.routes.topics,
            group_id=f"packhorse-{processor.service.name}",
            group_instance_id=settings.group_instance_id,
            batch=True,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            parser=self._parse,
            decoder=self._decode,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_records=settings.batch_records,
            fetch_max_wait_ms=500,
            session_timeout_ms=settings.session_timeout_ms,
            max_poll_interval_ms=120_000,
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        )
        assert isinstance(subscriber, BatchSubscriber)  # noqa: S101 -- batch=True
        self._subscriber = subscriber
        # FastStream's own sleeps after every empty poll, and so lets the next record wait.
        vars(subscriber)["get_msg"] = self._poll
        subscriber(self.handle)

    async def start(self) -> None:
        """Joins the group and begins to poll."""
        await self.broker.start()
        self._polled_at = time.monotonic()

    async def stop(self) -> None:
        """No more patience with a database that is away: the batch under way is handed back. What was handled is
        committed."""
        self._stopping = True
        consumer = self._subscriber.consumer
        if consumer is not None and not self._in_hand:
            await self._commit(consumer)

    def stalled(self, limit: float) -> str | None:
        """Why it gets nowhere, where that has lasted for more than `limit` seconds. A poll ends by itself when nothing
        comes: one that doesn't, or that fails again and again, has a client that only a new process gets rid of."""
        now = time.monotonic()
        if self.busy_since is not None:
            return "one batch takes too long" if now - self.busy_since > limit else None
        return "no poll succeeds" if now - self._polled_at > limit else None

    async def handle(self, records: tuple[KafkaRecord, ...]) -> None:
        """Takes one batch; raises only when it is to be polled again."""
        arrivals = await read(self._reader, records)
        if not arrivals:
            return
        self.busy_since = began = time.monotonic()
        failures = 0
        try:
            while True:
                try:
                    await self._processor.process(arrivals, Records())
                    self._committed()
                    self.waits_for = None
                    if len(records) < self._max_records:  # a full batch can't grow: there is a backlog
                        await asyncio.sleep(breath(time.monotonic() - began))
                    return
                except Exception as error:
                    self.waits_for = repr(error)
                    if not is_transient(error):  # not even given up could it be: a mistake of ours, or of the database
                        log.exception("a batch can't be taken", records=len(records))
                        await asyncio.sleep(random.uniform(_REST / 2, _REST))
                        raise
                    failures += 1
                    metrics.retried_batches.inc()
                    pause = random.uniform(0, min(3.0, 0.05 * 2**failures))
                    log.warning("a batch waits", reason=repr(error), pause=round(pause, 2), records=len(records))
                    await asyncio.sleep(pause)
                    if self._stopping or time.monotonic() - began > _PATIENCE:
                        raise
        finally:
            self.busy_since = None
            self._polled_at = time.monotonic()

    async def _poll(self, consumer: AIOKafkaConsumer) -> tuple[KafkaRecord, ...]:
        """The next batch; empty after a while without records."""
        self._in_hand = False
        await self._find_back(consumer)
        if time.monotonic() - self._committed_at > _COMMIT_EVERY:
            await self._commit(consumer)
        if time.monotonic() - self._looked_at > _LOOK_EVERY:
            self._looked_at = time.monotonic()
            self.progress.look(consumer)
        consumer.resume(*consumer.paused())
        try:
            batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=self._max_records)
        except Exception:
            self._astray = True
            raise
        self._polled_at = time.monotonic()
        if not batches:
            self.waits_for = None
            await self._commit(consumer)
            return ()
        self._uncommitted = self._in_hand = True
        self.progress.took(batches)
        # Nothing is fetched ahead: that would be the few records that came first. Later all come that wait by then.
        consumer.pause(*consumer.assignment())
        return tuple(chain.from_iterable(batches.values()))

    async def _find_back(self, consumer: AIOKafkaConsumer) -> None:
        """Back to what was committed. A poll that failed at one partition has passed over the records of those before
        it, which the next commit would lose. What was handled already is dropped by the inbox."""
        if not self._astray:
            return
        async with asyncio.timeout(_COMMIT_TIMEOUT):
            for place in consumer.assignment():
                committed = await consumer.committed(place)
                if committed is None:
                    await consumer.seek_to_beginning(place)
                else:
                    consumer.seek(place, committed)
        self._astray = False

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commits what was polled, and so handled or rewound. What can't be committed comes again, and is dropped."""
        if not self._uncommitted or self._astray:
            return
        self._committed_at = time.monotonic()
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT):
                await consumer.commit()
            self._uncommitted = False
        except (KafkaError, TimeoutError) as error:
            log.warning("positions can't be committed just now", reason=repr(error))

    async def _parse(self, records: tuple[KafkaRecord, ...]) -> KafkaMessage:
        # Nothing of a record is read here: FastStream's own parser raises at a header that isn't UTF-8, and the
        # whole batch would be lost with it.
        consumer = self._subscriber.consumer
        assert consumer is not None  # noqa: S101 -- it polled this batch
        return _Batch(self._handled, body=b"", raw_message=records, consumer=consumer)

    async def _handled(self, consumer: AIOKafkaConsumer) -> None:
        self._in_hand = False
        if self._stopping:  # there will be no next poll
            await self._commit(consumer)

    async def _decode(self, message: KafkaAckableMessage) -> object:
        return message.raw_message


async def read(reader: Reader, records: Sequence[KafkaRecord]) -> list[Arrival]:
    """What of a batch is for us. Lets the loop breathe: hundreds of large records may take a second to read."""
    arrivals, since = [], 0
    for record in records:
        if (arrival := reader.record(_raw(record))) is not None:
            arrivals.append(arrival)
        since += len(record.value or b"")
        if since > _GULP:
            since = 0
            await asyncio.sleep(0)
    return arrivals


class _Batch(KafkaAckableMessage):
    """Records whose positions are committed later, by the consumer that is told."""

    def __init__(self, handled: Callable[[AIOKafkaConsumer], Awaitable[None]], **message: Any) -> None:
        super().__init__(**message)
        self._handled = handled

    async def ack(self) -> None:
        await self._handled(self.consumer)
        await KafkaMessage.ack(self)
        # FastStream holds the message in a context variable, and whatever is begun meanwhile, a database connection
        # say, holds that for as long as it lives.
        self.raw_message = ()
        self.clear_cache()


def _raw(record: KafkaRecord) -> Raw:
    headers = [(name, value if value is not None else b"") for name, value in record.headers]
    return Raw("record", record.topic, record.partition, record.offset, record.key, headers, record.value)
