"""The wiring: what is heard, and what can be set."""

from pathlib import Path

import pytest
from packhorse_notification.effects import Mailer
from packhorse_notification.messages import SendMail
from packhorse_notification.service import build
from packhorse_notification.settings import Settings
from pydantic import ValidationError


def test_it_hears_what_customers_are_told_of() -> None:
    """Three topics, the policies, and the answers of its own effect."""
    service = build(Settings())
    assert service.name == "notification"
    assert service.routes.topics == [
        "operations.policies",
        "order.events",
        "payment.events",
        "shipping.events",
    ]
    assert sorted(route.name for route in service.routes.by_input.values()) == [
        "keep_contact",
        "record_failed",
        "record_sent",
        "set",
        "tell_cancelled",
        "tell_confirmed",
        "tell_declined",
        "tell_delivered",
        "tell_dispatched",
        "tell_refunded",
    ]
    assert [path.name for path in sorted(Path(service.migrations).glob("*.sql"))] == ["0001_initial.sql"]


async def test_it_sends_with_what_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment variables, with the password out of sight."""
    monkeypatch.setenv("PACKHORSE_NOTIFICATION_SMTP_HOST", "mail.test")
    monkeypatch.setenv("PACKHORSE_NOTIFICATION_SMTP_PORT", "587")
    monkeypatch.setenv("PACKHORSE_NOTIFICATION_SMTP_USERNAME", "shop")
    monkeypatch.setenv("PACKHORSE_NOTIFICATION_SMTP_PASSWORD", "hush-hush")
    monkeypatch.setenv("PACKHORSE_NOTIFICATION_SMTP_STARTTLS", "true")
    monkeypatch.setenv("PACKHORSE_NOTIFICATION_SENDER", "hello@shop.example")
    monkeypatch.setenv("PACKHORSE_NOTIFICATION_SHOP_NAME", "Zażółć")
    settings = Settings()
    assert (settings.server.host, settings.server.port, settings.server.starttls) == ("mail.test", 587, True)
    assert (settings.server.username, settings.server.password) == ("shop", "hush-hush")
    assert "hush-hush" not in repr(settings) + repr(settings.server)
    assert (settings.shop.name, settings.shop.sender) == ("Zażółć", "hello@shop.example")
    performers = build(settings).performers()
    assert isinstance(performers[SendMail], Mailer)
    await performers[SendMail].close()


@pytest.mark.parametrize("sender", ["nobody", "a@example.com\r\nBcc: b@example.com", ""])
def test_a_sender_that_is_no_address_stops_the_start(sender: str) -> None:
    """Better than a mail server's refusal an hour later."""
    with pytest.raises(ValidationError, match="not an e-mail address"):
        Settings(sender=sender)
