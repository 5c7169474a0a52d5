"""Nothing grows for ever, and nothing is forgotten too early."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

import pytest
import toy
from arrivals import arrived
from packhorse_chassis.postgres import keep
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Housekeeper, Inbox
from packhorse_chassis.telemetry import metrics
from packhorse_contracts import ids
from packhorse_devstack.places import project

DAYS = 14
_PARTITIONS = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'inbox'::regclass"


async def names(pool: Pool) -> set[str]:
    """The partitions of the inbox."""
    return {row["name"] for row in await pool.fetch(_PARTITIONS)}


async def test_partitions_older_than_any_topic_are_dropped(pool: Pool) -> None:
    """The oldest that is kept is as old as the inbox remembers; what comes next has its place already."""
    today = datetime.now(UTC).date()
    inbox = Inbox(pool, DAYS)
    await inbox.ensure({today - timedelta(days=age) for age in (DAYS + 1, DAYS, DAYS - 1, 0)})
    await Housekeeper(pool, inbox).step()
    kept = {f"inbox_{today - timedelta(days=age):%Y%m%d}" for age in (DAYS, DAYS - 1, 0, -1)}
    assert await names(pool) == kept | {"inbox_outsiders"}


@pytest.mark.parametrize("days", [-30, 30])
async def test_the_hosts_clock_decides_nothing(pool: Pool, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """One whose clock is wrong looks for ids where the others look, and drops nothing that they need."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(days=days)

    today = datetime.now(UTC).date()
    arrival = arrived(toy.request("o", "1"), ids.derive(datetime.now(UTC), "some"))
    arrival = replace(arrival, raw=replace(arrival.raw, topic="payment.events"), source="/packhorse/payment")
    right = Inbox(pool, DAYS)
    await Housekeeper(pool, right).step()
    await right.place([arrival])
    before, day = await names(pool), arrival.day
    monkeypatch.setattr(keep, "datetime", Wrong)
    wrong = Inbox(pool, DAYS)
    await Housekeeper(pool, wrong).step()
    await wrong.place([arrival])
    assert (await names(pool), arrival.day, day) == (before, today, today)


async def test_a_backup_holds_up_nothing(pool: Pool) -> None:
    """While somebody reads the inbox its old partitions stay, for waiting to drop them would stop all that comes in."""
    today = datetime.now(UTC).date()
    inbox = Inbox(pool, DAYS)
    await inbox.ensure({today - timedelta(days=DAYS + 1)})
    async with pool.acquire() as backup:
        async with backup.transaction():
            await backup.fetchval("SELECT count(*) FROM inbox")
            await Housekeeper(pool, inbox).step()
            assert f"inbox_{today - timedelta(days=DAYS + 1):%Y%m%d}" in await names(pool)
        await Housekeeper(pool, inbox).step()
    assert f"inbox_{today - timedelta(days=DAYS + 1):%Y%m%d}" not in await names(pool)


async def test_what_a_dead_letter_held_goes_in_time(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be personal. That it was, and why, stays; and one that nobody has ended is kept whole."""
    monkeypatch.setattr(keep, "_PORTION", 3)
    await pool.execute(
        """INSERT INTO dead_letter
            (id, origin, topic, headers, value, code, reason, retryable, parked, status, ended_at)
        SELECT n::text, 'record', 'x', '[["a", "b"]]', 'personal', 'c', 'r', false, false,
            CASE WHEN n % 10 = 0 THEN 'open' ELSE 'retried' END,
            CASE WHEN n % 10 > 0 THEN now() - n * interval '1 day' END
        FROM generate_series(1, 40) n"""
    )
    housekeeper = Housekeeper(pool, Inbox(pool, DAYS))
    while await housekeeper.step():
        pass
    left = await pool.fetch("SELECT id FROM dead_letter WHERE value = 'personal' AND headers <> '[]'")
    assert sorted(int(row["id"]) for row in left) == [*range(1, 30 + 1), 40]
    assert await pool.fetchval("SELECT count(*) FROM dead_letter WHERE code = 'c'") == 40


def test_nobody_asks_the_hosts_clock() -> None:
    """Neither the chassis nor a service: the time of a transaction is the database's."""
    code = [*project().glob("libs/chassis/packhorse_*/**/*.py"), *project().glob("services/*/packhorse_*/**/*.py")]
    asks = re.compile(r"\b(datetime|date|time)\.(now|utcnow|today|time)\(")
    assert len(code) > 50
    assert [str(file) for file in code if asks.search(file.read_text())] == []


async def test_what_is_old_goes_portion_by_portion_until_nothing_is_left(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much comes in, as much goes: a step that deleted a whole portion is followed by another at once."""
    monkeypatch.setattr(keep, "_PORTION", 10)
    numbers = "FROM generate_series(1, 25) n"
    insert = f"INSERT INTO inbox (day, source, id, seen_at) SELECT '1970-01-01', $1, n::text, $2 {numbers}"
    now = datetime.now(UTC)
    await pool.execute(insert, "/old", now - timedelta(days=DAYS, hours=1))
    await pool.execute(insert, "/young", now - timedelta(days=DAYS - 1))
    housekeeper, steps = Housekeeper(pool, Inbox(pool, DAYS)), 1
    while await housekeeper.step():
        steps += 1
    left = await pool.fetch("SELECT source, count(*) FROM inbox GROUP BY source")
    assert ({row["source"]: row["count"] for row in left}, steps) == ({"/young": 25}, 3)


async def test_a_snapshot_that_is_held_too_long_is_seen(pool: Pool) -> None:
    """While somebody holds one, vacuum cleans nothing, and a table that lives on quick vacuums collapses."""
    housekeeper = Housekeeper(pool, Inbox(pool, DAYS))
    async with pool.acquire() as db, db.transaction(isolation="repeatable_read"):
        await db.fetchval("SELECT count(*) FROM outbox")
        for _ in range(30):
            await pool.execute("SELECT pg_current_xact_id()")
        await housekeeper.step()
        assert metrics.snapshot_age._value.get() >= 30
    await housekeeper.step()
    assert metrics.snapshot_age._value.get() < 30
