"""What the shipping service says."""

from pydantic import Field

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import Code, Fact, Given, Grams, Id, Model, Money, Priority, Quantity, Text, Utc
from packhorse_contracts.fields import (
    At,
    Carrier,
    LineId,
    LocationId,
    OnHand,
    OrderId,
    PickListId,
    Pieces,
    ReturnId,
    ShipmentId,
    Sku,
    Title,
    TrackingNumber,
)
from packhorse_contracts.warehouse import ReturnedLine


class PickLine(Model):
    """What to pick."""

    line_id: LineId
    sku: Sku
    title: Given[Title] = None
    quantity: Pieces
    bin: Id | None = Field(None, description="Where it lies, as the warehouse named it")
    gift_message: blocks.GiftMessage = None


class ProposedCarton(Model):
    """A carton to pack into."""

    carton: Code = Field(description="Which carton")
    lines: tuple[blocks.LineQuantity, ...] = Field(description="What goes inside")
    weight: Grams = Field(description="With packing, grams")


class ShortPickedLine(Model):
    """What was wanted and what was there."""

    line_id: LineId
    sku: Sku
    wanted: Pieces
    picked: OnHand = Field(description="Pieces that were picked, less what broke before it was packed")
    reason: Text = Field(description="The warehouse's reason, a code from a list that may grow")


class PlannedShipment(Model):
    """A fulfilment order: what one location sends for an order."""

    shipment_id: ShipmentId
    location: LocationId
    lines: tuple[blocks.SkuLine, ...] = Field(description="What it is to take along")


class ShippingPlanned(Fact, type="packhorse.shipping.planned.v1", topic=topics.SHIPPING_EVENTS, key="order_id"):
    """What to expect of an order, or of a part of it: nobody else reckons it from allocations."""

    order_id: OrderId
    at: At
    shipments: tuple[PlannedShipment, ...] = Field(description="All fulfilment orders that the confirmation leads to")
    part: Quantity | None = Field(None, description="Of which part of the order, where it ships in parts")


class ShippingPickListIssued(
    Fact,
    type="packhorse.shipping.pick_list_issued.v1",
    topic=topics.SHIPPING_PICK_LISTS,
    key="location",
    subject="pick_list_id",
):
    """The warehouse is asked to pick, pack and hand over."""

    pick_list_id: PickListId
    order_id: OrderId
    shipment_id: ShipmentId
    location: LocationId
    wave_id: Id | None = Field(None, description="Lists of one wave are picked together")
    priority: Priority = Field(description="0 to 9; 9 is the most urgent")
    ship_by: Utc = Field(description="Handed over to the carrier by then")
    service: blocks.ServiceLevel
    ship_to: blocks.Address | None = Field(None, description="Where to send it")
    lines: tuple[PickLine, ...] = Field(description="What to pick")
    proposed_cartons: tuple[ProposedCarton, ...] | None = Field(None, description="How it would fit")
    packing_note: Text | None = Field(None, description="For the packer")


class ShippingPickListWithdrawn(
    Fact,
    type="packhorse.shipping.pick_list_withdrawn.v1",
    topic=topics.SHIPPING_PICK_LISTS,
    key="location",
    subject="pick_list_id",
):
    """The warehouse is asked to stop."""

    pick_list_id: PickListId
    order_id: OrderId
    location: LocationId
    reason: Text = Field(description="Why, in a word or a sentence")


