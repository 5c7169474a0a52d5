"""What the payment service says."""

from typing import Annotated

from pydantic import Field

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import Fact, Flag, Text, Utc
from packhorse_contracts.fields import Amount, At, CurrencyCode, OrderId, PaymentId, ShipmentId

Tenders = Annotated[tuple[blocks.Tender, ...], Field(description="The tenders it touched")]
Cause = Annotated[Text, Field(description="Why, in a word or a sentence")]
Why = Annotated[blocks.Reason, Field(description="Why")]


class PaymentAuthorised(
    Fact, type="packhorse.payment.authorised.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """The money is set aside."""

    order_id: OrderId
    payment_id: PaymentId
    at: At
    amount: Amount
    currency: CurrencyCode
    tenders: Tenders
    expires_at: Utc | None = Field(None, description="The gateway frees it then, unless it is captured")


class PaymentDeclined(
    Fact, type="packhorse.payment.declined.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """The money can't be had."""

    order_id: OrderId
    payment_id: PaymentId
    at: At
    reason: Why
    may_retry: Flag = Field(description="Another attempt, or another means of payment, may do")
    tenders: Tenders


class PaymentCaptured(
    Fact, type="packhorse.payment.captured.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """The money for a shipment is ours."""

    order_id: OrderId
    payment_id: PaymentId
    shipment_id: ShipmentId
    at: At
    amount: Amount
    currency: CurrencyCode
    tenders: Tenders


class PaymentVoided(
    Fact, type="packhorse.payment.voided.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """What was set aside and not captured is free again."""

    order_id: OrderId
    payment_id: PaymentId
    at: At
    amount: Amount
    currency: CurrencyCode
    tenders: Tenders
    cause: Cause


class PaymentRefunded(
    Fact, type="packhorse.payment.refunded.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """Captured money went back."""

    order_id: OrderId
    payment_id: PaymentId
    at: At
    amount: Amount
    currency: CurrencyCode
    tenders: Tenders
    cause: Cause


class PaymentCaptureFailed(
    Fact, type="packhorse.payment.capture_failed.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """Goods went out whose money can't be had."""

    order_id: OrderId
    payment_id: PaymentId
    at: At
    amount: Amount
    currency: CurrencyCode
    reason: Why


class PaymentRefundFailed(
    Fact, type="packhorse.payment.refund_failed.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """A refund is still owed."""

    order_id: OrderId
    payment_id: PaymentId
    at: At
    amount: Amount
    currency: CurrencyCode
    reason: Why


class PaymentDisputed(
    Fact,
    type="packhorse.payment.disputed.v1",
    topic=topics.PAYMENT_EVENTS,
    key="order_id",
    subject="payment_id",
    planned=True,
):
    """The customer's bank took the money back."""

    order_id: OrderId
    payment_id: PaymentId
    at: At
    amount: Amount
    currency: CurrencyCode
    reason: Why
