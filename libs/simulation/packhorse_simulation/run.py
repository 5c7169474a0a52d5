"""Runs scenarios: one, or as many as a budget of order lives allows."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from packhorse_audit.verdict import Violation

from packhorse_simulation.scenario import Scenario, drawn
from packhorse_simulation.verdict import violations
from packhorse_simulation.world import World


@dataclass(slots=True)
class Report:
    """What came of many runs. `seconds` are of processor time, on one core."""

    lives: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[Scenario, list[Violation]]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Order lives a second."""
        return self.lives / self.seconds if self.seconds else 0.0


def lived(scenario: Scenario) -> World:
    """A world that has lived this scenario through."""
    world = World(scenario)
    world.live()
    return world


def judge(scenario: Scenario) -> list[Violation]:
    """All that doesn't hold after this scenario."""
    return violations(lived(scenario))


def run_many(
    seed: int, lives: int, *, stop_after: int = 1, tell: Callable[[Report], None] = lambda _report: None
) -> Report:
    """Runs of consecutive seeds until so many orders have lived, or so many runs have failed."""
    report, began = Report(), time.process_time()
    with _without_collector():
        while report.lives < lives and len(report.failed) < stop_after:
            scenario = drawn(seed)
            world = lived(scenario)
            found = violations(world)
            if found:
                report.failed.append((scenario, found))
            report.lives += len(scenario.orders)
            report.faults.update(world.chance.counts)
            world.forget()
            seed += 1
            report.seconds = time.process_time() - began
            tell(report)
    return report


@contextmanager
def _without_collector() -> Iterator[None]:
    """Worlds are large, and come apart by themselves: looking for circles in them takes a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def names(found: list[Violation]) -> set[str]:
    """The invariants that don't hold."""
    return {violation.invariant for violation in found}


def new_seed() -> int:
    """A seed that nobody has tried."""
    return Random().randrange(1, 1 << 31)
