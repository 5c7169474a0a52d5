"""Reading the event streams: from the beginning to the end of now, or on and on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from packhorse_chassis.kafka import lenient
from packhorse_contracts import envelope as ce
from packhorse_contracts import topics
from pydantic_core import from_json

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)
_DATED: Final = range(2000, 2200)


class NothingThereError(Exception):
    """The broker has none of the topics."""


@dataclass(frozen=True, slots=True)
class Event:
    """A record as an operator sees it: any bytes, with as much meaning as they have."""

    topic: str
    partition: int
    offset: int
    at: datetime
    """The broker's time stamp. A producer may write anything there: see `dated`."""

    key: str
    headers: dict[str, str]
    """As text, whatever their bytes were."""

    raw_headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def dated(self) -> bool:
        """True where its time can be one of ours."""
        return self.at.year in _DATED

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
    def dry_run(self) -> bool:
        """True where it only asks what would follow."""
        given = self.headers.get("ce_dryrun") or self._envelope.get("dryrun") or ""
        return str(given).lower() == "true"

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
        return from_json(value, allow_inf_nan=False)
    except ValueError:
        return None


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


@asynccontextmanager
async def consuming(
    bootstrap: str, names: list[str], *, from_beginning: bool, at_least: int = 1
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all partitions of these topics. A broker answers it once it has `at_least` so many bytes."""
    lenient.install()
    # A consumer without a group is given all partitions of its topics at the start.
    consumer = AIOKafkaConsumer(
        *await _known(bootstrap, names),
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest" if from_beginning else "latest",
        fetch_min_bytes=at_least,
        fetch_max_wait_ms=300,
        # What is fetched of a partition waits in memory until it is asked for.
        max_partition_fetch_bytes=262_144,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read(bootstrap: str, names: list[str], *, follow: bool, from_beginning: bool = True) -> AsyncIterator[Event]:
    """Events of these topics, in order within a partition. Without `follow` it ends at what was the end when it began.

    For programs; people want one time line: `timeline.merged`.
    """
    # Every request names every partition: few large answers cost both sides far less than many small ones.
    async with consuming(bootstrap, names, from_beginning=from_beginning, at_least=65_536) as consumer:
        partitions: set[TopicPartition] = consumer.assignment()
        ends = await consumer.end_offsets(partitions)
        left = {partition for partition, end in ends.items() if end > 0}
        if not follow:
            left = {p for p in left if await consumer.position(p) < ends[p]}
        while follow or left:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    if follow or record.offset < ends[partition]:
                        yield event(record)
            if not follow:
                left = {p for p in left if await consumer.position(p) < ends[p]}


async def _known(bootstrap: str, names: list[str]) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        present = set(await admin.list_topics())
    finally:
        await admin.close()
    if not (known := [name for name in names if name in present]):
        raise NothingThereError("this broker has none of the topics: create them with `packhorse topics --create`")
    return known


def all_topics(*, dead: bool = False) -> list[str]:
    """Every topic of the contracts, with the dead-letter topics of their readers on demand."""
    return [*topics.ALL, *(dead_topics() if dead else [])]


def dead_topics() -> list[str]:
    """The dead-letter topics of all topics' readers."""
    return [topics.dead_letters(topic.name, reader) for topic in topics.ALL.values() for reader in topic.readers]


def moment(stamp: int) -> datetime:
    """A broker's time stamp, in milliseconds; one end of the calendar where that has no such time."""
    try:
        return _EPOCH + timedelta(milliseconds=stamp)
    except OverflowError:
        return _FIRST if stamp < 0 else _LAST


def event(record: object) -> Event:
    """A record as aiokafka, which has no types, gives it. Never raises, whatever it holds."""
    topic: str = getattr(record, "topic", "")
    headers = tuple((name, value or b"") for name, value in getattr(record, "headers", ()))
    key: bytes = getattr(record, "key", None) or b""
    return Event(
        topic,
        getattr(record, "partition", 0),
        getattr(record, "offset", 0),
        moment(getattr(record, "timestamp", 0)),
        key.decode("utf-8", "replace"),
        {name: value.decode("utf-8", "replace") for name, value in headers},
        headers,
        getattr(record, "value", None) or b"",
    )
