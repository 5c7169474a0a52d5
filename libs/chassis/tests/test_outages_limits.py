"""What runs out while a process is at work: connections, the disk, partitions to own."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import toy
from outages import events, not_ready, notes, port, running
from packhorse_chassis.postgres.db import OwnConnection
from packhorse_chassis.postgres.faults import is_transient
from packhorse_chassis.run import Process
from packhorse_chassis.settings import Settings
from packhorse_devstack.stack import Stack
from pydantic import SecretStr
from rig import Broker, eventually, new_order


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
        await eventually(port(process), lambda port: port > 0)
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
    await db.execute("CREATE TABLE others (line text) TABLESPACE small")
    while True:
        await db.execute("INSERT INTO others VALUES (repeat('x', 1000))")


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
        await root.execute("DROP TABLE others")
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
