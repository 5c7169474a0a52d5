"""Database and broker that go away under a running service: it waits, says that it isn't ready, and loses nothing."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
import toy
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from packhorse_chassis import consume, relay
from packhorse_chassis.db import OwnConnection
from packhorse_chassis.faults import is_transient
from packhorse_chassis.process import Process
from packhorse_chassis.settings import Settings
from packhorse_devstack import topics
from packhorse_devstack.places import data_folder
from packhorse_devstack.stack import Stack
from pydantic import SecretStr
from rig import Broker, eventually, new_order

_SAY = "INSERT INTO outbox (topic, key, headers, value) VALUES ('payment.events', $1, '[]', '{}')"


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """Servers that these tests may kill."""
    with tempfile.TemporaryDirectory(prefix="packhorse-outage-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (data_folder() / "cache").mkdir(parents=True, exist_ok=True)
        (folder / "cache").symlink_to((data_folder() / "cache").resolve())
        with Stack(folder, fresh=True) as stack:
            if not stack.servers:
                pytest.skip("the servers aren't ours to kill")
            yield stack


@pytest.fixture
async def outsider(own: Stack) -> AsyncIterator[Broker]:
    """A client of the broker that may be killed."""
    await topics.create(own.kafka)
    producer = AIOKafkaProducer(bootstrap_servers=own.kafka, acks="all", enable_idempotence=True)
    await producer.start()
    yield Broker(own.kafka, producer)
    await producer.stop()


@asynccontextmanager
async def running(own: Stack, dsn: str, **settings: object) -> AsyncIterator[Process]:
    """A process of the toy service on them."""
    given = {"kafka": own.kafka, "postgres": SecretStr(dsn), "pump_idle": 0.05, "stop_grace": 5, **settings}
    process = Process(toy.service(), Settings.model_validate(given))
    try:
        await process.start()
        yield process
    finally:
        await process.stop()


def notes(dsn: str, order: str) -> Callable[[], Awaitable[list[str]]]:
    """The toy's notes about an order; empty while the database is away."""

    async def look() -> list[str]:
        try:
            db = await asyncpg.connect(dsn, timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return []
        try:
            found: list[str] = await db.fetchval(
                "SELECT ARRAY(SELECT jsonb_array_elements_text(state -> 'notes')) FROM tally WHERE id = $1", order
            )
            return found or []
        finally:
            await db.close()

    return look


def not_ready(process: Process) -> Callable[[], Awaitable[dict[str, str]]]:
    """What the process says is wrong, by part."""

    async def look() -> dict[str, str]:
        url = f"http://127.0.0.1:{process.http_port}/health/ready"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            wrong: dict[str, str] = {} if answer.status == 200 else (await answer.json())["wrong"]
            return wrong

    return look


def revive(own: Stack, name: str) -> None:
    """Starts a server again at the same address; a broker answers when this returns."""
    child = own.servers[name]
    while child.running:
        time.sleep(0.02)
    child.start()
    own.until_kafka_answers()


async def events(outsider: Broker, order: str, count: int) -> list[int]:
    """The numbers of an order's events, in the order of the topic, as a reader with an inbox takes them: what was
    published twice, because the relay didn't learn that it was there, has the same id."""
    first: dict[str, int] = {}
    read = count
    while len(first) < count:
        told = await outsider.read("order.events", {order}, read)
        first = {headers["ce_id"]: int(headers["ce_sequence"]) for _, headers, _ in reversed(told)}
        first = dict(reversed(first.items()))
        read += count - len(first)
    return list(first.values())


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
        await eventually(_port(process), lambda port: port > 0)
        await eventually(not_ready(process), lambda wrong: {"database", "process"} <= wrong.keys())
        await asyncio.to_thread(revive, own, "postgres")
        await starting
        await eventually(notes(dsn, order), lambda seen: seen == ["early"])
    finally:
        await process.stop()


def _port(process: Process) -> Callable[[], Awaitable[int]]:
    async def look() -> int:
        return process.http_port

    return look


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
        await eventually(_port(process), lambda port: port > 0)
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
        await eventually(_port(process), lambda port: port > 0)
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


async def test_no_connection_is_left(own: Stack, outsider: Broker) -> None:
    """A role at its limit of connections: the service waits at its start, and starts when there is room."""
    order, dsn = new_order(), await own.create_database("outage_d")
    admin = await asyncpg.connect(own.admin_dsn)
    await admin.execute("ALTER ROLE packhorse_outage_d CONNECTION LIMIT 1")
    holder = await asyncpg.connect(dsn)
    process = Process(
        toy.service(), Settings.model_validate({"kafka": own.kafka, "postgres": SecretStr(dsn), "stop_grace": 5})
    )
    starting = asyncio.create_task(process.start())
    try:
        await eventually(_port(process), lambda port: port > 0)
        await eventually(not_ready(process), lambda wrong: "database" in wrong)
        await admin.execute("ALTER ROLE packhorse_outage_d CONNECTION LIMIT -1")
        await holder.close()
        await starting
        await outsider.send(toy.request(order, "1"))
        await eventually(notes(dsn, order), lambda seen: seen == ["1"])
    finally:
        await process.stop()
        await admin.close()


async def test_no_connection_is_left_while_it_runs(own: Stack, outsider: Broker) -> None:
    """All of them are cut, and no new one is let in: not ready, no record given up; on again when there is room."""
    order, dsn = new_order(), await own.create_database("outage_h")
    admin = await asyncpg.connect(own.admin_dsn)
    async with running(own, dsn) as process:
        await admin.execute("ALTER ROLE packhorse_outage_h CONNECTION LIMIT 0")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'packhorse_outage_h'"
        )
        await outsider.send(toy.request(order, "1"))
        await eventually(not_ready(process), lambda wrong: "database" in wrong)
        await admin.execute("ALTER ROLE packhorse_outage_h CONNECTION LIMIT -1")
        await eventually(notes(dsn, order), lambda seen: seen == ["1"])
        await eventually(not_ready(process), lambda wrong: not wrong)
        db = await asyncpg.connect(dsn)
        assert await db.fetchval("SELECT count(*) FROM dead_letter") == 0
        await db.close()
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


