"""What this service keeps: the fulfilment orders of an order, and the names by which others know them.

All fulfilment orders of an order lie in one row, so that what is said about them has one sequence. Every fact that
changes it finds it by its order's id, or by a name: a pick list's id, a tracking number. Names are given as lists are
planned and parcels handed over. A warehouse can't answer too early, for its list is published after it has its name. A
carrier can: what it says of a parcel that nobody has handed over yet waits for that
(`libs/chassis/decisions/names.md`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from packhorse_chassis.core.kinds import Alias, Kind
from packhorse_contracts.blocks import Address, ServiceLevel
from packhorse_contracts.carrier import TrackingStatus

from packhorse_shipping.shipment import Shipment

OrderStatus = Literal["unknown", "confirmed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Tracking:
    """The last that counts of what the carrier said of a parcel, and `at` which time it saw that."""

    status: TrackingStatus
    at: datetime
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class OrderShipments:
    """All fulfilment orders of one order. `ship_to` is the only personal data here.

    An order has one delivery service and one priority, those of its first part; its lists go to the last address.
    `parts` are those that were confirmed; none where it ships as a whole. `asked`: when the order service asked for
    withdrawals that were taken up; the same moment again is a repeat. `tracked`: where its parcels are, by number.
    """

    order_id: str
    service: ServiceLevel = "standard"
    priority: int = 0
    ship_by: datetime | None = None
    ship_to: Address | None = None
    shipments: tuple[Shipment, ...] = ()
    asked: tuple[datetime, ...] = ()
    confirmed: bool = False
    cancelled: bool = False
    parts: tuple[int, ...] = ()
    tracked: Mapping[str, Tracking] = field(default_factory=dict)

    @property
    def status(self) -> OrderStatus:
        """What holds: nothing leaves for an order that was cancelled as a whole."""
        return "cancelled" if self.cancelled else "confirmed" if self.confirmed else "unknown"

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
class ListOf:
    """Whose a pick list is."""

    subject: str = ""


@dataclass(frozen=True, slots=True)
class ParcelOf:
    """Whose a tracking number is, once a warehouse handed the parcel over.

    Carriers use numbers again: `since` is when the way ended that it had before. `tracking` is how the way ended that
    it has; or where the parcel is, while the number is nobody's because the warehouse has corrected itself.
    """

    subject: str = ""
    since: datetime | None = None
    tracking: Tracking | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A product's name, for pick lists of orders that don't bring it along."""

    sku: str
    title: str | None = None

    @staticmethod
    def empty(sku: str) -> "Product":
        """A product that the catalogue never named."""
        return Product(sku)


ORDER_SHIPMENTS = Kind(
    "order_shipments",
    OrderShipments,
    OrderShipments.empty,
    statuses=get_args(OrderStatus),
    status=lambda order: order.status,
)
PICK_LISTS = Alias("pick_list", ListOf, lambda _: ListOf(), patience=timedelta(0), unknown="unknown_pick_list")
PARCELS = Alias("parcel", ParcelOf, lambda _: ParcelOf(), unknown="unknown_parcel")
PRODUCT = Kind("product", Product, Product.empty, reference=True)
