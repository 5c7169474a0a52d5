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


@pytest.mark.parametrize("cut_off", ["15:00Z", "15:00+02:00"])
def test_a_cut_off_with_an_offset_is_refused(cut_off: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on each location's own clock. Before the first order, and the message says what is wanted."""
    monkeypatch.setenv("PACKHORSE_ORDER_CUT_OFF", cut_off)
    with pytest.raises(ValidationError, match=r"cut_off\n.*without an offset"):
        OrderSettings()


@pytest.mark.parametrize("name", ["PAYMENT_DEADLINE", "GRACE"])
def test_a_negative_length_of_time_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every order would be cancelled when it is placed, or looked at without an end."""
    monkeypatch.setenv(f"PACKHORSE_ORDER_{name}", "-60")
    with pytest.raises(ValidationError, match=name.lower()):
        OrderSettings()
