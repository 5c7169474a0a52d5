"""One order as one durable workflow: the steps that the five services do, each checkpointed by DBOS.

Every step may be done again after a crash, so each is idempotent by the order's id: a row that is there already stays.
"""

import json
import os
import socket
from contextlib import AsyncExitStack
from email.message import EmailMessage
from typing import Final, Self

import aiohttp
import aiosmtplib
import asyncpg
from dbos import DBOS
from packhorse_chassis.postgres.db import Pool
from packhorse_contracts.checkout import OrderPlaced

from tests.bench.orders import LOCATION, PLENTY, SKUS

TABLES: Final = """
CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY, status text NOT NULL, placed jsonb NOT NULL);
CREATE TABLE IF NOT EXISTS payments (
    order_id text PRIMARY KEY, amount bigint NOT NULL, reference text NOT NULL, capture text);
CREATE TABLE IF NOT EXISTS ledger_entry (
    order_id text, movement text, amount bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, movement));
CREATE TABLE IF NOT EXISTS stock (
    sku text PRIMARY KEY, on_hand bigint NOT NULL, reserved bigint NOT NULL DEFAULT 0,
    CHECK (reserved BETWEEN 0 AND on_hand));
CREATE TABLE IF NOT EXISTS movement (
    sku text, reference text, cause text, on_hand_change bigint NOT NULL, reserved_change bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (sku, reference, cause));
CREATE TABLE IF NOT EXISTS shipment (
    order_id text PRIMARY KEY, location text NOT NULL, status text NOT NULL, said jsonb NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS mail (order_id text, kind text, reference text NOT NULL, PRIMARY KEY (order_id, kind));
"""
_STOCK: Final = "INSERT INTO stock (sku, on_hand) SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING"
_PLACE: Final = "INSERT INTO orders VALUES ($1, 'accepted', $2) ON CONFLICT DO NOTHING"
_STATUS: Final = "UPDATE orders SET status = $2 WHERE id = $1"
_PAID: Final = "INSERT INTO payments VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_CAPTURED: Final = "UPDATE payments SET capture = $2 WHERE order_id = $1"
_BOOK: Final = "INSERT INTO ledger_entry VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_JOURNAL: Final = "INSERT INTO movement VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING true"
_MOVE: Final = """
UPDATE stock SET on_hand = on_hand + $2, reserved = reserved + $3 WHERE sku = $1 AND on_hand - reserved >= $3"""
_ISSUE: Final = "INSERT INTO shipment VALUES ($1, $2, 'submitted') ON CONFLICT DO NOTHING"
_ANSWER: Final = "UPDATE shipment SET status = $2, said = said || $3 WHERE order_id = $1"
_TOLD: Final = "INSERT INTO mail VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_ANSWERS: Final = ("accepted", "picked", "packed", "handed_over")
_SENDER: Final = "orders@packhorse.example"


class Outside:
    """The application's tables, the gateway and the mail server; use as a context. `connections`: to the database."""

    def __init__(self, connections: int) -> None:
        self._connections, self._ends = connections, AsyncExitStack()
        self._gateway = os.environ["PACKHORSE_PAYMENT_GATEWAY_URL"]

    async def __aenter__(self) -> Self:
        global _outside  # noqa: PLW0603 -- DBOS finds a workflow's steps by their names in a module
        dsn, size = os.environ["PACKHORSE_POSTGRES"], self._connections
        self.pool: Pool = await self._ends.enter_async_context(asyncpg.create_pool(dsn, min_size=size, max_size=size))
        await self.pool.execute(TABLES)
        await self.pool.execute(_STOCK, SKUS, PLENTY)
        self._http = await self._ends.enter_async_context(aiohttp.ClientSession())
        port = int(os.environ["PACKHORSE_NOTIFICATION_SMTP_PORT"])
        self._smtp = await self._ends.enter_async_context(
            aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, local_hostname=socket.gethostname())
        )
        _outside = self
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._ends.aclose()

    async def ask(self, path: str, key: str, body: dict[str, object]) -> str:
        """Asks the gateway, with an idempotency key; returns its id of what it did."""
        async with self._http.post(self._gateway + path, json=body, headers={"Idempotency-Key": key}) as response:
            response.raise_for_status()
            return str((await response.json())["id"])

    async def mail(self, order: OrderPlaced, subject: str) -> str:
        """Sends a mail; returns what the server said."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = _SENDER, order.customer.email, subject
        mail.set_content(f"Dear {order.customer.name},\nit is about {order.order_id}. {subject}.\n")
        _, answer = await self._smtp.send_message(mail)
        return answer


_outside: Outside


@DBOS.step()
async def record_order(order_id: str, placed: str) -> None:
    """Accepts it."""
    await _outside.pool.execute(_PLACE, order_id, placed)


@DBOS.step()
async def authorise(order_id: str, amount: int, currency: str) -> str:
    """Has the gateway hold the money; returns the gateway's id."""
    reference = await _outside.ask("/v1/authorisations", f"{order_id}-a", {"amount": amount, "currency": currency})
    async with _outside.pool.acquire() as db, db.transaction():
        await db.execute(_PAID, order_id, amount, reference)
        await db.execute(_BOOK, order_id, "authorised", amount)
    return reference


