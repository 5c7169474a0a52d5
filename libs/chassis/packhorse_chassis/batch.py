"""One batch, one transaction: inbox, states, reactions, and everything that follows from them.

Pure reactions make the rest simple: a batch can be run again from its beginning at any time, because nothing
but this transaction happened.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import asyncpg
import structlog
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Model

from packhorse_chassis import metrics, tracing
from packhorse_chassis import said as saying
from packhorse_chassis.db import Connection, Pool
from packhorse_chassis.faults import is_transient
from packhorse_chassis.inputs import Arrival, weight
from packhorse_chassis.keep import Inbox
from packhorse_chassis.reaction import (
    CancelTimer,
    Decisions,
    Effect,
    Input,
    NotLoadedError,
    Others,
    Ref,
    RefusedError,
    Route,
    SetTimer,
)
from packhorse_chassis.rows import Rows
from packhorse_chassis.service import Service
from packhorse_chassis.source import Source
from packhorse_chassis.store import sound, table

log = structlog.get_logger(__name__)


_PORTION: Final = 16 * 1_048_576
"""Bytes that one transaction takes in. A poll may bring hundreds of records of a megabyte: stored in one statement,
they would run into its time limit again and again."""

_MOST: Final = 10_000
"""Inputs of one transaction, while none takes too long."""

_TOO_LONG = (asyncpg.QueryCanceledError, asyncpg.IdleInTransactionSessionTimeoutError)
"""What a transaction ends with that is too much for its time limits: the same again would end so again."""


def _portions(arrivals: Sequence[Arrival], most: int) -> Iterator[Sequence[Arrival]]:
    """The arrivals in order, cut where they get too large or too many for one transaction."""
    start, size = 0, 0
    for position, arrival in enumerate(arrivals):
        own = weight(arrival.raw)
        if position > start and (size + own > _PORTION or position - start >= most):
            yield arrivals[start:position]
            start, size = position, 0
        size += own
    yield arrivals[start:]


@dataclass(slots=True)
class Outcome:
    """What one transaction is about to store."""

    changed: dict[Ref, object] = field(default_factory=dict)
    said: list[saying.Said] = field(default_factory=list)
    timers: dict[tuple[str, ...], tuple[SetTimer, Arrival, str] | None] = field(default_factory=dict)
    effects: list[tuple[Effect, Arrival, str]] = field(default_factory=list)
    journal: list[Any] = field(default_factory=list)
    dead: list[saying.DeadLetter] = field(default_factory=list)
    waiting: list[tuple[Ref, Arrival]] = field(default_factory=list)
    parked: set[Ref] = field(default_factory=set)
    taken: dict[str, int] = field(default_factory=dict)
    asked: Sequence[asyncpg.Record] = ()
    """The effects that this process took, so many of each type, and their rows."""

    reacted: int = 0


class _LoadMore(Exception):
    """A reaction needs states that nobody named beforehand; locking them now would break the lock order."""

    def __init__(self, refs: Iterable[Ref]) -> None:
        super().__init__("more states are needed")
        self.refs = set(refs)


class Asker(Protocol):
    """Who performs effects in this process, and may take some on as they are stored."""

    lease: float
    """Seconds for which what it takes is its own."""

    def take(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """How many of these it takes, by type; they count as under way from now on."""

    def begin(self, taken: Mapping[str, int], rows: Sequence[asyncpg.Record]) -> None:
        """These were stored; what was taken beyond them wasn't."""


