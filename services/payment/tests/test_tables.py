"""What the database refuses, whatever a reaction believes."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from packhorse_chassis.postgres.db import Connection as Database
from packhorse_chassis.postgres.migrate import migrate
from packhorse_chassis.postgres.store import Table
from packhorse_payment.ledger import LedgerEntry
from packhorse_payment.ledger import entry as ledger_entry
from packhorse_payment.service import build
from packhorse_payment.settings import PaymentSettings
from packhorse_payment.state import PAYMENTS, Payment

from .story import NOON, ORDER, UNKNOWN, Shop, accepted, cancelled, dispatched

SERVICE = build(PaymentSettings())
(JOURNAL,) = SERVICE.journals
MUG = {"line_id": "mug", "quantity": 3, "unit_price": 1000}


@pytest.fixture
async def db(fresh_database: str) -> AsyncIterator[Database]:
    """A migrated database."""
    connection = await asyncpg.connect(fresh_database)
    await migrate(connection, SERVICE.name, SERVICE.migrations)
    yield connection
    await connection.close()


async def save(db: Database, payment: Payment) -> None:
    """Keeps a payment as the chassis does."""
    table = Table(PAYMENTS)
    async with db.transaction():
        await table.lock(db, [payment.order_id])
        await table.save(db, {payment.order_id: (payment, None)})


async def test_a_payment_and_its_ledger_lie_in_tables_that_agree(db: Database) -> None:
    """The sums in the state are the ledger's balances."""
    shop = Shop().then(accepted(MUG, delivery=(400, 0))).answer_all()
    shop.then(dispatched("s1", mug=2)).answer_all().then(cancelled(mug=2)).answer_all().then(cancelled(minute=1, mug=1))
    shop.answer_all()
    await save(db, shop.payment)
    await JOURNAL.write(db, [entry for entry in shop.journal if isinstance(entry, LedgerEntry)])
    row = await db.fetchrow("SELECT payment_id, authorised, captured, voided, refunded, waits_as FROM payments")
    assert row is not None
    assert tuple(row) == (shop.payment.payment_id, 3400, 2400, 1000, 2400, None)
    rows = await db.fetch("SELECT account, balance FROM ledger_balance WHERE balance <> 0")
    assert rows == []
    assert (await Table(PAYMENTS).read(db, [ORDER]))[ORDER] == shop.payment


async def test_what_waits_for_the_gateway_can_be_searched_for(db: Database) -> None:
    """By the kind of operation and by how it waits."""
    shop = Shop().then(accepted(MUG)).answer(UNKNOWN)
    await save(db, shop.payment)
    row = await db.fetchrow("SELECT waits_for, waits_as FROM payments")
    assert row is not None
    assert tuple(row) == ("authorise", "unknown")


@pytest.mark.parametrize(
    ("sums", "constraint"),
    [
        ({"authorised": 10, "captured": 11}, "captured_within_authorised"),
        ({"authorised": 10, "captured": 5, "voided": 6}, "captured_within_authorised"),
        ({"authorised": 10, "captured": 5, "refunded": 6}, "refunded_within_captured"),
        ({"refunded": -1}, "nothing_negative"),
    ],
)
async def test_sums_that_must_never_be_are_refused(db: Database, sums: dict[str, int], constraint: str) -> None:
    """More captured than held, more refunded than captured, a negative sum."""
    with pytest.raises(asyncpg.CheckViolationError, match=constraint):
        await save(db, replace(Payment(ORDER), **sums))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger_entry SET amount = 1", "DELETE FROM ledger_entry", "TRUNCATE ledger_entry"],
)
async def test_the_ledger_is_append_only(db: Database, statement: str) -> None:
    """Nobody changes what was booked."""
    await JOURNAL.write(db, [ledger_entry("authorised", "p", 1, ORDER, NOON, 10, "EUR", "k")])
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await db.execute(statement)


async def test_a_movement_cant_be_booked_twice(db: Database) -> None:
    """Its number within the payment is unique."""
    booked = ledger_entry("authorised", "p", 1, ORDER, NOON, 10, "EUR", "k")
    await JOURNAL.write(db, [booked])
    with pytest.raises(asyncpg.UniqueViolationError):
        await JOURNAL.write(db, [booked])


@pytest.mark.parametrize("wrong", [{"amount": 0}, {"amount": -5}, {"credit": "gateway"}, {"currency": "euros"}])
async def test_a_movement_that_makes_no_sense_is_refused(db: Database, wrong: dict[str, object]) -> None:
    """No amount of nothing or less, and only between the accounts that belong to it."""
    booked = ledger_entry("authorised", "p", 1, ORDER, NOON, 10, "EUR", "k").model_copy(update=wrong)
    with pytest.raises(asyncpg.CheckViolationError):
        await JOURNAL.write(db, [booked])
