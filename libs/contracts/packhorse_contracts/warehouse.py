"""What warehouse systems say."""

from typing import Annotated, Literal

from pydantic import Field

from packhorse_contracts import blocks, registry, topics
from packhorse_contracts.base import (
    Count,
    Fact,
    Id,
    Model,
    Quantity,
    Text,
)

RejectionReason = Literal["incorrect_address", "ineligible_product", "out_of_stock", "undeliverable", "other"]


class PickedLine(Model):
    """What was really picked of a line."""

    line_id: Id
    picked: Count
    short_reason: Text | None = None


class ReceivedLine(Model):
    """Goods that came in."""

    sku: Id
    quantity: Quantity
    lot: Id | None = None
    expires_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None


class ReturnedLine(Model):
    """Goods that came back."""

    line_id: Id
    sku: Id
    quantity: Quantity
    condition: Literal["sellable", "damaged", "missing"]


class PickListAccepted(
    Fact, type="packhorse.warehouse.pick_list_accepted.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """The warehouse will pick it."""

    pick_list_id: Id


class PickListRejected(
    Fact, type="packhorse.warehouse.pick_list_rejected.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """The warehouse will not pick it."""

    pick_list_id: Id
    reason: RejectionReason
    lines: tuple[blocks.LineQuantity, ...] | None = None


class WithdrawalAccepted(
    Fact, type="packhorse.warehouse.withdrawal_accepted.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """The warehouse stopped in time."""

    pick_list_id: Id
    reason: Text | None = None


class WithdrawalRejected(
    Fact, type="packhorse.warehouse.withdrawal_rejected.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """Too late: it goes out."""

    pick_list_id: Id
    reason: Text | None = None


class PickCompleted(
    Fact, type="packhorse.warehouse.pick_completed.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """Picking ended, possibly short."""

    pick_list_id: Id
    lines: tuple[PickedLine, ...]


class Packed(Fact, type="packhorse.warehouse.packed.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"):
    """The goods are in closed packages."""

    pick_list_id: Id
    packages: tuple[blocks.Package, ...]


class HandedOverV1(Fact, type="packhorse.warehouse.handed_over.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"):
    """The carrier has it (old form: tracking numbers without their packages)."""

    pick_list_id: Id
    carrier: Id
    tracking_numbers: tuple[Id, ...]


class HandedOver(Fact, type="packhorse.warehouse.handed_over.v2", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"):
    """The carrier has it."""

    pick_list_id: Id
    carrier: Id
    parcels: tuple[blocks.Parcel, ...]


@registry.upcaster(HandedOverV1, HandedOver)
def parcels_from_tracking_numbers(old: HandedOverV1) -> HandedOver:
    """Version 1 named tracking numbers alone; which package each belongs to stays unknown."""
    parcels = tuple(blocks.Parcel(tracking_number=number) for number in old.tracking_numbers)
    return HandedOver(pick_list_id=old.pick_list_id, carrier=old.carrier, parcels=parcels)


class Collected(Fact, type="packhorse.warehouse.collected.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"):
    """The customer fetched it."""

    pick_list_id: Id
    collected_by: Text | None = None


class StockReceived(
    Fact, type="packhorse.warehouse.stock_received.v1", topic=topics.WAREHOUSE_EVENTS, key="receipt_id"
):
    """Goods came in."""

    receipt_id: Id
    location: Id
    purchase_order: Id | None = None
    lines: tuple[ReceivedLine, ...]


class StockCounted(Fact, type="packhorse.warehouse.stock_counted.v1", topic=topics.WAREHOUSE_EVENTS, key="sku"):
    """Somebody counted what is there."""

    count_id: Id
    location: Id
    sku: Id
    counted: Count


class StockMoved(Fact, type="packhorse.warehouse.stock_moved.v1", topic=topics.WAREHOUSE_EVENTS, key="sku"):
    """Goods went from one location to another."""

    move_id: Id
    from_: Id = Field(alias="from")
    to: Id
    sku: Id
    quantity: Quantity


class ReturnReceived(
    Fact, type="packhorse.warehouse.return_received.v1", topic=topics.WAREHOUSE_EVENTS, key="return_id"
):
    """A return arrived and was looked at."""

    return_id: Id
    location: Id
    lines: tuple[ReturnedLine, ...]
