"""Whether an order can be served, and by which locations. Pure."""

from collections.abc import Mapping

from packhorse_contracts.base import MAX_ITEMS
from packhorse_contracts.blocks import Allocation, OrderLine

MAX_PARTS = MAX_ITEMS
"""An order is served in no more parts, so that the facts of its reservation and its confirmation fit into a record.
As many as it may have lines: only a huge order that is scattered over many locations comes to it."""

Available = Mapping[str, Mapping[str, int]]
"""Available to promise, by SKU and location."""


def demand(lines: tuple[OrderLine, ...]) -> dict[str, int]:
    """Pieces by SKU: two lines of one SKU ask for their sum."""
    wanted: dict[str, int] = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return wanted


def missing(wanted: Mapping[str, int], available: Available) -> dict[str, int]:
    """SKUs that can't be served, with what is there over all locations."""
    there = {sku: sum(available.get(sku, {}).values()) for sku in wanted}
    return {sku: there[sku] for sku, pieces in wanted.items() if there[sku] < pieces}


def allocate(lines: tuple[OrderLine, ...], available: Available) -> tuple[Allocation, ...]:
    """Which location serves which line; only called where nothing is missing.

    One location that can serve the whole order is best: one parcel. Else the location that serves most of the
    remaining pieces is taken, again and again: few parcels. Ties go to the location with the most left, then to
    the first name, so that the same order always falls alike. Raises ValueError where more is wanted than there is.
    """
    left = {sku: dict(places) for sku, places in available.items()}
    open_lines = [(line, line.quantity) for line in lines]
    result: list[Allocation] = []
    wanted = demand(lines)
    while wanted:
        location = _best(wanted, left)
        still: list[tuple[OrderLine, int]] = []
        for line, pieces in open_lines:
            taken = min(pieces, left[line.sku].get(location, 0))
            if taken:
                left[line.sku][location] -= taken
                result.append(Allocation(line_id=line.line_id, sku=line.sku, quantity=taken, location=location))
            if pieces > taken:
                still.append((line, pieces - taken))
        if still == open_lines:
            raise ValueError(f"more is wanted than there is: {wanted}")
        open_lines = still
        wanted = {}
        for line, pieces in open_lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + pieces
    return tuple(result)


def scattered(lines: tuple[OrderLine, ...], allocations: tuple[Allocation, ...]) -> dict[str, int]:
    """By line id, the lines that no one location serves, with the largest part that one does."""
    largest: dict[str, int] = {}
    for part in allocations:
        largest[part.line_id] = max(part.quantity, largest.get(part.line_id, 0))
    return {line.line_id: largest[line.line_id] for line in lines if largest[line.line_id] < line.quantity}


def _best(wanted: Mapping[str, int], left: Mapping[str, Mapping[str, int]]) -> str:
    served: dict[str, int] = {}
    stock: dict[str, int] = {}
    for sku, pieces in wanted.items():
        for location, there in left[sku].items():
            served[location] = served.get(location, 0) + min(pieces, there)
            stock[location] = stock.get(location, 0) + there
    return min(served, key=lambda location: (-served[location], -stock[location], location))
