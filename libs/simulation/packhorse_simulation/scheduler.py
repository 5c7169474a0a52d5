"""Virtual time: one queue of things to happen, and the one source of chance."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Final

EPOCH: Final = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""When every simulation begins: a Monday morning."""

Act = Callable[[], object]


class Scheduler:
    """Runs what is due, one after the other. `now` is seconds since the epoch of the simulation.

    Two things never happen at once; which comes first of two at one time is the order in which they were planned, so
    that a run with the same seed is the same run.
    """

    __slots__ = ("_count", "_heap", "now", "pace", "random")

    def __init__(self, seed: int, pace: float = 0.1) -> None:
        """`pace`: seconds that each hop between two processes takes at most. Slow hops make large batches."""
        self.random = Random(seed)
        self.pace = pace
        self.now = 0.0
        self._heap: list[tuple[float, int, Act]] = []
        self._count = 0

    def at(self, time: float, act: Act) -> None:
        """Plans something; what lies in the past happens next."""
        self._count += 1
        heappush(self._heap, (time, self._count, act))

    def after(self, shortest: float, longest: float, act: Act) -> None:
        """Plans something after a pause that chance chooses, in seconds."""
        self._count += 1
        heappush(self._heap, (self.now + shortest + (longest - shortest) * self.random.random(), self._count, act))

    def soon(self, act: Act) -> None:
        """Plans what follows as fast as processes and wires allow."""
        self._count += 1
        heappush(self._heap, (self.now + self.pace * (0.02 + self.random.random()), self._count, act))

    def run(self, until: float) -> bool:
        """Lets everything happen up to a time. True where nothing is left to happen at all."""
        heap = self._heap
        while heap:
            time, _, act = heap[0]
            if time > until:
                return False
            heappop(heap)
            self.now = max(self.now, time)
            act()
        return True

    def clock(self, skew: float = 0.0) -> datetime:
        """The time that a clock shows which is so many seconds ahead."""
        return EPOCH + timedelta(seconds=self.now + skew)


def seconds(at: datetime) -> float:
    """The inverse of `Scheduler.clock`."""
    return (at - EPOCH).total_seconds()
