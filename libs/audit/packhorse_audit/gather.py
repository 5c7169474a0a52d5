"""Reads what the audit looks at, each part by one query."""

from collections.abc import Mapping

import asyncpg

from packhorse_audit.books import Cell, OrderBook, PaymentBook, ShipmentBook, StockBook
from packhorse_audit.shelves import LevelBook

_ORDERS = """
SELECT o.id, o.cancelled OR o.completed AS ended, o.payment_problem IS NOT NULL AS problem,
    (SELECT count(*) FROM timer t WHERE t.key = o.id AND t.type IN ('PaymentDeadline', 'Overdue')) AS timers
FROM orders o WHERE o.accepted"""

_LEVELS = "SELECT sku, location, on_hand, reserved, picked FROM stock_level"

_MOVEMENTS = """
SELECT sku, location, sum(on_hand_change)::bigint AS on_hand, sum(reserved_change)::bigint AS reserved,
    count(*) AS count, max(number) AS highest
FROM movement GROUP BY sku, location"""

_ALLOCATED = """
SELECT part ->> 'sku' AS sku, part ->> 'location' AS location, sum((part ->> 'quantity')::bigint)::bigint AS pieces
FROM reservation, jsonb_array_elements(state -> 'allocated') AS part GROUP BY 1, 2"""

_GIVEN_UP = """
SELECT topic, partition || '-' || "offset" AS place FROM dead_letter WHERE origin = 'record' AND status <> 'retried'"""

_HELD = """
SELECT id, sum((part ->> 'quantity')::bigint)::bigint AS pieces
FROM reservation, jsonb_array_elements(state -> 'allocated') AS part GROUP BY id"""

_PAYMENTS = """
SELECT p.id, p.waits_as IS NULL AS settled,
    p.state -> 'authorisation' ->> 'reference' IS NOT NULL AND p.state -> 'authorisation' ->> 'ended' IS NULL AS held,
    p.authorised, p.captured, p.voided, p.refunded,
    coalesce(l.authorised, 0) AS l_authorised, coalesce(l.captured, 0) AS l_captured,
    coalesce(l.voided, 0) AS l_voided, coalesce(l.refunded, 0) AS l_refunded
FROM payments p LEFT JOIN (
    SELECT payment_id,
        (sum(amount) FILTER (WHERE movement = 'authorised'))::bigint AS authorised,
        (sum(amount) FILTER (WHERE movement = 'captured'))::bigint AS captured,
        (sum(amount) FILTER (WHERE movement = 'released'))::bigint AS voided,
        (sum(amount) FILTER (WHERE movement = 'refunded'))::bigint AS refunded
    FROM ledger_entry GROUP BY payment_id) l USING (payment_id)
WHERE p.state ->> 'payment_id' <> ''"""

_SHIPMENTS = "SELECT order_id, shipment_id, pick_list_id, status FROM fulfilment_order"

_SAID = """
SELECT c.id, said.value ->> 'notification_id' AS notification_id
FROM conversations c, jsonb_each(c.state -> 'said') AS said WHERE said.value ->> 'outcome' = 'sent'"""


async def orders(db: asyncpg.Connection) -> dict[str, OrderBook]:
    """Accepted orders by id."""
    return {
        row["id"]: OrderBook(row["id"], row["ended"], row["problem"], row["timers"]) for row in await db.fetch(_ORDERS)
    }


async def stock(db: asyncpg.Connection) -> StockBook:
    """Stock from its three sides, as of one moment."""
    async with db.transaction(isolation="repeatable_read", readonly=True):
        levels = {_cell(row): (row["on_hand"], row["reserved"]) for row in await db.fetch(_LEVELS)}
        movements = {
            _cell(row): (row["on_hand"], row["reserved"], row["count"], row["highest"])
            for row in await db.fetch(_MOVEMENTS)
        }
        allocated = {_cell(row): row["pieces"] for row in await db.fetch(_ALLOCATED)}
    return StockBook(levels, movements, allocated)


async def levels(db: asyncpg.Connection) -> dict[Cell, LevelBook]:
    """What inventory keeps of each SKU and location."""
    return {_cell(row): LevelBook(row["on_hand"], row["reserved"], row["picked"]) for row in await db.fetch(_LEVELS)}


async def given_up(db: asyncpg.Connection) -> set[tuple[str, str]]:
    """Topic and place of the records that a service has given up, and nobody has retried with success."""
    rows = await db.fetch(_GIVEN_UP)
    return {(row["topic"], row["place"]) for row in rows}


async def held(db: asyncpg.Connection) -> dict[str, int]:
    """Reserved pieces by order id."""
    return {row["id"]: row["pieces"] for row in await db.fetch(_HELD)}


def _cell(row: asyncpg.Record) -> Cell:
    return row["sku"], row["location"]


async def payments(db: asyncpg.Connection, book: Mapping[str, Mapping[str, int]] | None) -> list[PaymentBook]:
    """Payments beside the gateway's totals by order id; None where there is no gateway to ask."""
    names = ("authorised", "captured", "voided", "refunded")
    found = []
    for row in await db.fetch(_PAYMENTS):
        told = None if book is None else book.get(row["id"], {})
        found.append(
            PaymentBook(
                row["id"],
                row["settled"],
                row["held"],
                _four(row[name] for name in names),
                _four(row[f"l_{name}"] for name in names),
                None if told is None else _four(told.get(name, 0) for name in names),
            )
        )
    return found


def _four(values: "object") -> tuple[int, int, int, int]:
    first, second, third, fourth = (int(value or 0) for value in values)  # type: ignore[attr-defined]
    return first, second, third, fourth


async def shipments(db: asyncpg.Connection) -> list[ShipmentBook]:
    """All fulfilment orders."""
    live = {"open", "in_progress", "packed"}
    return [
        ShipmentBook(row["order_id"], row["shipment_id"], row["pick_list_id"], row["status"] in live)
        for row in await db.fetch(_SHIPMENTS)
    ]


async def said(db: asyncpg.Connection) -> list[tuple[str, str]]:
    """Order id and notification id of everything that was sent."""
    return [(row["id"], row["notification_id"]) for row in await db.fetch(_SAID)]


async def counters(db: asyncpg.Connection, service: str) -> dict[tuple[str, str], int]:
    """The last sequence number that a service has given to each key."""
    rows = await db.fetch("SELECT key, last FROM sequence")
    return {(f"/packhorse/{service}", row["key"]): row["last"] for row in rows}
