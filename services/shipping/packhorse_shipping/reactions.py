"""The whole shipping service as a table: which input leads to which reaction. The reactions lie beside, by speaker."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from packhorse_chassis.reaction import Decisions, Others, Ref, Routes, WideReaction, on_wide
from packhorse_contracts.base import Model
from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.order import OrderCancellationRequested, OrderCancelled, OrderConfirmed
from packhorse_contracts.warehouse import (
    HandedOver,
    Packed,
    PickCompleted,
    PickListAccepted,
    PickListRejected,
    WithdrawalAccepted,
    WithdrawalRejected,
)

from packhorse_shipping import ordering, policies, tracking, warehousing
from packhorse_shipping.policies import Policy
from packhorse_shipping.state import ORDER_REFS, PARCELS, PICK_LISTS, SHIPMENTS, OrderRef, ParcelRef, PickListRef

S = TypeVar("S")
F = TypeVar("F", bound=Model)


def routes(policy: Policy) -> Routes:
    """The service with these rules."""

    def tuned(react: Callable[[Policy, S, F, datetime, Others], Decisions[S]]) -> WideReaction[S, F]:
        def reaction(state: S, heard: F, now: datetime, others: Others) -> Decisions[S]:
            return react(policy, state, heard, now, others)

        reaction.__name__ = react.__name__
        return reaction

    return Routes(
        "shipping",
        on_wide(OrderConfirmed, ORDER_REFS, "order_id", tuned(ordering.issue), _new_lists),
        on_wide(OrderCancellationRequested, ORDER_REFS, "order_id", ordering.withdraw, _of_order),
        on_wide(OrderCancelled, ORDER_REFS, "order_id", ordering.withdraw_cancelled, _of_order),
        on_wide(ordering.Silence, ORDER_REFS, "order_id", tuned(ordering.note_silence), _of_order),
        on_wide(PickListAccepted, PICK_LISTS, "pick_list_id", warehousing.accept, _of_list),
        on_wide(PickListRejected, PICK_LISTS, "pick_list_id", warehousing.reject, _of_list),
        on_wide(WithdrawalAccepted, PICK_LISTS, "pick_list_id", warehousing.accept_withdrawal, _of_list),
        on_wide(WithdrawalRejected, PICK_LISTS, "pick_list_id", warehousing.reject_withdrawal, _of_list),
        on_wide(PickCompleted, PICK_LISTS, "pick_list_id", warehousing.complete_pick, _of_list),
        on_wide(Packed, PICK_LISTS, "pick_list_id", warehousing.pack, _of_list),
        on_wide(HandedOver, PICK_LISTS, "pick_list_id", warehousing.hand_over, _of_list_and_parcels),
        on_wide(TrackingUpdated, PARCELS, "tracking_number", tracking.track, _of_parcel),
        kinds=(SHIPMENTS,),
    )


def _new_lists(_kept: OrderRef, fact: OrderConfirmed) -> Iterable[Ref]:
    split = policies.split(fact.order_id, fact.at, fact.lines, fact.allocations, fact.delivery.service)
    return {SHIPMENTS.ref(fact.order_id)} | {PICK_LISTS.ref(part.pick_list_id) for part in split}


def _of_order(_kept: OrderRef, fact: OrderCancellationRequested | OrderCancelled | ordering.Silence) -> Iterable[Ref]:
    return {SHIPMENTS.ref(fact.order_id)}


def _of_list(kept: PickListRef, _fact: Model) -> Iterable[Ref]:
    return {SHIPMENTS.ref(kept.order_id)} if kept.order_id else ()


def _of_list_and_parcels(kept: PickListRef, fact: HandedOver) -> Iterable[Ref]:
    return {*_of_list(kept, fact), *(PARCELS.ref(parcel.tracking_number) for parcel in fact.parcels)}


def _of_parcel(kept: ParcelRef, _fact: Model) -> Iterable[Ref]:
    return {SHIPMENTS.ref(kept.order_id)} if kept.order_id else ()
