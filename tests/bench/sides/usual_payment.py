"""The usual way: payments. The gateway is called between two transactions: the intent, and the outcome."""

import os
from typing import Final

import aiohttp
import asyncpg
from faststream.kafka.annotations import KafkaMessage
from packhorse_contracts import ids
from packhorse_contracts.base import Model, Utc
from packhorse_contracts.blocks import Tender
from packhorse_contracts.order import OrderAccepted
from packhorse_contracts.payment import PaymentAuthorised, PaymentCaptured
from packhorse_contracts.shipping import ShippingDispatched
from packhorse_payment import ledger

from .usual_work import Turn, Work

TABLES: Final = """
CREATE TABLE IF NOT EXISTS payments (
    order_id text PRIMARY KEY, payment_id text NOT NULL, currency text NOT NULL, amount bigint NOT NULL,
    method text NOT NULL, token text, status text NOT NULL, reference text,
    captured bigint NOT NULL DEFAULT 0 CHECK (captured <= amount));
CREATE TABLE IF NOT EXISTS operation (
    key text PRIMARY KEY, order_id text NOT NULL, amount bigint NOT NULL, reference text,
    asked_at timestamptz NOT NULL DEFAULT now(), answered_at timestamptz);
CREATE TABLE IF NOT EXISTS ledger_entry (
    payment_id text, entry integer, order_id text NOT NULL, at timestamptz NOT NULL, movement text NOT NULL,
    debit text NOT NULL, credit text NOT NULL, amount bigint NOT NULL CHECK (amount > 0), currency text NOT NULL,
    cause text NOT NULL, PRIMARY KEY (payment_id, entry));
CREATE INDEX IF NOT EXISTS ledger_entry_order ON ledger_entry (order_id);
"""
_NEW: Final = """
INSERT INTO payments (order_id, payment_id, currency, amount, method, token, status)
VALUES ($1, $2, $3, $4, $5, $6, 'asked') ON CONFLICT DO NOTHING"""
_STATE: Final = "SELECT * FROM payments WHERE order_id = $1 FOR UPDATE"
_AUTHORISED: Final = "UPDATE payments SET status = 'authorised', reference = $2 WHERE order_id = $1"
_CAPTURED: Final = "UPDATE payments SET status = 'captured', captured = amount WHERE order_id = $1"
_INTEND: Final = "INSERT INTO operation (key, order_id, amount) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_ANSWERED: Final = "UPDATE operation SET reference = $2, answered_at = $3 WHERE key = $1"
_BOOK: Final = "INSERT INTO ledger_entry VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"


class _Answer(Model):
    id: str
    expires_at: Utc | None = None


class _Gateway:
    """Asks with an idempotency key, so that a message that comes again asks for the same."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http, self._url = http, os.environ["PACKHORSE_PAYMENT_GATEWAY_URL"]

    async def post(self, path: str, key: str, body: dict[str, object]) -> _Answer:
        async with self._http.post(self._url + path, json=body, headers={"Idempotency-Key": key}) as response:
            response.raise_for_status()
            return _Answer.model_validate(await response.json())


def subscribe(work: Work) -> None:
    """The handlers, with the gateway's connections."""
    http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
    work.ends.push_async_callback(http.close)
    gateway = _Gateway(http)

    @work.on(OrderAccepted)
    async def authorise(order: OrderAccepted, message: KafkaMessage) -> None:
        (means,), amount = order.payments, order.totals.grand_total
        payment_id = ids.derive(order.at, "payment", order.order_id)
        key = f"{payment_id}-authorise"
        async with work.pool.acquire() as db, db.transaction():
            await db.execute(_NEW, order.order_id, payment_id, order.currency, amount, means.method, means.token)
            await db.execute(_INTEND, key, order.order_id, amount)
        asked = {"amount": amount, "currency": order.currency, "reference": order.order_id}
        asked |= {"method": means.method, "token": means.token}
        answer = await gateway.post("/v1/authorisations", key, asked)
        async with work.once(message) as turn:
            paid = await turn.row(_STATE, order.order_id)
            await turn.db.execute(_AUTHORISED, order.order_id, answer.id)
            await _settle(turn, paid, key, answer, 1, "authorised")
            tenders = (_tender(paid, answer),)
            turn.say(PaymentAuthorised(**dict(paid), at=turn.now, tenders=tenders, expires_at=answer.expires_at))

    @work.on(ShippingDispatched)
    async def capture(shipment: ShippingDispatched, message: KafkaMessage) -> None:
        key = f"{shipment.shipment_id}-capture"
        async with work.pool.acquire() as db, db.transaction():
            held = await Turn(db).row(_STATE, shipment.order_id)
            await db.execute(_INTEND, key, shipment.order_id, held["amount"])
        asked = {"amount": held["amount"], "reference": shipment.shipment_id}
        answer = await gateway.post(f"/v1/authorisations/{held['reference']}/captures", key, asked)
        async with work.once(message) as turn:
            paid = await turn.row(_STATE, shipment.order_id)
            await turn.db.execute(_CAPTURED, shipment.order_id)
            await _settle(turn, paid, key, answer, 2, "earned", "hold_used", "captured")
            about = dict(paid) | {"shipment_id": shipment.shipment_id}
            turn.say(PaymentCaptured(**about, at=turn.now, tenders=(_tender(paid, answer),)))


def _tender(paid: asyncpg.Record, answer: _Answer) -> Tender:
    return Tender(method=paid["method"], amount=paid["amount"], gateway="gateway", reference=answer.id)


async def _settle(
    turn: Turn, paid: asyncpg.Record, key: str, answer: _Answer, first: int, *movements: ledger.Movement
) -> None:
    """Notes the answer, and writes these movements of the whole amount into the ledger."""
    await turn.db.execute(_ANSWERED, key, answer.id, turn.now)
    who, money = (paid["payment_id"],), (paid["amount"], paid["currency"], key)
    rows = [
        ledger.entry(movement, *who, number, paid["order_id"], turn.now, *money)
        for number, movement in enumerate(movements, first)
    ]
    await turn.db.executemany(_BOOK, [[value for _, value in row] for row in rows])
