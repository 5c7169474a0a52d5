"""The toy's next release: its tallies have one more field, and its reminders too."""

from datetime import datetime
from pathlib import Path
from typing import Any

import toy
from packhorse_chassis.core.reaction import Decisions, Internal, Kind, Routes, SetTimer, on
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


def count(tally: Tally, heard: HoldRequested, now: datetime) -> Decisions[Tally]:
    """Sets a timer of each kind where it is asked to."""
    key, note = heard.order_id, heard.note or ""
    if note in toy.poisoned:
        raise ZeroDivisionError(note)
    wanted = [Reminder(order_id=key, why=note), Nudge(order_id=key)] if note == "remind" else []
    return Decisions(_noted(tally, note), timers=[SetTimer(timer, key, now) for timer in wanted])


def fire(tally: Tally, heard: Reminder | Nudge | Answered, _now: datetime) -> Decisions[Tally]:
    """Any of the internal inputs."""
    return Decisions(_noted(tally, type(heard).__name__.lower()))


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
