"""What the chassis's tests share: waiting for states, and an outsider's view of the broker."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
import toy
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact
from packhorse_devstack.topics import settings

T = TypeVar("T")
PARTITIONS = next(topic.partitions for topic in settings() if topic.name == "order.events")
"""Of every topic that the tests use, but for dead letters."""


async def eventually(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], seconds: float = 30) -> T:
    """Waits for a state; on time-out fails with what it saw last."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(f"still {seen!r} after {seconds} s")
        await asyncio.sleep(0.02)


class Broker:
    """What an outsider does with Kafka: send and read."""

    def __init__(self, bootstrap: str, producer: AIOKafkaProducer) -> None:
        self.bootstrap, self._producer = bootstrap, producer

    async def send(self, fact: Fact, event_id: str | None = None, *, dry_run: bool = False) -> None:
        """Sends a fact as an outsider would."""
        name = event_id or str(uuid.uuid4())
        envelope = ce.Envelope(name, "/test", fact.TYPE, fact.subject, toy.NOON, dry_run=dry_run)
        key, value, headers = ce.encode(envelope, fact)
        await self._producer.send_and_wait(fact.TOPIC.name, value, key=key, headers=headers)

    async def send_raw(self, topic: str, value: bytes | None, headers: list[tuple[str, bytes]], key: bytes) -> None:
        """Sends any bytes."""
        await self._producer.send_and_wait(topic, value, key=key, headers=headers)

    async def read(self, topic: str, keys: set[str], count: int) -> list[tuple[int, dict[str, str], bytes]]:
        """The first `count` records of these keys: partition, headers, value."""
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        found: list[tuple[int, dict[str, str], bytes]] = []
        try:
            async with asyncio.timeout(30):
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=100)).values():
                        found.extend(
                            (r.partition, {n: v.decode("utf-8", "replace") for n, v in r.headers}, r.value)
                            for r in records
                            if r.key is not None and r.key.decode() in keys
                        )
        except TimeoutError:
            pytest.fail(f"{len(found)} of {count} records on {topic}: {found!r}")
        finally:
            await consumer.stop()
        return found


def new_order() -> str:
    """An order id that no other test uses: they share the broker's topics."""
    return f"order-{uuid.uuid4().hex[:12]}"