class Nobody:
    """Takes nothing: what is stored waits until somebody leases it."""

    lease = 0.0

    def take(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """None."""
        return {}

    def begin(self, taken: Mapping[str, int], rows: Sequence[asyncpg.Record]) -> None:
        """Nothing was taken."""


class Processor:
    """Runs batches of one service against its database."""

    def __init__(self, service: Service, pool: Pool, inbox: Inbox) -> None:
        self.service = service
        self.pool = pool
        self.inbox = inbox
        self.tables = {name: table(kind, service.queries) for name, kind in service.routes.kinds.items()}
        self.rows = Rows(service)
        self._due_at_once: Callable[[], None] = lambda: None
        self._asker: Asker = Nobody()
        self._most = _MOST

    def connect(self, due_at_once: Callable[[], None], asker: Asker) -> None:
        """`due_at_once` is called after a commit that stored timers whose time has come already."""
        self._due_at_once, self._asker = due_at_once, asker

    async def process(self, arrivals: Sequence[Arrival], source: Source) -> int:
        """Takes every arrival that is new, and stores all that follows. Returns how many were new.

        One transaction, or several one after the other where the arrivals are large, or where one took too long lately.
        Raises only transient faults: whatever the database refuses is found by halving, given up, and its subject
        parked.
        """
        taken = 0
        for part in _portions(arrivals, self._most):
            try:
                taken += await self._process(part, source)
            except _TOO_LONG:
                self._most = max(1, len(part) // 4)
                raise
            self._most = min(_MOST, self._most * 2)
        return taken

    async def _process(self, arrivals: Sequence[Arrival], source: Source) -> int:
        try:
            return await self._until_loaded(arrivals, source)
        except Exception as error:
            if is_transient(error):
                raise
            if len(arrivals) > 1:
                log.warning("the database refused a batch; halving it", size=len(arrivals), error=repr(error))
                half = len(arrivals) // 2
                return await self._process(arrivals[:half], source) + await self._process(arrivals[half:], source)
            if not arrivals:
                raise
            log.warning("the database refused an input; trying it once more", id=arrivals[0].id, error=repr(error))
        return await self._alone(arrivals, source)

    async def _alone(self, arrivals: Sequence[Arrival], source: Source) -> int:
        """A dying connection fails in ways that no list knows, so an input is blamed only for what fails twice."""
        try:
            return await self._until_loaded(arrivals, source)
        except Exception as error:
            if is_transient(error) or arrivals[0].broken is not None:
                raise
            arrivals[0].broken = error
        return await self._until_loaded(arrivals, source)

    async def _until_loaded(self, arrivals: Sequence[Arrival], source: Source) -> int:
        await self.inbox.place(arrivals)
        needed: set[Ref] = set()
        while True:
            try:
                return await self._transaction(arrivals, source, needed)
            except _LoadMore as more:
                if more.refs <= needed:
                    raise RuntimeError(f"asked again for {more.refs}, which were loaded") from None
                needed |= more.refs

    async def _transaction(self, arrivals: Sequence[Arrival], source: Source, needed: set[Ref]) -> int:
        outcome = Outcome()
        try:
            with metrics.transaction_seconds.time():
                async with self.pool.acquire() as db, db.transaction():
                    # Records are claimed through the inbox first; timers and answers after their subjects are locked,
                    # for reactions delete timers while they hold that lock. Either order alone has no deadlocks.
                    claimed, now = await source.claim_before(db, arrivals)
                    if not claimed:
                        return 0
                    states, parked = await self._load(db, claimed, needed, source.released)
                    claimed = await source.claim_after(db, claimed)
                    if not claimed:
                        return 0
                    outcome.parked = parked - source.released
                    for arrival in claimed:
                        await self._take(db, arrival, now, states, outcome)
                    await self._store(db, outcome, now)
        except BaseException:
            self._asker.begin(outcome.taken, ())
            raise
        self._asker.begin(outcome.taken, outcome.asked)
        metrics.inputs.labels(source.name).inc(len(claimed))
        metrics.batch_size.observe(len(claimed))
        metrics.events.inc(len(outcome.said))
        for dead in outcome.dead:
            self._report(dead)
        if any(timer is not None and timer[0].due <= now for timer in outcome.timers.values()):
            self._due_at_once()
        return len(claimed)

    def _routed(self, arrival: Arrival) -> tuple[Route, Ref] | None:
        if arrival.heard is None:
            return None
        route = self.service.routes.by_input[type(arrival.heard)]
        try:
            return route, route.kind.ref(route.key(arrival.heard))
        except Exception as error:
            fault = ce.Unreadable("no_key", f"{route.name} finds no key in it: {type(error).__name__}")
            arrival.heard, arrival.fault = None, fault
            return None

    async def _load(
        self, db: Connection, arrivals: Sequence[Arrival], needed: set[Ref], released: frozenset[Ref]
    ) -> tuple[dict[Ref, object], set[Ref]]:
        """Locks subjects in order, then what their routes name beside, in order; reads reference states."""
        states: dict[Ref, object] = {}
        routed = [(pair, a.heard) for a in arrivals if (pair := self._routed(a)) is not None and a.heard is not None]
        await self._lock(db, {ref for (_, ref), _ in routed} | released, states)
        beside = set(needed)
        for (route, ref), heard in routed:
            with contextlib.suppress(Exception):  # raised once more where this input is taken, and then given up
                beside.update(route.also(sound(states[ref]), heard))
        reference = {ref for ref in beside if self.tables[ref.kind].kind.reference}
        await self._lock(db, beside - reference, states)
        await self._read(db, reference - states.keys(), states)
        parked = await self.rows.parked(db, {ref for (_, ref), _ in routed})
        return states, parked

    async def _lock(self, db: Connection, refs: set[Ref], states: dict[Ref, object]) -> None:
        for kind in sorted({ref.kind for ref in refs}):
            found = await self.tables[kind].lock(db, {ref.key for ref in refs if ref.kind == kind})
            states.update({Ref(kind, key): state for key, state in found.items()})

    async def _read(self, db: Connection, refs: set[Ref], states: dict[Ref, object]) -> None:
        for kind in {ref.kind for ref in refs}:
            found = await self.tables[kind].read(db, {ref.key for ref in refs if ref.kind == kind})
            states.update({Ref(kind, key): state for key, state in found.items()})

    async def _take(
        self, db: Connection, arrival: Arrival, now: datetime, states: dict[Ref, object], outcome: Outcome
    ) -> None:
        """Reacts to one arrival, and adds what follows to the outcome. What fails leaves no trace but a dead letter."""
        pair = self._routed(arrival)
        if pair is None or arrival.heard is None:
            fault = arrival.fault
            assert fault is not None  # noqa: S101 -- an arrival is either heard or at fault
            self._give_up(arrival, None, now, outcome, fault.code, fault.message, fault.field)
            return
        route, ref = pair
        if arrival.raw.origin == "timer" and arrival.row in outcome.timers:
            return  # set anew or cancelled by an earlier input of this very batch
        if ref in outcome.parked:
            outcome.waiting.append((ref, arrival))
            return
        try:
            if arrival.broken is not None:
                raise arrival.broken
            with tracing.reacting(f"{self.service.name} {route.name}", arrival.traceparent) as traceparent:
                decided = await self._react(db, route, ref, arrival.heard, now, states, outcome.journal)
                spoken = saying.bodies(decided.events, arrival)
        except RefusedError as refusal:
            self._give_up(
                arrival,
                ref,
                now,
                outcome,
                refusal.code,
                refusal.message,
                refusal.field,
                retryable=refusal.retryable,
            )
        except (_LoadMore, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            if error is not arrival.broken:
                raise
            # The first line alone: the details hold the row's values, which may be personal.
            self._give_up(arrival, ref, now, outcome, "database", str(error).partition("\n")[0], error=error)
        except Exception as error:
            self._give_up(arrival, ref, now, outcome, "reaction", repr(error)[:500], error=error)
        else:
            self._add(decided, spoken, ref, arrival, traceparent, states, outcome)

    async def _react(
        self,
        db: Connection,
        route: Route,
        ref: Ref,
        heard: Input,
        now: datetime,
        states: dict[Ref, object],
        journal: Sequence[Model],
    ) -> Decisions[Any]:
        def read(other: Ref) -> object:
            if other not in states:
                raise NotLoadedError(other)
            return sound(states[other])

        state = sound(states[ref])
        missing = {other for other in route.also(state, heard) if other not in states}
        while True:
            locked = {other for other in missing if not self.tables[other.kind].kind.reference}
            if locked:
                raise _LoadMore(locked)
            await self._read(db, missing, states)
            try:
                return route.react(state, heard, now, Others(read, journal))
            except NotLoadedError as more:
                missing = {more.ref}

    def _add(
        self,
        decided: Decisions[Any],
        spoken: list[saying.Said],
        ref: Ref,
        arrival: Arrival,
        traceparent: str,
        states: dict[Ref, object],
        outcome: Outcome,
    ) -> None:
        outcome.reacted += 1
        after = {ref: decided.state, **decided.others}
        changed = {other: state for other, state in after.items() if state is not states.get(other)}
        states.update(changed)
        outcome.changed.update(changed)
        arrival.traceparent = traceparent
        outcome.said.extend(spoken)
        outcome.journal.extend(decided.journal)
        for timer in decided.timers:
            if isinstance(timer, CancelTimer):
                outcome.timers[timer.payload.type_name(), timer.key, timer.name] = None
            else:
                outcome.timers[timer.payload.type_name(), timer.key, timer.name] = (
                    timer,
                    arrival,
                    traceparent,
                )
        outcome.effects.extend((effect, arrival, traceparent) for effect in decided.effects)

    def _give_up(
        self,
        arrival: Arrival,
        ref: Ref | None,
        now: datetime,
        outcome: Outcome,
        code: str,
        reason: str,
        field: str | None = None,
        *,
        error: BaseException | None = None,
        retryable: bool = False,
    ) -> None:
        dead = saying.dead_letter(
            self.service.name,
            arrival,
            ref,
            now,
            code=code,
            reason=reason,
            field=field,
            error=error,
            retryable=retryable,
        )
        outcome.dead.append(dead)
        if dead.parked and ref is not None:
            outcome.parked.add(ref)

    async def _store(self, db: Connection, outcome: Outcome, now: datetime) -> None:
        for kind in sorted({ref.kind for ref in outcome.changed}):
            states = {ref.key: state for ref, state in outcome.changed.items() if ref.kind == kind}
            await self.tables[kind].save(db, states)
        for journal in self.service.journals:
            if entries := [entry for entry in outcome.journal if type(entry) is journal.entry]:
                await journal.write(db, entries)
        await self.rows.timers(db, outcome.timers)
        outcome.taken = self._asker.take(Counter(effect.request.type_name() for effect, *_ in outcome.effects))
        outcome.asked = await self.rows.effects(db, outcome.effects, now, outcome.taken, self._asker.lease)
        await self.rows.dead(db, outcome.dead, outcome.waiting)
        # Last, and after the counters' row locks: for one key the order of ids is the order of commits.
        spoken = saying.without_superseded(outcome.said)
        last = await self.rows.next_sequences(db, [item.fact.key for item in spoken])
        published = saying.rows(self.service.name, spoken, last, now)
        published += [row for dead in outcome.dead if (row := saying.dead_row(self.service.name, dead)) is not None]
        await self.rows.outbox(db, published)

    def _report(self, dead: saying.DeadLetter) -> None:
        metrics.dead_letters.labels(dead.code).inc()
        log.error(
            "dead letter; the subject waits for an operator" if dead.parked else "dead letter",
            dead_letter=dead.id,
            code=dead.code,
            reason=dead.reason,
            topic=dead.cause.raw.topic,
            partition=dead.cause.raw.partition,
            offset=dead.cause.raw.offset,
            order_id=dead.cause.correlation_id,
            trace_id=tracing.trace_id(dead.cause.traceparent),
        )
