"""What others lose when two processes do the same at the same time. On a real database, with two real processes."""

from collections.abc import Sequence

import asyncpg
import pytest
from packhorse_audit import gather
from packhorse_audit.books import stock_is_conserved
from packhorse_contracts.base import Fact
from packhorse_contracts.warehouse import StockMoved

from .owners import Database, Rivals
from .shop import NORTH, SOUTH, accepted, cancelled, dispatched, stocked

BUYERS = 24


def of(order_id: str, fact: Fact) -> Fact:
    """The same about another order."""
    return fact.model_copy(update={"order_id": order_id})


def names(count: int = BUYERS) -> list[str]:
    """Ids of orders."""
    return [f"o{number}" for number in range(count)]


def halves(facts: Sequence[Fact]) -> tuple[Sequence[Fact], Sequence[Fact]]:
    """One share for each of two processes."""
    return facts[::2], facts[1::2]


async def conserved(inventory: Database) -> None:
    """Levels are the sums of their movements and of what orders hold, and nobody is left waiting."""
    db = await asyncpg.connect(inventory.dsn)
    try:
        assert list(stock_is_conserved(await gather.stock(db))) == []
        # Numbered without gaps, and each with the balance that the ones before it leave: a total order.
        assert (
            await db.fetch("""
            SELECT * FROM (SELECT m.*,
                row_number() OVER cell AS place,
                sum(on_hand_change) OVER cell AS on_hand_sum, sum(reserved_change) OVER cell AS reserved_sum
                FROM movement m WINDOW cell AS (PARTITION BY sku, location ORDER BY number)) AS numbered
            WHERE (number, on_hand, reserved) <> (place, on_hand_sum, reserved_sum)""")
            == []
        )
        assert await db.fetchval("SELECT count(*) FROM parked") == 0
    finally:
        await db.close()


async def test_the_last_unit_is_sold_once_to_n_buyers(inventory_database: Database, rivals: Rivals) -> None:
    """vendure#3508, medusa#16825: whether the last unit was there was checked in one transaction, and it was set
    aside in another. Buyers at the same moment all passed the check, and all of them bought it.

    Here two processes reserve it for many buyers at once: one of them has it, all others are refused.
    """
    await inventory_database.hear(*stocked({"mug": {NORTH: 1}}))
    await rivals.take(inventory_database, *halves([of(name, accepted(("mug", 1))) for name in names()]))
    row = await inventory_database.pool.fetchrow("""
        SELECT count(*) FILTER (WHERE state -> 'allocated' <> '[]') AS sold,
            count(*) FILTER (WHERE (state ->> 'refused')::bool) AS refused FROM reservation""")
    assert row is not None
    assert (row["sold"], row["refused"]) == (1, BUYERS - 1)
    await conserved(inventory_database)


async def test_the_database_itself_refuses_to_oversell(inventory_database: Database) -> None:
    """vendure#3508, once more: whatever the code believes, no level may say that more is reserved than there is."""
    await inventory_database.hear(*stocked({"mug": {NORTH: 1}}))
    for spoil in ('{"reserved": 2}', '{"reserved": -1}', '{"on_hand": -1}'):
        with pytest.raises(asyncpg.CheckViolationError, match="never_oversold"):
            await inventory_database.pool.execute(
                "UPDATE stock SET state = jsonb_set(state, '{levels,north}', state #> '{levels,north}' || $1::jsonb)",
                spoil,
            )


async def test_the_reserved_counter_is_the_sum_of_its_rows(inventory_database: Database, rivals: Rivals) -> None:
    """medusa#16569, odoo#62139: reservations were counted by reading, adding and writing back. Updates were lost, and
    the counter drifted from its rows for years, until orders got stuck; people pass a repair script around.

    Here reservations, cancellations and dispatches of many orders race in two processes, in large and small batches,
    over two SKUs that orders name in either order. After all of it counter, movements and rows agree.
    """
    await inventory_database.hear(*stocked({"mug": {NORTH: 9, SOUTH: 5}, "pot": {NORTH: 9}}))
    first, then = [], []
    for number, name in enumerate(names()):
        lines = (("mug", 1), ("pot", 1)) if number % 2 else (("pot", 1), ("mug", 2))
        first.append(of(name, accepted(*lines)))
        after = [cancelled(1, whole=True), dispatched("s", *lines), cancelled(1)][number % 3]
        then.append(of(name, after))
    await rivals.take(inventory_database, [*first[::2], *then[1::2]], [*first[1::2], *then[::2]], batch=3)
    await conserved(inventory_database)


async def test_movements_of_one_instant_have_a_total_order(inventory_database: Database, rivals: Rivals) -> None:
    """erpnext#51562: two movements at the same instant were put in the wrong order, and every balance after them was
    wrong.

    Here an instant orders nothing: movements of a SKU at a location are numbered under its lock, and each says the
    balance that it leaves. Two processes book batches whose movements share one instant.
    """
    await inventory_database.hear(*stocked({"mug": {NORTH: BUYERS}}))
    buyers = halves([of(name, accepted(("mug", 1))) for name in names()])
    await rivals.take(inventory_database, *buyers, batch=BUYERS // 3)
    assert (
        await inventory_database.pool.fetchval("""
        SELECT max(together) FROM (SELECT count(*) AS together FROM movement GROUP BY at) AS instants""")
        > 1
    )
    await conserved(inventory_database)


async def test_the_journal_of_movements_can_not_be_rewritten(inventory_database: Database) -> None:
    """odoo#62139, once more: what repair scripts do. Here nobody changes or deletes a movement, only books another."""
    await inventory_database.hear(*stocked({"mug": {NORTH: 1}}))
    for change in ("UPDATE movement SET on_hand_change = 2", "DELETE FROM movement", "TRUNCATE movement"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await inventory_database.pool.execute(change)


async def test_two_outbounds_never_take_the_same_five(inventory_database: Database, rivals: Rivals) -> None:
    """openboxes#6061: five were on hand, two requests for five were allocated and issued at once, and five less than
    nothing was left.

    Here two transfers and two orders want the same five in two processes. One of them gets them, and also where the
    warehouse says that both orders left, the shelf is empty and not less.
    """
    await inventory_database.hear(*stocked({"mug": {NORTH: 5}, "pot": {SOUTH: 1}}))

    def moved(move_id: str) -> StockMoved:
        return StockMoved.model_validate({"move_id": move_id, "from": NORTH, "to": SOUTH, "sku": "mug", "quantity": 5})

    five = accepted(("mug", 5))
    await rivals.take(inventory_database, [of("o1", five), moved("m1")], [moved("m2"), of("o2", five)])
    await conserved(inventory_database)
    left = dispatched("s", ("mug", 5))
    await rivals.take(inventory_database, [of("o1", left)], [of("o2", left)])
    await conserved(inventory_database)
    pool = inventory_database.pool
    assert await pool.fetchval("SELECT on_hand FROM stock_level WHERE (sku, location) = ('mug', 'north')") == 0
    assert await pool.fetchval("SELECT sum(on_hand) FROM stock_level WHERE sku = 'mug'") in (0, 5)
    codes = [row["code"] for row in await pool.fetch("SELECT code FROM dead_letter")]
    assert set(codes) == {"not_enough_unreserved"}
