"""What the notification service says."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from packhorse_contracts import topics
from packhorse_contracts.base import Code, Fact, Flag, Id, Language, Text
from packhorse_contracts.fields import At, OrderId, Sku

NotificationKind = Annotated[Code, Field(description="Which message; the list may grow")]
NotificationChannel = Annotated[Literal["email", "sms", "push"], Field(description="How the customer is reached")]
SuppressedWhy = Literal["preference", "duplicate", "quiet_hours", "no_address"]


class _AboutSomething(Fact):
    order_id: OrderId | None = None
    sku: Sku | None = None

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        if self.order_id is None and self.sku is None:
            raise ValueError("a notification is about an order or a SKU")
        return self

    @property
    def key(self) -> str:
        """The order id; the SKU for what is about stock."""
        return self.order_id or self.sku or ""


class NotificationSent(
    _AboutSomething,
    type="packhorse.notification.sent.v1",
    topic=topics.NOTIFICATION_EVENTS,
    key="order_id",
    subject="notification_id",
):
    """The customer was told."""

    notification_id: Id = Field(description="The same for every attempt to tell the same")
    kind: NotificationKind
    channel: NotificationChannel
    language: Language = Field(description="BCP 47 tag of the language it was written in")
    at: At
    provider_reference: Text = Field(description="The provider's id of the message")


class NotificationSuppressed(
    _AboutSomething, type="packhorse.notification.suppressed.v1", topic=topics.NOTIFICATION_EVENTS, key="order_id"
):
    """The customer was not told, on purpose."""

    at: At
    kind: NotificationKind
    channel: NotificationChannel
    why: SuppressedWhy = Field(description="Why not")


class NotificationFailed(
    _AboutSomething, type="packhorse.notification.failed.v1", topic=topics.NOTIFICATION_EVENTS, key="order_id"
):
    """The customer could not be told."""

    at: At
    kind: NotificationKind
    channel: NotificationChannel
    reason: Text = Field(description="What the provider said")
    final: Flag = Field(description="It will not be tried again")
