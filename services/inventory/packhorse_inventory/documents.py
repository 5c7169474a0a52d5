"""What follows from the warehouse's documents: receipts, counts and moves. Pure.

Each is booked once, at its own moment: when the warehouse did it, not when it is heard.
"""

import hashlib
from typing import Final

from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts import ids
from packhorse_contracts.base import moment
from packhorse_contracts.warehouse import StockCounted, StockMoved, StockReceived

from packhorse_inventory.shelves import Shelves
from packhorse_inventory.state import LOCATIONS, PRODUCTS, STOCK, InventoryTurn, Product, Receipt, Unexplained

Document = StockReceived | StockCounted | StockMoved

_ID: Final[dict[type[Document], str]] = {
    StockReceived: "receipt_id",
    StockCounted: "count_id",
    StockMoved: "move_id",
}
"""The field that names a document."""


def receive(turn: InventoryTurn, _new: Receipt, receipt: StockReceived) -> Receipt:
    """Goods came in."""
    _know_location(turn, receipt.location)
    came = [(number, line) for number, line in enumerate(receipt.lines) if line.quantity]
    for number, line in came:
        _know_sku(turn, line.sku, f"lines.{number}.sku")
    shelves = Shelves(turn)
    for number, line in came:
        shelves.move(
            line.sku,
            receipt.location,
            shelf=line.quantity,
            moment=moment(receipt.at, turn.now),
            cause="received",
            reference=receipt.receipt_id,
            field=f"lines.{number}.quantity",
        )
    shelves.settle()
    return _booked(receipt)


def count(turn: InventoryTurn, _new: Receipt, counted: StockCounted) -> Receipt:
    """Somebody counted: so many pieces lay on the shelf then. What came or went after that still counts; what was heard
    late and came before it was seen."""
    _know_location(turn, counted.location)
    _know_sku(turn, counted.sku, "sku")
    shelves = Shelves(turn)
    shelves.count(counted.sku, counted.location, counted.counted, moment(counted.at, turn.now), counted.count_id)
    shelves.settle()
    return _booked(counted)


def move(turn: InventoryTurn, _new: Receipt, moved: StockMoved) -> Receipt:
    """Goods went from one location to another. Where they aren't there, or are reserved, nothing is booked: else they
    would be promised at their new place while somebody waits for them at the old one."""
    if not moved.quantity:  # of what never went nothing has to be known
        return _booked(moved)
    _know_location(turn, moved.from_, "from")
    _know_location(turn, moved.to, "to")
    _know_sku(turn, moved.sku, "sku")
    shelves, when = Shelves(turn), moment(moved.at, turn.now)
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
    shelves.settle()
    return _booked(moved)


def recognise(_turn: InventoryTurn, booked: Receipt, document: Document) -> Receipt:
    """The same document again changes nothing. Another one under its id is refused."""
    if booked.content != _content(document):
        raise RefusedError(
            "document_id_reused",
            "another document was booked under this id; book it under a new one",
            _ID[type(document)],
        )
    return booked


def report_unexplained(turn: InventoryTurn, product: Product, look: Unexplained) -> Product:
    """Nothing has explained why pieces are reserved that aren't there: a person has to look."""
    level = turn.get(STOCK, look.sku).levels[look.location]
    if not level.unexplained:
        return product
    counted = "never counted" if level.counted is None else f"last counted at {level.counted.at.isoformat()}"
    raise RefusedError(
        "unexplained_stock",
        f"{look.sku} at {look.location}, {counted}: by the warehouse's word {level.shelf} lie there and {level.picked} "
        f"are picked, but {level.reserved} are reserved. Count again, or cancel or re-allocate orders",
        "sku",
        retryable=True,
    )


def receipt_key(fact: StockReceived) -> str:
    """Two warehouses may number alike, and so may receipts and counts."""
    return ids.joint("receipt", fact.location, fact.receipt_id)


def count_key(fact: StockCounted) -> str:
    """As `receipt_key`."""
    return ids.joint("count", fact.location, fact.count_id)


def move_key(fact: StockMoved) -> str:
    """As `receipt_key`."""
    return ids.joint("move", fact.from_, fact.move_id)


def _content(fact: Document) -> str:
    said = fact.model_dump_json(exclude={"at"}, exclude_none=True)
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def _booked(fact: Document) -> Receipt:
    return Receipt(booked=True, content=_content(fact))


def _know_sku(turn: InventoryTurn, sku: str, field: str) -> None:
    if not turn.get(PRODUCTS, sku).known:
        raise RefusedError("unknown_sku", f"the catalogue has no product {sku} yet", field, retryable=True)


def _know_location(turn: InventoryTurn, location: str, field: str = "location") -> None:
    if not turn.get(LOCATIONS, location).known:
        raise RefusedError("unknown_location", f"the catalogue has no location {location} yet", field, retryable=True)