def mount(folder: Path, options: str) -> bool:
    """A disk in memory; False where that isn't allowed here."""
    command = shutil.which("mount")
    if command is None:
        return False
    return not subprocess.run([command, "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 64 kB of its own, which the server of the database may write to."""
    folder = Path(tempfile.mkdtemp(prefix="packhorse-disk-"))
    options = f"size=64k,mode=0700,uid={pwd.getpwnam('nobody').pw_uid}"
    if os.geteuid() or not mount(folder, options):
        folder.rmdir()
        pytest.skip("only root may mount a disk, and not everywhere")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


async def fill(db: OwnConnection) -> None:
    """Somebody else's rows, for ever."""
    while True:
        await db.execute("INSERT INTO outbox (topic, key, headers, value) VALUES ('', '', '', '')")


def full(wrong: dict[str, str]) -> bool:
    """An operator reads what it is, in PostgreSQL's own words."""
    told = wrong.get("consumer", "")
    return "DiskFullError" in told and "No space left on device" in told


async def test_the_disk_is_really_full(own: Stack, outsider: Broker, small_disk: Path) -> None:
    """The outbox finds no room: not ready, with the reason, nothing given up or lost; on again when there is room."""
    order, dsn = new_order(), await own.create_database("outage_k")
    async with running(own, dsn) as process:
        root = await asyncpg.connect(f"{own.admin_dsn.rpartition('/')[0]}/{urlsplit(dsn).path[1:]}")
        await root.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
        await root.execute("ALTER TABLE outbox SET TABLESPACE small")
        with pytest.raises(asyncpg.DiskFullError):
            await fill(root)
        await outsider.send(toy.request(order, "1"))
        await eventually(not_ready(process), full)
        assert await notes(dsn, order)() == []
        await asyncio.to_thread(mount, small_disk, "remount,size=8m")
        await eventually(notes(dsn, order), lambda seen: seen == ["1"])
        await eventually(not_ready(process), lambda wrong: not wrong)
        assert await root.fetchval("SELECT count(*) FROM dead_letter") == 0
        assert await events(outsider, order, 1) == [1]
        await root.execute("ALTER TABLE outbox SET TABLESPACE pg_default")
        await root.execute("DROP TABLESPACE small")
        await root.close()


async def test_the_disk_is_full(own: Stack, outsider: Broker) -> None:
    """The database refuses every row, with PostgreSQL's own code for it: not ready, with the reason, no record given
    up; on again when there is room."""
    order, dsn = new_order(), await own.create_database("outage_f")
    db = await asyncpg.connect(dsn)
    async with running(own, dsn) as process:
        await db.execute(
            """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
            CREATE TRIGGER full_disk BEFORE INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION full_disk()"""
        )
        await outsider.send(toy.request(order, "1"))
        await eventually(not_ready(process), full)
        await db.execute("DROP TRIGGER full_disk ON outbox")
        await eventually(notes(dsn, order), lambda seen: seen == ["1"])
        await eventually(not_ready(process), lambda wrong: not wrong)
        assert await db.fetchval("SELECT count(*) FROM dead_letter") == 0
    await db.close()


async def test_more_processes_than_work(own: Stack, outsider: Broker) -> None:
    """Three processes come and go while records flow: each record counts once, in the order of its key."""
    orders, dsn = [new_order() for _ in range(6)], await own.create_database("outage_e")

    async def stream() -> None:
        for number in range(40):
            for order in orders:
                await outsider.send(toy.request(order, str(number)))
            await asyncio.sleep(0.05)

    async with running(own, dsn, session_timeout_ms=6_000):
        sending = asyncio.create_task(stream())
        for _ in range(2):
            async with running(own, dsn, session_timeout_ms=6_000), running(own, dsn, session_timeout_ms=6_000):
                await asyncio.sleep(1)
        await sending
        for order in orders:
            await eventually(notes(dsn, order), lambda seen: len(seen) >= 40, 60)
            assert await notes(dsn, order)() == [str(n) for n in range(40)]
        for order in orders:
            assert await events(outsider, order, 40) == list(range(1, 41))


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.SerializationError,
        asyncpg.DeadlockDetectedError,
        asyncpg.TooManyConnectionsError,
        asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.DiskFullError,
        asyncpg.OutOfMemoryError,
        asyncpg.LockNotAvailableError,
        asyncpg.QueryCanceledError,
        asyncpg.ReadOnlySQLTransactionError,
        asyncpg.ConnectionDoesNotExistError,
        asyncpg.InsufficientPrivilegeError,
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
        asyncpg.UndefinedFunctionError,
        asyncpg.InvalidCachedStatementError,
    ],
)
def test_what_passes_by_itself(error: type[asyncpg.PostgresError]) -> None:
    """Nobody's fault: the same batch is tried again. What a record causes is another thing."""
    assert is_transient(error("x"))
    assert not is_transient(asyncpg.CheckViolationError("x"))
    assert not is_transient(asyncpg.DataError("x"))
