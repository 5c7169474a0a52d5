"""A whole process on the real broker and the real database."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import aiohttp
import pytest
import toy
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.partitioner import murmur2
from packhorse_chassis import run as process_module
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.run import Process
from rig import PARTITIONS, Broker, eventually, new_order

Running = Callable[..., AbstractAsyncContextManager[Process]]


def notes(pool: Pool, order: str) -> Callable[[], Awaitable[list[str]]]:
    """Looks at what the toy keeps of an order."""

    async def look() -> list[str]:
        state = await pool.fetchval("SELECT state -> 'notes' FROM tally WHERE id = $1", order)
        return [] if state is None else list(json.loads(state))

    return look


async def said(broker: Broker, order: str, count: int) -> list[str]:
    """What the toy said of an order, in the order of the topic."""
    return [json.loads(value)["note"] for _, _, value in await broker.read("order.events", {order}, count)]


async def test_order_within_a_key_holds_from_topic_to_topic(broker: Broker, pool: Pool, running: Running) -> None:
    """What comes in order goes out in order, gapless, on the partition that every Kafka client computes."""
    orders = [new_order() for _ in range(5)]
    async with running():
        for number in range(30):
            for order in orders:
                await broker.send(toy.request(order, str(number)))
        records = await broker.read("order.events", set(orders), 150)
    for order in orders:
        mine = [(p, h, v) for p, h, v in records if h["ce_partitionkey"] == order]
        assert [json.loads(value)["note"] for _, _, value in mine] == [str(n) for n in range(30)]
        assert [int(headers["ce_sequence"]) for _, headers, _ in mine] == list(range(1, 31))
        assert {partition for partition, _, _ in mine} == {(murmur2(order.encode()) & 0x7FFFFFFF) % PARTITIONS}


async def test_hostile_records_harm_nobody_else(broker: Broker, pool: Pool, running: Running) -> None:
    """A header that isn't UTF-8, a body that isn't JSON, an unknown type: dead letters, and the rest goes on."""
    order = new_order()
    async with running():
        await broker.send(toy.request(order, "before"))
        kind = ("ce_type", b"packhorse.customer.hold_requested.v1")
        for headers, value in (
            ([("ce_id", b"\xff\xfe"), kind], b"{}"),
            ([("ce_specversion", b"1.0"), ("ce_id", b"x"), ("ce_source", b"/t"), kind], b"{not json"),
            ([("ce_type", b"packhorse.customer.nonsense.v1")], b"{}"),
            ([], b""),
        ):
            await broker.send_raw("customer.requests", value, headers, order.encode())
        await broker.send(toy.request(order, "after"))
        await eventually(notes(pool, order), lambda seen: seen == ["before", "after"])
        dead = await broker.read("customer.requests.order.dead", {order}, 4)
    assert all(headers["dead-letter-reason"] for _, headers, _ in dead)
    assert dead[1][2] == b"{not json"
    assert await pool.fetchval("SELECT count(*) FROM dead_letter WHERE key = $1", order.encode()) == 4


async def test_a_parked_key_is_retried_in_order(
    broker: Broker, pool: Pool, running: Running, monkeypatch: object
) -> None:
    """The bug is mended, an operator asks for a retry: the record and all behind it run in their order."""
    order = new_order()
    toy.poisoned.add(f"bug-{order}")
    async with running():
        for note in ("1", f"bug-{order}", "2", "3"):
            await broker.send(toy.request(order, note))
        count = "SELECT count(*) FROM waiting WHERE subject_key = $1"
        await eventually(lambda: pool.fetchval(count, order), lambda seen: seen == 2)
        # Retried while the bug is still there: it is parked again, and nothing overtakes it.
        await pool.execute("UPDATE dead_letter SET status = 'retry' WHERE status = 'open' AND subject_key = $1", order)
        letters = "SELECT count(*) FROM dead_letter WHERE subject_key = $1"
        await eventually(lambda: pool.fetchval(letters, order), lambda seen: seen == 2)
        toy.poisoned.clear()
        await pool.execute("UPDATE dead_letter SET status = 'retry' WHERE status = 'open' AND subject_key = $1", order)
        await eventually(notes(pool, order), lambda seen: len(seen) == 4)
        await broker.send(toy.request(order, "4"))
        expected = ["1", f"bug-{order}", "2", "3", "4"]
        await eventually(notes(pool, order), lambda seen: seen == expected)
        assert await said(broker, order, 5) == expected
        assert await pool.fetchval("SELECT count(*) FROM parked") == 0


async def test_a_discarded_dead_letter_frees_what_waits(broker: Broker, pool: Pool, running: Running) -> None:
    """The operator gives the record up: those behind it run without it."""
    order = new_order()
    toy.poisoned.add(f"bug-{order}")
    async with running():
        for note in ("1", f"bug-{order}", "2"):
            await broker.send(toy.request(order, note))
        count = "SELECT count(*) FROM waiting WHERE subject_key = $1"
        await eventually(lambda: pool.fetchval(count, order), lambda seen: seen == 1)
        await pool.execute("UPDATE dead_letter SET status = 'discard' WHERE subject_key = $1", order)
        await eventually(notes(pool, order), lambda seen: seen == ["1", "2"])


async def test_offsets_never_run_ahead_of_the_database(
    broker: Broker, pool: Pool, running: Running, kafka_bootstrap: str
) -> None:
    """While the database can't commit, the group's offsets stay; once it can, nothing is missing."""
    order = new_order()
    partition = TopicPartition("customer.requests", (murmur2(order.encode()) & 0x7FFFFFFF) % PARTITIONS)

    async def committed() -> int:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets("packhorse-order")
            return offsets[partition].offset if partition in offsets else 0
        finally:
            await admin.close()

    async with running(), AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap) as log:
        await broker.send(toy.request(order, "1"))
        await eventually(notes(pool, order), lambda seen: seen == ["1"])
        end = (await log.end_offsets([partition]))[partition]
        before = await eventually(committed, lambda seen: seen == end)
        async with pool.acquire() as db, db.transaction():
            await db.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
            await broker.send(toy.request(order, "2"))
            # The batch is on its way when it waits for our lock.
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'outbox'::regclass"
            await eventually(lambda: pool.fetchval(waits), lambda seen: seen >= 1)
            assert await committed() == before
        await eventually(notes(pool, order), lambda seen: seen == ["1", "2"])
        await eventually(committed, lambda seen: seen == before + 1)


async def test_stop_and_start_lose_nothing(broker: Broker, pool: Pool, running: Running) -> None:
    """A stream of requests while processes come and go: each counts once, in order."""
    order = new_order()

    async def stream() -> None:
        for number in range(120):
            await broker.send(toy.request(order, str(number)))
            await asyncio.sleep(0.01)

    sending = asyncio.create_task(stream())
    for wanted in (10, 40, 80):
        async with running():
            await eventually(notes(pool, order), lambda seen, wanted=wanted: len(seen) >= wanted)  # type: ignore[misc]
    await sending
    async with running():
        await eventually(notes(pool, order), lambda seen: len(seen) == 120)
    assert await notes(pool, order)() == [str(n) for n in range(120)]
    assert await said(broker, order, 120) == [str(n) for n in range(120)]


async def test_who_leaves_has_said_all(broker: Broker, pool: Pool, running: Running) -> None:
    """Also what nobody had told the relay of yet."""
    order, left = new_order(), "SELECT count(*) FROM outbox"
    async with running(relay_idle=600):
        await broker.send(toy.request(order, "1"))
        await eventually(notes(pool, order), lambda seen: seen == ["1"])
        await eventually(lambda: pool.fetchval(left), lambda seen: seen == 0)
        row = "INSERT INTO outbox (topic, key, headers, value) VALUES ('order.events', $1, '[]', $2)"
        await pool.execute(row, order.encode(), b'{"note": "2"}')
    assert await pool.fetchval(left) == 0
    assert await said(broker, order, 2) == ["1", "2"]


class Clinging(toy.Oracle):
    """An outside that can't be left."""

    async def close(self) -> None:
        """Never."""
        await asyncio.Event().wait()


