"""One batch, one transaction: inbox, states, reactions, and everything that follows from them.

Pure reactions make the rest simple: a batch can be run again from its beginning at any time, because nothing
but this transaction happened.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from packhorse_chassis.asker import Asker, Nobody
from packhorse_chassis.core import said as saying
from packhorse_chassis.core.decide import aliases, beside, routed, subjects, take
from packhorse_chassis.core.inputs import Arrival, portions
from packhorse_chassis.core.kinds import Input, Ref
from packhorse_chassis.core.outcome import MissingError, Outcome, Queue
from packhorse_chassis.postgres import outgoing
from packhorse_chassis.postgres.db import Connection, Pool
from packhorse_chassis.postgres.faults import NobodysFaultError, OvertakenError, is_transient, sign
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.rows import Rows
from packhorse_chassis.postgres.source import Source
from packhorse_chassis.postgres.store import POLICY_VERSIONS, read_together, table
from packhorse_chassis.service import Service
from packhorse_chassis.telemetry import metrics, tracing

log = structlog.get_logger(__name__)


_MOST: Final = 10_000
"""Inputs of one transaction, while none takes too long."""

_FEW: Final = 32
"""States of a reference kind that are read beforehand once a reaction has asked for them: locations, not products."""

_TOO_LONG = (asyncpg.QueryCanceledError, asyncpg.IdleInTransactionSessionTimeoutError)
"""What a transaction ends with that is too much for its time limits: the same again would end so again."""


_TRIES_ALONE: Final = 5
"""So often an input alone may take too long. Then it is given up, in place of being tried for ever."""

_TRIED_ALONE: Final = 100
"""Inputs that are counted at most."""


def _span(name: str, arrival: Arrival) -> AbstractContextManager[str]:
    return tracing.reacting(name, arrival.traceparent)


class Processor:
    """Runs batches of one service against its database."""

    def __init__(self, service: Service, pool: Pool, inbox: Inbox) -> None:
        self.service = service
        self.pool = pool
        self.inbox = inbox
        self.tables = {name: table(kind, service.queries) for name, kind in service.routes.kinds.items()}
        self.rows = Rows(service.name)
        self._journals = (*service.journals, *([POLICY_VERSIONS] if service.routes.policies else []))
        self._asked_for: dict[str, set[str]] = {}
        """By reference kind, what reactions asked for though no route names it; one more than a few at most."""

        self._due_at_once: Callable[[], None] = lambda: None
        self._asker: Asker = Nobody()
        self._most = _MOST
        self._too_long: Counter[tuple[str, ...]] = Counter()
        """How often an input took too long though it was alone, by its identity."""

        self.nameless = False
        """Something waits for its subject's name, as far as this process has seen."""

        self.named = False
        """And a name was given since."""

        self._blamed: tuple[str, type[Input] | None, Ref | None] | None = None
        """The last input that was given up for what may be nobody's fault: how it failed, what and whose it was. Until
        another one of its kind has gone through."""

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
        for part in portions(arrivals, self._most):
            try:
                taken += await self._process(part, source)
            except _TOO_LONG as error:
                self._most = max(1, len(part) // 4)
                if len(part) > 1 or not self._again_too_long(part[0]):
                    raise
                taken += await self._give_up_on(part[0], source, error)
            self._most = min(_MOST, self._most * 2)
            if self._too_long and len(part) == 1:
                del self._too_long[part[0].identity]
        return taken

    def _again_too_long(self, arrival: Arrival) -> bool:
        """True at the last time that an input alone may take too long."""
        if len(self._too_long) > _TRIED_ALONE:  # what somebody else has taken since stays in it
            self._too_long.clear()
        self._too_long[arrival.identity] += 1
        return self._too_long[arrival.identity] >= _TRIES_ALONE

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
            if is_transient(error):
                raise
            return await self._give_up_on(arrivals[0], source, error)

    async def _give_up_on(self, arrival: Arrival, source: Source, error: Exception) -> int:
        """Makes a dead letter of it. Where another input has just failed alike, neither is to blame, and this one
        waits: of a trigger that refuses everybody one key is parked, not every one."""
        if (how := sign(error)) is not None:
            pair = routed(self.service.routes, arrival)
            what, ref = (pair[0].input, pair[1]) if pair else (None, None)
            if self._blamed is not None and self._blamed[:2] == (how, what) and self._blamed[2] != ref:
                raise NobodysFaultError(f"different inputs fail alike: {how}") from error
            self._blamed = how, what, ref
        arrival.broken = error
        try:
            return await self._until_loaded([arrival], source)
        finally:
            arrival.broken = None

    async def _until_loaded(self, arrivals: Sequence[Arrival], source: Source) -> int:
        await self.inbox.place(arrivals)
        needed: set[Ref] = set()
        while True:
            try:
                return await self._transaction(arrivals, source, needed)
            except MissingError as missing:
                # Locking them in the middle of it would break the order of locks: from the beginning, with them.
                if missing.refs <= needed:
                    raise RuntimeError(f"asked again for what was loaded: {missing}") from None
                needed |= missing.refs
            except OvertakenError as overtaken:
                needed |= overtaken.refs

    async def _transaction(self, arrivals: Sequence[Arrival], source: Source, needed: set[Ref]) -> int:
        taken: dict[str, int] = {}
        asked: Sequence[asyncpg.Record] = ()
        try:
            with metrics.transaction_seconds.time():
                async with self.pool.acquire() as db, db.transaction():
                    # Records are claimed through the inbox first; timers and answers after their subjects are locked,
                    # for reactions delete timers while they hold that lock. Either order alone has no deadlocks.
                    claimed, now = await source.claim_before(db, arrivals)
                    if not claimed:
                        return 0
                    states, locked, parked = await self._load(db, claimed, needed, source.released)
                    claimed = await source.claim_after(db, claimed)
                    if not claimed:
                        return 0
                    parked = {ref: queue for ref, queue in parked.items() if ref not in source.released}
                    outcome = await self._decide(db, claimed, states, parked, now)
                    taken = self._asker.take(Counter(effect.request.type_name() for effect, *_ in outcome.effects))
                    said = outcome.said
                    if outcome.previews:
                        await self._forget_empty(db, locked - outcome.changed.keys())
                    asked = await self._store(db, outcome, states, said, taken, now)
        except BaseException:
            self._asker.begin(taken, ())
            raise
        self._asker.begin(taken, asked)
        if self._blamed is not None and any(type(one.arrival.heard) is self._blamed[1] for one in outcome.reacted):
            self._blamed = None
        metrics.inputs.labels(source.name).inc(len(claimed))
        metrics.batch_size.observe(len(claimed))
        metrics.events.inc(len(said))
        metrics.previews.inc(len(outcome.previews))
        for dead in outcome.dead:
            self._report(dead)
        if self.service.routes.aliases:
            self._look_at_names(outcome)
        if self.named or any(timer is not None and timer[0].due <= now for timer in outcome.timers.values()):
            self._due_at_once()
        return len(claimed)

    def _look_at_names(self, outcome: Outcome) -> None:
        names = {alias.name for alias in self.service.routes.aliases}
        self.nameless = self.nameless or any(ref.kind in names for ref, _ in outcome.waiting)
        if self.nameless and any(ref.kind in names for ref in outcome.changed):
            self.named = True

    async def _decide(
        self,
        db: Connection,
        arrivals: Sequence[Arrival],
        states: dict[Ref, object],
        parked: Mapping[Ref, Queue],
        now: datetime,
    ) -> Outcome:
        """Reacts; what reactions only look at beside is read when they ask for it."""
        while True:
            try:
                return take(self.service.routes, arrivals, states, parked, now, around=_span)
            except MissingError as missing:
                if any(not self.tables[ref.kind].kind.reference for ref in missing.refs):
                    raise
                self._remember(missing.refs)
                await self._read(db, missing.refs, states)

    def _remember(self, refs: set[Ref]) -> None:
        """What was asked for is asked for again. But for tallies, which are right under a lock alone."""
        for kind, key in refs:
            asked = self._asked_for.setdefault(kind, set())
            if len(asked) <= _FEW and self.tables[kind].kind.tally is None:
                asked.add(key)

    async def _load(
        self, db: Connection, arrivals: Sequence[Arrival], needed: set[Ref], released: frozenset[Ref]
    ) -> tuple[dict[Ref, object], set[Ref], dict[Ref, Queue]]:
        """Finds subjects by their aliases; locks them in order, then what their routes name beside, in order; reads
        reference states."""
        states: dict[Ref, object] = {}
        routes = self.service.routes
        names = aliases(routes, arrivals)
        usual = {Ref(kind, key) for kind, keys in self._asked_for.items() if len(keys) <= _FEW for key in keys}
        await self._read(db, names | usual | ({routes.policies.ref} if routes.policies else set()), states)
        about = subjects(routes, arrivals, states)
        first = about | (released - names)
        await self._lock(db, first, states)
        more = needed | beside(routes, arrivals, states)
        reference = {ref for ref in more if self.tables[ref.kind].kind.reference}
        await self._lock(db, more - reference, states)
        await self._read(db, reference - states.keys(), states)
        return states, first | (more - reference), await self.rows.parked(db, about | names)

    async def _forget_empty(self, db: Connection, refs: set[Ref]) -> None:
        """A dry run locks as anything does, and what isn't there can be locked only once it is: that goes again."""
        for kind in sorted({ref.kind for ref in refs}):
            await self.tables[kind].forget_empty(db, {ref.key for ref in refs if ref.kind == kind})

    async def _lock(self, db: Connection, refs: set[Ref], states: dict[Ref, object]) -> None:
        for kind in sorted({ref.kind for ref in refs}):
            found = await self.tables[kind].lock(db, {ref.key for ref in refs if ref.kind == kind})
            states.update({Ref(kind, key): state for key, state in found.items()})

    async def _read(self, db: Connection, refs: set[Ref], states: dict[Ref, object]) -> None:
        wanted: dict[str, list[str]] = {}
        for ref in sorted(refs):
            wanted.setdefault(ref.kind, []).append(ref.key)
        kept = [(self.tables[kind], keys) for kind, keys in wanted.items() if self.tables[kind].kind.tally is None]
        if kept:
            states.update(await read_together(db, kept))
        for kind, keys in wanted.items():
            if self.tables[kind].kind.tally is not None:
                found = await self.tables[kind].read(db, keys)
                states.update({Ref(kind, key): state for key, state in found.items()})

    async def _store(
        self,
        db: Connection,
        outcome: Outcome,
        before: Mapping[Ref, object],
        said: Sequence[saying.Said],
        taken: Mapping[str, int],
        now: datetime,
    ) -> Sequence[asyncpg.Record]:
        """Everything, and last of all what is to be published. Returns the effects that this process took."""
        for kind in sorted({ref.kind for ref in outcome.changed}):
            changed = [ref for ref in outcome.changed if ref.kind == kind]
            states = {ref.key: (outcome.changed[ref], before.get(ref)) for ref in changed}
            await self.tables[kind].save(db, states)
        for journal in self._journals:
            if entries := [entry for entry in outcome.journal if type(entry) is journal.entry]:
                await journal.write(db, entries)
        await self.rows.timers(db, outcome.timers)
        asked = await self.rows.effects(db, outcome.effects, now, taken, self._asker.lease)
        await self.rows.dead(db, outcome.dead, outcome.waiting)
        # Last, and after the counters' row locks: for one key the order of ids is the order of commits.
        last = await self.rows.next_sequences(db, [item.fact.key for item in said])
        published = outgoing.rows(self.service.name, said, last, now)
        published += outgoing.unnumbered(self.service.name, outcome.previews, now)
        published += [row for dead in outcome.dead if (row := outgoing.dead_row(self.service.name, dead)) is not None]
        await self.rows.outbox(db, published)
        return asked

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
