"""Whose a parcel is, and where: the row of a tracking number. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.reaction import Decisions, Others
from packhorse_chassis.core.turn import CancelTimer, SetTimer
from packhorse_contracts.carrier import TrackingUpdated

from packhorse_shipping import tracking
from packhorse_shipping.policies import Policy
from packhorse_shipping.state import PARCEL, Parcel, ParcelRef, Shipment
from packhorse_shipping.timers import ParcelForgotten, ParcelUnclaimed
from packhorse_shipping.turn import Turn

FORGOTTEN_AFTER: Final = timedelta(days=30)
"""So long the news of a parcel are kept that nobody hands over: warehouses are late by hours, their systems by days."""


def claim(turn: Turn, shipment: Shipment, numbers: Iterable[str]) -> None:
    """These numbers are this shipment's; what the carrier has said of them already counts now.

    Shipments of one order may share a number. Another order's must have ended: carriers use numbers again.
    """
    for place, number in enumerate(numbers):
        parcel = turn.parcel(number)
        if parcel.order_id not in (None, turn.order.order_id):
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
        turn.keep_parcel(replace(parcel, order_id=turn.order.order_id, shipment_ids=shipments))
        if parcel.order_id is None and parcel.tracking is not None:
            turn.timers += [CancelTimer(ParcelUnclaimed, number), CancelTimer(ParcelForgotten, number)]
        if parcel.tracking is not None and parcel.tracking.status in tracking.TOLD:
            tracking.tell(turn, turn.order.shipment(shipment.shipment_id), number, parcel.tracking)


def release(turn: Turn, shipment: Shipment, numbers: Iterable[str]) -> None:
    """These numbers aren't this shipment's after all: its warehouse has corrected itself."""
    for number in numbers:
        parcel = turn.parcel(number)
        left = tuple(one for one in parcel.shipment_ids if one != shipment.shipment_id)
        turn.keep_parcel(replace(parcel, shipment_ids=left, order_id=parcel.order_id if left else None))


def follow_parcel(
    policy: Policy, ref: ParcelRef, fact: TrackingUpdated, now: datetime, others: Others
) -> Decisions[ParcelRef]:
    """Where a parcel is. One that nobody handed over yet is kept in mind, for a while without a word."""
    parcel = others.get(PARCEL, ref.tracking_number)
    if parcel.since is not None and fact.at <= parcel.since:
        return Decisions(ref)  # of the parcel that had this number before
    after = tracking.advance(parcel.tracking, fact)
    if after is None or after is parcel.tracking:
        return Decisions(ref)
    followed = replace(parcel, tracking=after)
    if ref.order_id != parcel.order_id:
        ref = replace(ref, order_id=parcel.order_id)
    if parcel.order_id is None:
        return Decisions(
            ref,
            timers=_watch(policy, parcel, now) if parcel.tracking is None else [],
            others={PARCEL.ref(ref.tracking_number): followed},
        )
    turn = Turn(policy, now, others, parcel.order_id)
    turn.keep_parcel(followed)
    if (parcel.tracking is None or after.status != parcel.tracking.status) and after.status in tracking.TOLD:
        for shipment_id in parcel.shipment_ids:
            tracking.tell(turn, turn.order.shipment(shipment_id), parcel.tracking_number, after)
    return turn.decisions(ref)


def _watch(policy: Policy, parcel: Parcel, now: datetime) -> list[SetTimer]:
    number = parcel.tracking_number
    return [
        SetTimer(ParcelUnclaimed(tracking_number=number), number, now + policy.claim_within),
        SetTimer(ParcelForgotten(tracking_number=number), number, now + FORGOTTEN_AFTER),
    ]


def give_up_unclaimed(
    _policy: Policy, ref: ParcelRef, _timer: ParcelUnclaimed, _now: datetime, others: Others
) -> Decisions[ParcelRef]:
    """Nobody handed this parcel over: an operator should look. Its news still count if somebody does."""
    parcel = others.get(PARCEL, ref.tracking_number)
    if parcel.order_id is None and parcel.tracking is not None:
        raise RefusedError(
            "unknown_parcel",
            f"the carrier reports {parcel.tracking_number}, which no warehouse has handed over",
            "tracking_number",
            retryable=True,
        )
    return Decisions(ref)


def forget_unclaimed(
    _policy: Policy, ref: ParcelRef, _timer: ParcelForgotten, _now: datetime, others: Others
) -> Decisions[ParcelRef]:
    """Nobody ever handed this parcel over, so it is none of ours: its news are forgotten."""
    parcel = others.get(PARCEL, ref.tracking_number)
    if parcel.order_id is not None or parcel.tracking is None:
        return Decisions(ref)
    return Decisions(ref, others={PARCEL.ref(ref.tracking_number): Parcel.empty(ref.tracking_number)})
