"""What this service does about what it hears, as a table: each input, by where that stands which it is about. Pure.

The reactions lie in `planning`, `withdrawal`, `warehouse` and `parcels`.
"""

from typing import Final

from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.policy import Policies
from packhorse_chassis.core.reaction import Routes, ignored, on, refused, via
from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.catalogue import ProductChanged
from packhorse_contracts.order import OrderCancellationRequested, OrderCancelled, OrderConfirmed
from packhorse_contracts.policies import ShippingPolicy
from packhorse_contracts.warehouse import (
    HandedOver,
    Packed,
    PickCompleted,
    PickListAccepted,
    PickListRejected,
    WithdrawalAccepted,
    WithdrawalRejected,
)

from packhorse_shipping import parcels, planning, warehouse, withdrawal
from packhorse_shipping.fulfilment import untitled_skus
from packhorse_shipping.pick_lists import NOT_ISSUED, on_list
from packhorse_shipping.state import ORDER_SHIPMENTS, PARCELS, PRODUCT, OrderShipments
from packhorse_shipping.timers import IssuePickList, WarehouseSilent


def _nameless_products(_order: OrderShipments, fact: OrderConfirmed) -> list[Ref]:
    return [PRODUCT.ref(sku) for sku in untitled_skus(fact)]


def _its_parcels(_order: OrderShipments, fact: HandedOver) -> list[Ref]:
    return [PARCELS.ref(parcel.tracking_number) for parcel in fact.parcels]


UNKNOWN: Final = ("planned", "called_off")
"""No warehouse knows of it."""

AT_WORK: Final = ("issued", "in_progress", "called_back", "declined")
"""With its warehouse, and not packed as far as we know."""

LEFT: Final = ("dispatched", "delivered", "ended")

_UNDER_WAY: Final = ignored("the warehouse works on it already, or has ended: acceptance is no news")
_ENDED: Final = ignored("it has ended: there is nothing to stop any more")
_NOT_REQUESTED: Final = refused(*withdrawal.NOT_REQUESTED)
_NOTHING_PICKED: Final = refused("contradiction", "nothing was picked", "pick_list_id")

_OF_ORDERS: Final = (
    on(
        OrderConfirmed,
        ORDER_SHIPMENTS,
        "order_id",
        {
            "unknown": planning.plan_shipments,
            "confirmed": planning.plan_further_part,
            "cancelled": ignored("the whole order was cancelled: nothing is sent"),
        },
        _nameless_products,
    ),
    on(
        OrderCancellationRequested,
        ORDER_SHIPMENTS,
        "order_id",
        {
            "unknown": ignored("nothing is planned, so there is nothing to stop"),
            ("confirmed", "cancelled"): withdrawal.answer_request,
        },
    ),
    on(
        OrderCancelled,
        ORDER_SHIPMENTS,
        "order_id",
        {
            "unknown": withdrawal.note_cancelled,
            "confirmed": withdrawal.call_back_cancelled,
            "cancelled": ignored("it is cancelled as a whole already"),
        },
    ),
    on(
        IssuePickList,
        ORDER_SHIPMENTS,
        "order_id",
        {
            "unknown": ignored("nothing is planned"),
            ("confirmed", "cancelled"): planning.issue_pick_list,
        },
    ),
    on(ProductChanged, PRODUCT, "sku", planning.know_product),
)

_OF_WAREHOUSES: Final = (
    on_list(
        PickListAccepted,
        {
            UNKNOWN: NOT_ISSUED,
            ("issued", "called_back", "declined"): warehouse.note_acceptance,
            ("in_progress", "packed", "withdrawn", "nothing_there", *LEFT): _UNDER_WAY,
        },
    ),
    on_list(
        PickListRejected,
        {
            UNKNOWN: NOT_ISSUED,
            AT_WORK: warehouse.take_rejection,
            "withdrawn": warehouse.note_rejection,
            ("packed", "nothing_there", *LEFT): warehouse.compare_rejection,
        },
    ),
    on_list(
        PickCompleted,
        {
            UNKNOWN: NOT_ISSUED,
            (*AT_WORK, "withdrawn"): warehouse.complete_pick,
            ("packed", "nothing_there", *LEFT): warehouse.compare_pick,
        },
    ),
    on_list(
        Packed,
        {
            UNKNOWN: NOT_ISSUED,
            (*AT_WORK, "packed"): warehouse.pack,
            "withdrawn": warehouse.note_packages,
            "nothing_there": _NOTHING_PICKED,
            LEFT: warehouse.compare_packages,
        },
    ),
    on_list(
        HandedOver,
        {
            UNKNOWN: NOT_ISSUED,
            (*AT_WORK, "packed", "withdrawn"): warehouse.dispatch,
            "nothing_there": _NOTHING_PICKED,
            LEFT: warehouse.correct_labels,
        },
        _its_parcels,
    ),
    on_list(
        WithdrawalAccepted,
        {
            UNKNOWN: NOT_ISSUED,
            "called_back": withdrawal.withdraw,
            "withdrawn": ignored("the warehouse has said so before"),
            ("issued", "in_progress", "packed", "declined"): _NOT_REQUESTED,
            ("dispatched", "delivered"): withdrawal.compare_answer,
            ("nothing_there", "ended"): _ENDED,
        },
    ),
    on_list(
        WithdrawalRejected,
        {
            UNKNOWN: NOT_ISSUED,
            "called_back": withdrawal.insist,
            "declined": ignored("the warehouse has said so before"),
            ("issued", "in_progress", "packed", "withdrawn"): _NOT_REQUESTED,
            ("dispatched", "delivered"): withdrawal.compare_answer,
            ("nothing_there", "ended"): _ENDED,
        },
    ),
    on_list(
        WarehouseSilent,
        {
            ("issued", "called_back"): warehouse.show_overdue,
            (*UNKNOWN, "in_progress", "packed", "declined", "withdrawn", "nothing_there", *LEFT): ignored(
                "the warehouse owes us no answer"
            ),
        },
    ),
)

_OF_PARCELS: Final = on(
    TrackingUpdated,
    ORDER_SHIPMENTS,
    via(PARCELS, "tracking_number"),
    {
        "unknown": ignored("nothing has left for it"),
        ("confirmed", "cancelled"): parcels.follow_parcel,
    },
)


def routes(usual: ShippingPolicy | None = None) -> Routes:
    """The whole service. `usual` is what it goes by while nobody has set a policy."""
    return Routes(
        "shipping",
        *_OF_ORDERS,
        *_OF_WAREHOUSES,
        _OF_PARCELS,
        policies=Policies("shipping", usual or ShippingPolicy()),
    )
