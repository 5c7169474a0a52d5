"""One hostile record, and what must become of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from packhorse_contracts.base import Fact

from .sound import Sound

Fate = Literal["dead", "alive", "either"]
"""A dead letter; no dead letter; or as the contract decides, but a refusal names the field."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record, what is hostile about it, and what must become of it.

    `field` is what the refusal has to name: a path in the data, or a header; None where the value as a whole is
    at fault. `hears` is the fact that it is about, or None where nobody can tell.
    """

    kind: str
    topic: str
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    fate: Fate
    field: str | None = None
    fact: type[Fact] | None = None


Maker = Callable[[Random, Sound], Record]


def plain(ground: Sound) -> Record:
    """The sound record itself."""
    return Record("sound", ground.topic, ground.key, ground.headers, ground.body, "alive", fact=ground.fact)
