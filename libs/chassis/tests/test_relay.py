"""The relay: everything that was committed is published, by one leader, in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from packhorse_chassis.kafka import relay as module
from packhorse_chassis.kafka.relay import Relay
from packhorse_chassis.postgres.db import OwnConnection, Pool
from packhorse_chassis.postgres.faults import BrokerAwayError
from rig import Broker, new_order

TOPIC = "order.events"
INSERT = "INSERT INTO outbox (topic, key, headers, value) VALUES ($1, $2, '[]', $3)"
LEFT = "SELECT count(*) FROM outbox"
Connect = Callable[[], Awaitable[OwnConnection]]


class Held:
    """A real producer that waits before it sends, one by one or in batches, until it is let go."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._producer, name)
        if not name.startswith("send"):
            return real

        async def send(*what: object, **more: object) -> Any:
            self.asked.set()
            await self.go.wait()
            return await real(*what, **more)

        return send


@pytest.fixture
async def producer(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """As a process has it."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
async def connect(fresh_database: str, pool: Pool) -> AsyncIterator[Connect]:
    """Opens a relay's own connection; all are closed after the test."""
    opened: list[OwnConnection] = []

    async def connect() -> OwnConnection:
        opened.append(await asyncpg.connect(fresh_database))
        return opened[-1]

    yield connect
    for db in opened:
        db.terminate()


async def said(broker: Broker, order: str, count: int) -> list[str]:
    """What was published of an order, in the order of the topic."""
    return [value.decode() for _, _, value in await broker.read(TOPIC, {order}, count)]


async def test_a_row_that_becomes_visible_late_is_published(
    broker: Broker, pool: Pool, producer: AIOKafkaProducer, connect: Connect
) -> None:
    """Its id was drawn first and its transaction committed last: the relay was beyond that id already."""
    early, late = new_order(), new_order()
    relay = Relay(connect, producer, 100)
    async with pool.acquire() as db:
        slow = db.transaction()
        await slow.start()
        await db.execute(INSERT, TOPIC, late.encode(), b"late")
        await pool.execute(INSERT, TOPIC, early.encode(), b"early")
        await relay.step()
        assert await pool.fetchval(LEFT) == 0
        await slow.commit()
    await relay.step()
    assert await pool.fetchval(LEFT) == 0
    assert await said(broker, early, 1) + await said(broker, late, 1) == ["early", "late"]


async def test_nobody_publishes_beside_the_leader(
    broker: Broker, pool: Pool, producer: AIOKafkaProducer, connect: Connect
) -> None:
    """The leader is slow: a second one would publish the same rows, or later ones of a key before earlier ones."""
    order, held = new_order(), Held(producer)
    for number in ("1", "2", "3"):
        await pool.execute(INSERT, TOPIC, order.encode(), number.encode())
    leader, other = Relay(connect, held, 1), Relay(connect, producer, 1)
    leading = asyncio.create_task(leader.step())
    await held.asked.wait()
    assert not await other.step()
    assert await pool.fetchval(LEFT) == 3
    held.go.set()
    assert await leading
    assert not await other.step()
    await leader.resign()
    while await other.step():
        pass
    assert await said(broker, order, 3) == ["1", "2", "3"]
    assert await pool.fetchval(LEFT) == 0


async def test_what_is_not_published_stays(
    broker: Broker, pool: Pool, producer: AIOKafkaProducer, connect: Connect
) -> None:
    """The leader dies between reading and publishing: its successor begins with what is still there."""
    order, held = new_order(), Held(producer)
    await pool.execute(INSERT, TOPIC, order.encode(), b"1")
    leader, heir = Relay(connect, held, 100), Relay(connect, producer, 100)
    leading = asyncio.create_task(leader.step())
    await held.asked.wait()
    leading.cancel()
    await asyncio.wait([leading])
    await leader.resign()
    assert await pool.fetchval(LEFT) == 1
    await heir.step()
    assert await said(broker, order, 1) == ["1"]
    assert await pool.fetchval(LEFT) == 0


async def test_more_than_fits_into_one_batch_of_the_producers(
    broker: Broker, pool: Pool, producer: AIOKafkaProducer, connect: Connect
) -> None:
    """A backlog of one key: nothing is left out where a batch is full, and the next one comes behind it."""
    order, much = new_order(), b"." * 10_000
    numbers = [f"{number:03}".encode() for number in range(100)]
    await pool.executemany(INSERT, [(TOPIC, order.encode(), number + much) for number in numbers])
    relay = Relay(connect, producer, 1_000)
    while await relay.step():
        pass
    assert await pool.fetchval(LEFT) == 0
    assert [value[:3] for _, _, value in await broker.read(TOPIC, {order}, len(numbers))] == numbers


async def test_who_does_not_lead_wakes_the_one_who_does(
    pool: Pool, producer: AIOKafkaProducer, connect: Connect
) -> None:
    """Another process's rows don't wait until the leader looks again by itself."""
    leader, other = Relay(connect, producer, 100), Relay(connect, producer, 100)
    told = asyncio.Event()
    leader.connect(told=told.set)
    assert not await leader.step()
    await pool.execute(INSERT, TOPIC, new_order().encode(), b"said by the other")
    assert not told.is_set()
    assert not await other.step()
    async with asyncio.timeout(30):
        await told.wait()
    await leader.step()
    assert await pool.fetchval(LEFT) == 0


async def test_the_lead_goes_with_its_connection(
    broker: Broker, pool: Pool, producer: AIOKafkaProducer, connect: Connect
) -> None:
    """The database ends a leader's session in the middle of a batch: a successor leads, and the old one, which still
    publishes, deletes nothing of what came since."""
    order, held = new_order(), Held(producer)
    await pool.execute(INSERT, TOPIC, order.encode(), b"1")
    leader, heir = Relay(connect, held, 100), Relay(connect, producer, 100)
    leading = asyncio.create_task(leader.step())
    await held.asked.wait()
    assert not await heir.step()
    assert await pool.fetchval(LEFT) == 1
    await pool.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    while await pool.fetchval(LEFT):
        await heir.step()
    await pool.execute(INSERT, TOPIC, order.encode(), b"2")
    held.go.set()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await leading
    assert await pool.fetchval(LEFT) == 1
    await heir.step()
    assert list(dict.fromkeys(await said(broker, order, 3))) == ["1", "2"]


async def test_a_broker_that_is_away_costs_nobody_the_lead(
    broker: Broker, pool: Pool, producer: AIOKafkaProducer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the producer still holds would come behind a successor's records. The loop says what it waits for, and goes
    on when the broker is back."""
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    order, held = new_order(), Held(producer)
    await pool.execute(INSERT, TOPIC, order.encode(), b"1")
    leader, other = Relay(connect, held, 100), Relay(connect, producer, 100)
    for _ in range(2):
        with pytest.raises(BrokerAwayError):
            await leader.step()
        assert not await other.step()
    assert await pool.fetchval(LEFT) == 1
    held.go.set()
    monkeypatch.setattr(module, "_PATIENCE", 30.0)
    await leader.step()
    assert await pool.fetchval(LEFT) == 0
    assert await said(broker, order, 1) == ["1"]


async def test_what_the_database_will_not_delete_is_not_published_again_and_again(
    connect: Connect, producer: AIOKafkaProducer, pool: Pool, broker: Broker
) -> None:
    """A privilege is missing, say: the same would go out with each try, until somebody gives it back."""
    order = new_order()
    await pool.execute(INSERT, TOPIC, order.encode(), b"1")
    await pool.execute(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '42501'; END $$;
        CREATE TRIGGER refuse BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION refuse()"""
    )
    relay = Relay(connect, producer, 100)
    for _ in range(3):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await relay.step()
    await pool.execute("DROP TRIGGER refuse ON outbox")
    await pool.execute(INSERT, TOPIC, order.encode(), b"2")
    await relay.step()
    assert [value for _, _, value in await broker.read(TOPIC, {order}, 2)] == [b"1", b"2"]
    assert await pool.fetchval(LEFT) == 0
    await relay.resign()
