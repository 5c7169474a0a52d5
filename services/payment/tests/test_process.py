"""The real process, on the real broker and database, with the devstack's gateway."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from packhorse_chassis.run import Process
from packhorse_chassis.settings import Settings
from packhorse_contracts import envelope as ce
from packhorse_contracts import ids, registry
from packhorse_contracts.base import Fact
from packhorse_payment.service import build
from packhorse_payment.settings import PaymentSettings
from pydantic import SecretStr

from .story import NOON, ORDER, accepted, cancelled, dispatched

MUG = {"line_id": "mug", "quantity": 3, "unit_price": 1000}


class Rig:
    """The service from outside: facts in, its tables and the gateway's book to look at."""

    def __init__(self, producer: AIOKafkaProducer, dsn: str, gateway_url: str) -> None:
        self._producer, self._dsn, self._gateway_url = producer, dsn, gateway_url

    async def send(self, fact: Fact) -> None:
        """Says a fact as its own service would."""
        event_id = ids.derive(NOON, fact.TYPE, fact.model_dump_json(), self._dsn)
        source = f"/packhorse/{registry.name_of(type(fact)).sayer}"
        key, value, headers = ce.encode(ce.Envelope(event_id, source, fact.TYPE, fact.subject, NOON), fact)
        await self._producer.send_and_wait(fact.TOPIC.name, value, key=key, headers=headers)

    async def until(self, *sums: int) -> None:
        """Waits until authorised, captured, voided and refunded are these, and nothing is pending."""
        db = await asyncpg.connect(self._dsn)
        query = "SELECT authorised, captured, voided, refunded FROM payments WHERE id = $1 AND waits_as IS NULL"
        try:
            async with asyncio.timeout(30):
                while (row := await db.fetchrow(query, ORDER)) is None or tuple(row) != sums:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            rows = await db.fetch("SELECT state FROM payments")
            letters = await db.fetch("SELECT reason, traceback FROM dead_letter")
            pytest.fail(f"never {sums}: {rows} {letters}")
        finally:
            await db.close()

    async def books_agree(self) -> None:
        """The gateway's own book, the ledger and the state say the same."""
        db = await asyncpg.connect(self._dsn)
        ledger = await db.fetchrow(
            "SELECT sum(amount) FILTER (WHERE movement = 'authorised') AS authorised,"
            " sum(amount) FILTER (WHERE movement = 'captured') AS captured,"
            " sum(amount) FILTER (WHERE movement = 'released') AS voided,"
            " sum(amount) FILTER (WHERE movement = 'refunded') AS refunded FROM ledger_entry WHERE order_id = $1",
            ORDER,
        )
        await db.close()
        async with aiohttp.ClientSession() as session, session.get(f"{self._gateway_url}/v1/book") as response:
            totals = (await response.json())["totals"][ORDER]
        assert ledger is not None
        assert {name: sum_ or 0 for name, sum_ in ledger.items()} == {
            name: totals[name] for name in ("authorised", "captured", "voided", "refunded")
        }


@pytest.fixture
async def rig(kafka_bootstrap: str, fresh_database: str, gateway_url: str) -> AsyncIterator[Rig]:
    """The running service. It waits a second for the gateway at most."""
    service = build(PaymentSettings(gateway_url=gateway_url, gateway_timeout=1))
    settings = Settings(kafka=kafka_bootstrap, postgres=SecretStr(fresh_database), pump_idle=0.05, retry_base=0.05)
    process = Process(service, settings)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    try:
        await producer.start()
        await process.start()
        yield Rig(producer, fresh_database, gateway_url)
    finally:
        await process.stop()
        await producer.stop()


@pytest.mark.parametrize("token", ["tok_ok", "tok_timeout", "tok_flaky", "tok_slow", "tok_review"])
async def test_an_order_is_paid_shipped_and_partly_given_back_however_the_gateway_behaves(rig: Rig, token: str) -> None:
    """A lost answer, a failing, a slow and a doubtful gateway end as a good one does: in three books that agree."""
    await rig.send(accepted(MUG, delivery=(400, 0), token=token))
    await rig.until(3400, 0, 0, 0)
    await rig.send(dispatched("s1", mug=2))
    await rig.until(3400, 2400, 0, 0)
    await rig.send(cancelled(mug=1))
    await rig.until(3400, 2400, 1000, 0)
    await rig.send(cancelled(minute=1, mug=1))
    await rig.until(3400, 2400, 1000, 1000)
    await rig.books_agree()
