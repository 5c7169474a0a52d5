"""How a broker shall hold the topics: `deploy/topics.toml`, typed, with the dead-letter topics worked out."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from packhorse_contracts import topics

SERVICES = ("order", "payment", "inventory", "shipping", "notification")
"""Our services that consume facts, and so have dead-letter topics."""

Size = Literal["small", "cluster"]
"""How many partitions topics have: few for one machine, more for several. For life."""

_HOUR_MS = 3_600_000
_USUAL_SEGMENT_HOURS = 168
"""For so long a broker adds to one segment, where nothing else is said."""


class TopicSettings(BaseModel):
    """One topic as a broker shall hold it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    partitions: int = Field(ge=1)
    replication: int = Field(ge=1)
    min_insync_replicas: int = Field(ge=1)
    retention_hours: int = Field(ge=1)
    max_message_bytes: int = Field(ge=1)
    cleanup: Literal["delete", "compact"]
    min_compaction_lag_hours: int = Field(0, ge=0)

    def replicas(self, brokers: int) -> int:
        """Copies of each partition on a cluster of so many brokers."""
        return min(self.replication, brokers)

    def configs(self, brokers: int) -> dict[str, str]:
        """Kafka's own names and values, on a cluster of so many brokers."""
        # Below the replicas, so that one broker may be away; at least one, so that a single broker works at all.
        in_sync = max(1, min(self.min_insync_replicas, self.replicas(brokers) - 1))
        configs = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
            "min.insync.replicas": str(in_sync),
            "unclean.leader.election.enable": "false",
        }
        if self.cleanup == "compact":
            return configs | {"min.compaction.lag.ms": str(self.min_compaction_lag_hours * _HOUR_MS)}
        configs["retention.ms"] = str(self.retention_hours * _HOUR_MS)
        if self.retention_hours < _USUAL_SEGMENT_HOURS:
            # Records go a segment at a time: an open one, to which anything is added, would keep all of it for a week.
            configs["segment.ms"] = configs["retention.ms"]
        return configs


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sizes: dict[Size, int]
    defaults: dict[str, int | str]
    dead_letters: dict[str, int | str]
    compacted: dict[str, int | str]
    topics: dict[str, dict[str, int | str]]


def load(path: Path, size: Size) -> tuple[TopicSettings, ...]:
    """All topics of a system of this size, each followed by its dead-letter topics.

    Raises ValueError where the file and the contracts don't name the same topics, or differ in what is compacted.
    """
    file = _File.model_validate(tomllib.loads(path.read_text("utf-8")))
    _same_names(path, file.topics)
    if size not in file.sizes:
        raise ValueError(f"{path} doesn't say how many partitions the size {size} has")
    usual = {"partitions": file.sizes[size]} | file.defaults
    found = []
    for topic in topics.ALL.values():
        own = usual | file.topics[topic.name]
        if own["cleanup"] == "compact":
            own = file.compacted | own
        if (own["cleanup"] == "compact") != topic.compacted:
            raise ValueError(f"{path}: {topic.name} is {'' if topic.compacted else 'not '}compacted in the contracts")
        found.append(TopicSettings.model_validate({"name": topic.name} | own))
        found += [
            TopicSettings.model_validate({"name": name} | usual | file.dead_letters)
            for name in dead_letter_topics(topic)
        ]
    return tuple(found)


def dead_letter_topics(topic: topics.Topic) -> list[str]:
    """The dead-letter topics of a topic: one for each of our services that reads it."""
    return [topics.dead_letters(topic.name, reader) for reader in topic.readers if reader in SERVICES]


def _same_names(path: Path, named: Mapping[str, object]) -> None:
    missing, unknown = sorted(topics.ALL.keys() - named.keys()), sorted(named.keys() - topics.ALL.keys())
    if missing:
        raise ValueError(f"{path} lacks topics of the contracts: {', '.join(missing)}")
    if unknown:
        raise ValueError(f"{path} names topics that the contracts don't know: {', '.join(unknown)}")
