"""What one transaction is about to store, and who takes its effects on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg

from packhorse_chassis import said as saying
from packhorse_chassis.inputs import Arrival
from packhorse_chassis.reaction import Effect, Input, Ref, SetTimer
from packhorse_chassis.rows import Queue


@dataclass(slots=True)
class Outcome:
    """What one transaction is about to store."""

    changed: dict[Ref, object] = field(default_factory=dict)
    said: list[saying.Said] = field(default_factory=list)
    timers: dict[tuple[str, ...], tuple[SetTimer, Arrival, str] | None] = field(default_factory=dict)
    effects: list[tuple[Effect, Arrival, str]] = field(default_factory=list)
    journal: list[Any] = field(default_factory=list)
    dead: list[saying.DeadLetter] = field(default_factory=list)
    waiting: list[tuple[Ref, Arrival]] = field(default_factory=list)
    parked: dict[Ref, Queue] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    asked: Sequence[asyncpg.Record] = ()
    """The effects that this process took, so many of each type, and their rows."""

    heard: set[type[Input]] = field(default_factory=set)
    """What a reaction has taken."""


class Asker(Protocol):
    """Who performs effects in this process, and may take some on as they are stored."""

    lease: float
    """Seconds for which what it takes is its own."""

    def take(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """How many of these it takes, by type; they count as under way from now on."""

    def begin(self, taken: Mapping[str, int], rows: Sequence[asyncpg.Record]) -> None:
        """These were stored; what was taken beyond them wasn't."""


class Nobody:
    """Takes nothing: what is stored waits until somebody leases it."""

    lease = 0.0

    def take(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """None."""
        return {}

    def begin(self, taken: Mapping[str, int], rows: Sequence[asyncpg.Record]) -> None:
        """Nothing was taken."""
