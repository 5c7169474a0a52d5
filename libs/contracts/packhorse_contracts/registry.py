"""Which class a `ce_type` is read by, and how an older major becomes the newest one."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from packhorse_contracts.base import Fact

_TYPE = re.compile(r"packhorse\.([a-z]+)\.([a-z_]+)\.v([1-9][0-9]{0,3})", re.ASCII)

facts: dict[str, "type[Fact]"] = {}
"""Every known wire type, old majors included."""

tombstones: dict[str, "type[Fact]"] = {}
"""By topic, the fact that a record without a value stands for. Its key is the fact's one field."""

_upcasters: dict[str, "Callable[[Fact], Fact]"] = {}
_next: dict[str, str] = {}

Old = TypeVar("Old", bound="Fact")
New = TypeVar("New", bound="Fact")


class WireType(NamedTuple):
    """A `ce_type` in its parts."""

    sayer: str
    fact: str
    major: int


def parse_type(ce_type: str) -> WireType | None:
    """Splits `packhorse.<sayer>.<fact>.v<major>`; None where the text isn't of that form."""
    match = _TYPE.fullmatch(ce_type)
    return WireType(match[1], match[2], int(match[3])) if match else None


def name_of(fact: "type[Fact]") -> WireType:
    """The parts of a fact's wire type; ValueError where it has none."""
    name = parse_type(fact.TYPE)
    if name is None:
        raise ValueError(f"{fact.__name__}: {fact.TYPE!r} is not packhorse.<sayer>.<fact>.v<major>")
    return name


def register(fact: "type[Fact]", *, tombstone: bool = False) -> None:
    """Makes a fact class known under its wire type; a `tombstone` also under its topic."""
    name_of(fact)
    fields = [("key", field) for field in fact.KEY_FIELDS]
    if fact.SUBJECT != fact.KEY:
        fields.append(("subject", fact.SUBJECT))
    for role, field in fields:
        if field not in fact.model_fields:
            raise ValueError(f"{fact.__name__}: its {role} {field!r} is not one of its fields")
    known = facts.get(fact.TYPE)
    # The same class again is a module that was loaded anew, as test runners do.
    if known is not None and known.__qualname__ != fact.__qualname__:
        raise ValueError(f"{fact.TYPE} is taken by {known.__name__}")
    facts[fact.TYPE] = fact
    if tombstone:
        tombstones[fact.TOPIC.name] = fact


def upcaster(old: type[Old], new: type[New]) -> Callable[[Callable[[Old], New]], Callable[[Old], New]]:
    """Registers a pure function that turns a fact of an old major into the next one."""
    before, after = name_of(old), name_of(new)
    if before[:2] != after[:2] or after.major <= before.major:
        raise ValueError(f"{new.TYPE} is no newer major of {old.TYPE}")

    def add(function: Callable[[Old], New]) -> Callable[[Old], New]:
        if old.TYPE in _upcasters:
            raise ValueError(f"{old.TYPE} has an upcaster already")
        _upcasters[old.TYPE] = cast("Callable[[Fact], Fact]", function)
        _next[old.TYPE] = new.TYPE
        return function

    return add


def upcast(fact: "Fact") -> "Fact":
    """The same fact in the newest major that is known here."""
    while (step := _upcasters.get(fact.TYPE)) is not None:
        fact = step(fact)
    return fact


def newest(fact: "type[Fact]") -> "type[Fact]":
    """The class that a fact of this class is turned into by `upcast`."""
    while fact.TYPE in _next:
        fact = facts[_next[fact.TYPE]]
    return fact


def versions(fact: "type[Fact]") -> list[str]:
    """All wire types that are read as this class: its own, and the older majors that lead to it."""
    sayer, said, major = name_of(fact)
    names = [name for name in map(parse_type, facts) if name is not None]
    majors = sorted(n.major for n in names if n[:2] == (sayer, said) and n.major <= major)
    return [f"packhorse.{sayer}.{said}.v{number}" for number in majors]
