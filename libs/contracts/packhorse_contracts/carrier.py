"""What carriers say."""

from typing import Literal

from pydantic import Field

from packhorse_contracts import topics
from packhorse_contracts.base import Fact, Given, Text, Utc
from packhorse_contracts.fields import WrittenTrackingNumber

TrackingStatus = Literal[
    "pending",
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "ready_for_pickup",
    "delivered",
    "delivery_delayed",
    "delivery_failed",
    "on_hold",
    "return_to_sender",
    "cancelled",
    "lost",
    "unknown",
]
Incident = Literal["carrier", "retailer", "consignee", "customs", "weather", "other"]


class TrackingUpdated(
    Fact, type="packhorse.carrier.tracking_updated.v1", topic=topics.CARRIER_TRACKING, key="tracking_number"
):
    """Where a parcel is."""

    tracking_number: WrittenTrackingNumber
    status: TrackingStatus = Field(description="Where it stands, in the words all carriers share")
    incident: Incident | None = Field(None, description="Who or what caused a delay or a failure")
    carrier_code: Given[Text] = Field(None, description="The carrier's own code for the status")
    at: Utc = Field(description="When the carrier saw it")
    place: Given[Text] = Field(None, description="Where the carrier saw it")
