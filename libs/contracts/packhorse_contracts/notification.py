"""What the notification service says."""

from typing import Annotated, Literal

from pydantic import Field

from packhorse_contracts import topics
from packhorse_contracts.base import (
    Fact,
    Id,
    Language,
    Text,
    Utc,
)

NotificationKind = Annotated[str, Field(max_length=64)]
NotificationChannel = Literal["email", "sms", "push"]


class NotificationSent(
    Fact,
    type="packhorse.notification.sent.v1",
    topic=topics.NOTIFICATION_EVENTS,
    key="order_id",
    subject="notification_id",
):
    """The customer was told."""

    notification_id: Id
    order_id: Id
    kind: NotificationKind
    channel: NotificationChannel
    language: Language
    at: Utc = Field(description="When it became true")
    provider_reference: Text


class NotificationSuppressed(
    Fact, type="packhorse.notification.suppressed.v1", topic=topics.NOTIFICATION_EVENTS, key="order_id"
):
    """The customer was not told, on purpose."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    kind: NotificationKind
    channel: NotificationChannel
    why: Literal["preference", "duplicate", "quiet_hours", "no_address"]


class NotificationFailed(
    Fact, type="packhorse.notification.failed.v1", topic=topics.NOTIFICATION_EVENTS, key="order_id"
):
    """The customer could not be told."""

    order_id: Id
    at: Utc = Field(description="When it became true")
    kind: NotificationKind
    channel: NotificationChannel
    reason: Text
    final: bool
