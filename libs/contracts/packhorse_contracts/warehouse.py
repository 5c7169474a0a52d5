"""What warehouse systems say."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from packhorse_contracts import blocks, registry, topics
from packhorse_contracts.base import Day, Fact, Given, Id, Many, MaybeCode, Model, Text, Utc
from packhorse_contracts.fields import (
    Carrier,
    LineId,
    LocationId,
    OnHand,
    PickListId,
    PiecesOrNone,
    ReturnId,
    Sku,
    WrittenTrackingNumber,
)

RejectionReason = Literal["incorrect_address", "ineligible_product", "out_of_stock", "undeliverable", "other"]
Condition = Literal["sellable", "damaged", "missing"]
ShortReason = Annotated[MaybeCode, Field(json_schema_extra={"x-expect-more": ["out_of_stock", "not_found", "damaged"]})]
Why = Annotated[Text, Field(description="A sentence for people")]


class PickedLine(Model):
    """What was really picked of a line."""

    line_id: LineId
    picked: OnHand = Field(description="Pieces that were picked, at most those wanted")
    short_reason: Given[ShortReason] = Field(None, description="Why fewer than wanted; the list may grow")


class ReceivedLine(Model):
    """Goods that came in."""

    sku: Sku
    quantity: PiecesOrNone
    lot: Id | None = Field(None, description="The supplier's lot or batch")
    expires_on: Day | None = Field(None, description="Last day on which it may be sold")


class ReturnedLine(Model):
    """Goods that came back."""

    line_id: LineId
    sku: Sku
    quantity: PiecesOrNone
    condition: Condition = Field(description="What was found when it was looked at")


class _Done(Fact):
    MOMENT: ClassVar[str] = "at"

    at: Utc | None = Field(None, description="When the warehouse did it; absent: the event's time")


class PickListAccepted(
    _Done, type="packhorse.warehouse.pick_list_accepted.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """The warehouse will pick it."""

    pick_list_id: PickListId


class PickListRejected(
    _Done, type="packhorse.warehouse.pick_list_rejected.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """The warehouse will not pick it."""

    pick_list_id: PickListId
    reason: RejectionReason = Field(description="Why not")
    lines: Many[blocks.LineQuantity] | None = Field(None, description="The lines at fault; absent for all")


class WithdrawalAccepted(
    _Done, type="packhorse.warehouse.withdrawal_accepted.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """The warehouse stopped in time."""

    pick_list_id: PickListId
    reason: Given[Why] = None


class WithdrawalRejected(
    _Done, type="packhorse.warehouse.withdrawal_rejected.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """Too late: it goes out."""

    pick_list_id: PickListId
    reason: Given[Why] = None


class PickCompleted(
    _Done, type="packhorse.warehouse.pick_completed.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"
):
    """Picking ended, possibly short."""

    pick_list_id: PickListId
    lines: Many[PickedLine] = Field(description="What was picked, line by line")


class Packed(_Done, type="packhorse.warehouse.packed.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"):
    """The goods are in closed packages."""

    pick_list_id: PickListId
    packages: Many[blocks.Package] = Field(description="All packages of the pick list")


class HandedOverV1(Fact, type="packhorse.warehouse.handed_over.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"):
    """The carrier has it (old form: tracking numbers without their packages)."""

    pick_list_id: PickListId
    carrier: Carrier
    tracking_numbers: Many[WrittenTrackingNumber] = Field(description="One for each parcel")


class HandedOver(_Done, type="packhorse.warehouse.handed_over.v2", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"):
    """The carrier has it."""

    pick_list_id: PickListId
    carrier: Carrier
    parcels: Many[blocks.Parcel] = Field(description="What the carrier took: all of the pick list")


@registry.upcaster(HandedOverV1, HandedOver)
def parcels_from_tracking_numbers(old: HandedOverV1) -> HandedOver:
    """Version 1 named tracking numbers alone; which package each belongs to stays unknown."""
    parcels = tuple(blocks.Parcel(tracking_number=number) for number in old.tracking_numbers)
    return HandedOver(pick_list_id=old.pick_list_id, carrier=old.carrier, parcels=parcels)


class Collected(_Done, type="packhorse.warehouse.collected.v1", topic=topics.WAREHOUSE_EVENTS, key="pick_list_id"):
    """The customer fetched it."""

    pick_list_id: PickListId
    collected_by: Given[Text] = Field(None, description="Who fetched it, as they signed")


class StockReceived(
    _Done,
    type="packhorse.warehouse.stock_received.v1",
    topic=topics.WAREHOUSE_EVENTS,
    key="receipt_id",
    answered_by="inventory",
):
    """Goods came in."""

    receipt_id: Id = Field(description="The warehouse's id of the receipt; one receipt counts once")
    location: LocationId
    purchase_order: Id | None = Field(None, description="What they were ordered with")
    lines: Many[ReceivedLine] = Field(description="What came in")


class StockCounted(
    _Done,
    type="packhorse.warehouse.stock_counted.v1",
    topic=topics.WAREHOUSE_EVENTS,
    key="sku",
    answered_by="inventory",
):
    """Somebody counted what is there."""

    count_id: Id = Field(description="The warehouse's id of the count; one count counts once")
    location: LocationId
    sku: Sku
    counted: OnHand


class StockMoved(
    _Done,
    type="packhorse.warehouse.stock_moved.v1",
    topic=topics.WAREHOUSE_EVENTS,
    key="sku",
    answered_by="inventory",
):
    """Goods went from one location to another."""

    move_id: Id = Field(description="The warehouse's id of the move; one move counts once")
    from_: LocationId = Field(alias="from", description="The location they left")
    to: LocationId = Field(description="The location they came to")
    sku: Sku
    quantity: PiecesOrNone


class ReturnReceived(
    _Done, type="packhorse.warehouse.return_received.v1", topic=topics.WAREHOUSE_EVENTS, key="return_id"
):
    """A return arrived and was looked at."""

    return_id: ReturnId
    location: LocationId
    lines: Many[ReturnedLine] = Field(description="What was in it")
