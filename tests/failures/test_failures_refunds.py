"""Refunds that race each other. On a real database, with two real processes."""

from itertools import product

import asyncpg
import pytest
from packhorse_chassis.core.effect import RetryError
from packhorse_payment.effects import GatewayPerformer
from packhorse_payment.operations import AskGateway, Done, GatewayAnswered, Refund

from .gateway import Gateway
from .owners import Database, Rivals
from .shop import DELIVERY, PRICE, accepted, cancelled, dispatched
from .till import Till, settle

MUGS = 4
ALL_OF_IT = MUGS * PRICE + DELIVERY


async def sold(payment: Database, till: Till) -> None:
    """The mugs were paid and have left."""
    for fact in (accepted(("mug", MUGS)), dispatched("s1", ("mug", MUGS))):
        await payment.hear(fact)
        await settle(payment, till)
    assert till.book.captured == ALL_OF_IT


async def test_refunds_together_never_exceed_what_was_captured(payment_database: Database, rivals: Rivals) -> None:
    """saleor#19645: each refund was held against what had been charged, and not against the other refunds that were
    under way. Together they gave back more than had been taken.

    Here parts and the whole are cancelled in two processes at once, each of them told all of it, and two workers talk
    to the gateway. The gateway itself fails this test if it is ever asked for more than it took.
    """
    till = Till()
    await sold(payment_database, till)
    parts = [cancelled(1, minute=minute) for minute in range(MUGS)]
    whole = cancelled(MUGS, minute=9, whole=True)
    await rivals.take(payment_database, [*parts[:2], whole], [whole, *parts[2:]], repeat=True)
    await settle(payment_database, till)
    assert till.book.refunded == ALL_OF_IT
    row = await payment_database.pool.fetchrow("""
        SELECT captured, refunded, waits_for,
            (SELECT sum(amount) FROM ledger_entry WHERE movement = 'refunded') AS booked FROM payments""")
    assert row is not None
    assert tuple(row) == (ALL_OF_IT, ALL_OF_IT, None, ALL_OF_IT)
    assert await payment_database.pool.fetch("SELECT * FROM ledger_balance WHERE balance <> 0") == []


async def test_the_database_itself_refuses_a_wrong_balance(payment_database: Database) -> None:
    """saleor#19645 and medusa#13433, once more: whatever the code believes, more can't be given back than was taken,
    and no movement is booked twice, or changed."""
    till = Till()
    await sold(payment_database, till)
    pool = payment_database.pool
    with pytest.raises(asyncpg.CheckViolationError, match="refunded_within_captured"):
        await pool.execute(
            "UPDATE payments SET state = state || jsonb_build_object('refunded', $1::bigint)", ALL_OF_IT + 1
        )
    with pytest.raises(asyncpg.UniqueViolationError):
        await pool.execute("INSERT INTO ledger_entry SELECT * FROM ledger_entry LIMIT 1")
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await pool.execute("UPDATE ledger_entry SET amount = amount + 1")


@pytest.mark.parametrize("loses", list(product(("", "request", "answer"), repeat=3)), ids="-".join)
async def test_a_refund_is_asked_for_until_it_is_known(loses: tuple[str, str, str]) -> None:
    """hyperswitch#9622, at the gateway: whichever requests and answers get lost, no outcome is made up. In the end the
    refund was done once, and known to be done."""
    till = Till(Gateway(captured=PRICE), *loses)
    performer = GatewayPerformer(till)
    refund = Refund(authorisation="a", capture="c", amount=PRICE, currency="GBP", cause="cancelled")
    answer: GatewayAnswered | None = None
    for again in (False, True, True, True):
        try:
            request = AskGateway(order_id="o1", key="k", operation=refund, again=again)
            answer = await performer.perform(request, "k")
            break
        except RetryError:
            assert performer.give_up(request, "no answer").outcome.outcome == "unknown"
    assert answer is not None
    assert isinstance(answer.outcome, Done)
    assert (till.book.refunded, till.book.count("refund")) == (PRICE, 1)
