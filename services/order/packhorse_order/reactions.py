"""Every input of the order service, and the reaction that it leads to, by where the order stands. Pure.

`placing`, `cancelling`, `delivering` and `requests` hold the reactions; `ending` what several of them end with.
"""

from packhorse_chassis.core.policy import Policies
from packhorse_chassis.core.reaction import Routes, ignored, on
from packhorse_contracts.catalogue import LocationChanged
from packhorse_contracts.checkout import OrderPlaced, UnsoundOrder
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.payment import PaymentAuthorised, PaymentCaptureFailed, PaymentDeclined
from packhorse_contracts.policies import OrderPolicy
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDispatched,
    ShippingLost,
    ShippingPlanned,
    ShippingReturnedToSender,
    ShippingShortPicked,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
)

from packhorse_order import cancelling, delivering, placing, requests
from packhorse_order.promise import know_location, locations_kept, locations_named
from packhorse_order.state import LOCATIONS, ORDERS
from packhorse_order.timers import NeverCame, Overdue, PaymentDeadline

_PLACED = ("rejected", "accepted", "confirmed", "cancelling", "dispatched", "completed", "cancelled")
_ENDED = ("rejected", "completed", "cancelled")
_CONFIRMED = ("confirmed", "cancelling", "dispatched")
_NOT_REJECTED = ("unknown", "accepted", *_CONFIRMED, "completed", "cancelled")

_UNKNOWN = ignored("nobody has placed it yet, so there is nothing to give up")
_ENDED_BEFORE = ignored("it has ended already")
_NOTHING_SENT = ignored("it was rejected: nothing of it was ever to leave")
_NOT_WAITED_FOR = ignored("it has ended: nobody waits for this any more")


def routes(usual: OrderPolicy | None = None) -> Routes:
    """The whole service. `usual` is the policy while nobody has set another."""
    return Routes(
        "order",
        # What is ordered
        on(OrderPlaced, ORDERS, "order_id", {"unknown": placing.place, _PLACED: placing.place_again}),
        on(UnsoundOrder, ORDERS, "order_id", {"unknown": placing.reject_unsound, _PLACED: placing.place_unsound_again}),
        on(LocationChanged, LOCATIONS, "location", know_location),
        # Money and stock
        on(
            PaymentAuthorised,
            ORDERS,
            "order_id",
            {
                ("unknown", "accepted", "dispatched"): placing.note_authorisation,
                ("confirmed", "cancelling"): ignored("it is confirmed, so the money was set aside before"),
                _ENDED: ignored("it has ended: payment releases the money by itself"),
            },
            locations_kept,
        ),
        on(
            InventoryReserved,
            ORDERS,
            "order_id",
            {
                ("unknown", "accepted", "dispatched"): placing.note_reservation,
                ("confirmed", "cancelling"): ignored("it is confirmed, so the goods were set aside before"),
                _ENDED: ignored("it has ended: inventory releases the goods by itself"),
            },
            locations_named,
        ),
        on(
            PaymentDeclined,
            ORDERS,
            "order_id",
            {
                "unknown": _UNKNOWN,
                "accepted": placing.give_up_for_payment,
                _CONFIRMED: ignored("it is confirmed: its money is set aside"),
                _ENDED: _ENDED_BEFORE,
            },
        ),
        on(
            InventoryReservationRefused,
            ORDERS,
            "order_id",
            {
                "unknown": _UNKNOWN,
                ("accepted", *_CONFIRMED): placing.give_up_for_stock,
                _ENDED: _ENDED_BEFORE,
            },
        ),
        on(
            PaymentDeadline,
            ORDERS,
            "order_id",
            {
                "unknown": _UNKNOWN,
                "accepted": placing.give_up_for_time,
                _CONFIRMED: ignored("it was confirmed in time"),
                _ENDED: _ENDED_BEFORE,
            },
        ),
        on(PaymentCaptureFailed, ORDERS, "order_id", delivering.note_payment_problem),
        # What customers ask for
        cancelling.CANCELLATION,
        on(
            NeverCame,
            ORDERS,
            "order_id",
            {
                "unknown": cancelling.give_up_waiting,
                _PLACED: ignored("it has come, and those who waited for it were answered then"),
            },
        ),
        *requests.not_offered(),
        # What warehouses say
        on(
            ShippingPlanned,
            ORDERS,
            "order_id",
            {
                ("unknown", "accepted", *_CONFIRMED): cancelling.note_plan,
                "rejected": _NOTHING_SENT,
                ("completed", "cancelled"): _NOT_WAITED_FOR,
            },
        ),
        on(
            ShippingShortPicked,
            ORDERS,
            "order_id",
            {
                "unknown": _UNKNOWN,
                ("accepted", *_CONFIRMED): cancelling.cancel_short_lines,
                "rejected": _NOTHING_SENT,
                "completed": ignored("all that was wanted has left already"),
                "cancelled": ignored("all of it is cancelled already"),
            },
        ),
        on(
            ShippingWithdrawn,
            ORDERS,
            "order_id",
            {
                ("unknown", "accepted", *_CONFIRMED): cancelling.note_withdrawal,
                "rejected": _NOTHING_SENT,
                ("completed", "cancelled"): _NOT_WAITED_FOR,
            },
        ),
        on(
            ShippingWithdrawalRefused,
            ORDERS,
            "order_id",
            {
                ("unknown", "accepted", *_CONFIRMED): cancelling.note_refusal,
                "rejected": _NOTHING_SENT,
                ("completed", "cancelled"): _NOT_WAITED_FOR,
            },
        ),
        # What is on its way
        on(
            ShippingDispatched,
            ORDERS,
            "order_id",
            {
                ("unknown", "accepted", *_CONFIRMED, "completed"): delivering.note_dispatch,
                "cancelled": delivering.note_unwanted_dispatch,
                "rejected": _NOTHING_SENT,
            },
        ),
        on(ShippingDelivered, ORDERS, "order_id", {_NOT_REJECTED: delivering.note_delivery, "rejected": _NOTHING_SENT}),
        on(
            ShippingReturnedToSender,
            ORDERS,
            "order_id",
            {_NOT_REJECTED: delivering.note_return, "rejected": _NOTHING_SENT},
        ),
        on(ShippingLost, ORDERS, "order_id", {_NOT_REJECTED: delivering.note_loss, "rejected": _NOTHING_SENT}),
        on(
            Overdue,
            ORDERS,
            "order_id",
            {
                ("unknown", "accepted"): ignored("it isn't confirmed, so nothing is promised"),
                _CONFIRMED: delivering.note_overdue,
                _ENDED: _ENDED_BEFORE,
            },
        ),
        policies=Policies("order", usual or OrderPolicy()),
    )
