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

    async def __aenter__(self) -> "Lag":
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def by_service(self) -> dict[str, int]:
        """Records that each service still has to take, of the topics that it ever took from."""
        await self._consumer.topics()  # brings the partitions up to date
        behind = {}
        for group in self._groups:
            taken = await self._admin.list_consumer_group_offsets(group)
            partitions = [
                TopicPartition(topic, number)
                for topic in {partition.topic for partition in taken}
                for number in self._consumer.partitions_for_topic(topic) or ()
            ]
            ends = await self._consumer.end_offsets(partitions) if partitions else {}
            behind[group.removeprefix("packhorse-")] = sum(
                end - (taken[partition].offset if partition in taken else 0) for partition, end in ends.items()
            )
        return behind

    async def said(self) -> int:
        """Records that were ever written to the topics of the contracts."""
        await self._consumer.topics()
        partitions = [
            TopicPartition(topic, number)
            for topic in topics.ALL
            for number in self._consumer.partitions_for_topic(topic) or ()
        ]
        return sum((await self._consumer.end_offsets(partitions)).values())
