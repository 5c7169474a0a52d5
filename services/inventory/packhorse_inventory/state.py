"""What the inventory service keeps.

Subjects: a reservation per order, a receipt per warehouse document, products and locations. The stock of a SKU is
never a subject: it is only ever locked beside one (`also`), after all subjects. That is the chassis's lock order,
and what keeps two processes that reserve overlapping orders from a deadlock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from packhorse_chassis.core.kinds import Internal, Kind, tally
from packhorse_chassis.core.turn import Turn
from packhorse_contracts import ids
from packhorse_contracts.base import Model
from packhorse_contracts.blocks import Allocation
from packhorse_contracts.policies import InventoryPolicy

InventoryTurn = Turn[InventoryPolicy]


@dataclass(frozen=True, slots=True)
class Count:
    """Somebody counted the shelf: when that was, and under which id."""

    at: datetime
    count_id: str

    def later_than(self, other: "Count | None") -> bool:
        """Whether it is the one that holds. Of two at one moment the id decides, so that it doesn't matter which is
        heard first."""
        return other is None or (self.at, self.count_id) > (other.at, other.count_id)


@dataclass(frozen=True, slots=True)
class Level:
    """The stock of one SKU at one location, in pieces. 0 ≤ picked ≤ reserved ≤ on hand."""

    on_hand: int = 0
    """Ours and sellable, reserved or not, on the shelf or picked: max(shelf + picked, reserved)."""

    reserved: int = 0
    """Of these, set aside for orders. What is picked stays reserved until it leaves or is put back."""

    picked: int = 0
    """Of these, taken from the shelf for an order, and not left yet."""

    shelf: int = 0
    """What lies at its storage place, by the warehouse's word: the latest count, and what came and went after it."""

    counted: Count | None = None
    """The latest count, by its own moment."""

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

    @property
    def unexplained(self) -> int:
        """Pieces by which the warehouse's word falls short of the books: reserved and not there, or gone without ever
        having come. News that are still on their way may explain them."""
        return self.on_hand - self.picked - self.shelf

    def saw(self, moment: datetime) -> bool:
        """Whether the latest count saw what happened then. What happened at its very moment came before it."""
        return self.counted is not None and moment <= self.counted.at


@dataclass(frozen=True, slots=True)
class Stock:
    """The stock of a SKU at all its locations. `offered`: the catalogue still has it; else nothing is promised."""

    levels: dict[str, Level] = field(default_factory=dict)
    offered: bool = True


ReservationStatus = Literal["unknown", "reserved", "settled", "refused", "cancelled"]


@dataclass(frozen=True, slots=True)
class Reservation:
    """What an order has set aside, and what became of it."""

    decided: bool = False
    """Reserved, refused or cancelled, or picked before any of that was heard: the order itself changes nothing more."""

    refused: bool = False
    allocated: tuple[Allocation, ...] = ()
    """What is still set aside, and what is picked. Shrinks as it is dispatched, released, or found short."""

    carts: dict[str, tuple[Allocation, ...]] = field(default_factory=dict)
    """By shipment, what is picked and neither left nor was put back; there for each whose picking was heard of."""

    released: bool = False
    """The whole order was cancelled."""

    dispatched: tuple[str, ...] = ()
    """Shipments that were taken off."""

    missing: dict[str, dict[str, int]] = field(default_factory=dict)
    """Pieces that short picks have named so far, by shipment and line id."""

    withdrawn: tuple[str, ...] = ()
    """Shipments that were called back."""

    @property
    def status(self) -> ReservationStatus:
        """Where it stands.

        Settled: all of it left, was released, or was found short. Refused and cancelled ones hold what is picked for
        them nevertheless.
        """
        if not self.decided:
            return "unknown"
        if self.released:
            return "cancelled"
        if self.refused:
            return "refused"
        return "reserved" if self.allocated else "settled"


ReceiptStatus = Literal["new", "booked"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A warehouse document that was booked: the same again changes nothing. `content`: a hash of it, less its time."""

    booked: bool = False
    content: str | None = None

    @property
    def status(self) -> ReceiptStatus:
        """Whether it was booked."""
        return "booked" if self.booked else "new"


@dataclass(frozen=True, slots=True)
class Product:
    """What is known of a product. One that the catalogue took off stays known, and isn't offered any more."""

    known: bool = False
    offered: bool = True


@dataclass(frozen=True, slots=True)
class Location:
    """What is known of a location."""

    known: bool = False
    active: bool = False


class Movement(Model):
    """One change of stock, with its cause. Append-only: the journal is the truth, the level its sum."""

    sku: str
    location: str
    number: int
    moved: int
    """Pieces that were put on the shelf, or taken from it, whether a count had seen that or not."""

    moment: datetime
    """When the warehouse did it, or counted; the time of booking where it did nothing."""

    on_hand_change: int
    reserved_change: int
    picked_change: int
    on_hand: int
    reserved: int
    cause: str
    reference: str
    at: datetime


class Unexplained(Internal):
    """By now somebody should have said what became of pieces that are reserved and aren't there."""

    sku: str
    location: str


def since(sku: str, location: str, moment: datetime) -> str:
    """The key of `MOVED`: what moved after a moment."""
    return ids.joint(sku, location, moment.astimezone(UTC).isoformat())


def _moved(key: str, entries: Iterable[Model]) -> int:
    sku, location, text = ids.apart(key)
    moment = datetime.fromisoformat(text)
    return sum(
        entry.moved
        for entry in entries
        if isinstance(entry, Movement) and (entry.sku, entry.location) == (sku, location) and entry.moment > moment
    )


RESERVATIONS: Kind[Reservation] = Kind(
    "reservation",
    Reservation,
    lambda _: Reservation(),
    statuses=get_args(ReservationStatus),
    status=lambda kept: kept.status,
)
RECEIPTS: Kind[Receipt] = Kind(
    "receipt", Receipt, lambda _: Receipt(), statuses=get_args(ReceiptStatus), status=lambda kept: kept.status
)
PRODUCTS: Kind[Product] = Kind("product", Product, lambda _: Product(), reference=True)
LOCATIONS: Kind[Location] = Kind("location", Location, lambda _: Location(), reference=True)
STOCK: Kind[Stock] = Kind("stock", Stock, lambda _: Stock())
MOVED: Kind[int] = tally("moved_since", _moved)
"""Pieces that moved on a shelf after a moment. Reckoned for counts alone, under the stock's lock."""
