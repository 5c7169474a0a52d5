"""The usual way: stock."""

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
CREATE TABLE IF NOT EXISTS reservation (order_id text PRIMARY KEY, status text NOT NULL, said jsonb NOT NULL);
"""
# In the order of their names, so that no two transactions wait for each other.
_LOCK: Final = """
SELECT sku, location, on_hand - reserved AS free FROM stock WHERE sku = ANY($1) ORDER BY sku, location FOR UPDATE"""
_CHANGE: Final = """
UPDATE stock SET on_hand = on_hand + $3, reserved = reserved + $4, version = version + 1
WHERE sku = $1 AND location = $2
RETURNING sku, location, on_hand, reserved, version, on_hand - reserved AS available_to_promise"""
_JOURNAL: Final = "INSERT INTO movement VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_NEW: Final = "INSERT INTO stock (sku, location) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_RESERVE: Final = "INSERT INTO reservation VALUES ($1, 'reserved', $2)"
_RESERVATION: Final = "SELECT status FROM reservation WHERE order_id = $1 FOR UPDATE"
_DISPATCHED: Final = "UPDATE reservation SET status = 'dispatched' WHERE order_id = $1"


async def move(turn: Turn, sku: str, location: str, on_hand: int, reserved: int, cause: str, reference: str) -> None:
    """One movement, with its row in the journal and the new level."""
    now = await turn.row(_CHANGE, sku, location, on_hand, reserved)
    level = InventoryLevelChanged(at=turn.now, safety_stock=0, damaged=0, incoming=0, **dict(now))
    after = (level.on_hand, level.reserved)
    await turn.db.execute(_JOURNAL, sku, location, level.version, on_hand, reserved, *after, cause, reference, turn.now)
    turn.say(level)


def subscribe(work: Work) -> None:
    """The handlers."""

    @work.on(OrderAccepted)
    async def reserve(order: OrderAccepted, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            wanted = policies.demand(order.lines)
            free: dict[str, dict[str, int]] = {}
            for sku, location, pieces in await turn.db.fetch(_LOCK, list(wanted)):
                free.setdefault(sku, {})[location] = pieces
            if short := policies.missing(wanted, free):
                raise LookupError(f"not enough stock of {sorted(short)}: this side knows the good road alone")
            parts = policies.allocate(order.lines, free)
            said = InventoryReserved(order_id=order.order_id, at=turn.now, allocations=parts)
            await turn.db.execute(_RESERVE, order.order_id, said.model_dump_json())
            turn.say(said)
            for part in parts:
                await move(turn, part.sku, part.location, 0, part.quantity, "reserved", order.order_id)

    @work.on(ShippingDispatched)
    async def take_off(shipment: ShippingDispatched, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            await turn.row(_RESERVATION, shipment.order_id)
            await turn.db.execute(_DISPATCHED, shipment.order_id)
            await turn.db.fetch(_LOCK, [line.sku for line in shipment.lines])
            for line in shipment.lines:
                gone = (-line.quantity, -line.quantity)
                await move(turn, line.sku, shipment.location, *gone, "dispatched", shipment.shipment_id)

    @work.on(StockReceived)
    async def receive(receipt: StockReceived, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            for line in receipt.lines:
                await turn.db.execute(_NEW, line.sku, receipt.location)
                await move(turn, line.sku, receipt.location, line.quantity, 0, "received", receipt.receipt_id)