class ShippingWithdrawn(
    Fact, type="packhorse.shipping.withdrawn.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """This fulfilment order will not ship."""

    order_id: OrderId
    shipment_id: ShipmentId
    at: At
    location: LocationId | None = None
    lines: tuple[blocks.SkuLine, ...] = Field(description="What will not ship")


class ShippingWithdrawalRefused(
    Fact,
    type="packhorse.shipping.withdrawal_refused.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """The warehouse is past the point: it ships."""

    order_id: OrderId
    shipment_id: ShipmentId
    at: At
    reason: blocks.Reason = Field(description="Why")


class ShippingPicked(
    Fact, type="packhorse.shipping.picked.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """It was taken from the shelf. Said once for a fulfilment order, before what follows from it; where the warehouse
    doesn't report that it picked, with what shows that it did."""

    order_id: OrderId
    shipment_id: ShipmentId
    pick_list_id: PickListId
    location: LocationId
    at: At
    lines: tuple[blocks.SkuLine, ...] = Field(description="What was picked")


class ShippingShortPicked(
    Fact, type="packhorse.shipping.short_picked.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """Less was picked than wanted. Said again where more of it breaks before it is packed: the last is the whole."""

    order_id: OrderId
    shipment_id: ShipmentId
    at: At
    location: LocationId | None = None
    lines: tuple[ShortPickedLine, ...] = Field(description="The lines that were picked short")


class ShippingPacked(
    Fact, type="packhorse.shipping.packed.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """It is in closed packages."""

    order_id: OrderId
    shipment_id: ShipmentId
    at: At
    packages: tuple[blocks.Package, ...] = Field(description="Closed and weighed")


class ShippingLabelCreated(
    Fact,
    type="packhorse.shipping.label_created.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
    planned=True,
):
    """A label was bought from the carrier."""

    order_id: OrderId
    shipment_id: ShipmentId
    at: At
    carrier: Carrier
    service: blocks.ServiceLevel
    cost: Money = Field(description="What the carrier charges")
    tracking_number: TrackingNumber
    label: Text = Field(description="Where the label can be fetched")


class ShippingDispatched(
    Fact, type="packhorse.shipping.dispatched.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """It is on its way."""

    order_id: OrderId
    shipment_id: ShipmentId
    pick_list_id: PickListId
    location: LocationId
    at: At
    carrier: Carrier
    service: blocks.ServiceLevel
    tracking_numbers: tuple[Id, ...] = Field(
        description="One for each parcel. Said again with others, where labels were corrected: the last counts"
    )
    lines: tuple[blocks.SkuLine, ...] = Field(description="What is on its way")
    packages: tuple[blocks.Package, ...] = Field(description="Closed and weighed")


class _ParcelNews(Fact):
    order_id: OrderId
    shipment_id: ShipmentId
    at: At
    tracking_number: TrackingNumber | None = Field(None, description="The parcel, where it is about a single one")
    detail: Text | None = Field(None, description="What the carrier said of it")
    lines: tuple[blocks.SkuLine, ...] | None = Field(
        None, description="What is inside of it; absent where nobody has told"
    )


class ShippingReadyForCollection(
    _ParcelNews,
    type="packhorse.shipping.ready_for_collection.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
    planned=True,
):
    """It waits for the customer."""


class ShippingCollected(
    _ParcelNews,
    type="packhorse.shipping.collected.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
    planned=True,
):
    """The customer has fetched it."""


class ShippingOutForDelivery(
    _ParcelNews,
    type="packhorse.shipping.out_for_delivery.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """It arrives today."""


class ShippingDelivered(
    _ParcelNews,
    type="packhorse.shipping.delivered.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """The customer has it: this parcel, or all of the shipment where none is named."""


class ShippingDeliveryFailed(
    _ParcelNews,
    type="packhorse.shipping.delivery_failed.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """The carrier could not deliver."""


class ShippingReturnedToSender(
    _ParcelNews,
    type="packhorse.shipping.returned_to_sender.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="shipment_id",
):
    """It comes back undelivered, or was never taken along: this parcel, or all where none is named."""


class ShippingLost(
    _ParcelNews, type="packhorse.shipping.lost.v1", topic=topics.SHIPPING_EVENTS, key="order_id", subject="shipment_id"
):
    """The carrier has lost it: this parcel, or all where none is named. It may turn up: what is said then counts."""


class ShippingReturnReceived(
    Fact,
    type="packhorse.shipping.return_received.v1",
    topic=topics.SHIPPING_EVENTS,
    key="order_id",
    subject="return_id",
    planned=True,
):
    """What the customer sent back has arrived and was looked at."""

    order_id: OrderId
    return_id: ReturnId
    at: At
    location: LocationId
    lines: tuple[ReturnedLine, ...] = Field(description="What was in it")
