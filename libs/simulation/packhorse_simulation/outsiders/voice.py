"""How outsiders speak: they publish facts, sometimes twice, sometimes garbage; and how they listen."""

from collections.abc import Callable
from itertools import count
from random import Random
from typing import Final, TypeVar

from packhorse_chassis.core.inputs import Raw
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact, dated
from packhorse_contracts.topics import ours

from packhorse_simulation.faults import Chance
from packhorse_simulation.log import Log, Place, Record
from packhorse_simulation.scheduler import Scheduler

F = TypeVar("F", bound=Fact)
REUSE: Final = "an outsider uses an id again"
GARBAGE: tuple[tuple[list[tuple[str, bytes]], bytes], ...] = (
    ([], b""),
    ([("ce_id", b"\xff"), ("ce_type", b"packhorse.checkout.order_placed.v1")], b"{}"),
    ([("ce_specversion", b"1.0"), ("ce_id", b"g"), ("ce_source", b"/g"), ("ce_type", b"nobody.says.this.v1")], b"{}"),
    ([("ce_specversion", b"1.0"), ("ce_id", b"g"), ("ce_source", b"/g"), ("content-type", b"text/plain")], b"\x00{"),
)


class Voice:
    """Publishes what outsiders say. `wire`: as bytes."""

    def __init__(self, scheduler: Scheduler, log: Log, chance: Chance, *, wire: bool) -> None:
        self._scheduler, self._log, self._chance, self._wire = scheduler, log, chance, wire
        self._numbers, self._moments = count(1), Random(1)
        self._last: dict[tuple[str, str, str], tuple[str, Fact]] = {}
        self.reused: list[Record] = []
        """What was said under an id that the same outsider had used before, for something else."""

    def say(self, source: str, fact: Fact, event_id: str | None = None, *, otherwise: bytes | None = None) -> str:
        """Says a fact, under an id of its own unless one is given; returns the id. `otherwise` is what stands in the
        record in its place, where that is no such fact."""
        event_id = event_id or f"{source}-{next(self._numbers)}"
        if self._chance.threatens(REUSE) and not ours(source):
            self._say_under_a_used_id(source, fact, event_id)
        record = self._record(source, fact, event_id, otherwise)
        if self._chance.strikes("a record that is garbage"):
            headers, value = self._scheduler.random.choice(GARBAGE)
            raw = Raw("record", record.topic, None, None, record.key.encode(), headers, value)
            self._log.append(Record(record.topic, record.key, source, "garbage", record.time, None, raw=raw))
        self._log.append(record)
        if self._chance.strikes("an outsider repeats itself"):
            longest = self._scheduler.random.choice((0.1, 10.0, 3600.0))
            self._scheduler.after(0.0, longest, lambda: self._log.append(record))
        return event_id

    def ask(self, source: str, fact: Fact) -> str:
        """What would follow from it? Returns the id under which the answer comes; it may be said for good under it."""
        event_id = f"{source}-{next(self._numbers)}"
        record = self._record(source, fact, event_id, dry_run=True)
        self._log.append(record)
        if self._chance.strikes("an outsider repeats itself"):
            self._scheduler.after(0.0, 3600.0, lambda: self._log.append(record))
        return event_id

    def _record(
        self, source: str, fact: Fact, event_id: str, otherwise: bytes | None = None, *, dry_run: bool = False
    ) -> Record:
        now, plain = self._scheduler.clock(), fact if otherwise is None else None
        record = Record(fact.TOPIC.name, fact.key, source, event_id, now, plain, dry_run=dry_run)
        if self._wire or otherwise is not None:
            envelope = ce.Envelope(event_id, source, fact.TYPE, fact.subject, now, dry_run=dry_run)
            key, value, headers = ce.encode(envelope, fact)
            record.raw = Raw("record", record.topic, None, None, key, headers, otherwise or value)
        return record

    def _say_under_a_used_id(self, source: str, fact: Fact, event_id: str) -> None:
        """First, by mistake: its dead letter tells the outsider, who then says it under an id of its own."""
        read = dated(fact, self._scheduler.clock())  # its moment may be named or be the event's: it is the same
        last = self._last.get((source, fact.TYPE, fact.key))
        self._last[source, fact.TYPE, fact.key] = event_id, read
        if last is not None and last[1] != read and self._chance.strikes(REUSE, fact.TYPE):
            record = self._record(source, fact, last[0])
            self._log.append(record)
            self.reused.append(record)

    def say_done(self, source: str, fact: F) -> F:
        """Says what was done this very moment. A warehouse names the moment, or leaves it to the event; who may have to
        say it again under another id had better name it."""
        named = fact.model_copy(update={"at": self._scheduler.clock()}) if fact.MOMENT else fact
        self.say(source, named if self._moments.random() < 0.5 else fact)
        return named


class Ear:
    """An outsider's consumer: hears each record of its topic in order, some time later."""

    def __init__(
        self, scheduler: Scheduler, log: Log, chance: Chance, topic: str, hear: Callable[[Record], None]
    ) -> None:
        self._scheduler, self._log, self._chance, self._hear = scheduler, log, chance, hear
        self._position: dict[Place, int] = {}
        self._planned: dict[Place, bool] = {}
        log.subscribe([topic], self._told)

    def _told(self, place: Place) -> None:
        if not self._planned.get(place):
            self._planned[place] = True
            self._scheduler.soon(lambda: self._poll(place))

    def _poll(self, place: Place) -> None:
        self._planned[place] = False
        lane = self._log.partitions[place]
        start = self._position.get(place, 0)
        self._position[place] = len(lane)
        for record in lane[start:]:
            self._hear(record)
