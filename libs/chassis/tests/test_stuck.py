"""A client or a database that is broken in ways nobody foresaw: it shows, and nothing is passed over."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import aiohttp
import pytest
import toy
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber
from arrivals import notes
from packhorse_chassis.kafka import consume, relay
from packhorse_chassis.kafka.lenient import _Portions
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.run import Process, StalledError
from rig import Broker, eventually, new_order

Running = Callable[..., AbstractAsyncContextManager[Process]]


async def wrong(process: Process) -> set[str]:
    """What the process isn't ready for."""
    url = f"http://127.0.0.1:{process.http_port}/health/ready"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return set() if answer.status == 200 else set((await answer.json())["wrong"])


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_a_consumer_that_never_polls_again_ends_the_process(running: Running, how: str) -> None:
    """Its client's coordination has died: only a new process helps, and its supervisor starts one."""

    async def broken(*_: object, **__: object) -> object:
        if how == "hangs":
            await asyncio.Event().wait()
        raise KafkaError("the coordination has died")

    async with running(stall_limit=1) as process:
        assert process._consumer is not None
        process._consumer._subscriber.consumer.getmany = broken  # type: ignore[union-attr]
        with pytest.raises(StalledError, match="no poll succeeds"):
            await asyncio.wait_for(process.wait(asyncio.Event()), 60)


async def test_a_producer_that_the_broker_no_longer_trusts_ends_the_process(
    broker: Broker, pool: Pool, running: Running
) -> None:
    """The numbers of its batches have a gap, so that none is ever taken again: a new process says what it couldn't."""
    order = new_order()
    async with running() as process:
        await broker.send(toy.request(order, "1"))
        await broker.read("order.events", {order}, 1)
        assert process._producer is not None
        for number in await process._producer.partitions_for("order.events"):
            process._producer._txn_manager.increment_sequence_number(TopicPartition("order.events", number), 5)
        await broker.send(toy.request(order, "2"))
        with pytest.raises(OutOfOrderSequenceNumber):
            await asyncio.wait_for(process.wait(asyncio.Event()), 60)
    async with running():
        told = await broker.read("order.events", {order}, 2)
    assert [headers["ce_sequence"] for _, headers, _ in told] == ["1", "2"]
    assert await notes(pool, order) == ["1", "2"]


async def test_a_producer_that_hangs_ends_the_process(
    broker: Broker, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker answers all the time, and yet nothing is published: a new process says what this one couldn't."""
    monkeypatch.setattr(relay, "_PATIENCE", 0.5)
    order = new_order()
    async with running(stall_limit=1) as process:

        async def hangs(*_: object, **__: object) -> object:
            return await asyncio.Event().wait()

        process._producer.send_batch = hangs  # type: ignore[union-attr]
        await broker.send(toy.request(order, "1"))
        with pytest.raises(StalledError, match="nothing is published"):
            await asyncio.wait_for(process.wait(asyncio.Event()), 60)
    async with running():
        told = await broker.read("order.events", {order}, 1)
    assert [headers["ce_sequence"] for _, headers, _ in told] == ["1"]


async def test_a_poll_that_fails_half_way_passes_nothing_over(
    broker: Broker, pool: Pool, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka takes the records of one partition after another; where a later one can't be read, those of the earlier
    ones are gone, and their positions moved on. The broker doesn't even say at once what was committed."""
    orders, fail = [new_order() for _ in range(12)], asyncio.Event()
    taken: list[int] = []
    real = _Portions.getall

    def getall(self: _Portions, max_records: int | None = None) -> Any:
        if taken and fail.is_set():
            fail.clear()
            raise KafkaError("a batch whose checksum is wrong")
        found = real(self, max_records)
        if found and fail.is_set():
            taken.append(len(found))
        return found

    asked: list[TopicPartition] = []
    committed = AIOKafkaConsumer.committed

    async def away_at_first(self: AIOKafkaConsumer, partition: TopicPartition) -> Any:
        asked.append(partition)
        if len(asked) == 1:
            raise KafkaError("the coordinator has moved")
        return await committed(self, partition)

    monkeypatch.setattr(_Portions, "getall", getall)
    monkeypatch.setattr(AIOKafkaConsumer, "committed", away_at_first)
    fail.set()
    for number in range(2):
        for order in orders:
            await broker.send(toy.request(order, str(number)))
    async with running():
        for order in orders:
            await eventually(partial(notes, pool, order), lambda seen: seen == ["0", "1"], 60)
    assert taken
    assert not fail.is_set()
    assert len(asked) > 1


async def test_what_can_not_even_be_given_up_is_no_hot_loop(
    broker: Broker, pool: Pool, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database refuses the dead letter itself, by mistake: not ready, with the reason; on again once mended."""
    monkeypatch.setattr(consume, "_REST", 0.05)
    order = new_order()
    async with running() as process:
        await pool.execute(
            """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '23514'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON dead_letter FOR EACH STATEMENT EXECUTE FUNCTION refuse()"""
        )
        await broker.send_raw("customer.requests", b"{", [], order.encode())
        await eventually(lambda: wrong(process), lambda seen: "consumer" in seen)
        await pool.execute("DROP TRIGGER refuse ON dead_letter")
        count = "SELECT count(*) FROM dead_letter WHERE key = $1"
        await eventually(lambda: pool.fetchval(count, order.encode()), lambda seen: seen == 1)
        await eventually(lambda: wrong(process), lambda seen: not seen)
