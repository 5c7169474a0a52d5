"""A check that can't fail checks nothing: each defect, put in on purpose, is caught within the everyday budget."""

from collections.abc import Iterator

import pytest
from packhorse_simulation import services
from packhorse_simulation.run import judge, run_many
from packhorse_simulation.shrink import shrunk
from packhorse_simulation.story import story

from .defects import DEFECTS, install

BUDGET = 20_000
"""Order lives, as in `make simulate`. Most defects show in the first hundred."""

FIRST_SEEDS = {"refund_above_capture": 2192, "timer_on_the_old_state": 533, "stock_without_a_lock": 34}
"""Where those showed that take longer: only a short cut, for a run goes on from there until its budget is used up."""


@pytest.fixture(autouse=True)
def _sound_again() -> Iterator[None]:
    yield
    services.routes.cache_clear()


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same runs every time, so that it is always caught, and at the same place."""
    install(name, monkeypatch)
    report = run_many(FIRST_SEEDS.get(name, 1), BUDGET)
    assert report.failed, f"{name} survived {report.lives} order lives"
    monkeypatch.undo()
    services.routes.cache_clear()
    assert judge(report.failed[0][0]) == [], "it fails without the defect as well"


def test_a_failure_becomes_a_short_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of forty orders and dozens of faults one order and a few faults are left, and a person can read why."""
    install("upcaster_dropped", monkeypatch)
    scenario = shrunk(run_many(1, BUDGET).failed[0][0], 4_000)
    assert len(scenario.orders) == 1
    told = story(scenario)
    assert "handed_over" in told
    assert "BROKEN  every order ends once" in told
    assert len(told.splitlines()) < 80
