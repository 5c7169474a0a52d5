"""The operator: has dead letters tried again. And the bug that one may find in a reaction, until it is mended."""

from collections import Counter
from functools import partial
from typing import Final

from packhorse_chassis.core.inputs import Arrival

from packhorse_simulation.faults import Chance
from packhorse_simulation.node import Node
from packhorse_simulation.scheduler import Scheduler
from packhorse_simulation.transaction import Work

BUG: Final = "a reaction fails until it is mended"
_TRIES: Final = 8


class BugError(Exception):
    """What a reaction raises until it is mended."""


class Operator:
    """Looks at each new dead letter after a while."""

    def __init__(self, scheduler: Scheduler, chance: Chance) -> None:
        self._scheduler, self._chance = scheduler, chance
        self._bugs: dict[tuple[str, str, str], float] = {}
        self._tries: Counter[tuple[str, str]] = Counter()

    def fails(self, service: str, arrival: Arrival) -> None:
        """Called before a reaction: raises where it has a bug just now."""
        key = (service, arrival.source, arrival.id)
        if self._chance.strikes(BUG, service):
            self._bugs.setdefault(key, self._scheduler.now + 600 * self._scheduler.random.random())
        if self._bugs and self._scheduler.now < self._bugs.get(key, 0.0) and not self._chance.healed:
            raise BugError(service)

    def expected(self, service: str, cause: Arrival) -> bool:
        """Whether this failure was our doing."""
        return (service, cause.source, cause.id) in self._bugs

    def see(self, node: Node, work: Work) -> None:
        """New dead letters."""
        for letter in work.outcome.dead:
            key = (node.name, letter.cause.id)
            if not letter.retryable or self._tries[key] >= _TRIES:
                continue
            self._tries[key] += 1
            longest = 30.0 * 3 ** self._tries[key]
            self._scheduler.after(0.5, longest, partial(node.ask_again, letter.id))
