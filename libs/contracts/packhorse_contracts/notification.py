"""What the notification service says."""

from typing import Annotated, Literal

from pydantic import Field

from packhorse_contracts import topics
from packhorse_contracts.base import Code, Fact, Flag, Id, Language, Text
from packhorse_contracts.fields import At, OrderId

NotificationKind = Annotated[Code, Field(description="Which message; the list may grow")]
NotificationChannel = Annotated[Literal["email", "sms", "push"], Field(description="How the customer is reached")]
SuppressedWhy = Literal["preference", "duplicate", "quiet_hours", "no_address"]


class NotificationSent(
    Fact,
    type="packhorse.notification.sent.v1",
    topic=topics.NOTIFICATION_EVENTS,
    key="order_id",
    subject="notification_id",
):
    """The customer was told."""

    notification_id: Id = Field(description="The same for every attempt to tell the same")
    order_id: OrderId
    kind: NotificationKind
    channel: NotificationChannel
    language: Language = Field(description="BCP 47 tag of the language it was written in")
    at: At
    provider_reference: Text = Field(description="The provider's id of the message")


class NotificationSuppressed(
    Fact, type="packhorse.notification.suppressed.v1", topic=topics.NOTIFICATION_EVENTS, key="order_id"
):
    """The customer was not told, on purpose."""

    order_id: OrderId
    at: At
    kind: NotificationKind
    channel: NotificationChannel
    why: SuppressedWhy = Field(description="Why not")


class NotificationFailed(
    Fact, type="packhorse.notification.failed.v1", topic=topics.NOTIFICATION_EVENTS, key="order_id"
):
    """The customer could not be told."""

    order_id: OrderId
    at: At
    kind: NotificationKind
    channel: NotificationChannel
    reason: Text = Field(description="What the provider said")
    final: Flag = Field(description="It will not be tried again")
