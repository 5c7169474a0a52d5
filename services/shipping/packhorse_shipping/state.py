"""What this service keeps: the fulfilment orders of an order, and how pick lists and parcels lead to them.

All fulfilment orders of an order lie in one row, so that what is said about them has one sequence. The facts that
change it come under three keys: order id, pick list id, tracking number. Each key has a small kind of its own, which is
what its facts are routed to. The big row is never a subject and always locked beside one:

    order_ref    (order id)        ┐
    pick_list    (pick list id)    ├── also ──▶  order_shipments (order id), parcel (tracking number)
    parcel_ref   (tracking number) ┘

So every transaction locks small rows first and big rows second, and two can't wait for each other in a circle. The
price: a reaction to an order's fact may not write a `pick_list` row, for that is a subject. It is written by an input
of its own, `IssuePickList`: a timer due at once, or later, where picking is put off.
A warehouse can't answer too early: its pick list is issued by the very input that makes it known. A carrier can: what
it says of a parcel that nobody has handed over yet waits in the parcel's row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from packhorse_chassis.core.kinds import Kind
from packhorse_contracts.blocks import Address, LineQuantity, Package, ServiceLevel
from packhorse_contracts.carrier import TrackingStatus

ShipmentState = Literal["open", "in_progress", "packed", "dispatched", "delivered", "closed", "withdrawn"]
"""Where the goods are. `closed`: nothing was picked, or what left has ended without all of it being delivered."""

RequestState = Literal[
    "unsubmitted",
    "submitted",
    "accepted",
    "rejected",
    "withdrawal_requested",
    "withdrawn",
    "withdrawal_rejected",
    "closed",
]
"""Where the talk with the warehouse stands. It owes us an answer while `submitted` or `withdrawal_requested`. What was
called back before it was issued stays `unsubmitted`."""

ParcelEnd = Literal["delivered", "returned", "lost", "cancelled"]
"""How a parcel's way ends; where it was said to have ended twice, the first of these counts. Of two labels on a package
the unused one is cancelled, whatever becomes of the package."""


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces of an order line that leave from one location.

    `rejected` were refused before picking; `picked` is None until it is known; `lost` were picked, and were in no
    package then. What is short (for `reason`) is said when picking or the fulfilment order ends, and again, as a whole,
    where more of it is missing when it is packed. `gift_message` is personal: kept until the pick list is issued.
    """

    line_id: str
    sku: str
    title: str | None
    quantity: int
    rejected: int = 0
    picked: int | None = None
    lost: int = 0
    reason: str | None = None
    gift_message: str | None = None

    @property
    def wanted(self) -> int:
        """Pieces that the warehouse is still asked for."""
        return self.quantity - self.rejected

    @property
    def remaining(self) -> int:
        """Pieces that aren't known to be short."""
        return self.wanted if self.picked is None else self.picked - self.lost


@dataclass(frozen=True, slots=True)
class ShippedParcel:
    """A package that the carrier took under this number, and how its way ended."""

    tracking_number: str
    package_id: str | None
    ended: ParcelEnd | None = None


@dataclass(frozen=True, slots=True)
class Shipment:
    """A fulfilment order: what one location sends for an order, with its one pick list.

    `ship_by`: the end of the day that it leaves, on its location's calendar. `overdue`: the warehouse owes us an answer
    for too long. It has left exactly if it has `parcels`. `superseded` are digests of what the warehouse said before it
    corrected itself: said again, that is an old repeat.
    """

    shipment_id: str
    pick_list_id: str
    location: str
    lines: tuple[Line, ...]
    ship_by: datetime | None = None
    state: ShipmentState = "open"
    request: RequestState = "unsubmitted"
    packages: tuple[Package, ...] = ()
    carrier: str | None = None
    parcels: tuple[ShippedParcel, ...] = ()
    overdue: bool = False
    superseded: tuple[str, ...] = ()

    @property
    def left(self) -> bool:
        """The carrier has it, or had it."""
        return bool(self.parcels)

    @property
    def picked(self) -> bool:
        """What was picked is known."""
        return any(line.picked is not None for line in self.lines)

    @property
    def owed(self) -> bool:
        """The warehouse owes us an answer."""
        return self.request in ("submitted", "withdrawal_requested")

    @property
    def unmarked(self) -> "Shipment":
        """The same without gift messages."""
        if all(line.gift_message is None for line in self.lines):
            return self
        return replace(self, lines=tuple(replace(line, gift_message=None) for line in self.lines))

    def parcel(self, tracking_number: str) -> tuple[ShippedParcel, ...]:
        """All that is one parcel with this number: several packages may have one number, and one package two labels."""
        numbers, packages = {tracking_number}, set[str]()
        found: tuple[ShippedParcel, ...] = ()
        while True:
            more = tuple(one for one in self.parcels if one.tracking_number in numbers or one.package_id in packages)
            if len(more) == len(found):
                return found
            found = more
            numbers |= {one.tracking_number for one in found}
            packages |= {one.package_id for one in found if one.package_id is not None}

    @property
    def tracking_numbers(self) -> tuple[str, ...]:
        """One for each parcel: of several labels the last."""
        return tuple(dict.fromkeys(self.parcel(one.tracking_number)[-1].tracking_number for one in self.parcels))

    def inside(self, parcel: tuple[ShippedParcel, ...]) -> dict[str, int] | None:
        """Pieces in a parcel, by line id; None where nobody has told. What alone is untold has all the rest."""
        contents = {package.package_id: package.lines for package in self.packages if package.lines}
        everything = {line.line_id: line.remaining for line in self.lines}
        named, others = _packages(parcel), _packages(set(self.parcels) - set(parcel))
        if named <= contents.keys():
            return {line: count for line, count in _sum(contents, named).items() if line in everything}
        if others <= contents.keys():
            gone = _sum(contents, others)
            return {line: max(0, count - gone.get(line, 0)) for line, count in everything.items()}
        return None


