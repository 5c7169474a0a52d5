"""Creates the topics, or compares those that are there, with `deploy/topics.toml`."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from packhorse_contracts.topic_settings import Size, TopicSettings, load
from packhorse_contracts.topics import ALL

from packhorse_devstack.places import project

_ALREADY_THERE = 36
MOVING = """\
Partitions are for life: with another number of them the same key falls into
another one, and facts about one thing would no longer arrive in order. So this
command never changes their number. To have more of them:
  1. name a wider topic beside the old one (order.events.wide), in
     deploy/topics.toml and in the contracts;
  2. let every reader read both;
  3. let the writers switch, one after another: from then on the old topic gets
     nothing new;
  4. when no reader has anything left in the old topic, take it out of the
     contracts, the file and the cluster."""
"""What to do instead of growing a topic."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about a topic that isn't as the file says."""

    topic: str
    what: Literal["missing", "partitions", "setting"]
    text: str

    def __str__(self) -> str:
        return f"{self.topic} {self.text}"


def settings(path: Path | None = None, size: Size = "small") -> tuple[TopicSettings, ...]:
    """All topics and their dead-letter topics as `path` says, or the project's `deploy/topics.toml`.

    Raises FileNotFoundError where there is no such file, ValueError where it doesn't fit the contracts.
    """
    return load(path or project() / "deploy" / "topics.toml", size)


async def size_of(bootstrap: str, path: Path | None = None) -> Size | None:
    """The size that most of the topics there have; None where there are none, or where it is no size of the file."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        present = set(await admin.list_topics()) & ALL.keys()
        described = await admin.describe_topics(sorted(present)) if present else []
    finally:
        await admin.close()
    most = Counter(len(topic["partitions"]) for topic in described).most_common(1)
    sizes: tuple[Size, ...] = get_args(Size)
    name = next(iter(ALL))
    for size in sizes:
        usual = next(topic.partitions for topic in settings(path, size) if topic.name == name)
        if most and most[0][0] == usual:
            return size
    return None


async def create(bootstrap: str, wanted: Sequence[TopicSettings] | None = None) -> list[str]:
    """Creates what is missing; names it. Leaves alone what is there."""
    wanted = settings() if wanted is None else wanted
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        brokers = len((await admin.describe_cluster())["brokers"])
        present = set(await admin.list_topics())
        new = [topic for topic in wanted if topic.name not in present]
        if new:
            await _create(admin, new, brokers)
    finally:
        await admin.close()
    while new and any(difference.what == "missing" for difference in await check(bootstrap, new)):
        await asyncio.sleep(0.05)  # until the metadata have reached the brokers
    return [topic.name for topic in new]


async def _create(admin: AIOKafkaAdminClient, new: Sequence[TopicSettings], brokers: int) -> None:
    answer = await admin.create_topics(
        [NewTopic(t.name, t.partitions, t.replicas(brokers), topic_configs=t.configs(brokers)) for t in new]
    )
    # Another process may have been faster.
    failed = [f"{error[0]}: {error[-1]}" for error in answer.topic_errors if error[1] not in {0, _ALREADY_THERE}]
    if failed:
        raise RuntimeError("; ".join(failed))


async def check(bootstrap: str, wanted: Sequence[TopicSettings] | None = None) -> list[Difference]:
    """What differs between the topics there and those wanted, or the project's file."""
    wanted = settings() if wanted is None else wanted
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        brokers = len((await admin.describe_cluster())["brokers"])
        present = set(await admin.list_topics())
        there = [topic for topic in wanted if topic.name in present]
        described = await admin.describe_topics([topic.name for topic in there]) if there else []
        configs = await _configs(admin, there)
    finally:
        await admin.close()
    partitions = {topic["topic"]: len(topic["partitions"]) for topic in described}
    differences = []
    for topic in wanted:
        if not partitions.get(topic.name):
            differences.append(Difference(topic.name, "missing", "is missing"))
            continue
        if (have := partitions[topic.name]) != topic.partitions:
            text = f"has {have} partitions, not {topic.partitions}"
            differences.append(Difference(topic.name, "partitions", text))
        for name, value in topic.configs(brokers).items():
            if (has := configs.get((topic.name, name))) != value:
                differences.append(Difference(topic.name, "setting", f"has {name}={has}, not {value}"))
    return differences


async def _configs(admin: AIOKafkaAdminClient, there: Sequence[TopicSettings]) -> dict[tuple[str, str], str]:
    """The settings of these topics, by topic and Kafka's name."""
    if not there:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=None) for topic in there]
    found: dict[tuple[str, str], str] = {}
    for answer in await admin.describe_configs(asked):
        for _code, _message, _kind, topic, entries in answer.resources:
            found |= {(topic, entry[0]): entry[1] for entry in entries}
    return found
