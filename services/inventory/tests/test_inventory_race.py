"""Many orders for a few pieces at the same moment, on the real chassis and a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.migrate import migrate
from packhorse_chassis.postgres.source import Records
from packhorse_contracts import envelope as ce
from packhorse_contracts import registry
from packhorse_contracts.base import Fact
from packhorse_contracts.warehouse import StockCounted
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


async def test_a_late_count_is_reckoned_from_the_journal_and_from_its_own_transaction(pool: Pool) -> None:
    """Eight came in before it in another transaction, and four in its own; of those that came later five are stored and
    three aren't yet. What it has seen, and is told afterwards, changes nothing."""
    owner = Processor(SERVICE, pool, Inbox(pool))

    def came(second: int, pieces: int) -> Fact:
        receipt = received(f"r-{second}", "north", MUG=pieces)
        return receipt.model_copy(update={"at": NOON + timedelta(seconds=second)})

    facts = (product("MUG"), place("north"), came(1, 8), came(20, 5))
    await owner.process([arrived(fact) for fact in facts], Records())
    counted = StockCounted(count_id="c", location="north", sku="MUG", counted=11, at=NOON + timedelta(seconds=10))
    await owner.process([arrived(fact) for fact in (came(2, 4), came(30, 3), counted, came(3, 100))], Records())
    row = await pool.fetchrow("SELECT on_hand, shelf, counted_at FROM stock_level")
    assert row is not None
    assert tuple(row) == (11 + 5 + 3, 11 + 5 + 3, NOON + timedelta(seconds=10))
    assert await pool.fetchval("SELECT sum(on_hand_change) FROM movement") == 19
    assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0


async def test_a_tombstone_takes_a_product_off(pool: Pool) -> None:
    """A record without a value, and without any header: its place in the log is its id, its key the product. One whose
    key is no SKU is a dead letter."""
    owner = Processor(SERVICE, pool, Inbox(pool))
    await owner.process([arrived(product("MUG")), arrived(place("north"))], Records())
    for offset, key in enumerate((b"MUG", b"MUG", b"no SKU")):
        tombstone = READER.record(Raw("record", "catalogue.products", 0, offset, key, [], None))
        assert tombstone is not None
        await owner.process([tombstone], Records())
    facts = (received("r", "north", MUG=PIECES), accepted("o", ("MUG", 1)))
    await owner.process([arrived(fact) for fact in facts], Records())
    assert await pool.fetchval("SELECT (state ->> 'refused')::bool FROM reservation")
    assert await pool.fetchval("SELECT on_hand FROM stock_level") == PIECES
    assert [row["code"] for row in await pool.fetch("SELECT code FROM dead_letter")] == ["wrong_key"]


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
