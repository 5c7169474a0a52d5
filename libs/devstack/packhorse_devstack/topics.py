"""Creates the topics, or checks those that are there, against `deploy/topics.toml`."""

import asyncio
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from packhorse_contracts import topics as contracts

from packhorse_devstack.places import project

OUR_SERVICES = ("order", "payment", "inventory", "shipping", "notification")


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """One topic as it shall be."""

    name: str
    partitions: int
    replication: int
    min_insync_replicas: int
    retention_hours: int
    max_message_bytes: int
    cleanup: str

    def configs(self, brokers: int) -> dict[str, str]:
        """Kafka's own names and values, on a cluster of so many brokers."""
        replicas = min(self.replication, brokers)
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_hours * 3_600_000),
            "max.message.bytes": str(self.max_message_bytes),
            "min.insync.replicas": str(max(1, min(self.min_insync_replicas, replicas - 1))),
            "unclean.leader.election.enable": "false",
        }


def settings(path: Path | None = None) -> list[TopicSettings]:
    """All topics of the contracts and the dead-letter topics of those of our services that read them."""
    with (path or project() / "deploy" / "topics.toml").open("rb") as file:
        table = tomllib.load(file)
    unknown = set(table.get("topics", {})) - set(contracts.ALL)
    if unknown:
        raise ValueError(f"deploy/topics.toml has topics that the contracts don't know: {sorted(unknown)}")
    result = []
    for topic in contracts.ALL.values():
        own = table["defaults"] | table.get("topics", {}).get(topic.name, {})
        result.append(TopicSettings(name=topic.name, **own))
        for reader in topic.readers:
            if reader in OUR_SERVICES:
                dead = table["defaults"] | table["dead_letters"]
                result.append(TopicSettings(name=contracts.dead_letters(topic.name, reader), **dead))
    return result


async def create(bootstrap: str, wanted: Iterable[TopicSettings] | None = None) -> list[str]:
    """Creates what is missing; names it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        brokers = len((await admin.describe_cluster())["brokers"])
        present = set(await admin.list_topics())
        new = [topic for topic in wanted or settings() if topic.name not in present]
        if new:
            answer = await admin.create_topics(
                [
                    NewTopic(t.name, t.partitions, min(t.replication, brokers), topic_configs=t.configs(brokers))
                    for t in new
                ]
            )
            # 36 is "topic already exists": another process was faster.
            failed = [f"{error[0]}: {error[-1]}" for error in answer.topic_errors if error[1] not in {0, 36}]
            if failed:
                raise RuntimeError("; ".join(failed))
    finally:
        await admin.close()
    names = [topic.name for topic in new]
    while names and (await check(bootstrap))[:1]:
        await asyncio.sleep(0.05)  # until the metadata have reached the brokers
    return names


async def check(bootstrap: str) -> list[str]:
    """What differs between the topics there and the file: missing topics and other partition counts."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        present = set(await admin.list_topics())
        wanted = settings()
        found = await admin.describe_topics([topic.name for topic in wanted if topic.name in present])
    finally:
        await admin.close()
    partitions = {topic["topic"]: len(topic["partitions"]) for topic in found}
    differences = []
    for topic in wanted:
        have = partitions.get(topic.name)
        if have is None:
            differences.append(f"{topic.name} is missing")
        elif have != topic.partitions:
            differences.append(
                f"{topic.name} has {have} partitions, the file says {topic.partitions}. Partitions are for life, since "
                "more of them would move keys: make a wider topic beside it, let writers switch, drain the old one"
            )
    return differences
