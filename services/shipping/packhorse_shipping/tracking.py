"""What follows from a carrier's news of a parcel. Pure.

News are monotone for each parcel: an end is an end, and before it what the carrier saw later counts, whatever the order
in which it is heard.
"""

from dataclasses import replace
from typing import Final

from packhorse_contracts.carrier import TrackingStatus, TrackingUpdated
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDeliveryFailed,
    ShippingOutForDelivery,
    ShippingReturnedToSender,
)

from packhorse_shipping.state import ParcelEnd, Shipment, Tracking
from packhorse_shipping.turn import Turn

ENDS: Final[dict[TrackingStatus, ParcelEnd]] = {"delivered": "delivered", "return_to_sender": "returned"}

TOLD: Final[dict[TrackingStatus, int]] = {
    "out_for_delivery": 1,
    "delivery_failed": 2,
    "lost": 2,
    "cancelled": 2,
    **dict.fromkeys(ENDS, 3),
}
"""The statuses that others hear of, and which of them wins where a carrier saw several at one time."""


def advance(before: Tracking | None, update: TrackingUpdated) -> Tracking | None:
    """What is known of a parcel after this update: `before` itself where it says nothing new."""
    if before is not None:
        if before.status in ENDS:
            return before
        later = (update.at, TOLD.get(update.status, 0)) > (before.at, TOLD.get(before.status, 0))
        if not later and update.status not in ENDS:
            return before
    words = [update.status if update.status in ("lost", "cancelled") else None, update.incident]
    return Tracking(update.status, update.at, ", ".join(word for word in words if word) or None)


def tell(turn: Turn, shipment: Shipment, tracking_number: str, tracking: Tracking) -> None:
    """Says what a parcel's new status means for its shipment."""
    if tracking.status in ENDS:
        _end(turn, shipment, tracking_number, ENDS[tracking.status], tracking.detail)
        return
    news = ShippingOutForDelivery if tracking.status == "out_for_delivery" else ShippingDeliveryFailed
    turn.say(
        news(
            order_id=turn.order.order_id,
            shipment_id=shipment.shipment_id,
            at=turn.now,
            tracking_number=tracking_number,
            detail=tracking.detail,
        )
    )


def _end(turn: Turn, shipment: Shipment, tracking_number: str, end: ParcelEnd, detail: str | None) -> None:
    """A parcel's way is over. When all are, the shipment was delivered, or some of it is coming back."""
    parcels = tuple(
        replace(parcel, ended=end) if parcel.tracking_number == tracking_number else parcel
        for parcel in shipment.parcels
    )
    shipment = replace(shipment, parcels=parcels)
    ends = {parcel.ended for parcel in parcels}
    if None not in ends:
        delivered = ends == {"delivered"}
        shipment = replace(shipment, state="delivered" if delivered else "closed")
        news = ShippingDelivered if delivered else ShippingReturnedToSender
        only = tracking_number if len(parcels) == 1 else None
        turn.say(
            news(
                order_id=turn.order.order_id,
                shipment_id=shipment.shipment_id,
                at=turn.now,
                tracking_number=only,
                detail=detail,
            )
        )
    turn.keep(shipment)
