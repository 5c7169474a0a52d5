"""The vocabulary of a service: reactions, and the table of which input leads to which.

Pure: no I/O, no clock, no chance. The chassis runs it against PostgreSQL and Kafka, `memory` in a test, and
the simulation in a world of faults.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from packhorse_contracts.base import Fact, Model
from packhorse_contracts.lenient import Unsound
from packhorse_contracts.operations import OperationsPolicySet

from packhorse_chassis.core.kinds import Alias, Internal, Kind, Ref, RefusedError
from packhorse_chassis.core.policy import POLICY, Policies
from packhorse_chassis.core.turn import Turn

S = TypeVar("S")
I = TypeVar("I", bound=Model)  # noqa: E741

Reaction = Callable[[Turn[Any], S, I], S]
"""(turn, state, input) → the subject's new state. It never changes the old one; all else that follows goes into the
turn. Raises RefusedError for what can't be taken."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A cell of the table: this input changes nothing in this status, for a reason that people can read."""

    why: str

    @property
    def __name__(self) -> str:
        return "ignored"

    def __call__(self, _turn: Turn[Any], state: S, _heard: object) -> S:
        return state


@dataclass(frozen=True, slots=True)
class Refused:
    """A cell of the table: this input can't be taken in this status, and becomes a dead letter."""

    code: str
    message: str
    field: str | None = None
    retryable: bool = False

    @property
    def __name__(self) -> str:
        return "refused"

    def __call__(self, _turn: Turn[Any], _state: S, _heard: object) -> S:
        raise RefusedError(self.code, self.message, self.field, retryable=self.retryable)


Cell = Reaction[Any, Any] | Ignored | Refused
"""What follows from an input in one status of its subject."""


def ignored(why: str) -> Ignored:
    """Nothing follows, and `why`: "a repeat", "it was cancelled before"."""
    return Ignored(why)


def refused(code: str, message: str, field: str | None = None, *, retryable: bool = False) -> Refused:
    """A dead letter, see RefusedError."""
    return Refused(code, message, field, retryable)


@dataclass(frozen=True, slots=True)
class Route:
    """One row of a service's table: this input, about a state of this kind, leads to these reactions, by its status."""

    input: type[Fact] | type[Internal]
    kind: Kind[Any]
    key: Callable[[Any], str]
    cells: Mapping[str, Cell]
    also: Callable[[Any, Any], Iterable[Ref]]
    alias: Alias[Any] | None = None
    named_by: str | None = None
    """The field that holds the alias."""

    def address(self, heard: object) -> Ref:
        """Whom it is for: the subject itself, or the alias that leads to it."""
        return (self.alias or self.kind).ref(self.key(heard))

    def subject(self, at: Ref, read: Callable[[Ref], object]) -> Ref | None:
        """Whom an address leads to; None where nobody knows yet."""
        if self.alias is None:
            return at
        key = self.alias.leads_to(read(at))
        return self.kind.ref(key) if key else None

    def cell(self, state: object) -> Reaction[Any, Any]:
        """The reaction to it, as the subject stands."""
        return self.cells[self.kind.status(state)]

    @property
    def name(self) -> str:
        """What the row does where it does anything."""
        return reaction_name(self.cells.values())


def _nothing(_state: object, _input: object) -> Iterable[Ref]:
    return ()


@dataclass(frozen=True, slots=True)
class Via:
    """Finds the subject by another name, see `via`."""

    alias: Alias[Any]
    key: Callable[[Any], str]
    named_by: str | None


def via(alias: Alias[Any], key: str | Callable[[I], str]) -> Via:
    """In place of a key: the input names its subject by an alias. `key` is a field's name or a function."""
    return Via(alias, _key(key), None if callable(key) else key)


Cells = Reaction[S, I] | Mapping[str | tuple[str, ...], Reaction[S, I] | Ignored | Refused]
"""A reaction for every status; or for each status a reaction, `ignored` or `refused`."""


