"""Every input of the order service, and the reaction that it leads to. Pure.

`placing`, `cancelling`, `delivering` and `requests` hold the reactions; `ending` what several of them end with.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from packhorse_chassis.core.reaction import Others, Reaction, Route, Routes, WideReaction, on, on_wide
from packhorse_contracts.base import Model
from packhorse_contracts.catalogue import LocationChanged
from packhorse_contracts.checkout import OrderPlaced, UnsoundOrder
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.inventory import InventoryReservationRefused, InventoryReserved
from packhorse_contracts.payment import PaymentAuthorised, PaymentCaptureFailed, PaymentDeclined
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDispatched,
    ShippingLost,
    ShippingReturnedToSender,
    ShippingShortPicked,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
)

from packhorse_order import cancelling, delivering, placing, requests
from packhorse_order.ending import Decided
from packhorse_order.policies import Policy
from packhorse_order.promise import know_location, locations_kept, locations_named
from packhorse_order.state import LOCATIONS, ORDERS, Order
from packhorse_order.timers import NeverCame, Overdue, PaymentDeadline

I = TypeVar("I", bound=Model)  # noqa: E741


def routes(policy: Policy) -> Routes:
    """The whole service: which input leads to which reaction."""

    def tuned(react: Callable[[Policy, Order, I, datetime], Decided]) -> Reaction[Order, I]:
        def reaction(order: Order, heard: I, now: datetime) -> Decided:
            return react(policy, order, heard, now)

        reaction.__name__ = react.__name__
        return reaction

    def tuned_wide(
        react: Callable[[Policy, Order, I, datetime, Others], Decided],
    ) -> WideReaction[Order, I]:
        def reaction(order: Order, heard: I, now: datetime, others: Others) -> Decided:
            return react(policy, order, heard, now, others)

        reaction.__name__ = react.__name__
        return reaction

    table: list[Route] = [
        on(OrderPlaced, ORDERS, "order_id", tuned(placing.place)),
        on(UnsoundOrder, ORDERS, "order_id", placing.reject_unsound),
        on(CancellationRequested, ORDERS, "order_id", cancelling.request_cancellation),
        on(LocationChanged, LOCATIONS, "location", know_location),
        on_wide(PaymentAuthorised, ORDERS, "order_id", tuned_wide(placing.note_authorisation), locations_kept),
        on(PaymentDeclined, ORDERS, "order_id", placing.give_up_for_payment),
        on(PaymentCaptureFailed, ORDERS, "order_id", delivering.note_payment_problem),
        on_wide(InventoryReserved, ORDERS, "order_id", tuned_wide(placing.note_reservation), locations_named),
        on(InventoryReservationRefused, ORDERS, "order_id", placing.give_up_for_stock),
        on(ShippingShortPicked, ORDERS, "order_id", cancelling.cancel_short_lines),
        on(ShippingWithdrawn, ORDERS, "order_id", cancelling.note_withdrawal),
        on(ShippingWithdrawalRefused, ORDERS, "order_id", cancelling.note_refusal),
        on(ShippingDispatched, ORDERS, "order_id", delivering.note_dispatch),
        on(ShippingDelivered, ORDERS, "order_id", delivering.note_delivery),
        on(ShippingReturnedToSender, ORDERS, "order_id", delivering.note_return),
        on(ShippingLost, ORDERS, "order_id", delivering.note_loss),
        *requests.not_offered(),
        on(NeverCame, ORDERS, "order_id", cancelling.give_up_waiting),
        on(PaymentDeadline, ORDERS, "order_id", placing.give_up_for_time),
        on(Overdue, ORDERS, "order_id", tuned(delivering.note_overdue)),
    ]
    return Routes("order", *table)
