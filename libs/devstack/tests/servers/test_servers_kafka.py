"""The embedded Kafka: keeps its data, and three brokers go on when one of them is killed."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from packhorse_cli.lag import Lag
from packhorse_contracts.topic_settings import TopicSettings
from packhorse_devstack import kafka as embedded
from packhorse_devstack import topics
from packhorse_devstack.kafka import Kafka
from packhorse_devstack.places import free_ports
from packhorse_devstack.processes import Child

from .servers_waiting import eventually

_TOPIC = TopicSettings(
    name="kept", partitions=3, replication=3, min_insync_replicas=2, retention_hours=1, max_message_bytes=1_000_000,
    cleanup="delete",
)  # fmt: skip


@pytest.fixture
def three(open_folder: Path) -> Iterator[Kafka]:
    """A cluster of three brokers."""
    cluster = Kafka(open_folder / "kafka", open_folder / "cache", brokers=3)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


async def _write(bootstrap: str, numbers: range) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for number in numbers:
            await producer.send_and_wait("kept", str(number).encode(), partition=number % 3)
    finally:
        await producer.stop()


async def _read(bootstrap: str, count: int) -> list[int]:
    consumer = AIOKafkaConsumer("kept", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return sorted([int((await consumer.getone()).value or b"") for _ in range(count)])
    finally:
        await consumer.stop()


async def _in_sync(bootstrap: str) -> list[int]:
    """How many replicas of each partition are in sync."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(["kept"])
    finally:
        await admin.close()
    return [len(partition["isr"]) for partition in described[0]["partitions"]]


async def _until_in_sync(bootstrap: str, count: int) -> None:
    async with asyncio.timeout(60):
        while (seen := await _in_sync(bootstrap)) != [count] * 3:
            assert seen
            await asyncio.sleep(0.1)


async def test_a_cluster_goes_on_when_one_broker_is_killed(three: Kafka) -> None:
    """Replication 3, two in sync: writes with acks=all still land, and the dead one catches up when it is back."""
    await topics.create(three.bootstrap, [_TOPIC])
    await _until_in_sync(three.bootstrap, 3)
    await _write(three.bootstrap, range(30))
    victim = three.children[0]
    victim.kill()
    eventually(lambda: victim.running, lambda running: not running)
    async with asyncio.timeout(60):
        await _write(three.bootstrap, range(30, 60))
    assert await _read(three.bootstrap, 60) == list(range(60))
    await _until_in_sync(three.bootstrap, 2)
    victim.start()
    await _until_in_sync(three.bootstrap, 3)


async def test_the_lag_is_told_while_a_broker_is_away(three: Kafka) -> None:
    """The others still tell clients of it, which then ask it as well."""
    await topics.create(three.bootstrap)
    three.children[0].kill()
    for _ in range(8):
        async with Lag(three.bootstrap, ["order"]) as lag:
            assert await lag.by_service() == {"order": 0}
            assert await lag.said() == 0


async def test_a_restart_keeps_what_was_said(open_folder: Path) -> None:
    """At the same address, so that a client left running finds it again."""
    cluster = Kafka(open_folder / "kafka", open_folder / "cache")
    try:
        address = await asyncio.to_thread(cluster.start)
        await topics.create(address, [_TOPIC])
        await _write(address, range(10))
        cluster.stop()
        again = Kafka(open_folder / "kafka", open_folder / "cache")
        cluster = again
        assert await asyncio.to_thread(again.start) == address
        assert await _read(address, 10) == list(range(10))
    finally:
        cluster.stop()


async def test_a_port_taken_since_last_time_is_survived(open_folder: Path) -> None:
    """Another port then; the data are still there."""
    cluster = Kafka(open_folder / "kafka", open_folder / "cache")
    try:
        address = await asyncio.to_thread(cluster.start)
        await topics.create(address, [_TOPIC])
        await _write(address, range(10))
        cluster.stop()
        with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
            assert await asyncio.to_thread(cluster.start) != address
            assert await _read(cluster.bootstrap, 10) == list(range(10))
    finally:
        cluster.stop()


async def test_a_port_that_another_takes_first_is_waited_for(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is promised when the broker is launched, so it is the address that is kept."""
    ports = free_ports(4)
    monkeypatch.setattr(embedded, "free_ports", lambda count: ports[:count])
    cluster = Kafka(open_folder / "kafka", open_folder / "cache")
    began: list[int] = []
    start = Child.start

    def count(child: Child) -> None:
        began.append(1)
        if len(began) == 2:
            other.close()
        start(child)

    monkeypatch.setattr(Child, "start", count)
    other = socket.create_server(("127.0.0.1", ports[0]))
    try:
        assert await asyncio.to_thread(cluster.start) == f"127.0.0.1:{ports[0]}"
        assert len(began) == 2
        await topics.create(cluster.bootstrap, [_TOPIC])
    finally:
        other.close()
        cluster.stop()
