"""Pieces of an order by line, SKU and location: what is set aside, what is picked, what a fact names. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from packhorse_contracts.blocks import Allocation, SkuLine

from packhorse_inventory.state import Reservation


class Part(NamedTuple):
    """Where pieces of an order line come from."""

    line_id: str
    sku: str
    location: str


Pieces = Counter[Part]


def pieces(parts: Iterable[Allocation]) -> Pieces:
    """Pieces by part."""
    found: Pieces = Counter()
    for part in parts:
        found[Part(part.line_id, part.sku, part.location)] += part.quantity
    return found


def pieces_at(location: str, lines: Iterable[SkuLine]) -> Pieces:
    """Pieces of these lines, all at one location; a line may be named more than once."""
    found: Pieces = Counter()
    for line in lines:
        found[Part(line.line_id, line.sku, location)] += line.quantity
    return found


def by_line(lines: Iterable[tuple[str, int]]) -> Counter[str]:
    """Pieces by line id."""
    found: Counter[str] = Counter()
    for line_id, quantity in lines:
        found[line_id] += quantity
    return found


def allocations(parts: Pieces) -> tuple[Allocation, ...]:
    """The same as they are kept and said; parts of nothing are none."""
    return tuple(
        Allocation(line_id=part.line_id, sku=part.sku, quantity=count, location=part.location)
        for part, count in parts.items()
        if count > 0
    )


def sku_lines(parts: Pieces) -> tuple[SkuLine, ...]:
    """The same without locations."""
    return tuple(
        SkuLine(line_id=part.line_id, sku=part.sku, quantity=count) for part, count in parts.items() if count > 0
    )


def of_shipment(kept: Reservation, shipment: str) -> tuple[Pieces, Pieces, Pieces]:
    """What is set aside and may be a shipment's, what of that is picked for it, and what is picked for others."""
    carts = {name: pieces(cart) for name, cart in kept.carts.items()}
    cart: Pieces = carts.pop(shipment, Counter())
    elsewhere = sum(carts.values(), Pieces())
    return pieces(kept.allocated) - elsewhere, cart, elsewhere


def at(location: str | None, held: Pieces) -> list[Part]:
    """What is set aside at a location; everywhere, where None."""
    return [part for part in held if location in (None, part.location)]
