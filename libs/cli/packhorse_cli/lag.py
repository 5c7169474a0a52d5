"""How far the services are behind what was said: records that their consumer groups haven't taken yet."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from types import TracebackType
from typing import Final, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from packhorse_contracts import topics

T = TypeVar("T")

_PATIENCE: Final = 60.0
"""Seconds; more than one request to a broker that is frozen takes to time out."""


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
        known = set(await _answered(self._admin.list_topics)) & topics.ALL.keys()
        self._partitions = {
            described["topic"]: [
                TopicPartition(described["topic"], one["partition"]) for one in described["partitions"]
            ]
            for described in await _answered(lambda: self._admin.describe_topics(sorted(known)))
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
            taken = await _answered(partial(self._admin.list_consumer_group_offsets, group))
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


async def _answered(ask: Callable[[], Awaitable[T]]) -> T:
    """Asks again while brokers come and go: the admin client asks any of them, also one that is just away."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return await ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
