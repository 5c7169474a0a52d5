"""How far the services are behind what was said: records that their consumer groups haven't taken yet."""

from collections.abc import Iterable
from types import TracebackType

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from packhorse_contracts import topics


class Lag:
    """Asks the broker, over connections that stay open. Use it with `async with`."""

    def __init__(self, bootstrap: str, services: Iterable[str]) -> None:
        self._groups = [f"packhorse-{service}" for service in services]
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        self._partitions: dict[str, list[TopicPartition]] = {}

    async def __aenter__(self) -> "Lag":
        await self._admin.start()
        await self._consumer.start()
        known = set(await self._admin.list_topics()) & topics.ALL.keys()
        self._partitions = {
            described["topic"]: [
                TopicPartition(described["topic"], one["partition"]) for one in described["partitions"]
            ]
            for described in await self._admin.describe_topics(sorted(known))
        }
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def by_service(self) -> dict[str, int]:
        """Records that each service still has to take, of the topics that it ever took from."""
        behind = {}
        for group in self._groups:
            taken = await self._admin.list_consumer_group_offsets(group)
            mine = [at for topic in {at.topic for at in taken} for at in self._partitions.get(topic, ())]
            ends = await self._consumer.end_offsets(mine) if mine else {}
            behind[group.removeprefix("packhorse-")] = sum(
                end - (taken[at].offset if at in taken else 0) for at, end in ends.items()
            )
        return behind

    async def said(self) -> int:
        """Records that were ever written to the topics of the contracts."""
        every = [at for partitions in self._partitions.values() for at in partitions]
        return sum((await self._consumer.end_offsets(every)).values())
