"""What this service does about what it hears: the order's facts, and the table of all routes. Pure.

`warehouse`, `withdrawal`, `parcels` and `tracking` hold what follows for a fulfilment order; `state` explains which
rows are locked.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from packhorse_chassis.core.kinds import Internal, Kind, Ref, RefusedError
from packhorse_chassis.core.reaction import Decisions, Others, Route, Routes, WideReaction, on, on_wide
from packhorse_chassis.core.turn import SetTimer
from packhorse_contracts.base import Fact
from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.catalogue import ProductChanged
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

from packhorse_shipping import parcels, saying, tracking, warehouse, withdrawal
from packhorse_shipping.fulfilment import fulfilment_orders, issue_at, untitled_skus
from packhorse_shipping.policies import Policy
from packhorse_shipping.state import (
    ORDER_REF,
    ORDER_SHIPMENTS,
    PARCEL,
    PARCEL_REF,
    PICK_LIST,
    PRODUCT,
    OrderRef,
    ParcelRef,
    PickListRef,
    Product,
    Shipment,
)
from packhorse_shipping.timers import IssuePickList, ParcelForgotten, ParcelUnclaimed, WarehouseSilent
from packhorse_shipping.turn import Turn

S = TypeVar("S")
I = TypeVar("I", bound=Fact | Internal)  # noqa: E741
OfOrder = OrderConfirmed | OrderCancellationRequested | IssuePickList
O = TypeVar("O", bound=OfOrder)  # noqa: E741


def plan_shipments(turn: Turn, ref: OrderRef, fact: OrderConfirmed) -> OrderRef:
    """One fulfilment order a location; their pick lists are issued next, or when it is time for a later delivery."""
    if ref.confirmed or ref.cancelled:
        return ref
    titles = {sku: turn.others.get(PRODUCT, sku).title for sku in untitled_skus(fact)}
    turn.order = fulfilment_orders(fact, turn.policy, titles)
    for shipment in turn.order.shipments:
        issue = IssuePickList(
            pick_list_id=shipment.pick_list_id, order_id=fact.order_id, shipment_id=shipment.shipment_id
        )
        turn.timers.append(SetTimer(issue, issue.pick_list_id, issue_at(fact, shipment.location, turn.now)))
    return replace(ref, confirmed=True)


def issue_pick_list(turn: Turn, ref: PickListRef, timer: IssuePickList) -> PickListRef:
    """The warehouse gets its pick list, unless it was called back meanwhile."""
    shipment = turn.order.shipment(timer.shipment_id)
    if shipment.state != "open" or shipment.request != "unsubmitted":
        return ref
    shipment = replace(shipment, request="submitted")
    turn.keep(shipment.unmarked)
    turn.say(saying.issued(turn.order, shipment, turn.now))
    return replace(ref, order_id=timer.order_id, shipment_id=timer.shipment_id)


def answer_request(turn: Turn, ref: OrderRef, fact: OrderCancellationRequested) -> OrderRef:
    """The order service asks whether the order can still be stopped."""
    withdrawal.answer_request(turn, fact)
    return ref


def call_back_cancelled(
    policy: Policy, ref: OrderRef, fact: OrderCancelled, now: datetime, others: Others
) -> Decisions[OrderRef]:
    """A cancellation of the whole order stops what is still here. One of single lines tells us nothing new: they were
    short, or were withdrawn."""
    if not fact.whole or ref.cancelled:
        return Decisions(ref)
    ref = replace(ref, cancelled=True)
    if not ref.confirmed:
        return Decisions(ref)
    turn = Turn(policy, now, others, ref.order_id)
    withdrawal.call_back_cancelled(turn, fact)
    return turn.decisions(ref)


def show_overdue(turn: Turn, shipment: Shipment, timer: WarehouseSilent) -> None:
    """The warehouse is silent: nothing is made up, people can see it, and it is looked at again."""
    if shipment.owed:
        turn.keep(replace(shipment, overdue=True))
        turn.timers.append(SetTimer(timer, timer.pick_list_id, turn.now + turn.policy.answer_within))


def know_product(product: Product, fact: ProductChanged, _now: datetime) -> Decisions[Product]:
    """The catalogue's name of a product."""
    title = fact.title if fact.title.strip() else None
    return Decisions(product if product.title == title else replace(product, title=title))


def _its_order(_state: object, heard: OfOrder) -> list[Ref]:
    return [ORDER_SHIPMENTS.ref(heard.order_id)]


def _its_order_and_products(_ref: OrderRef, fact: OrderConfirmed) -> list[Ref]:
    return [ORDER_SHIPMENTS.ref(fact.order_id), *map(PRODUCT.ref, untitled_skus(fact))]


