"""Which class a `ce_type` is read by, and how an older major becomes the newest one."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from packhorse_contracts.base import Fact

_TYPE = re.compile(r"^packhorse\.([a-z]+)\.([a-z_]+)\.v([1-9][0-9]{0,3})$")

facts: dict[str, "type[Fact]"] = {}
"""Every known wire type, old majors included."""

_upcasters: dict[str, "Callable[[Fact], Fact]"] = {}

Old = TypeVar("Old", bound="Fact")
New = TypeVar("New", bound="Fact")


def parse_type(ce_type: str) -> tuple[str, str, int] | None:
    """Splits `packhorse.<sayer>.<fact>.v<major>`; None where the text isn't of that form."""
    match = _TYPE.match(ce_type)
    return (match[1], match[2], int(match[3])) if match else None


def register(fact: "type[Fact]") -> None:
    """Makes a fact class known under its wire type."""
    if parse_type(fact.TYPE) is None:
        raise ValueError(f"{fact.__name__}: {fact.TYPE!r} is not packhorse.<sayer>.<fact>.v<major>")
    if fact.TYPE in facts and facts[fact.TYPE].__qualname__ != fact.__qualname__:
        raise ValueError(f"{fact.TYPE} is taken by {facts[fact.TYPE].__name__}")
    facts[fact.TYPE] = fact


def upcaster(old: type[Old], new: type[New]) -> Callable[[Callable[[Old], New]], Callable[[Old], New]]:
    """Registers a pure function that turns a fact of an old major into the next one."""

    def add(function: Callable[[Old], New]) -> Callable[[Old], New]:
        if old.TYPE in _upcasters:
            raise ValueError(f"{old.TYPE} has an upcaster already")
        _upcasters[old.TYPE] = cast("Callable[[Fact], Fact]", function)
        return function

    return add


def upcast(fact: "Fact") -> "Fact":
    """The same fact in the newest major that is known here."""
    while (step := _upcasters.get(fact.TYPE)) is not None:
        fact = step(fact)
    return fact


def versions(fact: "type[Fact]") -> list[str]:
    """All wire types that are read as this class: its own, and the older majors that lead to it."""
    name = parse_type(fact.TYPE)
    assert name is not None
    return sorted(t for t in facts if (p := parse_type(t)) and p[:2] == name[:2] and p[2] <= name[2])
