"""Whose a parcel is, and where: the row of a tracking number. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.carrier import TrackingUpdated

from packhorse_shipping import tracking
from packhorse_shipping.keeping import ShippingTurn, keep
from packhorse_shipping.shipment import Shipment
from packhorse_shipping.state import ORDER_SHIPMENTS, PARCEL, OrderShipments, Parcel, ParcelRef
from packhorse_shipping.timers import ParcelForgotten, ParcelUnclaimed

FORGOTTEN_AFTER: Final = timedelta(days=30)
"""So long the news of a parcel are kept that nobody hands over: warehouses are late by hours, their systems by days."""


def claim(turn: ShippingTurn, order: OrderShipments, shipment: Shipment, numbers: Iterable[str]) -> Shipment:
    """These numbers are this shipment's; what the carrier has said of them already counts now.

    Shipments of one order may share a number. Another order's must have ended: carriers use numbers again.
    """
    for place, number in enumerate(numbers):
        parcel = turn.get(PARCEL, number)
        if parcel.order_id not in (None, order.order_id):
            if parcel.tracking is None or parcel.tracking.status not in tracking.ENDS:
                raise RefusedError(
                    "tracking_number_taken",
                    f"{number} is on a parcel of order {parcel.order_id}, whose way hasn't ended",
                    f"parcels.{place}.tracking_number",
                    retryable=True,
                )
            parcel = Parcel(number, since=parcel.tracking.at)
        if shipment.shipment_id in parcel.shipment_ids:
            continue
        shipments = (*parcel.shipment_ids, shipment.shipment_id)
        turn.keep(PARCEL, number, replace(parcel, order_id=order.order_id, shipment_ids=shipments))
        if parcel.order_id is None and parcel.tracking is not None:
            turn.forget(ParcelUnclaimed, key=number)
            turn.forget(ParcelForgotten, key=number)
        if parcel.tracking is not None and parcel.tracking.status in tracking.TOLD:
            shipment = tracking.tell(turn, order, shipment, number, parcel.tracking)
    return shipment


def release(turn: ShippingTurn, shipment: Shipment, numbers: Iterable[str]) -> None:
    """These numbers aren't this shipment's after all: its warehouse has corrected itself."""
    for number in numbers:
        parcel = turn.get(PARCEL, number)
        left = tuple(one for one in parcel.shipment_ids if one != shipment.shipment_id)
        turn.keep(PARCEL, number, replace(parcel, shipment_ids=left, order_id=parcel.order_id if left else None))


def follow_parcel(turn: ShippingTurn, ref: ParcelRef, fact: TrackingUpdated) -> ParcelRef:
    """Where a parcel is. One that nobody handed over yet is kept in mind, for a while without a word."""
    number = ref.tracking_number
    parcel = turn.get(PARCEL, number)
    if parcel.since is not None and fact.at <= parcel.since:
        return ref  # of the parcel that had this number before
    after = tracking.advance(parcel.tracking, fact)
    if after is None or after is parcel.tracking:
        return ref
    turn.keep(PARCEL, number, replace(parcel, tracking=after))
    if parcel.order_id is None:
        if parcel.tracking is None:
            turn.remind(ParcelUnclaimed(tracking_number=number), turn.now + turn.policy.claim_within, key=number)
            turn.remind(ParcelForgotten(tracking_number=number), turn.now + FORGOTTEN_AFTER, key=number)
    elif (parcel.tracking is None or after.status != parcel.tracking.status) and after.status in tracking.TOLD:
        order = turn.get(ORDER_SHIPMENTS, parcel.order_id)
        for shipment_id in parcel.shipment_ids:
            shipment = order.shipment(shipment_id)
            if (told := tracking.tell(turn, order, shipment, number, after)) is not shipment:
                order = keep(turn, order, told)
        turn.keep(ORDER_SHIPMENTS, order.order_id, order)
    return ref if ref.order_id == parcel.order_id else replace(ref, order_id=parcel.order_id)


def give_up_unclaimed(turn: ShippingTurn, ref: ParcelRef, _timer: ParcelUnclaimed) -> ParcelRef:
    """Nobody handed this parcel over: an operator should look. Its news still count if somebody does."""
    parcel = turn.get(PARCEL, ref.tracking_number)
    if parcel.order_id is None and parcel.tracking is not None:
        raise RefusedError(
            "unknown_parcel",
            f"the carrier reports {parcel.tracking_number}, which no warehouse has handed over",
            "tracking_number",
            retryable=True,
        )
    return ref


def forget_unclaimed(turn: ShippingTurn, ref: ParcelRef, _timer: ParcelForgotten) -> ParcelRef:
    """Nobody ever handed this parcel over, so it is none of ours: its news are forgotten."""
    parcel = turn.get(PARCEL, ref.tracking_number)
    if parcel.order_id is None and parcel.tracking is not None:
        turn.keep(PARCEL, ref.tracking_number, Parcel.empty(ref.tracking_number))
    return ref
