"""The table: fact type → its sentence."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar, overload

from packhorse_contracts.base import Fact

from packhorse_cli.sentences.words import Scene

A = TypeVar("A", bound=Fact)
B = TypeVar("B", bound=Fact)
C = TypeVar("C", bound=Fact)
F = TypeVar("F", bound=Fact)
Adds: TypeAlias = Callable[[Callable[[F, Scene], str]], Callable[[F, Scene], str]]

SENTENCES: Final[dict[type[Fact], Callable[[Any, Scene], str]]] = {}
"""Every fact of the contracts in its newest major has one; a test says so."""


@overload
def tells(a: type[A], b: type[B], /) -> Adds[A | B]: ...
@overload
def tells(a: type[A], b: type[B], c: type[C], /) -> Adds[A | B | C]: ...
@overload
def tells(*facts: type[F]) -> Adds[F]: ...
def tells(*facts: type[Fact]) -> Callable[[Callable[[Any, Scene], str]], Callable[[Any, Scene], str]]:
    """Makes a function the sentence of these facts. It has no subject where that is whoever says the fact, no full
    stop, and fits into about 50 characters where it can; amounts, pieces and reasons are in it."""

    def add(function: Callable[[Any, Scene], str]) -> Callable[[Any, Scene], str]:
        for fact in facts:
            if fact in SENTENCES:
                raise ValueError(f"{fact.__name__} has a sentence already")
            SENTENCES[fact] = function
        return function

    return add
