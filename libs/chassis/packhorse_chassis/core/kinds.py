"""What a service keeps: kinds of state, each by key. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from packhorse_contracts.base import Fact, Model

S = TypeVar("S")


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


def _anyhow(_state: object) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of state that a service keeps, by key.

    `empty` makes the state of a key that was never seen. `status` tells which of the `statuses` a state is in: the
    columns of the service's table of reactions. A `reference` kind (products, locations) is read without a lock by
    reactions to other things, and locked only by those whose own subject it is. A `tally` is kept nowhere: it is what
    the journal's entries make of a key, those of this very transaction included.

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
    statuses: tuple[str, ...] = ("",)
    status: Callable[[S], str] = _anyhow

    def ref(self, key: str) -> "Ref":
        """The address of one state."""
        return Ref(self.name, key)


@dataclass(frozen=True, slots=True)
class Alias(Kind[S]):
    """Another name by which facts know a subject: a pick list's id for the order that it is part of.

    Its state has a text `subject`, the key that it leads to, empty where it leads nowhere. A reaction gives a name with
    `turn.keep`; nothing is locked for that, for who wrote it meanwhile wins, and the batch is taken anew. A fact under
    a name that isn't known yet waits for it, in order, for so long as `patience` says. Then it is a dead letter with
    the code `unknown`, and is tried again by itself, should the name become known after all.
    """

    reference: bool = True
    patience: timedelta = timedelta(hours=1)
    unknown: str = "unknown_name"

    def leads_to(self, state: object) -> str:
        """The key of the subject; empty where nobody knows it."""
        return str(getattr(state, "subject"))  # noqa: B009 -- a state of any class that has one


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
