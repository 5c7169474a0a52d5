"""What the order service says."""

from typing import Annotated, Literal

from pydantic import Field

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import Code, Count, Difference, Fact, Flag, Id, Model, Money, Perhaps, Quantity, Text, Utc
from packhorse_contracts.fields import At, CurrencyCode, Note, OrderId, ReturnId

Outcome = Literal["delivered", "collected", "partly_delivered", "returned"]
Holder = Annotated[Id, Field(description="Who holds it, and alone may release it")]
DeclineCode = Literal["ended", "dispatched", "packed", "part_cancellation_not_offered"]
"""Codes of the faults for which a cancellation is declined; the list may grow."""

RequestKind = Annotated[
    Code,
    Field(
        description="What was asked for; the list may grow",
        json_schema_extra={"x-expect-more": ["cancellation", "address_change", "hold", "release", "return", "claim"]},
    ),
]

Faults = Annotated[tuple[blocks.Fault, ...], Field(description="Every fault, not the first")]


class Change(Model):
    """One change of an order."""

    field: Text = Field(description="Path of the field")
    before: Text | None = Field(None, description="What stood there")
    after: Text | None = Field(None, description="What stands there now")


class OrderAccepted(Fact, type="packhorse.order.accepted.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """The checked order, whole."""

    order_id: OrderId
    at: At
    channel: blocks.Channel
    currency: CurrencyCode
    customer: blocks.Customer = Field(description="Who ordered")
    ship_to: blocks.Address | None = Field(None, description="Where to send it")
    bill_to: blocks.Address | None = Field(None, description="Where the bill goes, if elsewhere")
    lines: tuple[blocks.OrderLine, ...] = Field(description="What was ordered")
    delivery: blocks.Delivery = Field(description="How it shall arrive")
    payments: tuple[blocks.PaymentTender, ...] = Field(description="How it is paid; together the grand total")
    promotions: Perhaps[blocks.Promotion] = Field((), description="Discounts on the whole order")
    totals: blocks.Totals = Field(description="Sums, checked")


class OrderRejected(Fact, type="packhorse.order.rejected.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """The order can't be taken."""

    order_id: OrderId
    at: At
    reasons: Faults


class OrderHeld(Fact, type="packhorse.order.held.v1", topic=topics.ORDER_EVENTS, key="order_id", planned=True):
    """The order waits."""

    order_id: OrderId
    at: At
    hold: blocks.Hold
    holder: Holder
    note: Note | None = None


class OrderReleased(Fact, type="packhorse.order.released.v1", topic=topics.ORDER_EVENTS, key="order_id", planned=True):
    """A hold is gone."""

    order_id: OrderId
    at: At
    hold: blocks.Hold
    holder: Holder
    note: Note | None = None


class OrderConfirmed(Fact, type="packhorse.order.confirmed.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """Paid for and reserved: ship it."""

    order_id: OrderId
    at: At
    customer: blocks.Customer = Field(description="Who ordered")
    ship_to: blocks.Address | None = Field(None, description="Where to send it")
    delivery: blocks.Delivery = Field(description="How it shall arrive")
    lines: tuple[blocks.ConfirmedLine, ...] = Field(description="What will be delivered")
    allocations: tuple[blocks.Allocation, ...] = Field(description="Where each piece comes from")
    promise: blocks.Promise = Field(description="What the customer is told")
    part: Quantity | None = Field(
        None, description="Which part of the order this is, from 1, where it ships in parts; each is confirmed once"
    )
    parts_open: Count | None = Field(None, description="Parts that are still to be confirmed")


class OrderBackordered(
    Fact, type="packhorse.order.backordered.v1", topic=topics.ORDER_EVENTS, key="order_id", planned=True
):
    """These pieces come later."""

    order_id: OrderId
    at: At
    lines: tuple[blocks.SkuLine, ...] = Field(description="What is waited for")
    expected_at: Utc | None = Field(None, description="When they should be there")


class OrderAmended(Fact, type="packhorse.order.amended.v1", topic=topics.ORDER_EVENTS, key="order_id", planned=True):
    """The order was changed."""

    order_id: OrderId
    at: At
    changes: tuple[Change, ...] = Field(description="What was changed")
    price_difference: Difference = Field(
        description="New grand total less the old one, minor units; negative where it got cheaper"
    )


class OrderCancellationRequested(
    Fact, type="packhorse.order.cancellation_requested.v1", topic=topics.ORDER_EVENTS, key="order_id"
):
    """Shipping is asked to withdraw what is not yet gone."""

    order_id: OrderId
    at: At
    reason: blocks.Reason = Field(description="Why")
    by: blocks.CancelledBy


class OrderCancellationDeclined(
    Fact, type="packhorse.order.cancellation_declined.v1", topic=topics.ORDER_EVENTS, key="order_id"
):
    """The cancellation comes too late, or isn't offered."""

    order_id: OrderId
    at: At
    reasons: Faults


class OrderRequestDeclined(Fact, type="packhorse.order.request_declined.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """A customer's request isn't granted. Said of every kind of request; of a cancellation beside its own fact."""

    order_id: OrderId
    at: At
    request: RequestKind
    reasons: Faults


class OrderCancelled(Fact, type="packhorse.order.cancelled.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """The order, or these pieces of it, will not be delivered."""

    order_id: OrderId
    at: At
    lines: tuple[blocks.LineQuantity, ...] = Field(description="The pieces that this cancellation takes away")
    whole: Flag = Field(description="Nothing of the order is left")
    reason: blocks.Reason = Field(description="Why")
    by: blocks.CancelledBy


class OrderCompleted(Fact, type="packhorse.order.completed.v1", topic=topics.ORDER_EVENTS, key="order_id"):
    """The order has ended well."""

    order_id: OrderId
    at: At
    outcome: Outcome = Field(description="How it ended")


class OrderReturnAuthorised(
    Fact,
    type="packhorse.order.return_authorised.v1",
    topic=topics.ORDER_EVENTS,
    key="order_id",
    subject="return_id",
    planned=True,
):
    """The customer may send this back."""

    order_id: OrderId
    return_id: ReturnId
    at: At
    lines: tuple[blocks.SkuLine, ...] = Field(description="What may come back")
    label_needed: Flag = Field(description="We send the label")
    send_by: Utc = Field(description="Handed to the carrier by then")
    policy: Code = Field(description="The rule that allowed it; the list may grow")


class OrderReturnDeclined(
    Fact, type="packhorse.order.return_declined.v1", topic=topics.ORDER_EVENTS, key="order_id", planned=True
):
    """The customer may not send this back."""

    order_id: OrderId
    at: At
    reasons: Faults


class OrderReturnSettled(
    Fact,
    type="packhorse.order.return_settled.v1",
    topic=topics.ORDER_EVENTS,
    key="order_id",
    subject="return_id",
    planned=True,
):
    """What came back was looked at, and what is owed for it is known."""

    order_id: OrderId
    return_id: ReturnId
    at: At
    refund: Money = Field(description="What the customer gets back")
    restocked: tuple[blocks.SkuLine, ...] = Field(description="What can be sold again")
    explanation: tuple[Text, ...] = Field(description="How the refund was reckoned, a sentence a step")
