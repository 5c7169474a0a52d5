"""What is on the shelves, by the audit's own reckoning, in a world in memory."""

from packhorse_audit.books import StockBook, stock_is_conserved
from packhorse_inventory.state import RESERVATIONS, STOCK, Level, Reservation, Stock
from packhorse_simulation.books import stock_book

from .every_order import World


def book(world: World) -> StockBook:
    """Levels, the sums of their movements, and what orders hold."""
    inventory = world.services["inventory"]
    shelves = {ref.key: kept for ref, kept in inventory.states.items() if isinstance(kept, Stock)}
    reservations = [kept for kept in inventory.states.values() if isinstance(kept, Reservation)]
    return stock_book(shelves, inventory.journal, reservations)


def conserved(world: World) -> None:
    """Nothing is oversold, counters are the sums of their rows, and what is reserved is some order's."""
    assert list(stock_is_conserved(book(world))) == []


def shelf(world: World, location: str, sku: str = "mug") -> Level:
    """The stock of a SKU at a location."""
    return world.state(STOCK, sku).levels[location]


def reservation(world: World, order_id: str = "o1") -> Reservation:
    """What an order has set aside."""
    return world.state(RESERVATIONS, order_id)
