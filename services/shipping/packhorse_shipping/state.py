"""What the shipping service keeps: the fulfilment orders of each order, and two small indexes to find them by.

Warehouses speak of pick lists and carriers of parcels, so those are subjects of their own, each naming its order.
`order_ref` is the subject of what the order service says. The fulfilment orders themselves are only ever locked
beside a subject: subjects first, then `shipments` is the one lock order, and no two processes deadlock. A pick list
or parcel is created beside another subject, but under an id that nobody else can know yet.
"""

from datetime import datetime
from typing import Literal

from packhorse_chassis.reaction import Kind
from packhorse_contracts.base import Model
from packhorse_contracts.blocks import Package, ServiceLevel

Status = Literal[
    "open", "in_progress", "picked", "packed", "dispatched", "delivered", "returned", "closed", "withdrawn"
]
"""Where a fulfilment order stands. `closed`: nothing of it could be picked."""

Request = Literal["submitted", "accepted", "rejected", "withdrawal_requested", "withdrawn", "withdrawal_rejected"]
"""Where the talk with the warehouse stands; an axis of its own, as in Shopify's fulfilment orders."""

ParcelStatus = Literal["dispatched", "on_the_way", "out_for_delivery", "delivery_failed", "delivered", "returned"]


class Line(Model):
    """A line of a fulfilment order, in pieces."""

    line_id: str
    sku: str
    title: str | None = None
    wanted: int
    picked: int | None = None
    """None until the warehouse has said."""

    @property
    def shipping(self) -> int:
        """What goes out: what was picked, or all while nothing else was said."""
        return self.wanted if self.picked is None else self.picked


class FulfilmentOrder(Model):
    """What one location sends of one order. Its id is the `shipment_id`."""

    shipment_id: str
    pick_list_id: str
    location: str
    service: ServiceLevel
    lines: tuple[Line, ...]
    status: Status = "open"
    request: Request = "submitted"
    packages: tuple[Package, ...] = ()
    carrier: str | None = None
    parcels: dict[str, ParcelStatus] = {}
    overdue: bool = False
    """The warehouse has neither accepted nor rejected it in time."""

    @property
    def left(self) -> bool:
        """True once the goods are out of the door."""
        return self.status in {"dispatched", "delivered", "returned"}

    @property
    def live(self) -> bool:
        """True while the warehouse may still work on it."""
        return self.status in {"open", "in_progress", "picked", "packed"}


class Shipments(Model):
    """All fulfilment orders of one order, by shipment id."""

    orders: dict[str, FulfilmentOrder] = {}

    def by_pick_list(self, pick_list_id: str) -> FulfilmentOrder:
        """The fulfilment order that a pick list belongs to."""
        return next(found for found in self.orders.values() if found.pick_list_id == pick_list_id)

    def with_(self, changed: FulfilmentOrder) -> "Shipments":
        """The same with one fulfilment order as it is now."""
        return Shipments(orders=self.orders | {changed.shipment_id: changed})


class OrderRef(Model):
    """What was heard from the order service."""

    confirmed_at: datetime | None = None


class PickListRef(Model):
    """Which order a pick list belongs to; None for a list that we never issued."""

    order_id: str | None = None


class ParcelRef(Model):
    """Which shipment a parcel belongs to; None for a parcel that we don't know."""

    order_id: str | None = None
    shipment_id: str | None = None


ORDER_REFS: Kind[OrderRef] = Kind("order_ref", OrderRef, lambda _: OrderRef())
PICK_LISTS: Kind[PickListRef] = Kind("pick_list", PickListRef, lambda _: PickListRef())
PARCELS: Kind[ParcelRef] = Kind("parcel", ParcelRef, lambda _: ParcelRef())
SHIPMENTS: Kind[Shipments] = Kind("shipments", Shipments, lambda _: Shipments())
