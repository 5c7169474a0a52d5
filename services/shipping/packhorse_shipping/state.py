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

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from packhorse_chassis.core.kinds import Kind
from packhorse_contracts.blocks import Address, ServiceLevel
from packhorse_contracts.carrier import TrackingStatus

from packhorse_shipping.shipment import Shipment

OrderStatus = Literal["unknown", "confirmed", "cancelled"]
PickListStatus = Literal["unissued", "issued"]


@dataclass(frozen=True, slots=True)
class OrderShipments:
    """All fulfilment orders of one order. `ship_to` is the only personal data here.

    An order has one delivery service and one priority, those of its first part; its lists go to the last address.
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

    def of_list(self, pick_list_id: str) -> Shipment:
        """The fulfilment order that this pick list is of, which must be there."""
        return next(shipment for shipment in self.shipments if shipment.pick_list_id == pick_list_id)

    def keeping(self, changed: Shipment) -> "OrderShipments":
        """The same with one fulfilment order changed."""
        return replace(
            self,
            shipments=tuple(changed if old.shipment_id == changed.shipment_id else old for old in self.shipments),
        )


@dataclass(frozen=True, slots=True)
class OrderRef:
    """What the order service has said of an order: each part is confirmed once, and it is cancelled as a whole at most
    once. `parts` are those that were confirmed; none where it ships as a whole."""

    order_id: str
    confirmed: bool = False
    cancelled: bool = False
    parts: tuple[int, ...] = ()

    @property
    def status(self) -> OrderStatus:
        """What holds: nothing leaves for an order that was cancelled as a whole."""
        return "cancelled" if self.cancelled else "confirmed" if self.confirmed else "unknown"

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

    @property
    def status(self) -> PickListStatus:
        """Whether its warehouse was asked."""
        return "unissued" if self.order_id is None else "issued"

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
ORDER_REF = Kind(
    "order_ref",
    OrderRef,
    OrderRef.empty,
    version=2,  # `parts`
    statuses=get_args(OrderStatus),
    status=lambda ref: ref.status,
)
PICK_LIST = Kind(
    "pick_list", PickListRef, PickListRef.empty, statuses=get_args(PickListStatus), status=lambda ref: ref.status
)
PARCEL_REF = Kind("parcel_ref", ParcelRef, ParcelRef.empty)
PARCEL = Kind("parcel", Parcel, Parcel.empty)
PRODUCT = Kind("product", Product, Product.empty, reference=True)
