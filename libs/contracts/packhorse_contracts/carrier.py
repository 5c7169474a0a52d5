"""What carriers say."""

from typing import Literal

from packhorse_contracts import topics
from packhorse_contracts.base import (
    Fact,
    Id,
    Text,
    Utc,
)


class TrackingUpdated(
    Fact, type="packhorse.carrier.tracking_updated.v1", topic=topics.CARRIER_TRACKING, key="tracking_number"
):
    """Where a parcel is."""

    tracking_number: Id
    status: Literal[
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
    incident: Literal["carrier", "retailer", "consignee", "customs", "weather", "other"] | None = None
    carrier_code: Text | None = None
    at: Utc
    place: Text | None = None
