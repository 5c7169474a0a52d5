"""Whose a parcel is, and where: the row of a tracking number. Pure."""

from dataclasses import replace
from datetime import datetime

from packhorse_chassis.reaction import CancelTimer, Decisions, Others, RefusedError, SetTimer
from packhorse_contracts.carrier import TrackingUpdated

from packhorse_shipping import tracking
from packhorse_shipping.policies import Policy
from packhorse_shipping.state import Parcel
from packhorse_shipping.timers import ClaimParcel, ParcelUnclaimed
from packhorse_shipping.turn import Turn


def claim_parcel(turn: Turn, parcel: Parcel, timer: ClaimParcel) -> Parcel:
    """A parcel becomes known as a shipment's; what the carrier has said of it already counts now.

    Carriers use numbers again: one whose parcel has ended may be another's.
    """
    known = parcel.tracking
    if parcel.shipment_id is not None:
        if parcel.shipment_id == timer.shipment_id:
            return parcel
        if known is None or known.status not in tracking.ENDS:
            raise RefusedError("tracking_number_taken", "another shipment's parcel has this number", "tracking_number")
        known = None
    turn.timers.append(CancelTimer(ParcelUnclaimed, parcel.tracking_number))
    if known is not None and known.status in tracking.TOLD:
        tracking.tell(turn, turn.order.shipment(timer.shipment_id), parcel.tracking_number, known)
    return replace(parcel, tracking=known, order_id=timer.order_id, shipment_id=timer.shipment_id)


def follow_parcel(
    policy: Policy, parcel: Parcel, fact: TrackingUpdated, now: datetime, others: Others
) -> Decisions[Parcel]:
    """Where a parcel is. One that nobody handed over yet is kept in mind, for a while without a word."""
    after = tracking.advance(parcel.tracking, fact)
    if after is None or after is parcel.tracking:
        return Decisions(parcel)
    news = parcel.tracking is None or after.status != parcel.tracking.status
    followed = replace(parcel, tracking=after)
    if parcel.order_id is None or parcel.shipment_id is None:
        timer = ParcelUnclaimed(tracking_number=parcel.tracking_number)
        first = [SetTimer(timer, timer.tracking_number, now + policy.claim_within)] if parcel.tracking is None else []
        return Decisions(followed, timers=first)
    if not news or after.status not in tracking.TOLD:
        return Decisions(followed)
    turn = Turn(policy, now, others, parcel.order_id)
    tracking.tell(turn, turn.order.shipment(parcel.shipment_id), parcel.tracking_number, after)
    return turn.decisions(followed)


def give_up_unclaimed(parcel: Parcel, _timer: ParcelUnclaimed, _now: datetime) -> Decisions[Parcel]:
    """Nobody handed this parcel over: an operator should look. Its news still count if somebody does."""
    if parcel.order_id is None:
        raise RefusedError(
            "unknown_parcel",
            f"the carrier reports {parcel.tracking_number}, which no warehouse has handed over",
            "tracking_number",
            retryable=True,
        )
    return Decisions(parcel)
