"""What lies where by the warehouse's own word, reckoned from the topics alone, and held against inventory's books."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from packhorse_contracts.base import Fact, moment
from packhorse_contracts.blocks import SkuLine
from packhorse_contracts.shipping import ShippingDispatched, ShippingPicked, ShippingShortPicked, ShippingWithdrawn
from packhorse_contracts.warehouse import StockCounted, StockMoved, StockReceived

from packhorse_audit.books import Cell
from packhorse_audit.verdict import Violation

STOCK_FACTS = (
    StockReceived,
    StockCounted,
    StockMoved,
    ShippingPicked,
    ShippingShortPicked,
    ShippingWithdrawn,
    ShippingDispatched,
)
"""The facts that a shelf follows from."""

_GONE = frozenset({"out_of_stock", "not_found", "damaged"})


@dataclass(frozen=True, slots=True)
class LevelBook:
    """A level as inventory keeps it."""

    on_hand: int
    reserved: int
    picked: int


@dataclass
class _Shelf:
    count: tuple[datetime, str, int] | None = None
    moves: list[tuple[datetime, int]] = field(default_factory=list)

    @property
    def pieces(self) -> int:
        at, _, counted = self.count or (None, "", 0)
        return counted + sum(pieces for when, pieces in self.moves if at is None or when > at)


Part = tuple[str, str, str]
"""Line id, SKU and location."""


class Shelves:
    """Every shelf: its latest count, and what came, left and moved since; and what is picked and hasn't left."""

    def __init__(self) -> None:
        self._shelves: dict[Cell, _Shelf] = {}
        self._documents: set[tuple[str, str, str]] = set()
        self._events: set[tuple[str, str, Fact]] = set()
        self._carts: dict[str, Counter[Part]] = {}
        self._short: dict[str, Counter[str]] = {}
        self._ended: set[tuple[type[Fact], str]] = set()

    def take(self, source: str, event_id: str, fact: Fact, heard: datetime) -> None:
        """Adds a fact, in the order of its topic. `heard`: when it came to its topic."""
        if (source, event_id, fact) in self._events:
            return
        self._events.add((source, event_id, fact))
        when = moment(getattr(fact, "at", None), heard)
        self._take_document(fact, when)
        self._take_shipment(fact, when)

    def _take_document(self, fact: Fact, when: datetime) -> None:
        match fact:
            case StockReceived() if self._first("receipt", fact.location, fact.receipt_id):
                for line in fact.lines:
                    self._move(line.sku, fact.location, line.quantity, when)
            case StockMoved() if self._first("move", fact.from_, fact.move_id):
                self._move(fact.sku, fact.from_, -fact.quantity, when)
                self._move(fact.sku, fact.to, fact.quantity, when)
            case StockCounted() if self._first("count", fact.location, fact.count_id):
                shelf, count = self._shelf(fact.sku, fact.location), (when, fact.count_id, fact.counted)
                shelf.count = max(shelf.count or count, count)
            case _:
                pass

    def _take_shipment(self, fact: Fact, when: datetime) -> None:
        match fact:
            case ShippingPicked() if self._once(fact, fact.shipment_id):
                self._carts[fact.shipment_id] = cart = _parts(fact.lines, fact.location)
                for (_, sku, location), pieces in cart.items():
                    self._move(sku, location, -pieces, when)
            case ShippingWithdrawn() if self._once(fact, fact.shipment_id):
                for (_, sku, location), pieces in self._carts.pop(fact.shipment_id, Counter()).items():
                    self._move(sku, location, pieces, when)
            case ShippingDispatched() if self._once(fact, fact.shipment_id):
                unpicked = _parts(fact.lines, fact.location) - self._carts.pop(fact.shipment_id, Counter())
                for (_, sku, location), pieces in unpicked.items():
                    self._move(sku, location, -pieces, when)
            case ShippingShortPicked():
                self._note_short(fact, when)
            case _:
                pass

    def _note_short(self, fact: ShippingShortPicked, when: datetime) -> None:
        known, cart = self._short.setdefault(fact.shipment_id, Counter()), self._carts.get(fact.shipment_id, Counter())
        for line in fact.lines:
            more = line.wanted - line.picked - known[line.line_id]
            if more <= 0 or fact.location is None:
                continue
            known[line.line_id] += more
            part = line.line_id, line.sku, fact.location
            lost = min(more, max(cart[part] - line.picked, 0))
            cart[part] -= lost
            if line.reason in _GONE:
                self._move(line.sku, fact.location, lost - more, when)

    def _first(self, kind: str, place: str, name: str) -> bool:
        known = len(self._documents)
        self._documents.add((kind, place, name))
        return len(self._documents) > known

    def _once(self, fact: Fact, shipment: str) -> bool:
        known = len(self._ended)
        self._ended.add((type(fact), shipment))
        return len(self._ended) > known

    def _shelf(self, sku: str, location: str) -> _Shelf:
        return self._shelves.setdefault((sku, location), _Shelf())

    def _move(self, sku: str, location: str, pieces: int, when: datetime) -> None:
        self._shelf(sku, location).moves.append((when, pieces))

    def hold(self, levels: Mapping[Cell, LevelBook], *, whole: bool) -> Iterator[Violation]:
        """Books against shelves. `whole`: the topics still have their beginning; else a shelf that wasn't counted since
        can't be known."""
        picked: Counter[Cell] = Counter()
        for cart in self._carts.values():
            for (_, sku, location), pieces in cart.items():
                picked[sku, location] += pieces
        for cell in sorted(set(levels) | set(self._shelves)):
            shelf, level = self._shelves.get(cell, _Shelf()), levels.get(cell, LevelBook(0, 0, 0))
            if not whole and shelf.count is None:
                continue
            there = shelf.pieces
            # What is reserved stays on the books until it is explained, and inventory reports it by itself.
            if (level.on_hand, level.picked) != (max(there + picked[cell], level.reserved), picked[cell]):
                found = (
                    f"{level.on_hand} on hand, {level.picked} of them picked; by the warehouse's word {there} lie there"
                )
                yield Violation(
                    "the books are what the warehouse says", " at ".join(cell), f"{found}, {picked[cell]} picked"
                )


def _parts(lines: Iterable[SkuLine], location: str) -> Counter[Part]:
    pieces: Counter[Part] = Counter()
    for line in lines:
        pieces[line.line_id, line.sku, location] += line.quantity
    return pieces
