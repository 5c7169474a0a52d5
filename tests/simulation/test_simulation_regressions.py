"""Seeds that once failed, and why."""

from pathlib import Path

import pytest
from packhorse_simulation.run import judge
from packhorse_simulation.scenario import drawn

LINES = (Path(__file__).parent / "regressions.txt").read_text().splitlines()
SEEDS = [int(line.split()[0]) for line in LINES if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_that_once_failed_passes(seed: int) -> None:
    """What was found once is not found again."""
    assert judge(drawn(seed)) == []
