"""The usual way: stock."""

from collections.abc import Sequence
from typing import Final

from faststream.kafka.annotations import KafkaMessage
from packhorse_contracts.inventory import InventoryLevelChanged, InventoryReserved
from packhorse_contracts.order import OrderAccepted
from packhorse_contracts.shipping import ShippingDispatched
from packhorse_contracts.warehouse import StockReceived
from packhorse_inventory import policies

from .usual_work import Turn, Work

TABLES: Final = """
CREATE TABLE IF NOT EXISTS stock (
    sku text, location text, on_hand bigint NOT NULL DEFAULT 0, reserved bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0, PRIMARY KEY (sku, location), CHECK (reserved BETWEEN 0 AND on_hand));
CREATE TABLE IF NOT EXISTS movement (
    sku text, location text, number bigint, on_hand_change bigint NOT NULL, reserved_change bigint NOT NULL,
    on_hand bigint NOT NULL, reserved bigint NOT NULL, cause text NOT NULL, reference text NOT NULL,
    at timestamptz NOT NULL, PRIMARY KEY (sku, location, number));
CREATE INDEX IF NOT EXISTS movement_reference ON movement (reference);
CREATE TABLE IF NOT EXISTS reservation (order_id text PRIMARY KEY, status text NOT NULL, lines jsonb NOT NULL);
"""
_LOCK: Final = """
SELECT sku, location, on_hand - reserved AS free FROM stock WHERE sku = ANY($1) ORDER BY sku, location FOR UPDATE"""
_CHANGE: Final = """
UPDATE stock SET on_hand = on_hand + $3, reserved = reserved + $4, version = version + 1
WHERE sku = $1 AND location = $2 RETURNING on_hand, reserved, version"""
_JOURNAL: Final = "INSERT INTO movement VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"


async def lock(turn: Turn, skus: Sequence[str]) -> dict[str, dict[str, int]]:
    """Locks the stock of these; in the order of their names, so that no two transactions wait for each other. Returns
    what is free by SKU and location."""
    free: dict[str, dict[str, int]] = {}
    for sku, location, pieces in await turn.db.fetch(_LOCK, skus):
        free.setdefault(sku, {})[location] = pieces
    return free


async def move(
    turn: Turn, sku: str, location: str, *, on_hand: int = 0, reserved: int = 0, cause: str, reference: str
) -> InventoryLevelChanged:
    """One movement, with its row in the journal."""
    now_there, now_reserved, version = await turn.db.fetchrow(_CHANGE, sku, location, on_hand, reserved)
    now = (now_there, now_reserved)
    await turn.db.execute(_JOURNAL, sku, location, version, on_hand, reserved, *now, cause, reference, turn.now)
    return InventoryLevelChanged(
        sku=sku,
        location=location,
        at=turn.now,
        on_hand=now_there,
        reserved=now_reserved,
        safety_stock=0,
        damaged=0,
        incoming=0,
        available_to_promise=now_there - now_reserved,
        version=version,
    )


def subscribe(work: Work) -> None:
    """The handlers."""

    @work.on(OrderAccepted)
    async def reserve(order: OrderAccepted, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if not turn.fresh:
                return
            wanted = policies.demand(order.lines)
            free = await lock(turn, list(wanted))
            if short := policies.missing(wanted, free):
                raise LookupError(f"not enough stock of {sorted(short)}: this side knows the good road alone")
            parts = policies.allocate(order.lines, free)
            reserved = InventoryReserved(order_id=order.order_id, at=turn.now, allocations=parts)
            await turn.db.execute(
                "INSERT INTO reservation VALUES ($1, 'reserved', $2)",
                order.order_id,
                reserved.model_dump_json(include={"allocations"}),
            )
            turn.say(reserved)
            for part in parts:
                how = {"cause": "reserved", "reference": order.order_id}
                turn.say(await move(turn, part.sku, part.location, reserved=part.quantity, **how))

    @work.on(ShippingDispatched)
    async def take_off(shipment: ShippingDispatched, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if not turn.fresh:
                return
            await turn.db.fetchrow("SELECT FROM reservation WHERE order_id = $1 FOR UPDATE", shipment.order_id)
            await turn.db.execute("UPDATE reservation SET status = 'dispatched' WHERE order_id = $1", shipment.order_id)
            await lock(turn, [line.sku for line in shipment.lines])
            for line in shipment.lines:
                gone = {"on_hand": -line.quantity, "reserved": -line.quantity}
                how = {"cause": "dispatched", "reference": shipment.shipment_id}
                turn.say(await move(turn, line.sku, shipment.location, **gone, **how))

    @work.on(StockReceived)
    async def receive(receipt: StockReceived, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            if not turn.fresh:
                return
            for line in receipt.lines:
                await turn.db.execute(
                    "INSERT INTO stock (sku, location) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    line.sku,
                    receipt.location,
                )
                how = {"cause": "received", "reference": receipt.receipt_id}
                turn.say(await move(turn, line.sku, receipt.location, on_hand=line.quantity, **how))