@DBOS.step()
async def reserve(order_id: str, pieces: dict[str, int]) -> None:
    """Sets all of it aside, or nothing. Raises LookupError where there is too little."""
    await _move(order_id, {sku: (0, count) for sku, count in pieces.items()}, "reserved")


@DBOS.step()
async def confirm(order_id: str) -> None:
    """Paid for and reserved."""
    await _outside.pool.execute(_STATUS, order_id, "confirmed")


@DBOS.step()
async def issue_pick_list(order_id: str) -> None:
    """For the warehouse."""
    await _outside.pool.execute(_ISSUE, order_id, LOCATION)


@DBOS.step()
async def take_answer(order_id: str, answer: str) -> None:
    """What the warehouse says."""
    await _outside.pool.execute(_ANSWER, order_id, answer, json.dumps({answer: True}))


@DBOS.step()
async def dispatch(order_id: str, pieces: dict[str, int]) -> None:
    """The goods are off the shelf."""
    await _move(order_id, {sku: (-count, -count) for sku, count in pieces.items()}, "dispatched")


@DBOS.step()
async def capture(order_id: str, reference: str, amount: int) -> None:
    """Has the gateway take the money."""
    taken = await _outside.ask(f"/v1/authorisations/{reference}/captures", f"{order_id}-c", {"amount": amount})
    async with _outside.pool.acquire() as db, db.transaction():
        await db.execute(_CAPTURED, order_id, taken)
        await db.executemany(_BOOK, [(order_id, movement, amount) for movement in ("earned", "hold_used", "captured")])


@DBOS.step()
async def tell(placed: str, kind: str, subject: str) -> None:
    """A mail to the customer."""
    order = OrderPlaced.model_validate_json(placed)
    answer = await _outside.mail(order, subject)
    await _outside.pool.execute(_TOLD, order.order_id, kind, answer)


async def _move(order_id: str, changes: dict[str, tuple[int, int]], cause: str) -> None:
    async with _outside.pool.acquire() as db, db.transaction():
        for sku, (on_hand, reserved) in sorted(changes.items()):
            if not await db.fetchval(_JOURNAL, sku, order_id, cause, on_hand, reserved):
                continue
            if await db.execute(_MOVE, sku, on_hand, reserved) == "UPDATE 0":
                raise LookupError(f"not enough of {sku}")


@DBOS.workflow()
async def fulfil(placed: str) -> None:
    """An order from checkout to the customer's second mail."""
    order = OrderPlaced.model_validate_json(placed)
    order_id, amount = order.order_id, order.totals.grand_total
    pieces = {line.sku: line.quantity for line in order.lines}
    await record_order(order_id, placed)
    reference = await authorise(order_id, amount, order.currency)
    await reserve(order_id, pieces)
    await confirm(order_id)
    await tell(placed, "order_confirmed", "Your order is confirmed")
    await issue_pick_list(order_id)
    for answer in _ANSWERS:
        await take_answer(order_id, answer)
    await dispatch(order_id, pieces)
    await capture(order_id, reference, amount)
    await tell(placed, "dispatched", "Your order is on its way")
