"""Reactions to the carrier: where parcels are. A parcel's status only ever moves on. Pure."""

from datetime import datetime

from packhorse_chassis.reaction import Decisions, Others, RefusedError
from packhorse_contracts.base import Fact
from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDeliveryFailed,
    ShippingOutForDelivery,
    ShippingReturnedToSender,
)

from packhorse_shipping.state import SHIPMENTS, ParcelRef, ParcelStatus

MEANING: dict[str, ParcelStatus] = {
    "picked_up": "on_the_way",
    "in_transit": "on_the_way",
    "delivery_delayed": "on_the_way",
    "on_hold": "on_the_way",
    "ready_for_pickup": "out_for_delivery",
    "out_for_delivery": "out_for_delivery",
    "delivery_failed": "delivery_failed",
    "delivered": "delivered",
    "return_to_sender": "returned",
    "lost": "returned",
    "cancelled": "returned",
}
"""What a carrier's status says of a parcel; those that aren't here (pending, unknown) say nothing new."""

RANK: dict[ParcelStatus, int] = {
    "dispatched": 0,
    "on_the_way": 1,
    "out_for_delivery": 2,
    "delivery_failed": 3,
    "delivered": 4,
    "returned": 4,
}
"""A status of a lower rank that comes late changes nothing."""


def track(kept: ParcelRef, update: TrackingUpdated, now: datetime, others: Others) -> Decisions[ParcelRef]:
    """Moves a parcel on; the shipment is delivered once all of its parcels are."""
    if kept.order_id is None or kept.shipment_id is None:
        raise RefusedError("unknown_parcel", "no shipment has this tracking number", "tracking_number", retryable=True)
    shipments = others.get(SHIPMENTS, kept.order_id)
    part = shipments.orders[kept.shipment_id]
    number = update.tracking_number
    before, after = part.parcels[number], MEANING.get(update.status)
    if after is None or RANK[after] <= RANK[before]:
        return Decisions(kept)
    parcels = part.parcels | {number: after}
    said: list[Fact] = []
    about = {
        "order_id": kept.order_id,
        "shipment_id": part.shipment_id,
        "at": now,
        "tracking_number": number,
        "detail": update.place,
    }
    status = part.status
    if after == "out_for_delivery":
        said.append(ShippingOutForDelivery.model_validate(about))
    elif after == "delivery_failed":
        said.append(ShippingDeliveryFailed.model_validate(about))
    elif all(RANK[each] == RANK["delivered"] for each in parcels.values()):
        came_back = "returned" in parcels.values()
        status = "returned" if came_back else "delivered"
        said.append((ShippingReturnedToSender if came_back else ShippingDelivered).model_validate(about))
    changed = shipments.with_(part.model_copy(update={"parcels": parcels, "status": status}))
    return Decisions(kept, events=said, others={SHIPMENTS.ref(kept.order_id): changed})
