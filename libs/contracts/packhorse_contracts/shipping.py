"""What the shipping service says."""

from pydantic import Field

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import (
    Count,
    Fact,
    Grams,
    Id,
    Model,
    Quantity,
    Text,
    Utc,
)


class PickLine(Model):
    """What to pick."""

    line_id: Id
    sku: Id
    title: Text | None = None
    quantity: Quantity
    bin: Id | None = None


class ProposedCarton(Model):
    """A carton to pack into."""

    carton: Id
    lines: tuple[blocks.LineQuantity, ...]
    weight: Grams


class ShortPickedLine(Model):
    """What was wanted and what was there."""

    line_id: Id
    sku: Id
    wanted: Quantity
    picked: Count
    reason: Text


class ShippingPickListIssued(
    Fact,
    type="packhorse.shipping.pick_list_issued.v1",
    topic=topics.SHIPPING_PICK_LISTS,
    key="location",
    subject="pick_list_id",
):
    """The warehouse is asked to pick, pack and hand over."""

    pick_list_id: Id
    order_id: Id
    shipment_id: Id
    location: Id
    wave_id: Id | None = None
    priority: int = Field(ge=0, le=9, description="9 is the most urgent")
    ship_by: Utc
    service: blocks.ServiceLevel
    ship_to: blocks.Address | None = None
    lines: tuple[PickLine, ...]
    proposed_cartons: tuple[ProposedCarton, ...] | None = None
    packing_note: Text | None = None


class ShippingPickListWithdrawn(
    Fact,
    type="packhorse.shipping.pick_list_withdrawn.v1",
    topic=topics.SHIPPING_PICK_LISTS,
    key="location",
    subject="pick_list_id",
):
    """The warehouse is asked to stop."""

    pick_list_id: Id
    order_id: Id
    location: Id
    reason: Text


class ShippingWithdrawn(
    Fact, type="packhorse.shipping.withdrawn.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """This fulfilment order will not ship."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    lines: tuple[blocks.SkuLine, ...]


class ShippingWithdrawalRefused(
    Fact,
    type="packhorse.shipping.withdrawal_refused.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """The warehouse is past the point: it ships."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    reason: blocks.Reason


class ShippingShortPicked(
    Fact, type="packhorse.shipping.short_picked.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """Less was picked than wanted."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    location: Id | None = None
    lines: tuple[ShortPickedLine, ...]


class ShippingPacked(
    Fact, type="packhorse.shipping.packed.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """It is in closed packages."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    packages: tuple[blocks.Package, ...]


class ShippingDispatched(
    Fact, type="packhorse.shipping.dispatched.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """It is on its way."""

    order_id: Id
    shipment_id: Id
    pick_list_id: Id
    location: Id
    at: Utc = Field(description="When it became true")
    carrier: Id
    service: blocks.ServiceLevel
    tracking_numbers: tuple[Id, ...]
    lines: tuple[blocks.SkuLine, ...]
    packages: tuple[blocks.Package, ...]


class ShippingReadyForCollection(
    Fact,
    type="packhorse.shipping.ready_for_collection.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """It waits for the customer."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    tracking_number: Id | None = None
    detail: Text | None = None


class ShippingCollected(
    Fact, type="packhorse.shipping.collected.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """The customer has fetched it."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    tracking_number: Id | None = None
    detail: Text | None = None


class ShippingOutForDelivery(
    Fact,
    type="packhorse.shipping.out_for_delivery.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """It arrives today."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    tracking_number: Id | None = None
    detail: Text | None = None


class ShippingDelivered(
    Fact, type="packhorse.shipping.delivered.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """The customer has it."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    tracking_number: Id | None = None
    detail: Text | None = None


class ShippingDeliveryFailed(
    Fact,
    type="packhorse.shipping.delivery_failed.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """The carrier could not deliver."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    tracking_number: Id | None = None
    detail: Text | None = None


class ShippingReturnedToSender(
    Fact,
    type="packhorse.shipping.returned_to_sender.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """It comes back undelivered."""

    order_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    tracking_number: Id | None = None
    detail: Text | None = None
