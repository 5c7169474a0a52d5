"""Whose a parcel is, and where it is. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.carrier import TrackingUpdated

from packhorse_shipping import tracking
from packhorse_shipping.keeping import ShippingTurn, keep
from packhorse_shipping.shipment import Shipment
from packhorse_shipping.state import PARCELS, OrderShipments, ParcelOf


def claim(
    turn: ShippingTurn, order: OrderShipments, shipment: Shipment, numbers: Iterable[tuple[int, str]]
) -> tuple[OrderShipments, Shipment]:
    """These numbers, each with its place in the fact, are this shipment's. What the carrier has said of them counts.

    Shipments of one order may share a number. Another order's must have ended: carriers use numbers again.
    """
    for place, number in numbers:
        name = turn.get(PARCELS, number)
        if name.subject not in ("", order.order_id):
            if name.tracking is None or name.tracking.status not in tracking.ENDS:
                raise RefusedError(
                    "tracking_number_taken",
                    f"{number} is on a parcel of order {name.subject}, whose way hasn't ended",
                    f"parcels.{place}.tracking_number",
                    retryable=True,
                )
            name = ParcelOf(since=name.tracking.at)
        if name.subject != order.order_id:
            turn.keep(PARCELS, number, ParcelOf(order.order_id, name.since))
            if name.tracking is not None:
                order = replace(order, tracked={**order.tracked, number: name.tracking})
        known = order.tracked.get(number)
        if known is not None and known.status in tracking.TOLD:
            shipment = tracking.tell(turn, order, shipment, number, known)
    return order, shipment


def release(turn: ShippingTurn, order: OrderShipments, shipment: Shipment, numbers: Iterable[str]) -> OrderShipments:
    """These numbers aren't this shipment's after all: its warehouse has corrected itself."""
    others = [one for one in order.shipments if one.shipment_id != shipment.shipment_id]
    for number in numbers:
        name = turn.get(PARCELS, number)
        if name.subject != order.order_id or any(one.parcel(number) for one in others):
            continue
        tracked = dict(order.tracked)
        turn.keep(PARCELS, number, ParcelOf(since=name.since, tracking=tracked.pop(number, None)))
        order = replace(order, tracked=tracked)
    return order


def follow_parcel(turn: ShippingTurn, order: OrderShipments, fact: TrackingUpdated) -> OrderShipments:
    """Where a parcel is."""
    number = fact.tracking_number
    name = turn.get(PARCELS, number)
    if name.since is not None and fact.at <= name.since:
        return order  # of the parcel that had this number before
    before = order.tracked.get(number)
    after = tracking.advance(before, fact)
    if after is before:
        return order
    order = replace(order, tracked={**order.tracked, number: after})
    if after.status in tracking.ENDS:
        turn.keep(PARCELS, number, replace(name, tracking=after))
    if (before is None or after.status != before.status) and after.status in tracking.TOLD:
        for shipment in order.shipments:
            if (told := tracking.tell(turn, order, shipment, number, after)) is not shipment:
                order = keep(turn, order, told)
    return order
