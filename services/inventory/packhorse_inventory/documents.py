"""What follows from the warehouse's documents: receipts, counts and moves. Pure.

Each is booked once, at its own moment: when the warehouse did it, not when it is heard.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from packhorse_chassis.core.kinds import Ref, RefusedError
from packhorse_chassis.core.reaction import Decisions, Others
from packhorse_contracts import ids
from packhorse_contracts.base import moment
from packhorse_contracts.warehouse import StockCounted, StockMoved, StockReceived

from packhorse_inventory.policies import Policy
from packhorse_inventory.shelves import Shelves
from packhorse_inventory.state import LOCATIONS, PRODUCTS, STOCK, Product, Receipt, Unexplained

Document = StockReceived | StockCounted | StockMoved


def receive(policy: Policy, kept: Receipt, receipt: StockReceived, now: datetime, others: Others) -> Decisions[Receipt]:
    """Goods came in."""
    if _booked(kept, receipt, "receipt_id"):
        return Decisions(kept)
    _know_location(receipt.location, others)
    came = [(number, line) for number, line in enumerate(receipt.lines) if line.quantity]
    for number, line in came:
        _know_sku(line.sku, others, f"lines.{number}.sku")
    shelves = Shelves(policy, others, now)
    for number, line in came:
        shelves.move(
            line.sku,
            receipt.location,
            shelf=line.quantity,
            moment=moment(receipt.at, now),
            cause="received",
            reference=receipt.receipt_id,
            field=f"lines.{number}.quantity",
        )
    return _decided(receipt, shelves)


def count(policy: Policy, kept: Receipt, counted: StockCounted, now: datetime, others: Others) -> Decisions[Receipt]:
    """Somebody counted: so many pieces lay on the shelf then. What came or went after that still counts; what was heard
    late and came before it was seen."""
    if _booked(kept, counted, "count_id"):
        return Decisions(kept)
    _know_location(counted.location, others)
    _know_sku(counted.sku, others, "sku")
    shelves = Shelves(policy, others, now)
    shelves.count(counted.sku, counted.location, counted.counted, moment(counted.at, now), counted.count_id)
    return _decided(counted, shelves)


def move(policy: Policy, kept: Receipt, moved: StockMoved, now: datetime, others: Others) -> Decisions[Receipt]:
    """Goods went from one location to another. Where they aren't there, or are reserved, nothing is booked: else they
    would be promised at their new place while somebody waits for them at the old one."""
    if _booked(kept, moved, "move_id"):
        return Decisions(kept)
    if not moved.quantity:  # of what never went nothing has to be known
        return _decided(moved, Shelves(policy, others, now))
    _know_location(moved.from_, others, "from")
    _know_location(moved.to, others, "to")
    _know_sku(moved.sku, others, "sku")
    shelves, when = Shelves(policy, others, now), moment(moved.at, now)
    there = shelves.level(moved.sku, moved.from_)
    free = there.on_hand - there.reserved
    if moved.quantity > free and not there.saw(when):
        raise RefusedError(
            "not_enough_unreserved",
            f"{moved.quantity} moved, {free} are there and not reserved",
            "quantity",
            retryable=True,
        )
    for location, pieces in ((moved.from_, -moved.quantity), (moved.to, moved.quantity)):
        shelves.move(
            moved.sku,
            location,
            shelf=pieces,
            moment=when,
            cause="moved",
            reference=moved.move_id,
        )
    return _decided(moved, shelves)


def report_unexplained(product: Product, look: Unexplained, _now: datetime, others: Others) -> Decisions[Product]:
    """Nothing has explained why pieces are reserved that aren't there: a person has to look."""
    level = others.get(STOCK, look.sku).levels[look.location]
    if not level.unexplained:
        return Decisions(product)
    counted = "never counted" if level.counted is None else f"last counted at {level.counted.at.isoformat()}"
    raise RefusedError(
        "unexplained_stock",
        f"{look.sku} at {look.location}, {counted}: by the warehouse's word {level.shelf} lie there and {level.picked} "
        f"are picked, but {level.reserved} are reserved. Count again, or cancel or re-allocate orders",
        "sku",
        retryable=True,
    )


def its_stock(_kept: object, fact: StockCounted | StockMoved | Unexplained) -> Iterable[Ref]:
    """The stock of a document about one SKU."""
    return {STOCK.ref(fact.sku), PRODUCTS.ref(fact.sku)}


def stock_received(_kept: object, fact: StockReceived) -> Iterable[Ref]:
    """The stock of a receipt, and what the catalogue knows of it."""
    known = {PRODUCTS.ref(line.sku) for line in fact.lines} | {LOCATIONS.ref(fact.location)}
    return known | {STOCK.ref(line.sku) for line in fact.lines}


def receipt_key(fact: StockReceived) -> str:
    """Two warehouses may number alike, and so may receipts and counts."""
    return ids.joint("receipt", fact.location, fact.receipt_id)


def count_key(fact: StockCounted) -> str:
    """As `receipt_key`."""
    return ids.joint("count", fact.location, fact.count_id)


def move_key(fact: StockMoved) -> str:
    """As `receipt_key`."""
    return ids.joint("move", fact.from_, fact.move_id)


def _booked(kept: Receipt, fact: Document, field: str) -> bool:
    """Whether it was booked before. Raises RefusedError where that was another document of the same id."""
    if not kept.booked:
        return False
    if kept.content != _content(fact):
        raise RefusedError(
            "document_id_reused", "another document was booked under this id; book it under a new one", field
        )
    return True


def _content(fact: Document) -> str:
    said = fact.model_dump_json(exclude={"at"}, exclude_none=True)
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def _decided(fact: Document, shelves: Shelves) -> Decisions[Receipt]:
    return shelves.decisions(Receipt(booked=True, content=_content(fact)))


def _know_sku(sku: str, others: Others, field: str) -> None:
    if not others.get(PRODUCTS, sku).known:
        raise RefusedError("unknown_sku", f"the catalogue has no product {sku} yet", field, retryable=True)


def _know_location(location: str, others: Others, field: str = "location") -> None:
    if not others.get(LOCATIONS, location).known:
        raise RefusedError("unknown_location", f"the catalogue has no location {location} yet", field, retryable=True)
