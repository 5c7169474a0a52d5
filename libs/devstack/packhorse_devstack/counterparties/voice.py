"""How a counterparty speaks and listens on Kafka: CloudEvents, and nothing that an outsider couldn't do as well."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError
from packhorse_contracts import envelope
from packhorse_contracts.base import Fact
from packhorse_contracts.envelope import Envelope
from pydantic_core import to_json

from packhorse_devstack.counterparties.process import log

TOPIC_SECONDS: Final = 0.5
"""Between two looks for a topic that isn't there yet."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A fact to say: its CloudEvents id, its time, and the id of the event that caused it."""

    fact: Fact
    id: str
    at: datetime
    causation_id: str | None = None
    structured: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """A record to send byte by byte."""

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def render(saying: Saying, source: str) -> Raw:
    """The record of a fact in binary mode, or in structured mode where that is asked for."""
    fact = saying.fact
    attributes = Envelope(
        id=saying.id,
        source=source,
        type=fact.TYPE,
        subject=fact.subject,
        time=saying.at,
        correlation_id=fact.correlation,
        causation_id=saying.causation_id,
    )
    key, value, headers = envelope.encode(attributes, fact)
    if saying.structured:
        event = {
            "specversion": "1.0",
            "id": saying.id,
            "source": source,
            "type": fact.TYPE,
            "subject": fact.subject,
            "time": envelope.rfc3339(saying.at),
            "datacontenttype": "application/json",
            "data": fact.model_dump(mode="json", exclude_none=True, by_alias=True),
        }
        value, headers = to_json(event), [("content-type", envelope.STRUCTURED.encode())]
    return Raw(fact.TOPIC.name, key, value, tuple(headers))


class Voice:
    """A producer that waits for all replicas and never sends twice by itself. Use it as a context."""

    def __init__(self, kafka: str, source: str) -> None:
        self.source = source
        self._producer = AIOKafkaProducer(
            bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=5, max_batch_size=131_072
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def say(self, what: Iterable[Saying | Raw]) -> None:
        """Sends all, and returns when all are stored; facts with one key keep their order."""
        records = [one if isinstance(one, Raw) else render(one, self.source) for one in what]
        sent = [
            await self._producer.send(one.topic, value=one.value, key=one.key, headers=list(one.headers))
            for one in records
        ]
        await asyncio.gather(*sent)


@dataclass(frozen=True, slots=True)
class Heard:
    """A fact that was heard, with its envelope."""

    envelope: Envelope
    fact: Fact


class Ear:
    """Reads a topic from its beginning; it has no consumer group, since it keeps nothing but what it reads."""

    def __init__(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        self._consumer, self._ends = consumer, ends

    async def listen(self, timeout_ms: int = 25) -> list[Heard]:
        """What has come since; empty after `timeout_ms` of silence. What can't be read is logged and left."""
        batches = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=2_000)
        heard = []
        for record in (one for records in batches.values() for one in records):
            read = envelope.decode(record.value, record.headers)
            if isinstance(read, envelope.Heard):
                heard.append(Heard(read.envelope, read.fact))
            else:
                log("unreadable", topic=record.topic, offset=record.offset, code=read.code, message=read.message)
        return heard

    async def history(self) -> list[Heard]:
        """All that stood in the topic when it was opened."""
        past: list[Heard] = []
        while any([await self._consumer.position(partition) < end for partition, end in self._ends.items()]):
            past += await self.listen(timeout_ms=200)
        return past


@asynccontextmanager
async def ear(kafka: str, topic: str) -> AsyncIterator[Ear]:
    """Opens a topic for reading from its beginning; waits until it exists."""
    consumer = await _open(kafka, topic)
    try:
        yield Ear(consumer, await consumer.end_offsets(consumer.assignment()))
    finally:
        await consumer.stop()


async def _open(kafka: str, topic: str) -> AIOKafkaConsumer:
    while True:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=kafka,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=500,
        )
        try:
            await consumer.start()
        except UnknownTopicOrPartitionError:
            await consumer.stop()
            log("waiting_for_topic", topic=topic)
            await asyncio.sleep(TOPIC_SECONDS)
        else:
            return consumer
