"""The toy's next release: its tallies have one more field, and its reminders too."""

from pathlib import Path
from typing import Any

import toy
from packhorse_chassis.core.kinds import Internal, Kind
from packhorse_chassis.core.reaction import Routes, on
from packhorse_chassis.service import Service
from packhorse_contracts.base import Model
from packhorse_contracts.customer import HoldRequested


class Tally(Model):
    """Counts its notes as well, under another name."""

    told: tuple[str, ...] = ()
    count: int = 0


class Reminder(Internal):
    """Knows why it was set."""

    order_id: str
    why: str


class Nudge(Internal):
    """A timer that the older release has never heard of."""

    order_id: str


class Answered(Internal):
    """As before."""

    order_id: str
    text: str


def upcast(document: dict[str, Any], version: int) -> dict[str, Any]:
    """From version 1."""
    assert version == 1
    return {"told": document["notes"], "count": len(document["notes"])}


TALLIES: Kind[Tally] = Kind("tally", Tally, lambda _: Tally(), version=2, upcast=upcast)


def _noted(tally: Tally, note: str) -> Tally:
    return Tally(told=(*tally.told, note), count=tally.count + 1)


def count(turn: toy.Toys, tally: Tally, heard: HoldRequested) -> Tally:
    """Sets a timer of each kind where it is asked to."""
    note = heard.note or ""
    if note in toy.poisoned:
        raise ZeroDivisionError(note)
    if note == "remind":
        turn.remind(Reminder(order_id=turn.key, why=note), turn.now)
        turn.remind(Nudge(order_id=turn.key), turn.now)
    return _noted(tally, note)


def fire(_turn: toy.Toys, tally: Tally, heard: Reminder | Nudge | Answered) -> Tally:
    """Any of the internal inputs."""
    return _noted(tally, type(heard).__name__.lower())


ROUTES = Routes(
    "order",
    on(HoldRequested, TALLIES, "order_id", count),
    on(Reminder, TALLIES, "order_id", fire),
    on(Nudge, TALLIES, "order_id", fire),
    on(Answered, TALLIES, "order_id", fire),
)


def service() -> Service:
    """It asks nobody."""
    return Service(ROUTES, Path(__file__).parent / "toy_migrations")
