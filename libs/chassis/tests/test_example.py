"""The page's example does what the page says."""

from datetime import timedelta

import pytest
import toy
from example import ROUTES, TILLS, Close
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.order import OrderHeld


def test_it_counts_says_so_and_closes_by_itself() -> None:
    """Two requests, an hour of silence, and one that comes too late."""
    service = Memory(ROUTES)
    service.hear(toy.request("O-1", "one"), toy.NOON)
    service.hear(toy.request("O-1", "two"), toy.NOON)
    assert [fact.note for fact in service.said(OrderHeld)] == ["one", "two"]
    assert service.timers[Close.type_name(), "O-1", ""].due == toy.NOON + timedelta(hours=1)
    service.fire(Close, "O-1")
    with pytest.raises(RefusedError):
        service.hear(toy.request("O-1", "late"), toy.NOON + timedelta(hours=2))
    assert service.state(TILLS, "O-1").asked == 2
