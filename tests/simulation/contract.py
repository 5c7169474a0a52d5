"""What a contract test may do with a world, be it the real chassis or the simulated one. The service is the toy."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from packhorse_contracts.base import Fact
from packhorse_contracts.operations import OperationsPreviewed


class Death(Enum):
    """Where a process may die, once."""

    BEFORE_COMMIT = auto()
    BEFORE_OFFSETS = auto()
    """The database has committed, the broker doesn't know."""

    BEFORE_DELETE = auto()
    """The event is published, and still in the outbox."""

    UNDER_WAY = auto()
    """The outside was asked, and its answer isn't heard yet."""


@dataclass(frozen=True, slots=True)
class Said:
    """An event of the toy as it lies on its topic. The note of a shelf's level is the number of its orders; that of an
    answer to a dry run, whose key is the question's id, tells how many facts, timers and effects it names."""

    note: str
    id: str
    sequence: int
    causation: str


@dataclass(frozen=True, slots=True)
class Dead:
    """A dead letter."""

    code: str
    field: str | None
    parked: bool
    retryable: bool


def answer(told: OperationsPreviewed) -> str:
    """What a dry run was told, as the note of a `Said`."""
    if told.refusal is not None:
        return told.refusal.code
    return f"{len(told.facts)} facts, {len(told.timers)} timers, {len(told.effects)} effects"


class ToyWorld(Protocol):
    """One toy service between a log and a database, and an outsider who speaks to it."""

    rivals: bool
    """Everything is handled by two owners at once, each of whom may be at another key."""

    asked: list[str]
    """The idempotency keys with which the outside was asked, attempt by attempt."""

    failures: int
    """So many attempts fail before the outside answers."""

    async def say(
        self, fact: Fact, event_id: str | None = None, sequence: int | None = None, source: str = "/test"
    ) -> str:
        """Somebody publishes a fact, with this `ce_sequence`; returns its id."""

    async def try_out(self, fact: Fact, event_id: str) -> None:
        """Somebody asks, under this id, what would follow from a request."""

    async def say_garbage(self, key: str) -> None:
        """The outsider publishes bytes that nobody can read."""

    async def rest(self) -> None:
        """Lets everything happen until nothing is left to happen."""

    def die(self, where: Death) -> None:
        """The next process that gets there dies, and is started again."""

    async def notes(self, order: str) -> list[str]:
        """What the toy keeps of an order."""

    async def shelf(self, shelf: str) -> list[str]:
        """The orders on a shelf."""

    async def journal(self, order: str) -> list[str]:
        """The shelves that it was put onto, from the journal."""

    async def said(self, key: str) -> list[Said]:
        """What was said of an order or a shelf, in the order of the topic."""

    async def dead(self, order: str) -> list[Dead]:
        """The dead letters with this key, in the order in which they came."""

    async def waiting(self, order: str) -> int:
        """How many inputs wait behind a parked order."""

    async def parked(self, order: str) -> bool:
        """Whether the order is parked."""

    async def timers(self, order: str) -> int:
        """How many timers are set for it."""

    async def grow_old(self) -> None:
        """What waits for its subject's name has done so for as long as it may."""

    async def ask_again(self, order: str) -> None:
        """An operator wants its open dead letters tried again."""

    async def discard(self, order: str) -> None:
        """An operator gives them up."""
