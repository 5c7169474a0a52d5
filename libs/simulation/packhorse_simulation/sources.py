"""How each kind of input is claimed so that it is taken once: the in-memory twin of the chassis's."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from packhorse_chassis.core.content import same_content
from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Ref

from packhorse_simulation.database import Database

Identity = tuple[str, ...]


def _row(arrival: Arrival) -> tuple[str, str, str]:
    type_name, key, name = arrival.row or ("", "", "")
    return type_name, key, name


class Source:
    """Claims inputs before or after the subjects' locks. Made anew for each batch."""

    name: ClassVar[str] = ""
    released: frozenset[Ref] = frozenset()

    def before(self, db: Database, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Those to go on with."""
        return list(arrivals)

    def after(self, db: Database, arrivals: list[Arrival]) -> list[Arrival]:
        """Those that are really ours, decided under their subjects' locks."""
        return arrivals

    def rows(self, arrivals: Sequence[Arrival]) -> list[Hashable]:
        """The rows by which they are claimed."""
        return []

    def settle(self, db: Database, claimed: Sequence[Arrival]) -> None:
        """What the commit makes of those rows."""


class Records(Source):
    """Records: the inbox decides."""

    name = "record"

    def before(self, db: Database, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Each id once, and only those never seen; and what is new under a used id. One that another transaction is at
        is waited for."""
        claimed: dict[Identity, Arrival] = {}
        for arrival in arrivals:
            arrival.reused = False
            place = _place(arrival)
            known = claimed.get(place)
            if known is not None or place in db.inbox:
                kept = known.content if known is not None else db.inbox[place]
                if not kept or not arrival.content or same_content(kept, arrival.content):
                    continue
                arrival.reused = True
                place = _place(arrival)
                if place in claimed or place in db.inbox:
                    continue
            claimed[place] = arrival
        if db.locked:
            db.need(self.rows(list(claimed.values())))
        return list(claimed.values())

    def rows(self, arrivals: Sequence[Arrival]) -> list[Hashable]:
        """The places of their ids in the inbox."""
        return [("inbox", *_place(arrival)) for arrival in arrivals]

    def settle(self, db: Database, claimed: Sequence[Arrival]) -> None:
        """From now on they have been seen."""
        db.inbox.update((_place(arrival), arrival.content) for arrival in claimed)


def _place(arrival: Arrival) -> Identity:
    """An id has one place; other content under it has one of its own."""
    return arrival.identity if arrival.reused else arrival.identity[:2]


class Timers(Source):
    """Timers whose time has come, if they are still there as they were read."""

    name = "timer"

    def after(self, db: Database, arrivals: list[Arrival]) -> list[Arrival]:
        """Those that were neither cancelled nor set anew meanwhile."""
        ours = []
        for arrival in arrivals:
            kept = db.timers.get(_row(arrival))
            if kept is not None and kept.id == arrival.id:
                ours.append(arrival)
        return ours

    def rows(self, arrivals: Sequence[Arrival]) -> list[Hashable]:
        """The timers' rows."""
        return [("timer", *_row(arrival)) for arrival in arrivals]

    def settle(self, db: Database, claimed: Sequence[Arrival]) -> None:
        """They have fired."""
        for arrival in claimed:
            kept = db.timers.get(_row(arrival))
            if kept is not None and kept.id == arrival.id:
                del db.timers[_row(arrival)]


class Answers(Source):
    """Answers that no reaction has heard yet."""

    name = "answer"

    def after(self, db: Database, arrivals: list[Arrival]) -> list[Arrival]:
        """Those that nobody else took."""
        return [arrival for arrival in arrivals if arrival.row and not db.effects[arrival.row[0]].done]

    def rows(self, arrivals: Sequence[Arrival]) -> list[Hashable]:
        """The effects' rows."""
        return [("effect", arrival.row[0]) for arrival in arrivals if arrival.row]

    def settle(self, db: Database, claimed: Sequence[Arrival]) -> None:
        """They are heard."""
        for arrival in claimed:
            if arrival.row:
                db.effects[arrival.row[0]].done = True


class Retry(Source):
    """One dead letter that an operator wants tried again."""

    name = "retry"

    def __init__(self, dead_letter_id: str, released: frozenset[Ref]) -> None:
        self.dead_letter_id, self.released = dead_letter_id, released

    def after(self, db: Database, arrivals: list[Arrival]) -> list[Arrival]:
        """It, if nobody else has taken it."""
        return arrivals if db.dead[self.dead_letter_id].status == "retry" else []

    def settle(self, db: Database, claimed: Sequence[Arrival]) -> None:
        """It had its second chance."""
        db.dead[self.dead_letter_id].status = "retried"


class Known(Source):
    """What waited for a name that is known by now, or has waited for too long."""

    name = "named"

    def __init__(self, ref: Ref) -> None:
        self.released = frozenset({ref})

    def after(self, db: Database, arrivals: list[Arrival]) -> list[Arrival]:
        """Those that still wait."""
        return [arrival for arrival in arrivals if arrival.waiting in db.waiting]

    def rows(self, arrivals: Sequence[Arrival]) -> list[Hashable]:
        """Their rows."""
        return [("waiting", arrival.waiting) for arrival in arrivals]

    def settle(self, db: Database, claimed: Sequence[Arrival]) -> None:
        """They wait no longer."""
        for arrival in claimed:
            if arrival.waiting is not None:
                db.waiting.pop(arrival.waiting, None)


class Queue(Source):
    """What waited behind a dead letter, in order."""

    name = "waiting"

    def __init__(self, ref: Ref) -> None:
        self.ref, self.released = ref, frozenset({ref})
        self._freed = False

    def after(self, db: Database, arrivals: list[Arrival]) -> list[Arrival]:
        """Those that still wait, unless somebody parked the subject anew meanwhile."""
        self._freed = db.freed(self.ref)
        return [arrival for arrival in arrivals if arrival.waiting in db.waiting] if self._freed else []

    def settle(self, db: Database, claimed: Sequence[Arrival]) -> None:
        """They wait no longer; once nobody does, the subject is free."""
        for arrival in claimed:
            if arrival.waiting is not None:
                db.waiting.pop(arrival.waiting, None)
        if self._freed and not any(ref == self.ref for ref, _ in db.waiting.values()):
            db.parked.pop(self.ref, None)
