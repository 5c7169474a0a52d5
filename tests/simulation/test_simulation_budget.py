"""Orders through all five services, under every fault, from a fresh seed."""

from collections import Counter
from dataclasses import replace

import pytest
from packhorse_simulation.faults import RATES
from packhorse_simulation.run import lived, run_many
from packhorse_simulation.scenario import drawn
from packhorse_simulation.shrink import shrunk
from packhorse_simulation.story import story
from packhorse_simulation.verdict import violations

from .budget import LIVES, SEED


def test_every_order_ends_well_whatever_goes_wrong() -> None:
    """Nothing lost, nothing doubled, every book agrees with every other, and the world comes to rest."""
    report = run_many(SEED, LIVES)
    if report.failed:
        scenario = report.failed[0][0]
        pytest.fail(
            f"make simulate SEED={scenario.seed} repeats it; its story, made shorter:\n{story(shrunk(scenario))}"
        )
    assert report.lives >= LIVES


def test_every_kind_of_fault_happens() -> None:
    """A fault that no run meets any more would be a promise that nobody keeps. Always the same runs, with all kinds."""
    happened: Counter[str] = Counter()
    for seed in range(1, 26):
        scenario = replace(drawn(seed), rates={kind: min(2 * rate, 0.6) for kind, rate in RATES.items()})
        world = lived(scenario)
        assert violations(world) == [], seed
        happened.update(world.chance.counts)
    assert set(RATES) - set(happened) == set()
