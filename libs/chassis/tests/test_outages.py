"""Database and broker that go away under a running service: it waits, says that it isn't ready, and loses nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
import toy
from aiokafka.admin import AIOKafkaAdminClient
from outages import events, not_ready, notes, port, revive, running
from packhorse_chassis.kafka import consume, relay
from packhorse_chassis.run import Process
from packhorse_chassis.settings import Settings
from packhorse_devstack import topics
from packhorse_devstack.stack import Stack
from pydantic import SecretStr
from rig import Broker, eventually, new_order

_SAY = "INSERT INTO outbox (topic, key, headers, value) VALUES ('payment.events', $1, '[]', '{}')"


async def test_the_database_is_killed_and_comes_back(own: Stack, outsider: Broker) -> None:
    """What came meanwhile is taken afterwards, once and in order, by the same process."""
    order, dsn = new_order(), await own.create_database("outage_a")
    async with running(own, dsn) as process:
        await outsider.send(toy.request(order, "0"))
        await eventually(notes(dsn, order), lambda seen: seen == ["0"])
        own.servers["postgres"].kill()
        await eventually(not_ready(process), lambda wrong: "database" in wrong)
        for number in range(1, 20):
            await outsider.send(toy.request(order, str(number)))
        await asyncio.to_thread(revive, own, "postgres")
        await eventually(notes(dsn, order), lambda seen: seen == [str(n) for n in range(20)])
        await eventually(not_ready(process), lambda wrong: not wrong)
        assert await events(outsider, order, 20) == list(range(1, 21))


async def test_the_broker_is_killed_and_comes_back(own: Stack, outsider: Broker) -> None:
    """What was committed is published when it is back: every event id once, in order."""
    order, dsn = new_order(), await own.create_database("outage_b")
    async with running(own, dsn) as process:
        for number in range(20):
            await outsider.send(toy.request(order, str(number)))
        await eventually(notes(dsn, order), lambda seen: len(seen) >= 1)
        own.servers["kafka-1"].kill()
        await eventually(not_ready(process), lambda wrong: "broker" in wrong)
        await asyncio.to_thread(revive, own, "kafka-1")
        await eventually(notes(dsn, order), lambda seen: seen == [str(n) for n in range(20)], 60)
        assert await events(outsider, order, 20) == list(range(1, 21))
        await eventually(not_ready(process), lambda wrong: not wrong)


async def test_a_broker_that_is_away_for_long_ends_nobody(
    own: Stack, outsider: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is away for longer than a loop may be without progress: waiting is progress, and a new process could do no
    more. What was stored meanwhile is published afterwards, in order."""
    monkeypatch.setattr(relay, "_PATIENCE", 1.0)
    monkeypatch.setattr(consume, "_COMMIT_TIMEOUT", 1.0)
    order, dsn = new_order(), await own.create_database("outage_g")
    async with running(own, dsn, stall_limit=7) as process:
        ended = asyncio.create_task(process.wait(asyncio.Event()))
        for number in range(20):
            await outsider.send(toy.request(order, str(number)))
        await eventually(notes(dsn, order), lambda seen: len(seen) >= 1)
        own.servers["kafka-1"].kill()
        # Something to publish, and no broker for it.
        db = await asyncpg.connect(dsn)
        await db.execute(_SAY, order.encode())
        await db.close()
        assert not (await asyncio.wait([ended], timeout=20))[0], ended
        assert {"broker", "relay"} <= (await not_ready(process)()).keys()
        await asyncio.to_thread(revive, own, "kafka-1")
        await eventually(notes(dsn, order), lambda seen: seen == [str(n) for n in range(20)], 60)
        assert await events(outsider, order, 20) == list(range(1, 21))
        await eventually(not_ready(process), lambda wrong: not wrong, 60)
        assert not ended.done()
        ended.cancel()


