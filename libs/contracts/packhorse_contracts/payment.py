"""What the payment service says."""

from pydantic import Field

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import (
    Currency,
    Fact,
    Id,
    Minor,
    Text,
    Utc,
)


class PaymentAuthorised(
    Fact, type="packhorse.payment.authorised.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """The money is set aside."""

    order_id: Id
    payment_id: Id
    at: Utc = Field(description="When it became true")
    amount: Minor
    currency: Currency
    tenders: tuple[blocks.Tender, ...]
    expires_at: Utc | None = None


class PaymentDeclined(
    Fact, type="packhorse.payment.declined.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """The money can't be had."""

    order_id: Id
    payment_id: Id
    at: Utc = Field(description="When it became true")
    reason: blocks.Reason
    may_retry: bool
    tenders: tuple[blocks.Tender, ...]


class PaymentCaptured(
    Fact, type="packhorse.payment.captured.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """The money for a shipment is ours."""

    order_id: Id
    payment_id: Id
    shipment_id: Id
    at: Utc = Field(description="When it became true")
    amount: Minor
    currency: Currency
    tenders: tuple[blocks.Tender, ...]


class PaymentVoided(
    Fact, type="packhorse.payment.voided.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """What was set aside and not captured is free again."""

    order_id: Id
    payment_id: Id
    at: Utc = Field(description="When it became true")
    amount: Minor
    currency: Currency
    tenders: tuple[blocks.Tender, ...]
    cause: Text


class PaymentRefunded(
    Fact, type="packhorse.payment.refunded.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """Captured money went back."""

    order_id: Id
    payment_id: Id
    at: Utc = Field(description="When it became true")
    amount: Minor
    currency: Currency
    tenders: tuple[blocks.Tender, ...]
    cause: Text


class PaymentCaptureFailed(
    Fact, type="packhorse.payment.capture_failed.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """Goods went out whose money can't be had."""

    order_id: Id
    payment_id: Id
    at: Utc = Field(description="When it became true")
    amount: Minor
    currency: Currency
    reason: blocks.Reason


class PaymentRefundFailed(
    Fact, type="packhorse.payment.refund_failed.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """A refund is still owed."""

    order_id: Id
    payment_id: Id
    at: Utc = Field(description="When it became true")
    amount: Minor
    currency: Currency
    reason: blocks.Reason


class PaymentDisputed(
    Fact, type="packhorse.payment.disputed.v1", topic=topics.PAYMENT_EVENTS, key="order_id", subject="payment_id"
):
    """The customer's bank took the money back."""

    order_id: Id
    payment_id: Id
    at: Utc = Field(description="When it became true")
    amount: Minor
    currency: Currency
    reason: blocks.Reason
