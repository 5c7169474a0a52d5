"""Many orders for a few pieces at the same moment, on the real chassis and a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
from packhorse_chassis.batch import Processor
from packhorse_chassis.db import Pool
from packhorse_chassis.inputs import Arrival, Raw, Reader
from packhorse_chassis.keep import Inbox
from packhorse_chassis.migrate import migrate
from packhorse_chassis.source import Records
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact
from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.order import OrderAccepted
from packhorse_contracts.warehouse import StockReceived
from packhorse_inventory.service import build

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
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
    envelope = ce.Envelope(f"{fact.TYPE}-{fact.subject}", "/test", fact.TYPE, fact.subject, NOON)
    key, value, headers = ce.encode(envelope, fact)
    arrival = READER.record(Raw("record", fact.TOPIC.name, 0, 0, key, headers, value))
    assert arrival is not None
    return arrival


def accepted(order_id: str) -> OrderAccepted:
    """An order for one mug."""
    return OrderAccepted.model_validate(
        {
            "order_id": order_id,
            "at": NOON,
            "channel": "web",
            "currency": "GBP",
            "customer": {"customer_id": "c", "name": "Ada"},
            "lines": [{"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": 100}],
            "delivery": {"mode": "ship", "service": "standard", "price": 0},
            "payments": [],
            "totals": {"goods": 0, "discount": 0, "delivery": 0, "tax": 0, "grand_total": 0},
        }
    )


async def test_many_buyers_get_what_there_is_and_not_one_more(pool: Pool) -> None:
    """Each reservation sees the one before it: so many are reserved as there are pieces, the others are refused, and
    no order stays behind for a person to look at."""
    owners = [Processor(SERVICE, pool, Inbox(pool)) for _ in range(OWNERS)]
    mug = ProductChanged(sku="MUG", title="Mug", weight=100, length=10, width=10, height=10)
    shelf = {"location": "north", "kind": "warehouse", "name": "North", "country": "GB", "active": True}
    goods = {"receipt_id": "r", "location": "north", "lines": [{"sku": "MUG", "quantity": PIECES}]}
    for fact in (mug, LocationChanged.model_validate(shelf), StockReceived.model_validate(goods)):
        await owners[0].process([arrived(fact)], Records())

    async def own(owner: Processor, number: int) -> None:
        for name in range(number, ORDERS, OWNERS):
            await owner.process([arrived(accepted(f"order-{name}"))], Records())

    await asyncio.gather(*(own(owner, number) for number, owner in enumerate(owners)))
    decided = await pool.fetchrow("""
        SELECT count(*) FILTER (WHERE state -> 'allocated' <> '[]') AS reserved,
            count(*) FILTER (WHERE (state ->> 'refused')::bool) AS refused FROM reservation""")
    assert decided is not None
    assert (decided["reserved"], decided["refused"]) == (PIECES, ORDERS - PIECES)
    assert await pool.fetchval("SELECT reserved FROM stock_level") == PIECES
    assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0
