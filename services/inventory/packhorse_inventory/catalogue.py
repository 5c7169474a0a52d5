"""What the catalogue says of products and locations. Pure."""

from dataclasses import replace

from packhorse_contracts.catalogue import LocationChanged, LocationWithdrawn, ProductChanged, ProductWithdrawn

from packhorse_inventory.state import STOCK, InventoryTurn, Location, Product


def know_product(turn: InventoryTurn, kept: Product, _fact: ProductChanged) -> Product:
    """A product that may be stocked, and is offered (again)."""
    return _offered(turn, kept, offered=True)


def forget_product(turn: InventoryTurn, kept: Product, _fact: ProductWithdrawn) -> Product:
    """The catalogue took it off: nothing more is promised of it. What is reserved stays so, and goods are still
    booked."""
    return _offered(turn, kept, offered=False)


def _offered(turn: InventoryTurn, kept: Product, *, offered: bool) -> Product:
    if kept.offered != offered:
        # Beside the stock itself, so that an order needs to look nowhere else.
        turn.keep(STOCK, turn.key, replace(turn.get(STOCK, turn.key), offered=offered))
    return Product(known=True, offered=offered)


def know_location(_turn: InventoryTurn, _kept: Location, fact: LocationChanged) -> Location:
    """A location, and whether it serves orders."""
    return Location(known=True, active=fact.active)


def close_location(_turn: InventoryTurn, _kept: Location, _fact: LocationWithdrawn) -> Location:
    """The catalogue took it off: it serves no orders any more. What is there is still booked."""
    return Location(known=True, active=False)
