"""Reading the event streams: from the beginning to the end of now, or on and on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from packhorse_chassis import lenient
from packhorse_contracts import envelope as ce
from packhorse_contracts import topics
from pydantic_core import from_json


@dataclass(frozen=True, slots=True)
class Event:
    """A record as an operator sees it: any bytes, with as much meaning as they have."""

    topic: str
    partition: int
    offset: int
    at: datetime
    key: str
    headers: dict[str, str]
    """As text, whatever their bytes were."""

    raw_headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def type(self) -> str:
        """The fact's type; `?` where there is none."""
        given = self.headers.get("ce_type") or self._envelope.get("type")
        return given if isinstance(given, str) else "?"

    @property
    def short(self) -> str:
        """The type without prefix and version: `order.confirmed`."""
        return self.type.removeprefix("packhorse.").rsplit(".v", 1)[0]

    @property
    def order_id(self) -> str | None:
        """The order that it belongs to, where it says so."""
        given = self.headers.get("ce_correlationid") or self._envelope.get("correlationid")
        return given if isinstance(given, str) else None

    @property
    def data(self) -> dict[str, object]:
        """The fact; empty where it can't be read."""
        return _object(self._envelope.get("data")) if self._structured else _object(_parsed(self.value))

    @property
    def _structured(self) -> bool:
        return self.headers.get("content-type", "").startswith(ce.STRUCTURED)

    @property
    def _envelope(self) -> dict[str, object]:
        """Attributes and data, where the whole event lies in the value."""
        return _object(_parsed(self.value)) if self._structured else {}


def _parsed(value: bytes) -> object:
    try:
        return from_json(value)
    except ValueError:
        return None


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


async def read(bootstrap: str, names: list[str], *, follow: bool, from_beginning: bool = True) -> AsyncIterator[Event]:
    """Events of these topics. Without `follow` it ends at what was the end when it began."""
    lenient.install()
    # A consumer without a group is given all partitions of its topics at the start.
    consumer = AIOKafkaConsumer(
        *await _known(bootstrap, names),
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest" if from_beginning else "latest",
        # Every request names every partition: few large answers cost both sides far less than many small ones.
        fetch_min_bytes=65_536,
        fetch_max_wait_ms=300,
    )
    await consumer.start()
    try:
        partitions: set[TopicPartition] = consumer.assignment()
        ends = await consumer.end_offsets(partitions)
        left = {partition for partition, end in ends.items() if end > 0}
        if not follow:
            left = {p for p in left if await consumer.position(p) < ends[p]}
        while follow or left:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    if follow or record.offset < ends[partition]:
                        yield _event(record)
            if not follow:
                left = {p for p in left if await consumer.position(p) < ends[p]}
    finally:
        await consumer.stop()


async def _known(bootstrap: str, names: list[str]) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        present = set(await admin.list_topics())
    finally:
        await admin.close()
    if not (known := [name for name in names if name in present]):
        raise LookupError("this broker has none of the topics: create them with `packhorse topics --create`")
    return known


def all_topics(*, dead: bool = False) -> list[str]:
    """Every topic of the contracts, with the dead-letter topics of their readers on demand."""
    return [*topics.ALL, *(dead_topics() if dead else [])]


def dead_topics() -> list[str]:
    """The dead-letter topics of all topics' readers."""
    return [topics.dead_letters(topic.name, reader) for topic in topics.ALL.values() for reader in topic.readers]


def _event(record: object) -> Event:
    topic: str = getattr(record, "topic", "")
    headers = tuple((name, value or b"") for name, value in getattr(record, "headers", ()))
    key: bytes = getattr(record, "key", None) or b""
    return Event(
        topic,
        getattr(record, "partition", 0),
        getattr(record, "offset", 0),
        datetime.fromtimestamp(getattr(record, "timestamp", 0) / 1000, tz=UTC),
        key.decode("utf-8", "replace"),
        {name: value.decode("utf-8", "replace") for name, value in headers},
        headers,
        getattr(record, "value", None) or b"",
    )
