"""The five real services as the simulation runs them: their routes, and what their databases refuse."""

from functools import cache

from packhorse_chassis.core.reaction import Routes
from packhorse_inventory.service import build as inventory
from packhorse_inventory.state import Stock
from packhorse_notification.service import build as notification
from packhorse_notification.settings import Settings as NotificationSettings
from packhorse_order.service import build as order
from packhorse_order.state import Order
from packhorse_payment.service import build as payment
from packhorse_payment.state import Payment
from packhorse_shipping.service import build as shipping

from packhorse_simulation.database import Checks


@cache
def routes() -> dict[str, Routes]:
    """By service. Made once: they keep nothing."""
    built = (order(), payment(), inventory(), shipping(), notification(NotificationSettings()))
    return {service.name: service.routes for service in built}


def _never_oversold(stock: Stock) -> bool:
    return all(0 <= level.picked <= level.reserved <= level.on_hand for level in stock.levels.values())


def _ends_once(order: Order) -> bool:
    return not (order.cancelled and order.completed)


def _money_within_bounds(payment: Payment) -> bool:
    sums = payment.authorised, payment.captured, payment.voided, payment.refunded
    return (
        min(sums) >= 0
        and payment.captured + payment.voided <= payment.authorised
        and payment.refunded <= payment.captured
    )


CHECKS: Checks = {"stock": _never_oversold, "orders": _ends_once, "payments": _money_within_bounds}
"""The CHECK constraints of the services' migrations."""
