"""How hard one outside may be asked: attempts at once, attempts a second, and a rest for one that keeps failing.

The circuit breaker: after so many failures in a row the outside is left alone for a while, then one attempt tries it;
that one decides whether all go on or the rest is doubled. Source: M. Nygard, Release It!, 2nd ed. 2018, "Circuit
Breaker".
"""

import random
from dataclasses import dataclass

LONGEST_REST = 30.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`at_once` attempts under way, `per_second` started (None: no limit), `failures` in a row open the breaker, which
    first rests for `rest` seconds."""

    at_once: int
    per_second: float | None = None
    failures: int = 20
    rest: float = 1.0


class Lane:
    """The state of one outside, by a monotonic clock that the caller reads (seconds)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._under_way = 0
        self._failures = 0
        self._rests = 0
        self._closed_until: float | None = None
        self._tokens, self._filled = 1.0, 0.0

    def free(self, now: float) -> int:
        """How many attempts may be started now."""
        if self._closed_until is not None:
            return 1 if now >= self._closed_until and not self._under_way else 0
        free = self._limits.at_once - self._under_way
        if self._limits.per_second is None:
            return max(0, free)
        # A token bucket that holds what a second brings, and at least one.
        filled = self._tokens + (now - self._filled) * self._limits.per_second
        self._tokens, self._filled = min(filled, max(1.0, self._limits.per_second)), now
        return max(0, min(free, int(self._tokens)))

    def started(self, attempts: int) -> None:
        """So many attempts were started."""
        self._under_way += attempts
        self._tokens -= attempts

    def ended(self, now: float, *, reached: bool | None) -> bool:
        """An attempt ended; `reached` if the outside gave an answer, None if it wasn't even asked. Returns True where
        the breaker opened by it."""
        self._under_way -= 1
        if reached is None:
            return False
        if reached:
            self._failures = self._rests = 0
            self._closed_until = None
            return False
        self._failures += 1
        trial = self._closed_until is not None
        if not trial and self._failures < self._limits.failures:
            return False
        if trial and self._closed_until is not None and now < self._closed_until:
            return False  # one that was under way when it opened
        rest = min(LONGEST_REST, self._limits.rest * 2**self._rests)
        self._rests = min(self._rests + 1, 10)
        self._closed_until = now + random.uniform(rest / 2, rest)
        return True

    @property
    def resting(self) -> bool:
        """True while the breaker is open."""
        return self._closed_until is not None
