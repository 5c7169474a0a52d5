"""The audit's books, read from the in-memory databases instead of PostgreSQL."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from packhorse_audit.books import Cell, OrderBook, PaymentBook, ShipmentBook, StockBook
from packhorse_audit.shelves import STOCK_FACTS, LevelBook
from packhorse_audit.streams import Spoken
from packhorse_audit.told import ASKED, StockFact, Told
from packhorse_contracts.base import dated
from packhorse_inventory.state import RESERVATIONS, STOCK, Movement, Reservation, Stock
from packhorse_notification.state import CONVERSATIONS
from packhorse_order.state import ORDERS, Order
from packhorse_payment.ledger import LedgerEntry
from packhorse_payment.state import PAYMENTS
from packhorse_shipping.state import ORDER_SHIPMENTS

from packhorse_simulation.database import Database
from packhorse_simulation.log import Record
from packhorse_simulation.scheduler import EPOCH

Sums = tuple[int, int, int, int]
_LIVE = {"open", "in_progress", "packed"}
_ASKED = frozenset(f"packhorse.{kind}.v1" for kind in ASKED)
"""The facts whose content the audit looks at."""


def orders(db: Database) -> dict[str, OrderBook]:
    """Accepted orders by id."""
    timers = Counter(key for name, key, _ in db.timers if name in ("PaymentDeadline", "Overdue"))
    kept: dict[str, Order] = db.of_kind(ORDERS)
    return {
        key: OrderBook(
            key,
            order.cancelled or order.completed,
            order.payment_problem is not None,
            timers[key],
        )
        for key, order in kept.items()
        if order.accepted
    }


def stock(db: Database) -> StockBook:
    """Stock from its three sides."""
    return stock_book(db.of_kind(STOCK), db.journal, db.of_kind(RESERVATIONS).values())


def stock_book(
    shelves: Mapping[str, Stock], journal: Iterable[object], reservations: Iterable[Reservation]
) -> StockBook:
    """The levels by SKU, the sums of their movements, and what orders hold."""
    levels = {
        (sku, place): (level.on_hand, level.reserved)
        for sku, shelf in shelves.items()
        for place, level in shelf.levels.items()
    }
    moved: dict[Cell, tuple[int, int, int, int]] = {}
    for entry in journal:
        if isinstance(entry, Movement):
            cell = entry.sku, entry.location
            on_hand, reserved, count, highest = moved.get(cell, (0, 0, 0, 0))
            moved[cell] = (
                on_hand + entry.on_hand_change,
                reserved + entry.reserved_change,
                count + 1,
                max(highest, entry.number),
            )
    allocated: Counter[Cell] = Counter()
    for reservation in reservations:
        for part in reservation.allocated:
            allocated[part.sku, part.location] += part.quantity
    return StockBook(levels, moved, allocated)


def levels(db: Database) -> dict[Cell, LevelBook]:
    """What inventory keeps of each SKU and location."""
    return {
        (sku, place): LevelBook(level.on_hand, level.reserved, level.picked)
        for sku, shelf in db.of_kind(STOCK).items()
        for place, level in shelf.levels.items()
    }


def given_up(db: Database) -> set[tuple[str, str]]:
    """The places of records that a service has given up, and nobody has retried: topic, and where in it."""
    letters = [letter.cause.raw for letter in db.dead.values() if letter.status != "retried"]
    return {(raw.topic, f"{raw.partition}-{raw.offset}") for raw in letters if raw.origin == "record"}


def held(db: Database) -> dict[str, int]:
    """Reserved pieces by order id."""
    return {
        order_id: sum(part.quantity for part in reservation.allocated)
        for order_id, reservation in db.of_kind(RESERVATIONS).items()
        if reservation.allocated
    }


def payments(db: Database, gateway: dict[str, Sums]) -> list[PaymentBook]:
    """Payments beside their ledger and the gateway's totals."""
    names = {"authorised": 0, "captured": 1, "released": 2, "refunded": 3}
    ledger: dict[str, list[int]] = {}
    for entry in db.journal:
        if isinstance(entry, LedgerEntry) and entry.movement in names:
            ledger.setdefault(entry.payment_id, [0, 0, 0, 0])[names[entry.movement]] += entry.amount
    found = []
    for key, payment in db.of_kind(PAYMENTS).items():
        if not payment.accepted:
            continue
        booked = ledger.get(payment.payment_id, [0, 0, 0, 0])
        found.append(
            PaymentBook(
                key,
                payment.pending is None,
                payment.held is not None,
                (payment.authorised, payment.captured, payment.voided, payment.refunded),
                (booked[0], booked[1], booked[2], booked[3]),
                gateway.get(key, (0, 0, 0, 0)),
            )
        )
    return found


def shipments(db: Database) -> list[ShipmentBook]:
    """Fulfilment orders whose pick list was issued."""
    return [
        ShipmentBook(order_id, shipment.shipment_id, shipment.pick_list_id, shipment.state in _LIVE)
        for order_id, order in db.of_kind(ORDER_SHIPMENTS).items()
        for shipment in order.shipments
        if shipment.request != "unsubmitted"
    ]


def sent(db: Database) -> list[tuple[str, str]]:
    """Order id and notification id of everything that was sent, as the service keeps it."""
    return [
        (order_id, said.notification_id)
        for order_id, conversation in db.of_kind(CONVERSATIONS).items()
        for said in conversation.said.values()
        if said.outcome == "sent"
    ]


def told(records: Iterable[Record]) -> Told:
    """What our services said, as the audit hears it from the topics."""
    heard = Told()
    for record in records:
        if isinstance(record.fact, STOCK_FACTS) and not record.dry_run:
            place = record.topic, f"{record.partition}-{record.offset}"
            fact = dated(record.fact, record.time)
            heard.stock.append(StockFact(record.source, record.id, place, fact, EPOCH + timedelta(seconds=record.at)))
        if record.sequence is None or record.fact is None:
            continue
        spoken = Spoken(
            record.topic,
            record.partition,
            record.offset,
            record.key,
            record.source,
            record.id,
            record.fact.TYPE,
            record.sequence,
        )
        heard.take(spoken, record.fact.model_dump_json().encode() if record.fact.TYPE in _ASKED else b"")
    return heard
