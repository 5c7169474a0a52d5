"""What the inventory service says."""

from typing import Annotated

from pydantic import Field

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import Count, Fact, Id, Model, Text, Utc, Version
from packhorse_contracts.fields import At, Available, LocationId, OnHand, OrderId, Pieces, Sku

Allocations = Annotated[tuple[blocks.Allocation, ...], Field(description="What is set aside, and where")]
Short = Annotated[tuple[blocks.ShortLine, ...], Field(description="What stock can't serve")]
Freed = Annotated[tuple[blocks.SkuLine, ...], Field(description="What is free again")]
Expiry = Annotated[Utc, Field(description="It is free again then, unless it is used")]
ProposalId = Annotated[Id, Field(description="The purchase proposal")]


class ReceivedStock(Model):
    """Pieces that came in at a location."""

    location: LocationId
    quantity: Pieces


class InventoryReserved(
    Fact, type="packhorse.inventory.reserved.v1", topic=topics.INVENTORY_RESERVATIONS, key="order_id"
):
    """All of the order is set aside."""

    order_id: OrderId
    at: At
    allocations: Allocations
    expires_at: Expiry | None = None


class InventoryPartlyReserved(
    Fact,
    type="packhorse.inventory.partly_reserved.v1",
    topic=topics.INVENTORY_RESERVATIONS,
    key="order_id",
    planned=True,
):
    """Some of the order is set aside."""

    order_id: OrderId
    at: At
    allocations: Allocations
    expires_at: Expiry | None = None
    short: Short


class InventoryReservationRefused(
    Fact, type="packhorse.inventory.reservation_refused.v1", topic=topics.INVENTORY_RESERVATIONS, key="order_id"
):
    """Stock can't serve the order; nothing is set aside."""

    order_id: OrderId
    at: At
    short: Short


class InventoryReservationReleased(
    Fact, type="packhorse.inventory.reservation_released.v1", topic=topics.INVENTORY_RESERVATIONS, key="order_id"
):
    """What was set aside is free again."""

    order_id: OrderId
    at: At
    lines: Freed


class InventoryReservationExpired(
    Fact,
    type="packhorse.inventory.reservation_expired.v1",
    topic=topics.INVENTORY_RESERVATIONS,
    key="order_id",
    planned=True,
):
    """What was set aside too long is free again."""

    order_id: OrderId
    at: At
    lines: Freed


class InventoryAllocatedFromBackorder(
    Fact,
    type="packhorse.inventory.allocated_from_backorder.v1",
    topic=topics.INVENTORY_RESERVATIONS,
    key="order_id",
    planned=True,
):
    """What the order waited for has come in and is set aside."""

    order_id: OrderId
    at: At
    allocations: Allocations


class InventoryLevelChanged(
    Fact,
    type="packhorse.inventory.level_changed.v1",
    topic=topics.INVENTORY_STOCK,
    key=("sku", "location"),
    snapshot=True,
):
    """The stock of a SKU at a location as it is now."""

    sku: Sku
    location: LocationId
    at: At
    on_hand: OnHand
    reserved: Count = Field(description="Pieces set aside for orders")
    safety_stock: Count = Field(description="Pieces kept back from promises")
    damaged: Count = Field(description="Pieces that can't be sold")
    incoming: Count = Field(description="Pieces ordered from suppliers, not yet in")
    available_to_promise: Available
    version: Version = Field(description="Rises with every change of this SKU and location")
    picked: Count | None = Field(
        None, description="Of those on hand, pieces that were picked for an order and haven't left yet"
    )
    unexplained: Count | None = Field(
        None, description="Of those on hand, pieces that by the warehouse's word aren't there, and are reserved"
    )


class InventoryLowStock(Fact, type="packhorse.inventory.low_stock.v1", topic=topics.INVENTORY_ALERTS, key="sku"):
    """Little is left."""

    sku: Sku
    location: LocationId
    at: At
    available_to_promise: Available
    threshold: Count = Field(description="Pieces at or below which it is said")


class InventoryStockAdjusted(
    Fact, type="packhorse.inventory.stock_adjusted.v1", topic=topics.INVENTORY_ALERTS, key="sku"
):
    """The books were put right."""

    sku: Sku
    location: LocationId
    at: At
    from_: Count = Field(alias="from", description="Pieces in the books before")
    to: Count = Field(description="Pieces in the books now")
    cause: Text = Field(description="Why, in a word or a sentence")


class InventoryReplenishmentProposed(
    Fact,
    type="packhorse.inventory.replenishment_proposed.v1",
    topic=topics.INVENTORY_REPLENISHMENT,
    key="sku",
    subject="proposal_id",
    planned=True,
):
    """More should be ordered from the supplier."""

    proposal_id: ProposalId
    sku: Sku
    location: LocationId
    at: At
    supplier: Id = Field(description="Whom to order from")
    quantity: Pieces
    reason: Text = Field(description="How the quantity came about")
    forecast: Count | None = Field(None, description="Pieces expected to sell until the next delivery")


class InventoryReplenishmentReceived(
    Fact,
    type="packhorse.inventory.replenishment_received.v1",
    topic=topics.INVENTORY_REPLENISHMENT,
    key="sku",
    subject="proposal_id",
    planned=True,
):
    """What a proposal asked for has come in."""

    proposal_id: ProposalId
    sku: Sku
    receipt_id: Id = Field(description="The warehouse's id of the receipt")
    at: At
    lines: tuple[ReceivedStock, ...] = Field(description="What came in, and where")
