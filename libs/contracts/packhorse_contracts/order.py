"""What the order service says."""

from typing import Literal

from pydantic import Field

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import (
    Currency,
    Fact,
    Id,
    Model,
    Text,
    Utc,
)


class Change(Model):
    """One change of an order."""

    field: Text
    before: Text | None = None
    after: Text | None = None


class OrderAccepted(Fact, type="packhorse.order.accepted.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """The checked order, whole."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    channel: blocks.Channel
    currency: Currency
    customer: blocks.Customer
    ship_to: blocks.Address | None = None
    bill_to: blocks.Address | None = None
    lines: tuple[blocks.OrderLine, ...]
    delivery: blocks.Delivery
    payments: tuple[blocks.PaymentTender, ...]
    promotions: tuple[blocks.Promotion, ...] = ()
    totals: blocks.Totals


class OrderRejected(Fact, type="packhorse.order.rejected.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """The order can't be taken; every fault is listed."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    reasons: tuple[blocks.Fault, ...]


class OrderHeld(Fact, type="packhorse.order.held.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """The order waits."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    hold: blocks.Hold
    holder: Id
    note: Text | None = None


class OrderReleased(Fact, type="packhorse.order.released.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """A hold is gone."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    hold: blocks.Hold
    holder: Id
    note: Text | None = None


class OrderConfirmed(Fact, type="packhorse.order.confirmed.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """Paid for and reserved: ship it."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    customer: blocks.Customer
    ship_to: blocks.Address | None = None
    delivery: blocks.Delivery
    lines: tuple[blocks.ConfirmedLine, ...]
    allocations: tuple[blocks.Allocation, ...]
    promise: blocks.Promise


class OrderCancellationRequested(
    Fact, type="packhorse.order.cancellation_requested.v1", topic=topics.ORDER_EVENTS, key="order_id"
):
    """Shipping is asked to withdraw what is not yet gone."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    reason: blocks.Reason
    by: blocks.CancelledBy


class OrderCancellationDeclined(
    Fact, type="packhorse.order.cancellation_declined.v1", topic=topics.ORDER_EVENTS, key="order_id"
):
    """Too late to cancel."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    reasons: tuple[blocks.Fault, ...]


class OrderCancelled(Fact, type="packhorse.order.cancelled.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """The order, or these pieces of it, will not be delivered."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    lines: tuple[blocks.LineQuantity, ...]
    whole: bool
    reason: blocks.Reason
    by: blocks.CancelledBy


class OrderCompleted(Fact, type="packhorse.order.completed.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """The order has ended well."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    outcome: Literal["delivered", "collected", "partly_delivered", "returned"]
