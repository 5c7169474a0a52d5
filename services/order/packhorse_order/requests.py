"""The answer to what a customer asks for and doesn't get: never silence. Pure.

What will be offered one day gets a reaction of its own here in place of `not_offered`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from packhorse_chassis.core.reaction import Route, on
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Fault
from packhorse_contracts.customer import (
    AddressChangeRequested,
    ClaimRequested,
    HoldRequested,
    ReleaseRequested,
    ReturnRequested,
)
from packhorse_contracts.order import OrderRequestDeclined

from packhorse_order.state import ORDERS, Order, OrderTurn

_NOT_OFFERED: dict[type[Fact], tuple[str, str]] = {
    AddressChangeRequested: ("address_change", "the address of an order can't be changed"),
    HoldRequested: ("hold", "an order can't be held"),
    ReleaseRequested: ("release", "an order can't be held, so there is nothing to release"),
    ReturnRequested: ("return", "returns are not taken here"),
    ClaimRequested: ("claim", "claims are not taken here"),
}
"""What each request is called in its answer, and a sentence for people."""


def declined(order_id: str, request: str, reasons: Iterable[Fault], now: datetime) -> OrderRequestDeclined:
    """The one answer to any request that isn't granted."""
    return OrderRequestDeclined(order_id=order_id, at=now, request=request, reasons=tuple(reasons))


def not_offered() -> list[Route]:
    """A route for each request that nobody grants, however the order stands, and whether or not it is known."""
    return [on(asked, ORDERS, "order_id", _declining(*told)) for asked, told in _NOT_OFFERED.items()]


def _declining(request: str, message: str) -> Callable[[OrderTurn, Order, Fact], Order]:
    fault = Fault(code="not_offered", message=message)

    def decline(turn: OrderTurn, order: Order, _asked: Fact) -> Order:
        """Nobody grants this yet: the customer's side is told so."""
        turn.say(declined(order.order_id, request, (fault,), turn.now))
        return order

    decline.__name__ = f"decline_{request}"
    return decline
