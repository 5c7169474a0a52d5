"""The vocabulary of a service: reactions, what they decide, and the table of which input leads to which.

Pure: no I/O, no clock, no chance. The chassis runs it against PostgreSQL and Kafka, `memory` in a test, and
the simulation in a world of faults.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar, cast

from packhorse_contracts.base import Fact, Model
from packhorse_contracts.lenient import Unsound

S = TypeVar("S")
I = TypeVar("I", bound=Model)  # noqa: E741
DEFAULT_DEADLINE = timedelta(minutes=10)


class Internal(Model):
    """An input that never leaves the service: a timer's payload, an effect's request, or its answer."""

    @classmethod
    def type_name(cls) -> str:
        """The name under which it is stored."""
        return cls.__name__


Input = Fact | Internal


def _as_it_is(document: dict[str, Any], _version: int) -> dict[str, Any]:
    """Enough where fields have only been added, each with a default."""
    return document


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of state that a service keeps, by key.

    `empty` makes the state of a key that was never seen. A `reference` kind (products, locations) is read
    without a lock by reactions to other things, and locked only by those whose own subject it is. A `tally` is kept
    nowhere: it is what the journal's entries make of a key, those of this very transaction included.

    `version` rises with every release in which the state's fields have changed. `upcast(document, version)` makes of
    JSON as an older version wrote it what this version reads: fields renamed, split, with another meaning. Pure.
    """

    name: str
    state: type[S]
    empty: Callable[[str], S]
    reference: bool = False
    version: int = 1
    upcast: Callable[[dict[str, Any], int], dict[str, Any]] = _as_it_is
    tally: Callable[[str, Iterable[Model]], int] | None = None

    def ref(self, key: str) -> "Ref":
        """The address of one state."""
        return Ref(self.name, key)


class Ref(NamedTuple):
    """The address of one state: its kind's name and its key."""

    kind: str
    key: str


def tally(name: str, of: Callable[[str, Iterable[Model]], int]) -> Kind[int]:
    """A number that a service doesn't keep but reckons from its journal, seldom: `of(key, entries)`, a sum.

    In PostgreSQL the service's query of this name reckons it, so that it may look at more entries than fit into memory.
    It is right under a lock that every entry which it looks at was written under.
    """
    return Kind(name, int, lambda _: 0, reference=True, tally=of)


class Others:
    """The further states that a route names beside its subject, read only."""

    __slots__ = ("_journal", "_read")

    def __init__(self, read: Callable[[Ref], object], journal: Sequence[Model] = ()) -> None:
        """`journal`: the entries that aren't stored yet, which no tally holds that is read."""
        self._read, self._journal = read, journal

    def get(self, kind: Kind[S], key: str) -> S:
        """The state of a key; its empty state where nothing is kept yet."""
        state = self._read(kind.ref(key))
        if kind.tally is not None:
            state = cast("int", state) + kind.tally(key, self._journal)
        return cast("S", state)


class RefusedError(Exception):
    """Raised by a reaction when a readable record can't be taken as it is: it becomes a dead letter.

    `retryable` says that it may pass later (an unknown SKU that becomes known). The key is not parked: the
    fault lies in this record, and those behind it don't depend on it.
    """

    def __init__(self, code: str, message: str, field: str | None = None, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.field, self.retryable = code, message, field, retryable


class NewerError(Exception):
    """Something was written by a newer release, whose processes have to take it."""


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Hear `payload` at `due` (UTC). A timer of the same type, key and `name` is replaced."""

    payload: Internal
    key: str
    due: datetime
    name: str = ""


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget the timer of this type, key and `name`; nothing happens where there is none."""

    payload: type[Internal]
    key: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to do in the outside world, once.

    `idempotency_key` is unique in the service: an effect with a known key is not stored again, and the outside
    is asked with the same key on every attempt. After `deadline` the performer's `give_up` answers.
    """

    request: Internal
    idempotency_key: str
    deadline: timedelta = DEFAULT_DEADLINE


@dataclass(frozen=True, slots=True)
class Decisions(Generic[S]):
    """What follows from one input: the subject's new state, and everything to say and do. Stored atomically.

    `others` are new states of other keys that the route named; `journal` are rows of append-only tables.
    """

    state: S
    events: Sequence[Fact] = ()
    timers: Sequence[SetTimer | CancelTimer] = ()
    effects: Sequence[Effect] = ()
    journal: Sequence[Model] = ()
    others: Mapping[Ref, object] = field(default_factory=dict)


Reaction = Callable[[S, I, datetime], Decisions[S]]
"""(state, input, now) → decisions. `now` is the database's clock at the start of the transaction, UTC."""

WideReaction = Callable[[S, I, datetime, Others], Decisions[S]]
"""The same with the further states that the route's `also` names."""


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a service's table: this input, about this state, leads to this reaction."""

    input: type[Fact] | type[Internal]
    kind: Kind[Any]
    key: Callable[[Any], str]
    react: Callable[[Any, Any, datetime, Others], Decisions[Any]]
    also: Callable[[Any, Any], Iterable[Ref]]
    name: str


def _nothing(_state: object, _input: object) -> Iterable[Ref]:
    return ()


def on(heard: type[I], kind: Kind[S], key: str | Callable[[I], str], react: Reaction[S, I]) -> Route:
    """A route whose reaction needs only the state of its subject. `key` is a field's name or a function."""

    def narrow(state: S, said: I, now: datetime, _others: Others) -> Decisions[S]:
        return react(state, said, now)

    return Route(_input(heard), kind, _key(key), narrow, _nothing, react.__name__)


def on_wide(
    heard: type[I],
    kind: Kind[S],
    key: str | Callable[[I], str],
    react: WideReaction[S, I],
    also: Callable[[S, I], Iterable[Ref]],
) -> Route:
    """A route whose reaction also needs the states that `also(state, input)` names.

    Those are locked after all subjects, so their kinds must not be subjects of this service themselves, unless
    they are reference kinds: that order is what keeps two processes from a deadlock.
    """
    return Route(_input(heard), kind, _key(key), react, also, react.__name__)


def _input(heard: type[Model]) -> type[Fact] | type[Internal]:
    if issubclass(heard, Fact | Internal):
        return heard
    raise TypeError(f"{heard.__name__} is neither a fact nor an internal input")


def _key(key: str | Callable[[I], str]) -> Callable[[I], str]:
    if callable(key):
        return key
    name = key
    return lambda heard: str(getattr(heard, name))


class Routes:
    """A service's whole behaviour as data: exactly one route for each input it hears."""

    def __init__(self, service: str, *routes: Route, kinds: Iterable[Kind[Any]] = ()) -> None:
        """`kinds` are those that are no route's subject, only named by an `also`."""
        self.service = service
        self.by_input: dict[type[Fact] | type[Internal], Route] = {}
        self.kinds: dict[str, Kind[Any]] = {kind.name: kind for kind in kinds}
        for route in routes:
            if route.input in self.by_input:
                raise ValueError(f"{service}: two routes for {route.input.__name__}")
            self.by_input[route.input] = route
            self.kinds[route.kind.name] = route.kind

    @property
    def facts(self) -> list[type[Fact]]:
        """The facts that this service hears, without their unsound twins."""
        return [heard for heard in self.by_input if issubclass(heard, Fact) and not issubclass(heard, Unsound)]

    @property
    def topics(self) -> list[str]:
        """The topics that this service subscribes to."""
        return sorted({fact.TOPIC.name for fact in self.facts})