def _packages(parcels: Iterable[ShippedParcel]) -> set[str | None]:
    return {one.package_id for one in parcels}


def _sum(contents: Mapping[str, tuple[LineQuantity, ...]], packages: Iterable[str | None]) -> dict[str, int]:
    pieces: dict[str, int] = {}
    for line in (line for package in packages if package is not None for line in contents[package]):
        pieces[line.line_id] = pieces.get(line.line_id, 0) + line.quantity
    return pieces


@dataclass(frozen=True, slots=True)
class OrderShipments:
    """All fulfilment orders of one order. `ship_to` is the only personal data here.

    `asked`: when the order service asked for withdrawals that were taken up; the same moment again is a repeat.
    """

    order_id: str
    service: ServiceLevel = "standard"
    priority: int = 0
    ship_by: datetime | None = None
    ship_to: Address | None = None
    shipments: tuple[Shipment, ...] = ()
    asked: tuple[datetime, ...] = ()

    @staticmethod
    def empty(order_id: str) -> "OrderShipments":
        """An order that nothing leaves for yet."""
        return OrderShipments(order_id)

    def shipment(self, shipment_id: str) -> Shipment:
        """The fulfilment order of this id, which must be there."""
        return next(shipment for shipment in self.shipments if shipment.shipment_id == shipment_id)

    def keeping(self, changed: Shipment) -> "OrderShipments":
        """The same with one fulfilment order changed."""
        return replace(
            self,
            shipments=tuple(changed if old.shipment_id == changed.shipment_id else old for old in self.shipments),
        )


@dataclass(frozen=True, slots=True)
class OrderRef:
    """What the order service has said of an order: it is confirmed once, and cancelled as a whole at most once."""

    order_id: str
    confirmed: bool = False
    cancelled: bool = False

    @staticmethod
    def empty(order_id: str) -> "OrderRef":
        """An order that was never heard of."""
        return OrderRef(order_id)


@dataclass(frozen=True, slots=True)
class PickListRef:
    """Which fulfilment order a pick list belongs to; None for one that we never issued."""

    pick_list_id: str
    order_id: str | None = None
    shipment_id: str | None = None

    @staticmethod
    def empty(pick_list_id: str) -> "PickListRef":
        """A pick list that we never issued."""
        return PickListRef(pick_list_id)


@dataclass(frozen=True, slots=True)
class Tracking:
    """The last that counts of what the carrier said of a parcel, and `at` which time it saw that."""

    status: TrackingStatus
    at: datetime
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A tracking number: where the parcel is, and whose it is. `order_id` is None until a warehouse handed it over.

    Shipments of one order may share it. Carriers use numbers again: `since` is when the way ended that it had before.
    """

    tracking_number: str
    tracking: Tracking | None = None
    order_id: str | None = None
    shipment_ids: tuple[str, ...] = ()
    since: datetime | None = None

    @staticmethod
    def empty(tracking_number: str) -> "Parcel":
        """A parcel that was never heard of."""
        return Parcel(tracking_number)


@dataclass(frozen=True, slots=True)
class ParcelRef:
    """A tracking number as carriers' facts name it. `order_id`: whose it was when they last spoke of it."""

    tracking_number: str
    order_id: str | None = None

    @staticmethod
    def empty(tracking_number: str) -> "ParcelRef":
        """A number that carriers never spoke of."""
        return ParcelRef(tracking_number)


@dataclass(frozen=True, slots=True)
class Product:
    """A product's name, for pick lists of orders that don't bring it along."""

    sku: str
    title: str | None = None

    @staticmethod
    def empty(sku: str) -> "Product":
        """A product that the catalogue never named."""
        return Product(sku)


ORDER_SHIPMENTS = Kind("order_shipments", OrderShipments, OrderShipments.empty)
ORDER_REF = Kind("order_ref", OrderRef, OrderRef.empty)
PICK_LIST = Kind("pick_list", PickListRef, PickListRef.empty)
PARCEL_REF = Kind("parcel_ref", ParcelRef, ParcelRef.empty)
PARCEL = Kind("parcel", Parcel, Parcel.empty)
PRODUCT = Kind("product", Product, Product.empty, reference=True)
