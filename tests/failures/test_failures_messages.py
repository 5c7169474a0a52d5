"""Events that others lose in a crash, or tell before they are true."""

import asyncio

import pytest
from packhorse_chassis.postgres.faults import is_transient
from packhorse_simulation.faults import RATES
from packhorse_simulation.run import judge, lived
from packhorse_simulation.scenario import Scenario

from .owners import Database
from .shop import placed

ROWS = """
SELECT (SELECT count(*) FROM orders WHERE state IS NOT NULL), (SELECT count(*) FROM outbox),
    (SELECT count(*) FROM timer), (SELECT count(*) FROM inbox)"""
NOTHING, EVERYTHING = (0, 0, 0, 0), (1, 1, 1, 1)
HELD_UP = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
DEATHS = [name for name in RATES if name.startswith("killed")]

AT_THE_COMMIT = """
CREATE FUNCTION at_the_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what}; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_the_commit AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION at_the_commit()"""


async def rows(order: Database) -> tuple[int, ...]:
    """Orders, events, timers and guards against repeats that everybody can see."""
    return tuple(await order.pool.fetchrow(ROWS) or ())


async def test_the_event_of_an_order_survives_a_crash_in_the_commit(order_database: Database) -> None:
    """woocommerce#15620: now and then the event of a new order was never sent, for it was fired beside the order's
    row, not with it.

    Here the process dies within the commit. Nothing at all has happened, so the record is taken again, and then the
    order, its event and its timer are all there.
    """
    await order_database.pool.execute(AT_THE_COMMIT.format(what="PERFORM pg_terminate_backend(pg_backend_pid())"))
    with pytest.raises(Exception, match=r"terminat|connection") as death:
        await order_database.hear(placed())
    assert is_transient(death.value)
    assert await rows(order_database) == NOTHING
    await order_database.pool.execute("DROP TRIGGER at_the_commit ON outbox")
    await order_database.hear(placed(), placed())
    assert await rows(order_database) == EVERYTHING


@pytest.mark.parametrize("seed", range(4))
def test_every_order_is_answered_whenever_processes_die(seed: int) -> None:
    """woocommerce#15620, through all services: they die before and after commits, while publishing, and while asking
    the gateway, at every third opportunity. Each order is answered once, ends once, and its books are in order."""
    scenario = Scenario(seed, seed, tuple(range(1, 9)), 0.5, 1.0, wire=False, rates=dict.fromkeys(DEATHS, 0.3))
    assert judge(scenario) == []
    died = lived(scenario).chance.counts
    assert died.keys() == set(DEATHS)


async def test_no_event_is_seen_before_its_row(order_database: Database) -> None:
    """vendure#4416, saleor PR#17086: the event of an order was published while its transaction was still open. Who
    heard it and looked, found the order as it was before, or none.

    Here a transaction is held up at its very end: nobody sees the event, nor the row. Then both are there at once.
    """
    pool = order_database.pool
    await pool.execute(AT_THE_COMMIT.format(what="PERFORM pg_advisory_xact_lock_shared(1)"))
    async with pool.acquire() as holder:
        await holder.execute("SELECT pg_advisory_lock(1)")
        hearing = asyncio.create_task(order_database.hear(placed()))
        while not await pool.fetchval(HELD_UP):
            assert not hearing.done()
        assert await rows(order_database) == NOTHING
        await holder.execute("SELECT pg_advisory_unlock(1)")
        await hearing
    assert await rows(order_database) == EVERYTHING
    assert await pool.fetchval("SELECT (SELECT xmin FROM orders) = (SELECT xmin FROM outbox)")
