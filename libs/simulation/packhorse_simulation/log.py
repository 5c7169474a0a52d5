"""The broker in memory: topics of partitions, each an append-only list."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zlib import crc32

from packhorse_chassis.core.inputs import Raw
from packhorse_contracts.base import Fact
from packhorse_contracts.topics import ALL

PARTITIONS: Final = 2
"""A topic: enough for keys to be apart, few enough for batches to hold more than one record."""

Place = tuple[str, int]
"""Topic and partition."""


@dataclass(slots=True)
class Record:
    """One event on its way, or on a topic. `raw` are its bytes, where it travels as bytes."""

    topic: str
    key: str
    source: str
    id: str
    time: datetime
    fact: Fact | None
    correlation: str | None = None
    causation: str | None = None
    sequence: int | None = None
    raw: Raw | None = None
    partition: int = -1
    offset: int = -1
    at: float = 0.0
    """When it was published, in seconds of the simulation."""

    moment: datetime | None = None
    """The time inside the id of an event of ours."""

    dry_run: bool = False


class Log:
    """All topics. Whoever reads one is told of each record as it is appended."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.partitions: dict[Place, list[Record]] = {
            (topic, partition): [] for topic in ALL for partition in range(PARTITIONS)
        }
        self._readers: dict[str, list[Callable[[Place], None]]] = {topic: [] for topic in ALL}

    def subscribe(self, topics: list[str], told: Callable[[Place], None]) -> None:
        """`told` is called with the place of every new record of these topics."""
        for topic in topics:
            self._readers[topic].append(told)

    def append(self, record: Record) -> None:
        """Publishes: the record gets its place, which its key decides."""
        partition = crc32(record.key.encode()) % PARTITIONS
        place = (record.topic, partition)
        lane = self.partitions[place]
        if record.partition >= 0:
            record = replace(record)  # published once more
        record.partition, record.offset, record.at = partition, len(lane), self._now()
        if (raw := record.raw) is not None:
            record.raw = replace(raw, partition=partition, offset=len(lane))
        lane.append(record)
        for told in self._readers[record.topic]:
            told(place)

    def records(self) -> list[Record]:
        """Everything that was ever published, topic by topic, in order of place."""
        return [record for lane in self.partitions.values() for record in lane]
