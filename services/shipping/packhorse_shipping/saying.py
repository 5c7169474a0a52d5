"""The facts that follow from a fulfilment order as it stands."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Reason, SkuLine
from packhorse_contracts.shipping import (
    PickLine,
    PlannedShipment,
    ShippingDelivered,
    ShippingDispatched,
    ShippingLost,
    ShippingPacked,
    ShippingPicked,
    ShippingPickListIssued,
    ShippingPickListWithdrawn,
    ShippingPlanned,
    ShippingReturnedToSender,
    ShippingShortPicked,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
    ShortPickedLine,
)

from packhorse_shipping.shipment import Line, ParcelEnd, Shipment
from packhorse_shipping.state import OrderShipments

UNTOLD = "other"
"""The reason of a short pick for which the warehouse gave none."""


GIFT = "A gift: print each line's gift_message on a card and put it in. No prices in the parcel."
"""For the packer, whose system may not know of messages on lines."""

ENDED: Final[dict[ParcelEnd, type[ShippingDelivered | ShippingReturnedToSender | ShippingLost]]] = {
    "delivered": ShippingDelivered,
    "returned": ShippingReturnedToSender,
    "lost": ShippingLost,
    "cancelled": ShippingReturnedToSender,
}
"""What each end means for the goods. What the carrier doesn't carry stays with the sender, or goes back."""


def planned(order_id: str, shipments: Iterable[Shipment], part: int | None, now: datetime) -> ShippingPlanned:
    """What to expect of what was confirmed."""
    return ShippingPlanned(
        order_id=order_id,
        at=now,
        shipments=tuple(
            PlannedShipment(
                shipment_id=shipment.shipment_id,
                location=shipment.location,
                lines=_sku_lines((line, line.quantity) for line in shipment.lines),
            )
            for shipment in shipments
        ),
        part=part,
    )


def issued(order: OrderShipments, shipment: Shipment, now: datetime) -> ShippingPickListIssued:
    """What the warehouse is asked to do."""
    return ShippingPickListIssued(
        pick_list_id=shipment.pick_list_id,
        order_id=order.order_id,
        shipment_id=shipment.shipment_id,
        location=shipment.location,
        priority=order.priority,
        ship_by=shipment.ship_by or order.ship_by or now,
        service=order.service,
        ship_to=order.ship_to,
        lines=tuple(
            PickLine(
                line_id=line.line_id,
                sku=line.sku,
                title=line.title,
                quantity=line.quantity,
                gift_message=line.gift_message,
            )
            for line in shipment.lines
        ),
        packing_note=GIFT if any(line.gift_message for line in shipment.lines) else None,
    )


def recalled(order: OrderShipments, shipment: Shipment, reason: str) -> ShippingPickListWithdrawn:
    """The warehouse is asked to stop."""
    return ShippingPickListWithdrawn(
        pick_list_id=shipment.pick_list_id, order_id=order.order_id, location=shipment.location, reason=reason
    )


def withdrawn(order: OrderShipments, shipment: Shipment, now: datetime) -> ShippingWithdrawn:
    """It will not ship. Its lines leave out what was told to be short; none are left where all of it was."""
    lines = _sku_lines((line, line.remaining) for line in shipment.lines)
    return ShippingWithdrawn(
        order_id=order.order_id, shipment_id=shipment.shipment_id, at=now, location=shipment.location, lines=lines
    )


def refused(
    order: OrderShipments, shipment: Shipment, now: datetime, code: str, message: str
) -> ShippingWithdrawalRefused:
    """It ships all the same."""
    reason = Reason(code=code, message=message)
    return ShippingWithdrawalRefused(order_id=order.order_id, shipment_id=shipment.shipment_id, at=now, reason=reason)


def short_picked(order: OrderShipments, shipment: Shipment, now: datetime) -> ShippingShortPicked:
    """All that is missing so far: lines, each with the pieces that there are of it."""
    return ShippingShortPicked(
        order_id=order.order_id,
        shipment_id=shipment.shipment_id,
        at=now,
        location=shipment.location,
        lines=tuple(
            ShortPickedLine(
                line_id=line.line_id,
                sku=line.sku,
                wanted=line.quantity,
                picked=line.remaining,
                reason=line.reason or UNTOLD,
            )
            for line in shipment.lines
            if line.remaining != line.quantity
        ),
    )


def picked(order: OrderShipments, shipment: Shipment, at: datetime) -> ShippingPicked:
    """It was taken from the shelf: all that was picked, whatever becomes of it."""
    return ShippingPicked(
        order_id=order.order_id,
        shipment_id=shipment.shipment_id,
        pick_list_id=shipment.pick_list_id,
        location=shipment.location,
        at=at,
        lines=_sku_lines((line, line.picked or 0) for line in shipment.lines),
    )


def packed(order: OrderShipments, shipment: Shipment, now: datetime) -> ShippingPacked:
    """It is in closed packages."""
    return ShippingPacked(order_id=order.order_id, shipment_id=shipment.shipment_id, at=now, packages=shipment.packages)


def dispatched(order: OrderShipments, shipment: Shipment, now: datetime, carrier: str) -> ShippingDispatched:
    """It is on its way: exactly what was picked and not lost until it was packed."""
    return ShippingDispatched(
        order_id=order.order_id,
        shipment_id=shipment.shipment_id,
        pick_list_id=shipment.pick_list_id,
        location=shipment.location,
        at=now,
        carrier=carrier,
        service=order.service,
        tracking_numbers=shipment.tracking_numbers,
        lines=_sku_lines((line, line.remaining) for line in shipment.lines),
        packages=shipment.packages,
    )


def ended(
    order: OrderShipments, shipment: Shipment, now: datetime, number: str, end: ParcelEnd, detail: str | None
) -> Fact:
    """A parcel's way is over, and that of what is inside."""
    parcel = shipment.parcel(number)
    inside = shipment.inside(parcel)
    return ENDED[end](
        order_id=order.order_id,
        shipment_id=shipment.shipment_id,
        at=now,
        tracking_number=parcel[-1].tracking_number,
        detail=detail,
        lines=None if inside is None else _sku_lines((line, inside.get(line.line_id, 0)) for line in shipment.lines),
    )


def _sku_lines(pieces: Iterable[tuple[Line, int]]) -> tuple[SkuLine, ...]:
    return tuple(
        SkuLine(line_id=line.line_id, sku=line.sku, quantity=quantity) for line, quantity in pieces if quantity
    )
