"""One input's turn: what a reaction looks at, and all that it decides. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar, cast

from packhorse_contracts.base import Fact, Model

from packhorse_chassis.core.kinds import Internal, Kind, Ref

S = TypeVar("S")
P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)

DEFAULT_DEADLINE: Final = timedelta(minutes=10)


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


class Setting(Protocol[P_co]):
    """Where a policy comes from."""

    def in_force(self, read: Callable[[Ref], object]) -> tuple[int, P_co]:
        """Its version and what it says, by the states that `read` gives."""


class Turn(Generic[P]):
    """What a reaction gets besides its subject's state and its input, and where it puts what follows.

    Lives for one input, and all that is in it then is stored atomically, or nothing is: a reaction that fills it is as
    pure as one that returned it. `now` is the database's clock at the start of the transaction, UTC.
    """

    __slots__ = (
        "_journal",
        "_policies",
        "_read",
        "effects",
        "entries",
        "facts",
        "kept",
        "now",
        "ref",
        "timers",
        "under",
    )

    def __init__(
        self,
        ref: Ref,
        now: datetime,
        read: Callable[[Ref], object],
        journal: Sequence[Model] = (),
        policies: Setting[P] | None = None,
    ) -> None:
        """`journal`: the entries that aren't stored yet, which no tally holds that is read."""
        self.ref, self.now = ref, now
        self._read, self._journal, self._policies = read, journal, policies
        self.facts: list[Fact] = []
        self.timers: list[SetTimer | CancelTimer] = []
        self.effects: list[Effect] = []
        self.entries: list[Model] = []
        self.kept: dict[Ref, object] = {}
        self.under: int | None = None
        """The version of the policy that was looked at; None where none was."""

    @property
    def key(self) -> str:
        """The subject's key."""
        return self.ref.key

    @property
    def policy(self) -> P:
        """What the business has set, and for the rest the defaults of the code."""
        if self._policies is None:
            raise LookupError("this service has no policy")
        self.under, policy = self._policies.in_force(self._read)
        return policy

    def get(self, kind: Kind[S], key: str) -> S:
        """The state of another key, as it stands by now; its empty state where nothing is kept yet."""
        ref = kind.ref(key)
        state = self.kept[ref] if ref in self.kept else self._read(ref)
        if kind.tally is not None:
            state = cast("int", state) + kind.tally(key, self._journal)
        return cast("S", state)

    def keep(self, kind: Kind[S], key: str, state: S) -> None:
        """Keeps the state of another key, which the route's `also` has named."""
        self.kept[kind.ref(key)] = state

    def say(self, *facts: Fact) -> None:
        """Publishes facts, in this order."""
        self.facts += facts

    def remind(self, payload: Internal, due: datetime, name: str = "", *, key: str | None = None) -> None:
        """Sets a timer: `payload` is heard at `due` (UTC). Of each type, key and name there is one; the subject's key
        where none is given."""
        self.timers.append(SetTimer(payload, self.ref.key if key is None else key, due, name))

    def forget(self, payload: type[Internal], name: str = "", *, key: str | None = None) -> None:
        """Cancels the timer of this type, key and name; nothing happens where there is none."""
        self.timers.append(CancelTimer(payload, self.ref.key if key is None else key, name))

    def ask(self, request: Internal, idempotency_key: str, deadline: timedelta = DEFAULT_DEADLINE) -> None:
        """Has something done outside, see `Effect`."""
        self.effects.append(Effect(request, idempotency_key, deadline))

    def book(self, *entries: Model) -> None:
        """Writes rows of append-only tables."""
        self.entries += entries
