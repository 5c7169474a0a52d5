"""All of a batch or nothing of it, also where the commit itself fails."""

import asyncio

import asyncpg
import pytest
import toy
from arrivals import arrived, notes
from packhorse_chassis.batch import Processor
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.faults import is_transient
from packhorse_chassis.postgres.source import Records
from rig import eventually

TABLES = ("inbox", "tally", "sequence", "outbox", "timer", "effect", "dead_letter", "parked", "waiting")
"""Everything that one batch writes."""

_REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = 'serialization_failure'; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON tally DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();"""


async def rows(pool: Pool) -> dict[str, int]:
    """How many rows each table has, as somebody else sees it."""
    return {table: await pool.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}


async def test_a_commit_that_fails_leaves_nothing(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every statement went well, then the commit is refused: no event is on its way, no dead letter stays behind, and
    the repeat does all of it."""
    monkeypatch.setattr(toy, "poisoned", {"bug"})
    told = [("a", "one"), ("a", "remind"), ("a", "ask"), ("b", "bug"), ("b", "behind"), ("c", "refuse")]
    batch = [arrived(toy.request(*each)) for each in told]
    await pool.execute(_REFUSE)
    with pytest.raises(asyncpg.SerializationError):
        await processor.process(batch, Records())
    assert await rows(pool) == dict.fromkeys(TABLES, 0)
    await pool.execute("DROP TRIGGER at_commit ON tally")
    assert await processor.process(batch, Records()) == len(told)
    assert await notes(pool, "a") == ["one", "remind", "ask"]
    assert 0 not in (await rows(pool)).values()


async def test_a_deadlock_leaves_nothing_and_passes_by_itself(pool: Pool, processor: Processor) -> None:
    """A real one, with somebody who locks in another order: nobody is blamed, and the repeat does all of it."""
    await processor.process([arrived(toy.request(order, "0")) for order in ("a", "b")], Records())
    before, lock = await rows(pool), "SELECT FROM tally WHERE id = $1 FOR UPDATE"
    batch = [arrived(toy.request(order, "1")) for order in ("a", "b")]
    async with pool.acquire() as rival, rival.transaction():
        await rival.execute(lock, "b")
        working = asyncio.create_task(processor.process(batch, Records()))
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        await eventually(lambda: pool.fetchval(waits), lambda seen: seen == 1)
        await rival.execute(lock, "a")
        with pytest.raises(asyncpg.DeadlockDetectedError) as found:
            await working
    assert is_transient(found.value)
    assert await rows(pool) == before
    assert await processor.process(batch, Records()) == 2
    assert await notes(pool, "a") == await notes(pool, "b") == ["0", "1"]
