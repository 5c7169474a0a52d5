"""What is on the shelves, by the audit's own reckoning, in a world in memory."""

from collections import Counter

from packhorse_audit.books import Cell, StockBook, stock_is_conserved
from packhorse_chassis.memory import Memory
from packhorse_inventory.state import RESERVATIONS, STOCK, Level, Movement, Reservation, Stock

from .every_order import World


def stock_book(inventory: Memory) -> StockBook:
    """Levels, the sums of their movements, and what orders hold."""
    levels: dict[Cell, tuple[int, int]] = {}
    allocated: Counter[Cell] = Counter()
    for ref, kept in inventory.states.items():
        if isinstance(kept, Stock):
            levels |= {(ref.key, place): (one.on_hand, one.reserved) for place, one in kept.levels.items()}
        elif isinstance(kept, Reservation):
            for part in kept.allocated:
                allocated[part.sku, part.location] += part.quantity
    moved: dict[Cell, tuple[int, int, int, int]] = {}
    for one in inventory.journal:
        assert isinstance(one, Movement)
        cell = one.sku, one.location
        on_hand, reserved, count, highest = moved.get(cell, (0, 0, 0, 0))
        moved[cell] = (
            on_hand + one.on_hand_change,
            reserved + one.reserved_change,
            count + 1,
            max(highest, one.number),
        )
    return StockBook(levels, moved, allocated)


def conserved(world: World) -> None:
    """Nothing is oversold, counters are the sums of their rows, and what is reserved is some order's."""
    assert list(stock_is_conserved(stock_book(world.services["inventory"]))) == []


def shelf(world: World, location: str, sku: str = "mug") -> Level:
    """The stock of a SKU at a location."""
    return world.state(STOCK, sku).levels[location]


def reservation(world: World, order_id: str = "o1") -> Reservation:
    """What an order has set aside."""
    return world.state(RESERVATIONS, order_id)
