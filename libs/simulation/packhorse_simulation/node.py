"""One service in the simulation: its consumers, pump, relay and executor over one database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from heapq import heappop, heappush
from typing import Final

from packhorse_chassis.core.inputs import Arrival, Origin, Raw
from packhorse_chassis.core.kinds import Internal, NewerError, Ref, RefusedError
from packhorse_chassis.core.reaction import Routes
from packhorse_chassis.kafka.reading import Reader, passed_over, tried
from packhorse_contracts import envelope as ce
from packhorse_contracts import registry
from packhorse_contracts.base import dated

from packhorse_simulation.consumer import Done, Fate, Group
from packhorse_simulation.database import Checks, Database, LockedError, Refused, TimerKey
from packhorse_simulation.effects import Executor, Outside
from packhorse_simulation.faults import Chance
from packhorse_simulation.log import Log, Record
from packhorse_simulation.names import Names
from packhorse_simulation.scheduler import Scheduler, seconds
from packhorse_simulation.sources import Answers, Queue, Records, Retry, Source, Timers
from packhorse_simulation.transaction import Sabotage, Transactions, Work

Watch = Callable[["Node", Work], None]
"""Called after every commit."""

_RELAY_MOST: Final = 200
_JUMPS: Final = (-1_800, -60, 5, 600, 7_200)
"""Seconds. Further back than this an order would seem to come from the future, and be refused for that."""


@cache
def _reader(routes: Routes) -> Reader:
    return Reader(routes)


class Node:
    """A service, from the log to the log. `skew`: seconds that its database's clock is ahead."""

    def __init__(
        self,
        scheduler: Scheduler,
        log: Log,
        chance: Chance,
        routes: Routes,
        *,
        outside: Mapping[type[Internal], Outside] | None = None,
        checks: Checks | None = None,
        wire: bool = False,
        watch: Watch | None = None,
        fails: Sabotage | None = None,
    ) -> None:
        self.name, self.routes, self.wire = routes.service, routes, wire
        self._scheduler, self._log, self._chance = scheduler, log, chance
        self._watch = watch
        self.skew = 0.0
        self.db = Database(routes, checks, wire=wire)
        self.transactions = Transactions(self.db, fails)
        self.reader = _reader(routes)
        self.group = Group(scheduler, log, chance, routes.service, routes.topics, self._hear)
        self._executor = Executor(scheduler, chance, self.db, outside or {}, lambda: self.skew, self._answer)
        self._due: list[tuple[datetime, TimerKey]] = []
        self._answered: list[str] = []
        self._relaying = self._pumping = self._freeing = False
        self._names = Names(scheduler, self.db, self._take_named, self._again, self.ask_again, lambda: self.skew)

    @property
    def now(self) -> datetime:
        """The time by the database's clock."""
        return self._scheduler.clock(self.skew)

    @property
    def at_rest(self) -> bool:
        """Nothing is under way: all read, all published, no answer unheard, nothing locked."""
        return not (
            self.group.lag
            or self.db.outbox
            or self.db.locked
            or self._answered
            or any(not effect.done for effect in self.db.effects.values())
        )

    def set_clock(self, skew: float) -> None:
        """The clock jumps; what became due by that is noticed."""
        self.skew = skew
        for due, _ in self._due:  # each was planned by the clock as it was
            self._plan_timers(due)

    def ask_again(self, dead_letter_id: str) -> None:
        """An operator wants a dead letter tried again."""
        self.db.dead[dead_letter_id].status = "retry"
        self._scheduler.after(0.01, 0.2, lambda: self._retry(dead_letter_id))

    def discard(self, dead_letter_id: str) -> None:
        """An operator gives a dead letter up."""
        self.db.dead[dead_letter_id].status = "discarded"
        self._plan_freed()

    # Records

    def _hear(self, records: list[Record], done: Done) -> None:
        if self._chance.strikes("a clock jumps", self.name):
            self.set_clock(self._scheduler.random.choice(_JUMPS) * self._scheduler.random.random())
        arrivals = [arrival for record in records if (arrival := self._read(record)) is not None]
        if arrivals:
            self.run(arrivals, Records(), done)
        else:
            done(Fate.COMMITTED)

    def _read(self, record: Record) -> Arrival | None:
        if record.raw is not None:
            return self.reader.record(record.raw)
        assert record.fact is not None  # noqa: S101 -- what has no bytes is a fact
        fact = dated(registry.upcast(record.fact), record.time)
        routed = type(fact) in self.routes.by_input
        if not routed and self.name != fact.ANSWERED_BY and not record.dry_run:
            return None  # as most records are, which makes it worth not to ask for more
        raw = Raw("record", record.topic, record.partition, record.offset, record.key.encode(), (), None)
        if not routed:
            arrival = passed_over(raw, fact, self.routes.service)
        else:
            arrival = Arrival(
                raw,
                record.source,
                record.id,
                record.moment or record.time,
                fact,
                correlation_id=fact.correlation or record.correlation,
            )
        if not record.dry_run:
            return arrival
        asked = ce.Envelope(record.id, record.source, fact.TYPE, fact.subject, record.time, dry_run=True)
        return tried(arrival, raw, asked, self.routes.service)

    # One transaction, with all that may go wrong around it

    def run(self, arrivals: Sequence[Arrival], source: Source, done: Done) -> None:
        """Takes a batch; tells how it ended, at once or later."""
        older = self.wire and self._chance.strikes("a process of an older release is at work", self.name)
        try:
            work = self.transactions.begin(arrivals, source, self.now, older=older)
        except LockedError as locked:
            locked.holder.waiting.append(lambda: self.run(arrivals, source, done))
            return
        except NewerError:  # it waits, and is stopped in the end
            self._scheduler.after(1.0, 30.0, lambda: done(Fate.KILLED))
            return
        except (Refused, RefusedError) as error:
            self._halve(arrivals, source, done, error)
            return
        if not work.claimed:
            done(Fate.COMMITTED)
        elif self._chance.strikes("killed before the commit", self.name):
            done(Fate.KILLED)
        elif self._chance.strikes("a transaction stays open", self.name):
            self.db.lock(self.transactions.rows(work), work.holder)
            longest = self._scheduler.random.choice((0.1, 5.0, 60.0))
            self._scheduler.after(0.0, longest, lambda: self._close(work, done))
        else:
            self.transactions.commit(work)
            self._follow(work)
            done(Fate.COMMITTED)

    def _close(self, work: Work, done: Done) -> None:
        fate = Fate.KILLED if self._chance.strikes("killed before the commit", self.name) else Fate.COMMITTED
        if fate is Fate.COMMITTED:
            self.transactions.commit(work)
            self._follow(work)
        self.db.unlock(work.holder)
        done(fate)

    def _halve(self, arrivals: Sequence[Arrival], source: Source, done: Done, error: Exception) -> None:
        """The database refused the batch: the input at fault is found by halving, and given up."""
        if len(arrivals) == 1:
            arrivals[0].broken = error
            self.run(arrivals, source, done)
            return
        half = len(arrivals) // 2

        def second(fate: Fate) -> None:
            if fate is Fate.KILLED:
                done(fate)
            else:
                self.run(arrivals[half:], source, done)

        self.run(arrivals[:half], source, second)

    def _follow(self, work: Work) -> None:
        """After a commit: wakes whoever has something to do now."""
        if work.published:
            self._plan_relay()
        for key, timer in work.outcome.timers.items():
            if timer is not None:
                heappush(self._due, (timer[0].due, key))
                self._plan_timers(timer[0].due)
        for effect, *_ in work.outcome.effects:
            row = self.db.effects[effect.idempotency_key]
            if row.next_at is None:
                row.next_at = work.now
                self._executor.ask(row.key)
        if self.db.parked:
            self._plan_freed()
        self._names.follow(work)
        if self._watch is not None:
            self._watch(self, work)

    def _take_named(self, arrivals: list[Arrival], source: Source) -> None:
        self.run(arrivals, source, lambda _fate: None)

    # The relay

    def _plan_relay(self) -> None:
        if not self._relaying:
            self._relaying = True
            self._scheduler.soon(self._relay)

    def _relay(self) -> None:
        self._relaying = False
        rows = sorted(self.db.outbox)[:_RELAY_MOST]
        if not rows:
            return
        chance = self._chance
        if chance.strikes("killed between publish and delete", self.name):
            for row in rows[: self._scheduler.random.randint(1, len(rows))]:
                self._log.append(self.db.outbox[row])
            self._relaying = True
            self._scheduler.after(0.5, 30.0, self._relay)
            return
        for row in rows:
            record = self.db.outbox[row]
            self._log.append(record)
            if chance.strikes("an event is published twice", self.name):
                self._scheduler.after(0.0, 60.0, partial(self._log.append, record))
        for row in rows:
            del self.db.outbox[row]
        if self.db.outbox:
            self._plan_relay()

    # The pump: due timers and answers

    def _plan_timers(self, due: datetime) -> None:
        at = seconds(due) - self.skew
        self._scheduler.at(max(at, self._scheduler.now) + 0.001, self._pump_timers)

    def _pump_timers(self) -> None:
        now = self.now
        keys: dict[TimerKey, datetime] = {}
        while self._due and self._due[0][0] <= now:
            due, key = heappop(self._due)
            row = self.db.timers.get(key)
            if row is not None and row.due <= now:
                keys[key] = due
        if not keys:
            if self._due and seconds(self._due[0][0]) - self.skew <= self._scheduler.now + 0.002:
                self._plan_timers(self._due[0][0])
            return
        found = [(key, self.db.timers[key]) for key in keys]

        def read() -> list[Arrival]:
            arrivals = []
            for key, row in found:
                arrival = self._stored("timer", key[0], row.payload, row.id, row.due, row.correlation)
                arrival.row = key
                arrivals.append(arrival)
            return arrivals

        def missed() -> None:
            for key, row in found:
                if key in self.db.timers:
                    heappush(self._due, (row.due, key))
                    self._plan_timers(row.due)

        self._pump(read, Timers, missed)

    def _answer(self, key: str) -> None:
        self._answered.append(key)
        if not self._pumping:
            self._pumping = True
            self._scheduler.soon(self._pump_answers)

    def _pump_answers(self) -> None:
        self._pumping = False
        keys, self._answered = self._answered, []
        found = [row for key in keys if not (row := self.db.effects[key]).done]
        if not found:
            return

        def read() -> list[Arrival]:
            arrivals = []
            for row in found:
                assert row.answer is not None  # noqa: S101 -- it was stored
                assert row.answered_at is not None  # noqa: S101
                arrival = self._stored("answer", row.answer_type, row.answer, row.id, row.answered_at, row.correlation)
                arrival.row = (row.key,)
                arrivals.append(arrival)
            return arrivals

        def missed() -> None:
            for row in found:
                if not row.done:
                    self._executor.forget(row.key)

        self._pump(read, Answers, missed)

    def _pump(
        self, read: Callable[[], list[Arrival]], source: type[Timers | Answers], missed: Callable[[], None]
    ) -> None:
        """Reads rows, and then takes them; the two are apart, and a rival may be faster."""
        arrivals = read()

        def take() -> None:
            self.run(arrivals, source(), lambda fate: missed() if fate is Fate.KILLED else None)

        if self._chance.strikes("a rival takes the same timers or answers", self.name):
            rivals = read()
            self._scheduler.after(0.0, 30.0, lambda: self.run(rivals, source(), lambda fate: None))
        if self._chance.strikes("a pump sleeps between reading and claiming", self.name):
            self._scheduler.after(0.1, 120.0, take)
        else:
            take()

    def _stored(
        self,
        origin: Origin,
        type_name: str,
        payload: Internal | bytes | None,
        event_id: str,
        at: datetime,
        correlation: str | None,
    ) -> Arrival:
        if isinstance(payload, Internal):
            raw = Raw(origin, type_name, None, None, None, (), None)
            return Arrival(raw, f"/packhorse/{self.name}", event_id, at, payload, None, correlation)
        return self.reader.stored(origin, type_name, payload or b"", event_id, at, (correlation, None))

    # Dead letters and parked subjects

    def _again(self, arrival: Arrival) -> Arrival:
        if self.wire or arrival.heard is None:
            again = self.reader.again(arrival.raw)
            assert again is not None  # noqa: S101 -- it was heard before
            return again
        return replace(arrival, waiting=None, broken=None, row=None)

    def _retry(self, dead_letter_id: str) -> None:
        letter = self.db.dead[dead_letter_id]
        if letter.status != "retry":
            return
        released = frozenset({letter.ref} if letter.parked and letter.ref else ())

        def ended(fate: Fate) -> None:
            if fate is Fate.KILLED:
                self._scheduler.after(0.5, 5.0, lambda: self._retry(dead_letter_id))
            else:
                self._plan_freed()

        self.run([self._again(letter.cause)], Retry(dead_letter_id, released), ended)

    def _plan_freed(self) -> None:
        if not self._freeing:
            self._freeing = True
            self._scheduler.after(0.01, 0.2, self._freed)

    def _freed(self) -> None:
        self._freeing = False
        for ref in list(self.db.parked):
            if self.db.freed(ref):
                self._work_off(ref)

    def _work_off(self, ref: Ref) -> None:
        waiting = []
        for number, (subject, arrival) in self.db.waiting.items():
            if subject == ref:
                again = self._again(arrival)
                again.waiting = number
                waiting.append(again)
        if waiting:
            self.run(waiting, Queue(ref), lambda _fate: self._plan_freed())
            return
        try:
            self.db.need([ref])
        except LockedError as locked:
            locked.holder.waiting.append(self._plan_freed)
            return
        self.db.parked.pop(ref, None)
