"""The database of one service in memory: the chassis's tables, the service's states and journal, and row locks.

Only what is committed is here. An open transaction holds its rows locked, so that whoever needs one of them waits, as
it would in PostgreSQL.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from packhorse_chassis.core.documents import Documents, sound
from packhorse_chassis.core.inputs import Arrival, weight
from packhorse_chassis.core.kinds import Internal, Kind, Ref
from packhorse_chassis.core.outcome import Queue
from packhorse_chassis.core.reaction import Routes
from packhorse_contracts.base import Model

from packhorse_simulation.log import Record

TimerKey = tuple[str, str, str]
Checks = Mapping[str, Callable[[Any], bool]]
"""By kind, what the service's CHECK constraints say of a state."""


class Refused(Exception):
    """A constraint doesn't hold: the transaction can't commit, whoever tries."""


class LockedError(Exception):
    """A row is held by an open transaction, whose end has to be waited for."""

    def __init__(self, holder: "Holder") -> None:
        super().__init__("a row is locked")
        self.holder = holder


class Holder:
    """Who holds rows: an open transaction. Tells those who wait when it ends."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def end(self) -> None:
        """Lets those who wait try again."""
        waiting, self.waiting = self.waiting, []
        for again in waiting:
            again()


@dataclass(slots=True)
class TimerRow:
    """A timer that is set. `payload` is JSON where the run keeps bytes."""

    id: str
    due: datetime
    payload: Internal | bytes
    correlation: str | None


@dataclass(slots=True)
class EffectRow:
    """Something to be done outside, from the intent to the answer that was heard."""

    key: str
    id: str
    type: str
    request: Internal | bytes
    deadline: datetime
    correlation: str | None
    attempts: int = 0
    leased_until: datetime | None = None
    next_at: datetime | None = None
    answer: Internal | bytes | None = None
    """In the memory of the process that asked, and lost with it."""

    answer_type: str = ""
    answered_at: datetime | None = None
    done: bool = False


@dataclass(slots=True)
class DeadRow:
    """An input that was given up. `status` as in the chassis: open, retry, discard, retried, discarded."""

    id: str
    cause: Arrival
    ref: Ref | None
    code: str
    reason: str
    field: str | None
    retryable: bool
    parked: bool
    status: str = "open"


class Database:
    """All tables of one service. `wire`: states and payloads are kept as JSON, as PostgreSQL would keep them.

    Then most of its processes are of a release whose states have one version more than those of the older ones.
    """

    def __init__(self, routes: Routes, checks: Checks | None = None, *, wire: bool = False) -> None:
        self.routes, self.checks, self.wire = routes, checks or {}, wire
        self.states: dict[Ref, object] = {}
        self.shrunk: list[Ref] = []
        """States of a newer release that an older one has written back."""

        self.inbox: dict[tuple[str, ...], bytes | None] = {}
        """What outsiders said under an id, as a hash; None for ids of ours."""

        self.timers: dict[TimerKey, TimerRow] = {}
        self.effects: dict[str, EffectRow] = {}
        self.outbox: dict[int, Record] = {}
        self.sequences: dict[str, int] = {}
        self.journal: list[Model] = []
        self.dead: dict[str, DeadRow] = {}
        self.parked: dict[Ref, str] = {}
        self.waiting: dict[int, tuple[Ref, Arrival]] = {}
        self.unnamed: dict[Ref, datetime] = {}
        """Aliases that inputs wait for, since when."""

        self.nameless: dict[str, Ref] = {}
        """Dead letters of those that have waited for too long, and for which name."""

        self.locked: dict[Hashable, Holder] = {}
        self.next_outbox = 0
        self.next_waiting = 0

    def load(self, ref: Ref, *, older: bool = False) -> object:
        """A state as it was last committed; the empty state of a key that has none. Raises NewerError where an older
        process meets what a newer one wrote."""
        kept = self.states.get(ref)
        if kept is None:
            kind = self.routes.kinds[ref.kind]
            return kind.empty(ref.key) if kind.tally is None else kind.tally(ref.key, self.journal)
        return sound(self._documents(ref, older).read(ref.key, kept.decode())) if isinstance(kept, bytes) else kept

    def written(self, states: Mapping[Ref, object], *, older: bool = False) -> Mapping[Ref, object]:
        """States as they would lie in their rows. Raises Refused where the service's constraints don't hold, and
        RefusedError where one has grown too large."""
        self._check(states)
        if not self.wire:
            return states
        return {ref: self._documents(ref, older).write(ref.key, state) for ref, state in states.items()}

    def keep(self, written: Mapping[Ref, object]) -> None:
        """Commits what was written."""
        for ref, state in written.items():
            before = self.states.get(ref)
            if isinstance(before, bytes) and isinstance(state, bytes) and before[:4] == b'{"v"' != state[:4]:
                self.shrunk.append(ref)
            self.states[ref] = state

    def _check(self, states: Mapping[Ref, object]) -> None:
        for ref, state in states.items():
            holds = self.checks.get(ref.kind)
            if holds is not None and not holds(state):
                raise Refused(f"{ref.kind} {ref.key} violates a constraint")

    def of_kind(self, kind: Kind[Any]) -> dict[str, Any]:
        """All states of a kind by key."""
        return {ref.key: self.load(ref) for ref in list(self.states) if ref.kind == kind.name}

    def queue(self, ref: Ref) -> Queue:
        """What waits behind a parked subject."""
        behind = [weight(arrival.raw) for subject, arrival in self.waiting.values() if subject == ref]
        return Queue(len(behind), sum(behind))

    def freed(self, ref: Ref) -> bool:
        """Whether what a subject was parked for is settled, so that its queue may be worked off."""
        letter = self.parked.get(ref)
        return letter is not None and self.dead[letter].status in ("retried", "discarded")

    def need(self, rows: Iterable[Hashable]) -> None:
        """Raises LockedError where somebody else holds one of these rows."""
        for row in rows:
            holder = self.locked.get(row)
            if holder is not None:
                raise LockedError(holder)

    def lock(self, rows: Iterable[Hashable], holder: Holder) -> None:
        """Holds rows until `unlock`."""
        for row in rows:
            self.locked[row] = holder

    def unlock(self, holder: Holder) -> None:
        """The transaction has ended: its rows are free, and those who waited try again."""
        self.locked = {row: other for row, other in self.locked.items() if other is not holder}
        holder.end()

    def _documents(self, ref: Ref, older: bool) -> Documents:
        kind = self.routes.kinds[ref.kind]
        return _documents(kind, older)


@cache
def _documents(kind: Kind[Any], older: bool) -> Documents:
    """Making them takes longer than a whole order's life."""
    return Documents(kind if older else replace(kind, version=kind.version + 1))
