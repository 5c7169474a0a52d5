"""The wiring: what is set from outside."""

from datetime import time, timedelta

import pytest
from packhorse_order.service import OrderSettings
from pydantic import ValidationError


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengths of time and a time of day, as people write them."""
    monkeypatch.setenv("PACKHORSE_ORDER_PAYMENT_DEADLINE", "PT45M")
    monkeypatch.setenv("PACKHORSE_ORDER_CUT_OFF", "16:30")
    settings = OrderSettings()
    assert (settings.payment_deadline, settings.cut_off) == (timedelta(minutes=45), time(16, 30))


def test_a_cut_off_in_utc_is_the_same_with_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is compared with times of day without one: else every order would fall over when it is confirmed."""
    monkeypatch.setenv("PACKHORSE_ORDER_CUT_OFF", "15:00Z")
    cut_off = OrderSettings().cut_off
    assert (cut_off, cut_off.tzinfo) == (time(15), None)


def test_a_cut_off_in_another_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first order, and the message says what is wanted."""
    monkeypatch.setenv("PACKHORSE_ORDER_CUT_OFF", "15:00+02:00")
    with pytest.raises(ValidationError, match=r"cut_off\n.*in UTC"):
        OrderSettings()


@pytest.mark.parametrize("name", ["PAYMENT_DEADLINE", "GRACE"])
def test_a_negative_length_of_time_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every order would be cancelled when it is placed, or looked at without an end."""
    monkeypatch.setenv(f"PACKHORSE_ORDER_{name}", "-60")
    with pytest.raises(ValidationError, match=name.lower()):
        OrderSettings()
