"""A scenario: everything that decides how a run goes. The same scenario is the same run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from packhorse_simulation.faults import RATES, Fault

ORDERS: Final = 40
"""In one run: enough to meet over stock and locks."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`orders` are numbers in the population, which decides what each of them is; `rush`: seconds within which they
    are placed; `pace`: what a hop takes at most, in seconds; `wire`: facts and states travel and are kept as bytes;
    `spared`: faults left out."""

    seed: int
    population: int
    orders: tuple[int, ...]
    rush: float
    pace: float
    wire: bool
    rates: Mapping[str, float] = field(default_factory=dict)
    spared: frozenset[Fault] = frozenset()


def drawn(seed: int, orders: int = ORDERS) -> Scenario:
    """The scenario of a seed."""
    random = Random(seed)
    return Scenario(
        seed,
        seed,
        tuple(range(1, orders + 1)),
        random.choice((0.5, 0.5, 60.0)),
        random.choice((0.1, 1.0, 4.0, 20.0)),
        random.random() < 0.1,
        _some_rates(random),
    )


def _some_rates(random: Random) -> dict[str, float]:
    """The kinds of one run with their rates: two or three that come all the time, or some, or all, gentle or harsh."""
    if random.random() < 0.2:
        return dict.fromkeys(random.sample(list(RATES), random.randint(2, 3)), 0.5)
    share = random.choice((0.1, 0.3, 0.6, 1.0))
    factor = random.choice((0.5, 1.0, 3.0))
    return {kind: min(rate * factor, 0.9) for kind, rate in RATES.items() if random.random() < share}
