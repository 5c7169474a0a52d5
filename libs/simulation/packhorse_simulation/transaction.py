"""One batch, one transaction: the in-memory twin of `packhorse_chassis.batch`.

`begin` claims, locks and reacts; nothing is seen of it before `commit`. Between the two, other transactions may run:
those that need one of its rows wait.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from packhorse_chassis import said as saying
from packhorse_chassis.inputs import Arrival, Raw
from packhorse_chassis.reaction import (
    CancelTimer,
    Decisions,
    Effect,
    Others,
    Ref,
    RefusedError,
    Route,
    SetTimer,
)
from packhorse_contracts import ids
from packhorse_contracts.base import Model

from packhorse_simulation.database import Database, DeadRow, EffectRow, Holder, TimerKey, TimerRow
from packhorse_simulation.log import Record
from packhorse_simulation.sources import Source

Sabotage = Callable[[Arrival], None]
"""Raises where a reaction shall fail."""


@dataclass(slots=True)
class Reacted:
    """One input that a reaction took, and what it said."""

    arrival: Arrival
    ref: Ref
    said: list[saying.Said]


@dataclass(slots=True)
class Work:
    """What one transaction is about to store."""

    source: Source
    now: datetime
    claimed: list[Arrival]
    subjects: set[Ref] = field(default_factory=set)
    states: dict[Ref, object] = field(default_factory=dict)
    changed: dict[Ref, object] = field(default_factory=dict)
    timers: dict[TimerKey, tuple[SetTimer, Arrival] | None] = field(default_factory=dict)
    effects: list[tuple[Effect, Arrival]] = field(default_factory=list)
    journal: list[Model] = field(default_factory=list)
    dead: list[saying.DeadLetter] = field(default_factory=list)
    waiting: list[tuple[Ref, Arrival]] = field(default_factory=list)
    parked: set[Ref] = field(default_factory=set)
    reacted: list[Reacted] = field(default_factory=list)
    sequences: dict[str, int] = field(default_factory=dict)
    published: list[tuple[int, Record]] = field(default_factory=list)
    holder: Holder = field(default_factory=Holder)


class Transactions:
    """Runs the transactions of one service."""

    def __init__(self, db: Database, fails: Sabotage | None) -> None:
        self.db, self._fails = db, fails
        self.service = db.routes.service

    def begin(self, arrivals: Sequence[Arrival], source: Source, now: datetime) -> Work:
        """Does all but the commit. Raises LockedError, and Refused where a constraint doesn't hold."""
        db = self.db
        claimed = source.before(db, arrivals)
        work = Work(source, now, claimed)
        if not claimed:
            return work
        states, load = work.states, db.load

        def read(ref: Ref) -> object:
            try:
                return states[ref]
            except KeyError:
                state = states[ref] = load(ref)
                return state

        by_input, others = db.routes.by_input, Others(read, work.journal)
        routed: dict[int, tuple[Route, Ref]] = {}
        for arrival in claimed:
            heard = arrival.heard
            if heard is not None:
                route = by_input[type(heard)]
                ref = route.kind.ref(route.key(heard))
                routed[id(arrival)] = (route, ref)
                for other in route.also(read(ref), heard):
                    read(other)
        work.subjects = {ref for _, ref in routed.values()}
        work.claimed = source.after(db, claimed)
        if db.parked:
            work.parked = {ref for ref in work.subjects if ref in db.parked} - source.released
        for arrival in work.claimed:
            self._take(arrival, routed.get(id(arrival)), work, others)
        db.check(work.changed)
        self._prepare(work)
        if db.locked:
            db.need(self.rows(work))
        return work

    def rows(self, work: Work) -> list[Hashable]:
        """Every row that this transaction holds until it ends."""
        return [
            *work.subjects,
            *(ref for ref in work.states if not self.db.routes.kinds[ref.kind].reference or ref in work.changed),
            *work.source.rows(work.claimed),
            *(("timer", *key) for key in work.timers),
            *(("effect", effect.idempotency_key) for effect, _ in work.effects),
            *(("sequence", key) for key in work.sequences),
        ]

    def commit(self, work: Work) -> None:
        """Everything becomes visible at once."""
        db = self.db
        if work.claimed:
            work.source.settle(db, work.claimed)
        db.keep(work.changed)
        db.journal.extend(work.journal)
        for key, timer in work.timers.items():
            self._keep_timer(key, timer)
        for effect, cause in work.effects:
            if effect.idempotency_key not in db.effects:
                db.effects[effect.idempotency_key] = self._effect(effect, cause, work.now)
        for letter in work.dead:
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
        for ref, arrival in work.waiting:
            if arrival.waiting is None:
                db.next_waiting += 1
                arrival.waiting = db.next_waiting
            db.waiting[arrival.waiting] = (ref, arrival)
        if work.waiting:
            db.waiting = dict(sorted(db.waiting.items()))
        db.sequences.update(work.sequences)
        db.outbox.update(work.published)

    def _take(
        self,
        arrival: Arrival,
        pair: tuple[Route, Ref] | None,
        work: Work,
        others: Others,
    ) -> None:
        if pair is None or arrival.heard is None:
            fault = arrival.fault
            assert fault is not None  # noqa: S101 -- an arrival is either heard or at fault
            self._give_up(arrival, None, work, fault.code, fault.message, fault.field)
            return
        route, ref = pair
        if arrival.raw.origin == "timer" and arrival.row in work.timers:
            return
        if ref in work.parked:
            work.waiting.append((ref, arrival))
            return
        try:
            if arrival.broken is not None:
                raise arrival.broken
            if self._fails is not None:
                self._fails(arrival)
            decided = route.react(work.states[ref], arrival.heard, work.now, others)
            spoken = self._bodies(decided, arrival)
        except RefusedError as refusal:
            self._give_up(
                arrival,
                ref,
                work,
                refusal.code,
                refusal.message,
                refusal.field,
                retryable=refusal.retryable,
            )
        except Exception as error:
            code = "reaction" if error is not arrival.broken else "database"
            self._give_up(arrival, ref, work, code, repr(error)[:500], error=error)
        else:
            self._add(decided, spoken, ref, arrival, work)

    def _bodies(self, decided: Decisions[Any], arrival: Arrival) -> list[saying.Said]:
        if self.db.wire:
            return saying.bodies(decided.events, arrival)
        return [saying.Said(fact, b"", arrival, index) for index, fact in enumerate(decided.events)]

    def _add(
        self,
        decided: Decisions[Any],
        spoken: list[saying.Said],
        ref: Ref,
        arrival: Arrival,
        work: Work,
    ) -> None:
        states = work.states
        if decided.state is not states[ref]:
            states[ref] = work.changed[ref] = decided.state
        for other, state in decided.others.items():
            if state is not states.get(other):
                states[other] = work.changed[other] = state
        work.reacted.append(Reacted(arrival, ref, spoken))
        work.journal.extend(decided.journal)
        for timer in decided.timers:
            key = (timer.payload.type_name(), timer.key, timer.name)
            work.timers[key] = None if isinstance(timer, CancelTimer) else (timer, arrival)
        work.effects.extend((effect, arrival) for effect in decided.effects)

    def _give_up(
        self,
        arrival: Arrival,
        ref: Ref | None,
        work: Work,
        code: str,
        reason: str,
        field: str | None = None,
        *,
        error: BaseException | None = None,
        retryable: bool = False,
    ) -> None:
        dead = saying.dead_letter(
            self.service,
            arrival,
            ref,
            work.now,
            code=code,
            reason=reason,
            field=field,
            error=error,
            retryable=retryable,
        )
        work.dead.append(dead)
        if dead.parked and ref is not None:
            work.parked.add(ref)

    def _prepare(self, work: Work) -> None:
        """Numbers and ids of what was said. They are drawn under the locks, before the commit."""
        said = [item for reacted in work.reacted for item in reacted.said]
        if not said:
            return
        db = self.db
        spoken = saying.without_superseded(said) if any(item.fact.SNAPSHOT for item in said) else said
        for item in spoken:
            key = item.fact.key
            work.sequences[key] = work.sequences.get(key, db.sequences.get(key, 0)) + 1
        numbered = self._wired(spoken, work) if db.wire else self._plain(spoken, work)
        for record in numbered:
            db.next_outbox += 1
            work.published.append((db.next_outbox, record))

    def _plain(self, spoken: Sequence[saying.Said], work: Work) -> list[Record]:
        sequences: dict[str, int] = {}
        result = []
        for item in spoken:
            fact, cause, key = item.fact, item.cause, item.fact.key
            number = sequences[key] = sequences.get(key, self.db.sequences.get(key, 0)) + 1
            at = saying.cause_time(cause, work.now)
            result.append(
                Record(
                    fact.TOPIC.name,
                    key,
                    f"/packhorse/{self.service}",
                    ids.derive(at, cause.source, cause.id, self.service, item.index),
                    work.now,
                    fact,
                    fact.correlation or cause.correlation_id,
                    cause.id,
                    number,
                    moment=at,
                )
            )
        return result

    def _wired(self, spoken: Sequence[saying.Said], work: Work) -> list[Record]:
        """The chassis's own rows, as bytes."""
        plain = self._plain(spoken, work)
        rows = saying.rows(self.service, spoken, work.sequences, work.now)
        for record, row in zip(plain, rows, strict=True):
            record.raw = Raw("record", row.topic, None, None, row.key, row.headers, row.value)
        return plain

    def _keep_timer(self, key: TimerKey, timer: tuple[SetTimer, Arrival] | None) -> None:
        if timer is None:
            self.db.timers.pop(key, None)
            return
        wanted, cause = timer
        self.db.timers[key] = TimerRow(
            ids.derive(wanted.due, cause.source, cause.id, self.service, "timer", *key),
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
