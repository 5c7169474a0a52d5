"""Orders through all five services, under every fault, from a fresh seed."""

from packhorse_simulation.faults import RATES
from packhorse_simulation.run import run_many
from packhorse_simulation.shrink import shrunk
from packhorse_simulation.story import story

from .budget import LIVES, SEED


def test_every_order_ends_well_whatever_goes_wrong() -> None:
    """Nothing lost, nothing doubled, every book agrees with every other, and the world comes to rest."""
    report = run_many(SEED, LIVES)
    assert not report.failed, story(shrunk(report.failed[0][0], 60))
    assert report.lives >= LIVES


def test_every_kind_of_fault_happens() -> None:
    """A fault that no run meets any more would be a promise that nobody keeps. Always the same runs."""
    report = run_many(1, 4_000, stop_after=100)
    assert set(RATES) - set(report.faults) == set()
