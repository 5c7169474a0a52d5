"""What follows from a carrier's news of a parcel. Pure.

News are monotone for each number: what was delivered or came back has ended for good, and before that what the carrier
saw later counts, whatever the order in which it is heard. A parcel that is lost, or that the carrier has cancelled, has
ended as well, until it is heard of as delivered or coming back: carriers find parcels again.
"""

from dataclasses import replace
from typing import Final, get_args

from packhorse_contracts.carrier import TrackingStatus, TrackingUpdated
from packhorse_contracts.shipping import ShippingDeliveryFailed, ShippingOutForDelivery

from packhorse_shipping import saying
from packhorse_shipping.keeping import ShippingTurn
from packhorse_shipping.shipment import ParcelEnd, Shipment, ShipmentState, ShippedParcel
from packhorse_shipping.state import OrderShipments, Tracking

FINAL: Final[frozenset[TrackingStatus]] = frozenset({"delivered", "return_to_sender"})
ENDS: Final[dict[TrackingStatus, ParcelEnd]] = {
    "delivered": "delivered",
    "return_to_sender": "returned",
    "cancelled": "cancelled",
    "lost": "lost",
}

_BEST_FIRST: Final = get_args(ParcelEnd)

TOLD: Final[dict[TrackingStatus, int]] = {
    "out_for_delivery": 1,
    "delivery_failed": 2,
    **dict.fromkeys(ENDS, 3),
}
"""The statuses that others hear of, and which of them wins where a carrier saw several at one time."""


def advance(before: Tracking | None, update: TrackingUpdated) -> Tracking:
    """What is known of a number after this update: `before` itself where it says nothing new."""
    if before is not None:
        if before.status in FINAL:
            return before
        later = (update.at, TOLD.get(update.status, 0)) > (before.at, TOLD.get(before.status, 0))
        if not later and update.status not in FINAL:
            return before
    words = [update.status if update.status in ("lost", "cancelled") else None, update.incident]
    return Tracking(update.status, update.at, ", ".join(word for word in words if word) or None)


def tell(
    turn: ShippingTurn, order: OrderShipments, shipment: Shipment, tracking_number: str, tracking: Tracking
) -> Shipment:
    """Says what a parcel's new status means for its shipment, and gives that as it is then."""
    if not shipment.parcel(tracking_number):
        return shipment
    if tracking.status in ENDS:
        return _end(turn, order, shipment, tracking_number, ENDS[tracking.status], tracking.detail)
    news = ShippingOutForDelivery if tracking.status == "out_for_delivery" else ShippingDeliveryFailed
    turn.say(
        news(
            order_id=order.order_id,
            shipment_id=shipment.shipment_id,
            at=turn.now,
            tracking_number=tracking_number,
            detail=tracking.detail,
        )
    )
    return shipment


def _end(
    turn: ShippingTurn,
    order: OrderShipments,
    shipment: Shipment,
    tracking_number: str,
    end: ParcelEnd,
    detail: str | None,
) -> Shipment:
    """A parcel's way is over, for all that is inside. One that was lost or came back may be delivered after all."""
    ending = [
        parcel
        for parcel in shipment.parcel(tracking_number)
        if parcel.ended is None or _BEST_FIRST.index(end) < _BEST_FIRST.index(parcel.ended)
    ]
    if not ending:
        return shipment
    parcels = tuple(replace(one, ended=end) if one in ending else one for one in shipment.parcels)
    shipment = with_state(replace(shipment, parcels=parcels))
    if not all(one.ended and saying.ENDED[one.ended] is saying.ENDED[end] for one in ending):
        turn.say(saying.ended(order, shipment, turn.now, tracking_number, end, detail))
    return shipment


def relabelled(shipment: Shipment, parcels: tuple[ShippedParcel, ...]) -> Shipment:
    """The same with these parcels in place of its own. A number that has ended stays so, whatever is under it now."""
    ends = {one.tracking_number: one.ended for one in shipment.parcels}
    shipment = replace(shipment, parcels=tuple(replace(one, ended=ends.get(one.tracking_number)) for one in parcels))
    return with_state(
        replace(shipment, parcels=tuple(replace(one, ended=_end_of(shipment, one)) for one in shipment.parcels))
    )


def tell_ends_anew(turn: ShippingTurn, order: OrderShipments, before: Shipment, shipment: Shipment) -> None:
    """Readers know a parcel by its last label: where that is another one now, they hear of its end under it."""
    told = set(before.tracking_numbers)
    for number in shipment.tracking_numbers:
        end = shipment.parcel(number)[-1].ended
        if end is not None and number not in told:
            turn.say(saying.ended(order, shipment, turn.now, number, end, None))


def _end_of(shipment: Shipment, one: ShippedParcel) -> ParcelEnd | None:
    ends = {part.ended for part in shipment.parcel(one.tracking_number)}
    return next((end for end in _BEST_FIRST if end in ends), None)


def with_state(shipment: Shipment) -> Shipment:
    """The same, in the state that follows from its parcels' ends."""
    ends = {parcel.ended for parcel in shipment.parcels}
    state: ShipmentState = "delivered" if ends == {"delivered"} else "closed"
    return replace(shipment, state="dispatched" if None in ends else state)
