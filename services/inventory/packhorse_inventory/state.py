"""What the inventory service keeps.

Subjects: a reservation per order, a receipt per warehouse document, products and locations. The stock of a SKU is
never a subject: it is only ever locked beside one (`also`), after all subjects. That is the chassis's lock order,
and what keeps two processes that reserve overlapping orders from a deadlock.
"""

from datetime import datetime

from packhorse_chassis.reaction import Kind
from packhorse_contracts.base import Model
from packhorse_contracts.blocks import Allocation


class Level(Model):
    """The stock of one SKU at one location, in pieces."""

    on_hand: int = 0
    """Physically there and sellable, reserved or not."""

    reserved: int = 0
    """Of these, set aside for orders."""

    safety_stock: int = 0
    """Never promised to anybody."""

    damaged: int = 0
    incoming: int = 0
    version: int = 0
    """Number of the last movement: a total order per SKU and location."""

    low: bool = False
    """The alert was given, and stock hasn't recovered since."""

    @property
    def available_to_promise(self) -> int:
        """What the next order may have: on hand, less reserved, less safety stock."""
        return max(0, self.on_hand - self.reserved - self.safety_stock)


class Stock(Model):
    """The stock of a SKU at all its locations."""

    levels: dict[str, Level] = {}


class Reservation(Model):
    """What an order has set aside, and what became of it."""

    decided: bool = False
    """Reserved or refused: a repeat of the order changes nothing."""

    refused: bool = False
    allocated: tuple[Allocation, ...] = ()
    """What is still set aside. Shrinks as it is dispatched, released, or found short."""

    released: bool = False
    """The whole order was cancelled."""

    dispatched: tuple[str, ...] = ()
    """Shipments that were taken off."""

    missing: dict[str, dict[str, int]] = {}
    """Pieces that short picks have named so far, by shipment and line id."""

    withdrawn: tuple[str, ...] = ()
    """Shipments that were called back."""


class Receipt(Model):
    """A warehouse document that was booked: the same id again changes nothing."""

    booked: bool = False


class Product(Model):
    """What is known of a product."""

    known: bool = False


class Location(Model):
    """What is known of a location."""

    known: bool = False
    active: bool = False


class Movement(Model):
    """One change of stock, with its cause. Append-only: the journal is the truth, the level its sum."""

    sku: str
    location: str
    number: int
    on_hand_change: int
    reserved_change: int
    on_hand: int
    reserved: int
    cause: str
    reference: str
    at: datetime


RESERVATIONS: Kind[Reservation] = Kind("reservation", Reservation, lambda _: Reservation())
RECEIPTS: Kind[Receipt] = Kind("receipt", Receipt, lambda _: Receipt())
PRODUCTS: Kind[Product] = Kind("product", Product, lambda _: Product(), reference=True)
LOCATIONS: Kind[Location] = Kind("location", Location, lambda _: Location(), reference=True)
STOCK: Kind[Stock] = Kind("stock", Stock, lambda _: Stock())
