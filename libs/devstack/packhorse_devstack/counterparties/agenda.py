"""What a counterparty still has to do, and when: pure, in memory, one sequence of steps a key."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from packhorse_contracts.base import Fact


@dataclass(frozen=True, slots=True)
class Step:
    """A fact to say, so long after the step before it."""

    after: timedelta
    fact: Fact


class Agenda:
    """Steps by key, each due after the one before it."""

    def __init__(self) -> None:
        self._due: list[tuple[datetime, int, str, Fact]] = []
        self._left: dict[str, int] = {}
        self._count = 0

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def __len__(self) -> int:
        """How many keys have steps left."""
        return len(self._left)

    def plan(self, key: str, steps: Iterable[Step], now: datetime) -> None:
        """Puts the steps of a new key on the agenda."""
        at = now
        for step in steps:
            at += step.after
            self._count += 1
            self._left[key] = self._left.get(key, 0) + 1
            heapq.heappush(self._due, (at, self._count, key, step.fact))

    def drop(self, key: str) -> None:
        """Forgets what is left of a key."""
        self._left.pop(key, None)
        self._due = [entry for entry in self._due if entry[2] != key]
        heapq.heapify(self._due)

    def due(self, now: datetime) -> list[tuple[str, Fact]]:
        """Takes the steps whose time has come, in the order of their times."""
        taken = []
        while self._due and self._due[0][0] <= now:
            _, _, key, fact = heapq.heappop(self._due)
            taken.append((key, fact))
            self._left[key] -= 1
            if not self._left[key]:
                del self._left[key]
        return taken
