"""How it lies in the database, and what the database refuses, whatever a reaction believes."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from packhorse_chassis.core.kinds import Alias
from packhorse_chassis.postgres.db import Connection as Database
from packhorse_chassis.postgres.migrate import migrate
from packhorse_chassis.postgres.store import table
from packhorse_shipping.service import build
from packhorse_shipping.shipment import Line, ShipmentState, ShippedParcel
from packhorse_shipping.timers import WarehouseSilent

from .shipping_story import (
    LISBON,
    ORDER,
    PORTO,
    TWO_PLACES,
    Shop,
    confirmed,
    handed_over,
    package,
    packed,
    put_off,
    stop,
    tracked,
)

SERVICE = build()


@pytest.fixture
async def db(fresh_database: str) -> AsyncIterator[Database]:
    """A migrated database."""
    connection = await asyncpg.connect(fresh_database)
    await migrate(connection, SERVICE.name, SERVICE.migrations)
    yield connection
    await connection.close()


async def save(db: Database, shop: Shop) -> None:
    """Keeps all of a story as the chassis does."""
    for name, kind in shop.routes.kinds.items():
        states = {ref.key: (state, None) for ref, state in shop.states.items() if ref.kind == name}
        async with db.transaction():
            if not isinstance(kind, Alias):
                await table(kind, {}).lock(db, states)
            await table(kind, {}).save(db, states)


async def test_all_that_is_kept_comes_back_as_it_was(db: Database) -> None:
    """Every kind, through its table."""
    shop = Shop(TWO_PLACES, stop())
    shop.then(packed(shop.pick_list(LISBON), package(mug=1)), handed_over(shop.pick_list(LISBON)))
    shop.then(tracked("out_for_delivery", 1), tracked("in_transit", 1, "T9"), tracked("lost", 2))
    await save(db, shop)
    for ref, state in shop.states.items():
        kept = await table(shop.routes.kinds[ref.kind], {}).read(db, [ref.key])
        assert kept[ref.key] == state


async def test_operators_find_what_they_look_for(db: Database) -> None:
    """What is live, what is overdue, whose a pick list or a parcel is, and each fulfilment order in a row."""
    shop = Shop(TWO_PLACES)
    shop.then(handed_over(shop.pick_list(LISBON)))
    shop.fire(WarehouseSilent, shop.pick_list(PORTO))
    await save(db, shop)
    assert tuple(await db.fetchrow("SELECT id, live, overdue FROM order_shipments") or ()) == (ORDER, 1, True)
    assert await db.fetchval("SELECT count(*) FROM pick_list WHERE order_id = $1", ORDER) == 2
    assert await db.fetchval("SELECT order_id FROM parcel WHERE id = 'T1'") == ORDER
    rows = await db.fetch("SELECT location, status, request, overdue FROM fulfilment_order ORDER BY location")
    assert [tuple(row) for row in rows] == [
        (LISBON, "dispatched", "closed", False),
        (PORTO, "open", "submitted", True),
    ]


async def test_a_fulfilment_order_whose_list_was_never_issued_is_no_row_of_the_audits(db: Database) -> None:
    """The audit looks for the pick list of every row."""
    await save(db, Shop(put_off(confirmed()), stop()))
    assert await db.fetchval("SELECT count(*) FROM fulfilment_order") == 0


@pytest.mark.parametrize(
    ("state", "picked", "parcels", "constraint"),
    [
        ("in_progress", 4, (), "picked_within_wanted"),
        ("in_progress", -1, (), "picked_within_wanted"),
        ("dispatched", 3, (), "dispatched_with_parcels"),
        ("delivered", 3, (), "dispatched_with_parcels"),
        ("withdrawn", 3, (ShippedParcel("T1", None),), "dispatched_with_parcels"),
        ("delivered", 3, (ShippedParcel("T1", None, "delivered"), ShippedParcel("T2", None)), "delivered_when_all"),
    ],
)
async def test_what_must_never_be_is_refused(
    db: Database, state: ShipmentState, picked: int, parcels: tuple[ShippedParcel, ...], constraint: str
) -> None:
    """More picked than wanted, on its way without a parcel, delivered by half."""
    shop = Shop(confirmed())
    line = Line("mug", "SKU-mug", None, 3, picked=picked)
    wrong = shop.order.keeping(replace(shop.at(), state=state, lines=(line,), parcels=parcels))
    (kept,) = [ref for ref in shop.states if ref.kind == "order_shipments"]
    shop.states[kept] = wrong
    with pytest.raises(asyncpg.CheckViolationError, match=constraint):
        await save(db, shop)
