"""What the inventory service says."""

from pydantic import Field

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import (
    Count,
    Fact,
    Id,
    Text,
    Utc,
)


class InventoryReserved(
    Fact, type="packhorse.inventory.reserved.v1", topic=topics.INVENTORY_RESERVATIONS, key="order_id"
):
    """All of the order is set aside."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    allocations: tuple[blocks.Allocation, ...]
    expires_at: Utc | None = None


class InventoryReservationRefused(
    Fact, type="packhorse.inventory.reservation_refused.v1", topic=topics.INVENTORY_RESERVATIONS, key="order_id"
):
    """Stock can't serve the order; nothing is set aside."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    short: tuple[blocks.ShortLine, ...]


class InventoryReservationReleased(
    Fact, type="packhorse.inventory.reservation_released.v1", topic=topics.INVENTORY_RESERVATIONS, key="order_id"
):
    """What was set aside is free again."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    lines: tuple[blocks.SkuLine, ...]


class InventoryReservationExpired(
    Fact, type="packhorse.inventory.reservation_expired.v1", topic=topics.INVENTORY_RESERVATIONS, key="order_id"
):
    """What was set aside too long is free again."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    lines: tuple[blocks.SkuLine, ...]


class InventoryLevelChanged(
    Fact, type="packhorse.inventory.level_changed.v1", topic=topics.INVENTORY_STOCK, key="sku", snapshot=True
):
    """The stock of a SKU at a location as it is now."""

    sku: Id
    location: Id
    at: Utc = Field(description="When it became true")
    on_hand: Count
    reserved: Count
    safety_stock: Count
    damaged: Count
    incoming: Count
    available_to_promise: Count
    version: int = Field(ge=1, description="Rises with every change of this SKU and location")

    @property
    def subject(self) -> str:
        """The stock cell: a later level of the same cell replaces this one."""
        return f"{self.sku}@{self.location}"


class InventoryLowStock(Fact, type="packhorse.inventory.low_stock.v1", topic=topics.INVENTORY_STOCK, key="sku"):
    """Little is left."""

    sku: Id
    location: Id
    at: Utc = Field(description="When it became true")
    available_to_promise: Count
    threshold: Count


class InventoryStockAdjusted(
    Fact, type="packhorse.inventory.stock_adjusted.v1", topic=topics.INVENTORY_STOCK, key="sku"
):
    """The books were put right."""

    sku: Id
    location: Id
    at: Utc = Field(description="When it became true")
    from_: Count = Field(alias="from")
    to: Count
    cause: Text
