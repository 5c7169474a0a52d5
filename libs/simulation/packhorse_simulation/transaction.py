"""One batch, one transaction: the in-memory twin of `packhorse_chassis.batch`.

`begin` claims, locks and reacts; nothing is seen of it before `commit`. Between the two, other transactions may run:
those that need one of its rows wait.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from packhorse_chassis.core import said as saying
from packhorse_chassis.core.decide import aliases, beside, subjects, take
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.outcome import Outcome
from packhorse_chassis.core.turn import Effect, SetTimer
from packhorse_chassis.postgres import outgoing
from packhorse_contracts import ids
from packhorse_contracts.base import Fact

from packhorse_simulation.database import Database, DeadRow, EffectRow, Holder, TimerKey, TimerRow
from packhorse_simulation.log import Record
from packhorse_simulation.sources import Source

Sabotage = Callable[[Arrival], None]
"""Raises where a reaction shall fail."""


_NOTHING: AbstractContextManager[str | None] = nullcontext()


class States(dict[Ref, object]):
    """The states that a transaction looks at, each read when it is first asked for."""

    def __init__(self, load: Callable[[Ref], object]) -> None:
        super().__init__()
        self._load = load

    def __missing__(self, ref: Ref) -> object:
        state = self[ref] = self._load(ref)
        return state


@dataclass(slots=True)
class Work:
    """One transaction: what it has claimed and read, and what it is about to store."""

    source: Source
    now: datetime
    claimed: list[Arrival]
    states: States
    older: bool = False
    """A process of the release before takes it."""

    written: Mapping[Ref, object] = field(default_factory=dict)
    subjects: set[Ref] = field(default_factory=set)
    outcome: Outcome = field(default_factory=Outcome)
    sequences: dict[str, int] = field(default_factory=dict)
    published: list[tuple[int, Record]] = field(default_factory=list)
    holder: Holder = field(default_factory=Holder)


class Transactions:
    """Runs the transactions of one service."""

    def __init__(self, db: Database, fails: Sabotage | None) -> None:
        self.db, self._fails = db, fails
        self.service = db.routes.service

    def begin(self, arrivals: Sequence[Arrival], source: Source, now: datetime, *, older: bool = False) -> Work:
        """Does all but the commit. Raises LockedError, Refused or RefusedError where a state can't be kept, and
        NewerError where an older process meets a newer one's."""
        db = self.db
        states = States(partial(db.load, older=older) if older else db.load)
        work = Work(source, now, source.before(db, arrivals), states, older)
        if not work.claimed:
            return work
        names = aliases(db.routes, work.claimed)
        work.subjects = subjects(db.routes, work.claimed, work.states)
        for ref in beside(db.routes, work.claimed, work.states):
            work.states[ref]
        work.claimed = source.after(db, work.claimed)
        held = db.parked.keys() | db.unnamed.keys()
        parked = {ref: db.queue(ref) for ref in (work.subjects | names) & held if ref not in source.released}
        work.outcome = take(db.routes, work.claimed, work.states, parked, now, around=self._around, bodies=self._bodies)
        work.written = db.written(work.outcome.changed, older=older)
        self._prepare(work)
        if db.locked:
            db.need(self.rows(work))
        return work

    def rows(self, work: Work) -> list[Hashable]:
        """Every row that this transaction holds until it ends."""
        outcome = work.outcome
        return [
            *work.subjects,
            *(ref for ref in work.states if not self.db.routes.kinds[ref.kind].reference or ref in outcome.changed),
            *work.source.rows(work.claimed),
            *(("timer", *key) for key in outcome.timers),
            *(("effect", effect.idempotency_key) for effect, *_ in outcome.effects),
            *(("sequence", key) for key in work.sequences),
        ]

    def commit(self, work: Work) -> None:
        """Everything becomes visible at once."""
        db, outcome = self.db, work.outcome
        if work.claimed:
            work.source.settle(db, work.claimed)
        db.keep(work.written)
        db.journal.extend(outcome.journal)
        for key, timer in outcome.timers.items():
            self._keep_timer(key, timer)
        for effect, cause, _ in outcome.effects:
            if effect.idempotency_key not in db.effects:
                db.effects[effect.idempotency_key] = self._effect(effect, cause, work.now)
        for letter in outcome.dead:
            db.dead[letter.id] = DeadRow(
                letter.id,
                letter.cause,
                letter.ref,
                letter.code,
                letter.reason,
                letter.field,
                letter.retryable,
                letter.parked,
            )
            if letter.parked and letter.ref is not None:
                db.parked[letter.ref] = letter.id
        for ref, arrival in outcome.waiting:
            if arrival.waiting is None:
                db.next_waiting += 1
                arrival.waiting = db.next_waiting
            db.waiting[arrival.waiting] = (ref, arrival)
        if outcome.waiting:
            db.waiting = dict(sorted(db.waiting.items()))
        db.sequences.update(work.sequences)
        db.outbox.update(work.published)
        if db.routes.aliases:
            names = {alias.name for alias in db.routes.aliases}
            waited_for = dict.fromkeys(ref for ref, _ in db.waiting.values() if ref.kind in names)
            db.unnamed = {ref: db.unnamed.get(ref, work.now) for ref in waited_for}
            db.nameless |= {each.id: each.ref for each in outcome.dead if each.ref and each.ref.kind in names}

    def _around(self, _name: str, arrival: Arrival) -> AbstractContextManager[str | None]:
        if self._fails is not None:
            self._fails(arrival)
        return _NOTHING

    def _bodies(
        self, facts: Sequence[Fact], arrival: Arrival, traceparent: str | None, under: int | None
    ) -> list[saying.Said]:
        if self.db.wire:
            return saying.bodies(facts, arrival, traceparent, under)
        return [saying.Said(fact, b"", arrival, index, under=under) for index, fact in enumerate(facts)]

    def _prepare(self, work: Work) -> None:
        """Numbers and ids of what was said. They are drawn under the locks, before the commit."""
        spoken, previews = work.outcome.said, work.outcome.previews
        if not spoken and not previews:
            return
        db = self.db
        records = self._numbered(spoken, work) + [self._record(item, item.fact.key, None, work) for item in previews]
        if db.wire:  # the chassis's own rows, as bytes
            rows = outgoing.rows(self.service, spoken, work.sequences, work.now)
            rows += outgoing.unnumbered(self.service, previews, work.now)
            for record, row in zip(records, rows, strict=True):
                record.raw = Raw("record", row.topic, None, None, row.key, row.headers, row.value)
        for record in records:
            db.next_outbox += 1
            work.published.append((db.next_outbox, record))

    def _numbered(self, spoken: Sequence[saying.Said], work: Work) -> list[Record]:
        sequences, last = work.sequences, self.db.sequences
        result = []
        for item in spoken:
            key = item.fact.key
            number = sequences[key] = sequences.get(key, last.get(key, 0)) + 1
            result.append(self._record(item, key, number, work))
        return result

    def _record(self, item: saying.Said, key: str, sequence: int | None, work: Work) -> Record:
        fact, cause = item.fact, item.cause
        at = saying.cause_time(cause, work.now)
        return Record(
            fact.TOPIC.name,
            key,
            f"/packhorse/{self.service}",
            ids.derive(at, *cause.identity, self.service, item.index),
            work.now,
            fact,
            fact.correlation or cause.correlation_id,
            cause.id,
            sequence,
            moment=at,
        )

    def _keep_timer(self, key: TimerKey, timer: tuple[SetTimer, Arrival, str | None] | None) -> None:
        if timer is None:
            self.db.timers.pop(key, None)
            return
        wanted, cause, _ = timer
        self.db.timers[key] = TimerRow(
            ids.derive(wanted.due, *cause.identity, self.service, "timer", *key),
            wanted.due,
            self._stored(wanted.payload),
            cause.correlation_id,
        )

    def _effect(self, effect: Effect, cause: Arrival, now: datetime) -> EffectRow:
        return EffectRow(
            effect.idempotency_key,
            ids.derive(now, self.service, "effect", effect.idempotency_key),
            effect.request.type_name(),
            self._stored(effect.request),
            now + effect.deadline,
            cause.correlation_id,
        )

    def _stored(self, payload: Any) -> Any:
        return payload.model_dump_json().encode() if self.db.wire else payload
