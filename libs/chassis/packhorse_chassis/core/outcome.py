"""What comes of a batch of inputs: all that is to be stored, and nothing of it has happened. Pure."""

from dataclasses import dataclass, field

from packhorse_contracts.base import Model

from packhorse_chassis.core import said as saying
from packhorse_chassis.core.inputs import MOST_WAITING, MOST_WAITING_BYTES, Arrival, weight
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.turn import Effect, SetTimer

TimerKey = tuple[str, str, str]
"""Type, key and name of a timer."""


class MissingError(Exception):
    """A reaction needs states that weren't loaded: load them, and take the batch again."""

    def __init__(self, refs: set[Ref]) -> None:
        super().__init__(f"not loaded: {', '.join(f'{ref.kind} {ref.key}' for ref in sorted(refs))}")
        self.refs = refs


@dataclass(frozen=True, slots=True)
class Reacted:
    """One input that a reaction took, about whom, and what it said."""

    arrival: Arrival
    ref: Ref
    said: list[saying.Said]


@dataclass(slots=True)
class Queue:
    """What waits behind a parked subject."""

    count: int = 0
    bytes: int = 0

    def takes(self, arrival: Arrival) -> bool:
        """Whether there is room for one more; it is counted then. What waited before keeps its place."""
        if arrival.waiting is None:
            if self.count >= MOST_WAITING or self.bytes >= MOST_WAITING_BYTES:
                return False
            self.count, self.bytes = self.count + 1, self.bytes + weight(arrival.raw)
        return True


@dataclass(slots=True)
class Outcome:
    """All that is to be stored. The last decision about a state or a timer counts."""

    changed: dict[Ref, object] = field(default_factory=dict)
    timers: dict[TimerKey, tuple[SetTimer, Arrival, str | None] | None] = field(default_factory=dict)
    effects: list[tuple[Effect, Arrival, str | None]] = field(default_factory=list)
    journal: list[Model] = field(default_factory=list)
    dead: list[saying.DeadLetter] = field(default_factory=list)
    waiting: list[tuple[Ref, Arrival]] = field(default_factory=list)
    parked: dict[Ref, Queue] = field(default_factory=dict)
    """Subjects whose inputs wait: those that were parked before, and those that are from now on."""

    reacted: list[Reacted] = field(default_factory=list)
    previews: list[saying.Said] = field(default_factory=list)
    """Answers to dry runs: what would have followed from them. Nothing else of them is in here."""

    @property
    def said(self) -> list[saying.Said]:
        """What is to be published, in order; of several snapshots of one subject only the last."""
        return saying.without_superseded([item for reacted in self.reacted for item in reacted.said])
