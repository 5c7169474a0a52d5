"""What customers ask for, through the storefront, customer service or the console."""

from typing import Literal

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import (
    Fact,
    Id,
    Model,
    Quantity,
    Text,
)


class ReturnLine(Model):
    """A line that comes back."""

    line_id: Id
    quantity: Quantity
    reason: Literal["damaged", "wrong_item", "not_as_described", "no_longer_wanted", "late"]
    wish: Literal["refund", "exchange", "store_credit"]


class ClaimLine(Model):
    """A line that something was wrong with."""

    line_id: Id
    quantity: Quantity
    reason: Literal["lost", "damaged", "wrong_item", "missing_item"]
    wish: Literal["refund", "replacement"]


class CancellationRequested(
    Fact, type="packhorse.customer.cancellation_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """The customer wants the order, or some of its lines, not to be sent."""

    order_id: Id
    lines: tuple[blocks.LineQuantity, ...] | None = None
    reason: Text


class AddressChangeRequested(
    Fact, type="packhorse.customer.address_change_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """The customer wants it sent elsewhere."""

    order_id: Id
    ship_to: blocks.Address


class ReturnRequested(
    Fact, type="packhorse.customer.return_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """The customer wants to send something back."""

    order_id: Id
    lines: tuple[ReturnLine, ...]


class ClaimRequested(
    Fact, type="packhorse.customer.claim_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """Something went wrong with a delivery."""

    order_id: Id
    lines: tuple[ClaimLine, ...]


class HoldRequested(Fact, type="packhorse.customer.hold_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"):
    """Somebody wants the order to wait."""

    order_id: Id
    hold: blocks.Hold
    note: Text | None = None
    holder: Id


class ReleaseRequested(
    Fact, type="packhorse.customer.release_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """The holder of a hold lets it go."""

    order_id: Id
    hold: blocks.Hold
    note: Text | None = None
    holder: Id