async def test_an_outside_that_can_not_be_left_holds_no_stop_up(running: Running) -> None:
    """The process leaves in spite of it, and in order: its database connections are closed."""
    async with asyncio.timeout(60):
        async with running(toy.service(Clinging())) as process:
            pool = process._pool
    assert pool is not None
    assert pool.is_closing()


async def test_a_client_that_can_not_be_stopped_holds_no_stop_up(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the consumer's nor the producer's (aiokafka #773): each has its time, and what comes after is done."""
    async with asyncio.timeout(60):
        async with running(stop_grace=0.1) as process:
            assert process._consumer is not None
            pool, clients = process._pool, (process._consumer._subscriber.consumer, process._producer)
            for client in (AIOKafkaConsumer, AIOKafkaProducer):
                monkeypatch.setattr(client, "stop", lambda _: asyncio.Event().wait())
    monkeypatch.undo()
    for client in clients:
        assert client is not None
        await client.stop()
    assert pool is not None
    assert pool.is_closing()


async def test_whatever_hangs_is_left_behind_in_the_end(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where nobody thought of it: a supervisor must not have to kill."""
    monkeypatch.setattr(process_module, "_TO_CLOSE", 0.1)
    async with asyncio.timeout(60):
        async with running(stop_grace=0.1) as process:
            assert process._relay is not None
            monkeypatch.setattr(process._relay, "resign", asyncio.Event().wait)
    monkeypatch.undo()
    await process.stop()  # what it couldn't close


async def test_sessions_have_their_limits(running: Running) -> None:
    """Those of the pool, also after use, and the relay's own: what is committed lies on the disk, and nobody's lock,
    statement or forgotten transaction holds the others up."""
    wanted = {
        "synchronous_commit": "on",
        "statement_timeout": "5s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "10s",
    }
    async with running() as process:
        assert process._pool is not None
        assert process._relay is not None
        relays = await process._relay._connect()
        for db in (process._pool, process._pool, relays):
            assert {name: await db.fetchval(f"SHOW {name}") for name in wanted} == wanted
        await relays.close()


async def test_a_timer_fires_once_with_two_processes(broker: Broker, pool: Pool, running: Running) -> None:
    """Both see it due; one claims it. A cancelled one doesn't fire."""
    orders, spared = [new_order() for _ in range(20)], new_order()
    async with running(), running():
        await broker.send(toy.request(spared, "remind"))
        await broker.send(toy.request(spared, "forget"))
        for order in orders:
            await broker.send(toy.request(order, "remind"))
        for order in orders:
            await eventually(notes(pool, order), lambda seen: seen[-1:] == ["reminded"])
        assert await pool.fetchval("SELECT count(*) FROM timer") == 0
    for order in orders:
        assert await notes(pool, order)() == ["remind", "reminded"]


async def test_an_effect_is_asked_with_one_key_until_it_answers(broker: Broker, pool: Pool, running: Running) -> None:
    """Two failures, then the answer, heard once; the same request later is not asked again."""
    order, oracle = new_order(), toy.Oracle(failures=2)
    async with running(toy.service(oracle)):
        await broker.send(toy.request(order, "ask"))
        await eventually(notes(pool, order), lambda seen: seen == ["ask", "42"])
        await broker.send(toy.request(order, "ask"))
        await eventually(notes(pool, order), lambda seen: seen == ["ask", "42", "ask"])
    assert oracle.asked == [f"ask-{order}"] * 3
    assert await pool.fetchval("SELECT request FROM effect WHERE idempotency_key = $1", f"ask-{order}") is None


async def test_health_tells_the_truth(running: Running) -> None:
    """Live and ready while all is well; metrics are there."""
    async with running() as process, aiohttp.ClientSession(f"http://127.0.0.1:{process.http_port}") as http:
        for path in ("/health/live", "/health/ready"):
            async with http.get(path) as answer:
                assert (answer.status, await answer.json()) == (200, {"status": "ok", "wrong": {}})
        async with http.get("/metrics") as answer:
            assert "packhorse_inputs_total" in await answer.text()


async def test_one_trace_runs_through(broker: Broker, running: Running) -> None:
    """What follows from a traced record carries the same trace id and names its cause."""
    order, fact = new_order(), None
    fact = toy.request(order, "traced")
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"cause-1" + order.encode()),
        ("ce_source", b"/test"),
        ("ce_type", fact.TYPE.encode()),
        ("ce_time", b"2026-11-23T12:00:00Z"),
        ("traceparent", f"00-{trace}-b7ad6b7169203331-01".encode()),
    ]
    async with running():
        await broker.send_raw("customer.requests", fact.model_dump_json().encode(), headers, order.encode())
        [(_, out, _)] = await broker.read("order.events", {order}, 1)
    assert out["traceparent"].split("-")[1] == trace
    assert out["ce_causationid"] == f"cause-1{order}"
    assert out["ce_correlationid"] == order