async def test_who_loses_the_lead_while_the_broker_is_away_says_nothing_more(
    own: Stack, outsider: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its producer still holds would come behind what the next leader says: on a topic that keeps the last record
    of a key, an old one for good."""
    monkeypatch.setattr(relay, "_PATIENCE", 1.0)
    order, dsn = new_order(), await own.create_database("outage_o")
    db = await asyncpg.connect(dsn)
    async with running(own, dsn) as former:
        await outsider.send(toy.request(order, "1"))
        await events(outsider, order, 1)
        own.servers["kafka-1"].kill()
        await db.execute(_SAY, order.encode())
        await eventually(not_ready(former), lambda wrong: "relay" in wrong)
        assert former._relay is not None
        assert former._relay._db is not None
        ended = asyncio.create_task(former.wait(asyncio.Event()))
        await db.execute("SELECT pg_terminate_backend($1)", former._relay._db.get_server_pid())
        with pytest.raises(relay.LeadLostError):
            await asyncio.wait_for(ended, 60)
        await asyncio.to_thread(revive, own, "kafka-1")
        async with running(own, dsn):
            await eventually(lambda: db.fetchval("SELECT count(*) FROM outbox"), lambda count: count == 0, 60)
    await db.close()
    await outsider.send_raw("payment.events", b"the end", [], order.encode())
    said = await outsider.read("payment.events", {order}, 2)
    assert [value for *_, value in said] == [b"{}", b"the end"]


async def test_a_service_may_start_before_anything_else(own: Stack, outsider: Broker) -> None:
    """It waits for the database, and goes on when that is there."""
    order, dsn = new_order(), await own.create_database("outage_c")
    await outsider.send(toy.request(order, "early"))
    own.servers["postgres"].kill()
    process = Process(
        toy.service(), Settings.model_validate({"kafka": own.kafka, "postgres": SecretStr(dsn), "stop_grace": 5})
    )
    starting = asyncio.create_task(process.start())
    try:
        await eventually(port(process), lambda port: port > 0)
        await eventually(not_ready(process), lambda wrong: {"database", "process"} <= wrong.keys())
        await asyncio.to_thread(revive, own, "postgres")
        await starting
        await eventually(notes(dsn, order), lambda seen: seen == ["early"])
    finally:
        await process.stop()


def _waited(process: Process) -> Callable[[], Awaitable[float]]:
    """Seconds for which its loops have been there without progress."""

    async def look() -> float:
        return min((time.monotonic() - loop.progress for loop in process._loops), default=0.0)

    return look


async def test_a_service_may_start_before_the_broker(own: Stack, outsider: Broker) -> None:
    """It says what it waits for."""
    order, dsn = new_order(), await own.create_database("outage_j")
    await outsider.send(toy.request(order, "early"))
    own.servers["kafka-1"].kill()
    process = Process(
        toy.service(), Settings.model_validate({"kafka": own.kafka, "postgres": SecretStr(dsn), "stop_grace": 5})
    )
    starting = asyncio.create_task(process.start())
    try:
        await eventually(port(process), lambda port: port > 0)
        await eventually(not_ready(process), lambda wrong: {"broker", "process"} <= wrong.keys())
        await asyncio.to_thread(revive, own, "kafka-1")
        await starting
        await eventually(notes(dsn, order), lambda seen: seen == ["early"])
    finally:
        await process.stop()


@pytest.mark.parametrize("topic", ["customer.requests", "order.events", "customer.requests.order.dead"])
async def test_a_service_may_start_before_its_topics(own: Stack, outsider: Broker, topic: str) -> None:
    """Somebody has still to create one that it hears or says: it waits, and begins when that is there."""
    order, dsn = new_order(), await own.create_database("outage_l")
    admin = AIOKafkaAdminClient(bootstrap_servers=own.kafka)
    await admin.start()
    await admin.delete_topics([topic])
    await eventually(admin.list_topics, lambda known: topic not in known)
    given = {"kafka": own.kafka, "postgres": SecretStr(dsn), "stop_grace": 5, "stall_limit": 1, "relay_idle": 0.01}
    process = Process(toy.service(), Settings.model_validate(given))
    starting = asyncio.create_task(process.start())
    try:
        await eventually(port(process), lambda port: port > 0)
        await eventually(not_ready(process), lambda wrong: wrong.keys() == {"process"})
        await eventually(_waited(process), lambda seconds: seconds > 1.5)  # longer than a loop may be stuck
        assert await process._live() == {}
        assert not starting.done()
        await topics.create(own.kafka)
        await starting
        await outsider.send(toy.request(order, "1"))
        await eventually(notes(dsn, order), lambda seen: seen == ["1"])
        await eventually(not_ready(process), lambda wrong: not wrong)
    finally:
        await process.stop()
        await admin.close()


async def test_a_timer_survives_its_processes(own: Stack, outsider: Broker) -> None:
    """It falls due while nobody runs; of the two that start then, one hears it, once."""
    order, dsn = new_order(), await own.create_database("outage_i")
    db = await asyncpg.connect(dsn)
    async with running(own, dsn):
        await db.execute(
            """CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.due = now() + interval '1 hour'; RETURN NEW; END $$;
            CREATE TRIGGER later BEFORE INSERT ON timer FOR EACH ROW EXECUTE FUNCTION later()"""
        )
        await outsider.send(toy.request(order, "remind"))
        await eventually(notes(dsn, order), lambda seen: seen == ["remind"])
    assert await db.execute("UPDATE timer SET due = now()") == "UPDATE 1"
    async with running(own, dsn), running(own, dsn):
        await eventually(notes(dsn, order), lambda seen: len(seen) > 1)
        await outsider.send(toy.request(order, "after"))
        await eventually(notes(dsn, order), lambda seen: seen == ["remind", "reminded", "after"])
    assert await db.fetchval("SELECT count(*) FROM timer") == 0
    await db.close()
