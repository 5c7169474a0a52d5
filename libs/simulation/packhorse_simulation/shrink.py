"""Makes a failing scenario as small as it gets: fewer orders, fewer kinds of faults, then single faults left out.

Without an order or a kind the same seed is another run. So each smaller scenario is tried with many schedules, and
counts if one of them breaks the same invariant. A run of one order takes a few milliseconds: there is time for that.
What it may take is counted in order lives, not in seconds, so that it finds the same again on any machine.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import TypeVar

from packhorse_simulation.run import judge, lived, names
from packhorse_simulation.scenario import Scenario
from packhorse_simulation.verdict import violations

T = TypeVar("T")
_BOOST = 3.0
"""Fewer orders are fewer opportunities: faults come as much more often."""


class Shrinker:
    """`invariant`: what must still be broken; `lives`: order lives that it may take, about."""

    def __init__(self, scenario: Scenario, invariant: str, lives: int) -> None:
        self._best, self._invariant = scenario, invariant
        self._random = Random(scenario.seed)
        self._lives = lives
        self._lived = self._until = 0

    def shrink(self) -> Scenario:
        """The smallest scenario found."""
        for step in (self._fewer_orders, self._fewer_kinds, self._fewer_orders, self._fewer_faults):
            self._until = self._lived + self._lives // 4
            step()
        return self._best

    @property
    def _in_time(self) -> bool:
        return self._lived < self._until

    def _breaks(self, scenario: Scenario) -> bool:
        """Whether this very run still fails; keeps it if so."""
        self._lived += len(scenario.orders)
        if self._invariant not in names(judge(scenario)):
            return False
        self._best = scenario
        return True

    def _fewer_orders(self) -> None:
        """Some of the orders, at random: first single ones, then more of them, with more and more patience."""
        first = self._best
        until = self._lived + self._lives // 8
        for tries in (60, 300, 1_500):
            for size in (1, 2, 3, 5, 8):
                if size >= len(first.orders):
                    break
                for _ in range(tries // size):
                    if self._lived > until:
                        self._halves()
                        return
                    some = tuple(sorted(self._random.sample(first.orders, size)))
                    if self._breaks(self._anew(replace(first, orders=some))):
                        return
        self._halves()

    def _halves(self) -> None:
        """What needs a crowd: a part of it at a time is left out."""
        parts = 2
        while len(orders := list(self._best.orders)) > 1 and self._in_time:
            for kept in _without_a_part(orders, parts):
                if self._often(replace(self._best, orders=tuple(kept)), 6):
                    parts = max(2, parts - 1)
                    break
            else:
                if parts >= len(orders):
                    return
                parts = min(2 * parts, len(orders))

    def _fewer_kinds(self) -> None:
        """Leaves kinds of faults out: many at once, then one by one."""
        parts = 2
        if self._best.wire:
            self._often(replace(self._best, wire=False), 20)
        while (kinds := list(self._best.rates)) and self._in_time:
            for kept in _without_a_part(kinds, parts):
                rates = {kind: self._best.rates[kind] for kind in kept}
                if self._often(replace(self._best, rates=rates), 60):
                    parts = max(2, parts - 1)
                    break
            else:
                if parts >= len(kinds):
                    return
                parts = min(2 * parts, len(kinds))

    def _often(self, scenario: Scenario, tries: int) -> bool:
        return any(self._in_time and self._breaks(self._anew(scenario)) for _ in range(tries))

    def _anew(self, scenario: Scenario) -> Scenario:
        """The same under another schedule, and with more faults."""
        return replace(scenario, seed=self._random.randrange(1 << 31), rates=_more(scenario.rates))

    def _fewer_faults(self) -> None:
        """Leaves out single faults; the schedule stays, for they are numbered in it."""
        again = True
        while again:
            again = False
            for happened in reversed(lived(self._best).chance.happened):
                if not self._in_time:
                    return
                if self._breaks(replace(self._best, spared=self._best.spared | {happened.fault})):
                    again = True
                    break


def _more(rates: Mapping[str, float]) -> dict[str, float]:
    return {kind: min(rate * _BOOST, max(rate, 0.3)) for kind, rate in rates.items()}


def _without_a_part(things: list[T], count: int) -> Iterator[list[T]]:
    size = -(-len(things) // count)
    for start in range(0, len(things), size):
        yield things[:start] + things[start + size :]


def shrunk(scenario: Scenario, lives: int = 20_000) -> Scenario:
    """The smallest scenario found that breaks the first invariant which this one breaks."""
    found = violations(lived(scenario))
    return Shrinker(scenario, found[0].invariant, lives).shrink() if found else scenario
