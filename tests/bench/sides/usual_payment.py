"""The usual way: payments. The gateway is called between two transactions: the intent, and the outcome."""

import os
from collections.abc import Sequence
from typing import Final

import aiohttp
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
    method text NOT NULL, token text, status text NOT NULL, reference text, entries integer NOT NULL DEFAULT 0,
    captured bigint NOT NULL DEFAULT 0 CHECK (captured <= amount));
CREATE TABLE IF NOT EXISTS operation (
    key text PRIMARY KEY, order_id text NOT NULL, kind text NOT NULL, amount bigint NOT NULL, reference text,
    asked_at timestamptz NOT NULL DEFAULT now(), answered_at timestamptz);
CREATE TABLE IF NOT EXISTS ledger_entry (
    payment_id text, entry integer, order_id text NOT NULL, at timestamptz NOT NULL, movement text NOT NULL,
    debit text NOT NULL, credit text NOT NULL, amount bigint NOT NULL CHECK (amount > 0), currency text NOT NULL,
    cause text NOT NULL, PRIMARY KEY (payment_id, entry));
CREATE INDEX IF NOT EXISTS ledger_entry_order ON ledger_entry (order_id);
"""
_STATE: Final = "SELECT * FROM payments WHERE order_id = $1 FOR UPDATE"
_BOOK: Final = "INSERT INTO ledger_entry VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_BEGIN: Final = """
INSERT INTO payments (order_id, payment_id, currency, amount, method, token, status)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING"""
_INTEND: Final = "INSERT INTO operation (key, order_id, kind, amount) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
_ANSWERED: Final = "UPDATE operation SET reference = $2, answered_at = $3 WHERE key = $1"


class _Answer(Model):
    id: str
    amount: int
    currency: str
    expires_at: Utc | None = None


class _Gateway:
    """Asks with an idempotency key, so that a message that comes again asks for the same."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http, self._url = http, os.environ["PACKHORSE_PAYMENT_GATEWAY_URL"]

    async def post(self, path: str, key: str, body: dict[str, object]) -> _Answer:
        async with self._http.post(self._url + path, json=body, headers={"Idempotency-Key": key}) as response:
            response.raise_for_status()
            return _Answer.model_validate(await response.json())


async def _book(
    turn: Turn, about: PaymentAuthorised | PaymentCaptured, entries: Sequence[ledger.Movement], key: str
) -> None:
    """Writes movements of this amount into the ledger, each under the payment's next number."""
    last = await turn.db.fetchval(
        "UPDATE payments SET entries = entries + $2 WHERE order_id = $1 RETURNING entries", about.order_id, len(entries)
    )
    for number, movement in enumerate(entries, last - len(entries) + 1):
        one = ledger.entry(
            movement, about.payment_id, number, about.order_id, turn.now, about.amount, about.currency, key
        )
        await turn.db.execute(_BOOK, *[getattr(one, name) for name in ledger.LedgerEntry.model_fields])


def subscribe(work: Work) -> None:
    """The handlers, with the gateway's connections."""
    http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
    work.ends.push_async_callback(http.close)
    gateway = _Gateway(http)

    @work.on(OrderAccepted)
    async def authorise(order: OrderAccepted, message: KafkaMessage) -> None:
        (means,), total = order.payments, order.totals.grand_total
        payment_id = ids.derive(order.at, "payment", order.order_id)
        key = f"{payment_id}-authorise"
        async with work.pool.acquire() as db, db.transaction():
            await db.execute(
                _BEGIN, order.order_id, payment_id, order.currency, total, means.method, means.token, "asked"
            )
            await db.execute(_INTEND, key, order.order_id, "authorise", total)
        asked = {"amount": total, "currency": order.currency, "method": means.method, "reference": order.order_id}
        answer = await gateway.post("/v1/authorisations", key, asked | {"token": means.token})
        async with work.once(message) as turn:
            if not turn.fresh:
                return
            await turn.db.fetchrow(_STATE, order.order_id)
            await turn.db.execute(_ANSWERED, key, answer.id, turn.now)
            await turn.db.execute(
                "UPDATE payments SET status = 'authorised', reference = $2 WHERE order_id = $1",
                order.order_id,
                answer.id,
            )
            said = PaymentAuthorised(
                order_id=order.order_id,
                payment_id=payment_id,
                at=turn.now,
                amount=total,
                currency=order.currency,
                tenders=(Tender(method=means.method, amount=total, gateway="gateway", reference=answer.id),),
                expires_at=answer.expires_at,
            )
            await _book(turn, said, ["authorised"], key)
            turn.say(said)

    @work.on(ShippingDispatched)
    async def capture(shipment: ShippingDispatched, message: KafkaMessage) -> None:
        key = f"{shipment.shipment_id}-capture"
        async with work.pool.acquire() as db, db.transaction():
            payment = await db.fetchrow(_STATE, shipment.order_id)
            if payment is None or payment["reference"] is None:
                raise LookupError(f"{shipment.order_id} isn't paid for")
            amount = payment["amount"]
            await db.execute(_INTEND, key, shipment.order_id, "capture", amount)
        path = f"/v1/authorisations/{payment['reference']}/captures"
        answer = await gateway.post(path, key, {"amount": amount, "reference": shipment.shipment_id})
        async with work.once(message) as turn:
            if not turn.fresh:
                return
            await turn.db.fetchrow(_STATE, shipment.order_id)
            await turn.db.execute(_ANSWERED, key, answer.id, turn.now)
            await turn.db.execute(
                "UPDATE payments SET status = 'captured', captured = captured + $2 WHERE order_id = $1",
                shipment.order_id,
                amount,
            )
            said = PaymentCaptured(
                order_id=shipment.order_id,
                payment_id=payment["payment_id"],
                shipment_id=shipment.shipment_id,
                at=turn.now,
                amount=amount,
                currency=payment["currency"],
                tenders=(Tender(method=payment["method"], amount=amount, gateway="gateway", reference=answer.id),),
            )
            await _book(turn, said, ["earned", "hold_used", "captured"], key)
            turn.say(said)