def _order_to_stop(ref: OrderRef, fact: OrderCancelled) -> list[Ref]:
    return [ORDER_SHIPMENTS.ref(fact.order_id)] if fact.whole and ref.confirmed else []


def _order_of_list(ref: PickListRef, _heard: object) -> list[Ref]:
    return [] if ref.order_id is None else [ORDER_SHIPMENTS.ref(ref.order_id)]


def _order_and_parcels(ref: PickListRef, fact: HandedOver) -> list[Ref]:
    return [*_order_of_list(ref, fact), *(PARCEL.ref(parcel.tracking_number) for parcel in fact.parcels)]


def _parcel(ref: ParcelRef, _timer: object) -> list[Ref]:
    return [PARCEL.ref(ref.tracking_number)]


def _parcel_and_order(ref: ParcelRef, fact: TrackingUpdated) -> list[Ref]:
    # What nobody is told needs no lock on the order: most of a carrier's news is of that kind. Where the order isn't
    # known here yet, the reaction asks for it.
    told = ref.order_id is not None and fact.status in tracking.TOLD
    return [*_parcel(ref, fact), *([ORDER_SHIPMENTS.ref(ref.order_id)] if told and ref.order_id else [])]


def routes(policy: Policy) -> Routes:
    """The whole service: which input, about which row, leads to which reaction."""

    def about_order(
        heard: type[O],
        kind: Kind[S],
        key: str,
        react: Callable[[Turn, S, O], S],
        also: Callable[[S, O], Iterable[Ref]] = _its_order,
    ) -> Route:
        def reaction(state: S, said: O, now: datetime, others: Others) -> Decisions[S]:
            turn = Turn(policy, now, others, said.order_id)
            return turn.decisions(react(turn, state, said))

        return on_wide(heard, kind, key, _named(reaction, react.__name__), also)

    def about_pick_list(
        heard: type[I],
        react: Callable[[Turn, Shipment, I], None],
        also: Callable[[PickListRef, I], Iterable[Ref]] = _order_of_list,
    ) -> Route:
        def reaction(ref: PickListRef, said: I, now: datetime, others: Others) -> Decisions[PickListRef]:
            if ref.order_id is None or ref.shipment_id is None:
                raise RefusedError(
                    "unknown_pick_list",
                    f"no pick list {ref.pick_list_id} was issued",
                    "pick_list_id",
                    retryable=True,
                )
            turn = Turn(policy, now, others, ref.order_id, getattr(said, "at", None))
            react(turn, turn.order.shipment(ref.shipment_id), said)
            return turn.decisions(ref)

        return on_wide(heard, PICK_LIST, "pick_list_id", _named(reaction, react.__name__), also)

    def tuned(react: Callable[[Policy, S, I, datetime, Others], Decisions[S]]) -> WideReaction[S, I]:
        def reaction(state: S, said: I, now: datetime, others: Others) -> Decisions[S]:
            return react(policy, state, said, now, others)

        return _named(reaction, react.__name__)

    return Routes(
        "shipping",
        about_order(OrderConfirmed, ORDER_REF, "order_id", plan_shipments, _its_order_and_products),
        about_order(OrderCancellationRequested, ORDER_REF, "order_id", answer_request),
        on_wide(OrderCancelled, ORDER_REF, "order_id", tuned(call_back_cancelled), _order_to_stop),
        about_order(IssuePickList, PICK_LIST, "pick_list_id", issue_pick_list),
        about_pick_list(PickListAccepted, warehouse.note_acceptance),
        about_pick_list(PickListRejected, warehouse.take_rejection),
        about_pick_list(PickCompleted, warehouse.complete_pick),
        about_pick_list(Packed, warehouse.pack),
        about_pick_list(HandedOver, warehouse.dispatch, _order_and_parcels),
        about_pick_list(WithdrawalAccepted, withdrawal.withdraw),
        about_pick_list(WithdrawalRejected, withdrawal.insist),
        about_pick_list(WarehouseSilent, show_overdue),
        on_wide(TrackingUpdated, PARCEL_REF, "tracking_number", tuned(parcels.follow_parcel), _parcel_and_order),
        on_wide(ParcelUnclaimed, PARCEL_REF, "tracking_number", tuned(parcels.give_up_unclaimed), _parcel),
        on_wide(ParcelForgotten, PARCEL_REF, "tracking_number", tuned(parcels.forget_unclaimed), _parcel),
        on(ProductChanged, PRODUCT, "sku", know_product),
        kinds=[ORDER_SHIPMENTS, PARCEL],
    )


def _named(reaction: WideReaction[S, I], name: str) -> WideReaction[S, I]:
    """The name under which it shows in traces and catalogues."""
    reaction.__name__ = name
    return reaction