def on(
    heard: type[I],
    kind: Kind[S],
    key: str | Callable[[I], str] | Via,
    cells: Cells[S, I],
    also: Callable[[S, I], Iterable[Ref]] = _nothing,
) -> Route:
    """A row of the table. `key` is a field's name, a function, or `via` an alias.

    `also(state, input)` names the further states that a reaction writes, or reads under a lock. Those are locked after
    all subjects, so their kinds must not be subjects of this service themselves, unless they are reference kinds: that
    order is what keeps two processes from a deadlock. What is read of a reference kind needn't be named, but is then
    read when it is asked for, which takes the batch anew.

    Raises ValueError where a status has no cell, or two.
    """
    if not issubclass(heard, Fact | Internal):
        raise TypeError(f"{heard.__name__} is neither a fact nor an internal input")
    table = by_status(f"{heard.__name__}, {kind.name}", kind.statuses, cells)
    if isinstance(key, Via):
        return Route(heard, kind, key.key, table, also, key.alias, key.named_by)
    return Route(heard, kind, _key(key), table, also)


def by_status(row: str, statuses: Iterable[str], cells: Cells[S, I]) -> dict[str, Reaction[S, I] | Ignored | Refused]:
    """One cell for each status: of a row, or of a table within a reaction, about a part of its subject.

    Raises ValueError, which names the `row`, where a status has no cell, or two.
    """
    statuses = tuple(statuses)
    if not isinstance(cells, Mapping):
        return dict.fromkeys(statuses, cells)
    named = [
        (status, cell) for group, cell in cells.items() for status in ((group,) if isinstance(group, str) else group)
    ]
    table = dict(named)
    if len(table) < len(named) or table.keys() != set(statuses):
        wrong = sorted(set(statuses) ^ table.keys()) or sorted(name for name, _ in named)
        raise ValueError(f"{row}: each status needs one cell; look at {', '.join(wrong)}")
    return {status: table[status] for status in statuses}


def reaction_name(cells: Iterable[Cell]) -> str:
    """What they do where they do anything."""
    reactions = (cell for cell in cells if not isinstance(cell, Ignored | Refused))
    return next((cell.__name__ for cell in reactions), "ignored")


def _key(key: str | Callable[[I], str]) -> Callable[[I], str]:
    if callable(key):
        return key
    name = key
    return lambda heard: str(getattr(heard, name))


class Routes:
    """A service's whole behaviour as data: exactly one row for each input it hears."""

    def __init__(
        self, service: str, *routes: Route, kinds: Iterable[Kind[Any]] = (), policies: Policies[Any] | None = None
    ) -> None:
        """`kinds` are those that are no row's subject, only named by an `also`."""
        self.service, self.policies = service, policies
        self.by_input: dict[type[Fact] | type[Internal], Route] = {}
        self.kinds: dict[str, Kind[Any]] = {kind.name: kind for kind in kinds}
        if policies is not None:
            routes = (*routes, on(OperationsPolicySet, POLICY, "service", policies.set))
        for route in routes:
            if route.input in self.by_input:
                raise ValueError(f"{service}: two routes for {route.input.__name__}")
            self.by_input[route.input] = route
            self.kinds[route.kind.name] = route.kind
            if route.alias is not None:
                self.kinds[route.alias.name] = route.alias

    @property
    def aliases(self) -> list[Alias[Any]]:
        """Other names of its subjects."""
        return [kind for kind in self.kinds.values() if isinstance(kind, Alias)]

    @property
    def facts(self) -> list[type[Fact]]:
        """The facts that this service hears, without their unsound twins."""
        return [heard for heard in self.by_input if issubclass(heard, Fact) and not issubclass(heard, Unsound)]

    @property
    def topics(self) -> list[str]:
        """The topics that this service subscribes to."""
        return sorted({fact.TOPIC.name for fact in self.facts})
