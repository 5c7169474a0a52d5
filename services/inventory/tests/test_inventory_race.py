"""Many orders for a few pieces at the same moment, on the real chassis and a real database."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from packhorse_chassis.batch import Processor
from packhorse_chassis.db import Pool
from packhorse_chassis.inputs import Arrival, Raw, Reader
from packhorse_chassis.keep import Inbox
from packhorse_chassis.migrate import migrate
from packhorse_chassis.source import Records
from packhorse_contracts import envelope as ce
from packhorse_contracts import registry
from packhorse_contracts.base import Fact
from packhorse_inventory.service import build

from .inventory_story import NOON, accepted, place, product, received

PIECES, ORDERS, OWNERS = 5, 24, 6
SERVICE = build()
READER = Reader(SERVICE.routes)


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    """A pool on a migrated database, with a connection for each owner."""
    async with asyncpg.create_pool(fresh_database, min_size=OWNERS, max_size=OWNERS) as pool:
        async with pool.acquire() as db:
            await migrate(db, "inventory", SERVICE.migrations)
        yield pool


def arrived(fact: Fact) -> Arrival:
    """A record, read."""
    source = "/test" if fact.ANSWERED_BY else f"/packhorse/{registry.name_of(type(fact)).sayer}"
    envelope = ce.Envelope(f"{fact.TYPE}-{fact.subject}", source, fact.TYPE, fact.subject, NOON)
    key, value, headers = ce.encode(envelope, fact)
    arrival = READER.record(Raw("record", fact.TOPIC.name, 0, 0, key, headers, value))
    assert arrival is not None
    return arrival


async def test_many_buyers_get_what_there_is_and_not_one_more(pool: Pool) -> None:
    """Each reservation sees the one before it: so many are reserved as there are pieces, the others are refused, and
    no order stays behind for a person to look at."""
    owners = [Processor(SERVICE, pool, Inbox(pool)) for _ in range(OWNERS)]
    for fact in (product("MUG"), place("north"), received("r", "north", MUG=PIECES)):
        await owners[0].process([arrived(fact)], Records())

    async def own(owner: Processor, number: int) -> None:
        for name in range(number, ORDERS, OWNERS):
            await owner.process([arrived(accepted(f"order-{name}", ("MUG", 1)))], Records())

    await asyncio.gather(*(own(owner, number) for number, owner in enumerate(owners)))
    decided = await pool.fetchrow("""
        SELECT count(*) FILTER (WHERE state -> 'allocated' <> '[]') AS reserved,
            count(*) FILTER (WHERE (state ->> 'refused')::bool) AS refused FROM reservation""")
    assert decided is not None
    assert (decided["reserved"], decided["refused"]) == (PIECES, ORDERS - PIECES)
    assert await pool.fetchval("SELECT reserved FROM stock_level") == PIECES
    assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0
