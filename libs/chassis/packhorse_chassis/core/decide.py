"""What follows from a batch of inputs: the heart of every service, and the same code wherever it beats.

Pure and synchronous: the states that the inputs are about go in, an outcome comes out, and nothing else has happened.
So a batch can be taken again from its beginning at any time. The chassis stores an outcome in one transaction, the
simulation in memory, and `Memory` looks at it in a test.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from packhorse_contracts import envelope as ce

from packhorse_chassis.core import said as saying
from packhorse_chassis.core.documents import fingerprint, sound
from packhorse_chassis.core.inputs import MOST_WAITING, MOST_WAITING_BYTES, Arrival
from packhorse_chassis.core.kinds import Alias, Input, NewerError, Ref, RefusedError
from packhorse_chassis.core.outcome import MissingError, Outcome, Queue, Reacted
from packhorse_chassis.core.preview import preview
from packhorse_chassis.core.reaction import Route, Routes
from packhorse_chassis.core.turn import CancelTimer, Turn

_FULL: Final = (
    f"its subject is parked, and {MOST_WAITING} inputs or {MOST_WAITING_BYTES} bytes wait behind it already: "
    "try it again once those have gone through"
)


Bodies = Callable[[Sequence[Any], Arrival, str | None, int | None], list[saying.Said]]
"""Facts of one reaction, made ready to publish, with the version of the policy that it looked at."""

Around = Callable[[str, Arrival], AbstractContextManager[str | None]]
"""What surrounds a reaction, by its name and its input: a span, say. Gives the `traceparent` of what follows."""


def nothing_around(_name: str, arrival: Arrival) -> AbstractContextManager[str | None]:
    """No span; the cause's context is passed on."""
    return nullcontext(arrival.traceparent)


def routed(routes: Routes, arrival: Arrival) -> tuple[Route, Ref] | None:
    """The row for an input, and whom it is for: its subject, or an alias that leads to it. None where it can't be read,
    or names neither: it is at fault."""
    if arrival.heard is None or arrival.reused:
        return None
    route = routes.by_input[type(arrival.heard)]
    try:
        return route, route.address(arrival.heard)
    except Exception as error:
        message = f"{route.name} finds no key in it: {type(error).__name__}"
        arrival.heard, arrival.fault = None, ce.Unreadable("no_key", message)
        return None


def subjects(routes: Routes, arrivals: Sequence[Arrival], states: Mapping[Ref, object]) -> set[Ref]:
    """Whom the inputs are about, as far as their aliases, which are among the `states`, lead anywhere."""
    pairs = (routed(routes, arrival) for arrival in arrivals)
    return {ref for pair in pairs if pair is not None and (ref := _subject(*pair, states)) is not None}


def aliases(routes: Routes, arrivals: Sequence[Arrival]) -> set[Ref]:
    """The aliases that inputs name their subjects by."""
    if not routes.aliases:
        return set()
    pairs = (routed(routes, arrival) for arrival in arrivals)
    return {pair[1] for pair in pairs if pair is not None and pair[0].alias is not None}


def _subject(route: Route, at: Ref, states: Mapping[Ref, object]) -> Ref | None:
    try:
        return route.subject(at, lambda ref: sound(states[ref]))
    except Exception:  # it can't be read: told once more where this input is taken, and then given up
        return None


def beside(routes: Routes, arrivals: Sequence[Arrival], states: Mapping[Ref, object]) -> set[Ref]:
    """The further states that the inputs' routes name, as the states of their subjects are now; the policy, too."""
    named: set[Ref] = set() if routes.policies is None else {routes.policies.ref}
    for arrival in arrivals:
        pair, heard = routed(routes, arrival), arrival.heard
        ref = None if pair is None else _subject(*pair, states)
        if pair is not None and heard is not None and ref is not None:
            try:
                named.update(pair[0].also(sound(states[ref]), heard))
            except Exception:  # noqa: S112 -- raised once more where this input is taken, and then given up
                continue
    return named


def take(
    routes: Routes,
    arrivals: Sequence[Arrival],
    states: Mapping[Ref, object],
    parked: Mapping[Ref, Queue],
    now: datetime,
    *,
    around: Around = nothing_around,
    bodies: Bodies = saying.bodies,
) -> Outcome:
    """Reacts to each arrival in order. What fails leaves no trace but a dead letter.

    Raises MissingError with all that is missing, as far as it can be told without it: one by one a large batch would
    be taken from its beginning once for each. Raises NewerError where a state is a newer release's.
    """
    outcome = Outcome(parked=_copied(parked))
    taking = _Taking(routes, states, now, around, bodies, outcome)
    missing: set[Ref] = set()

    def each(some: Sequence[Arrival]) -> None:
        for arrival in some:
            try:
                if arrival.dry_run is None:
                    taking.take(arrival)
                else:
                    outcome.previews += _Trial(routes, states, now, around, bodies, outcome).preview(arrival)
            except MissingError as more:
                missing.update(more.refs)
            except NewerError:
                if not missing:  # else it comes once more, or was met for want of what is missing
                    raise

    each(arrivals)
    each(taking.put_off())
    if missing:
        raise MissingError(missing)
    return outcome


def _copied(parked: Mapping[Ref, Queue]) -> dict[Ref, Queue]:
    return {ref: replace(queue) for ref, queue in parked.items()}


class _Taking:
    """A batch, and what has come of it so far."""

    def __init__(
        self,
        routes: Routes,
        states: Mapping[Ref, object],
        now: datetime,
        around: Around,
        bodies: Bodies,
        outcome: Outcome,
    ) -> None:
        self._routes, self._states, self._now, self._around, self._bodies = routes, states, now, around, bodies
        self.outcome = outcome
        self._nameless: dict[Ref, list[Arrival]] = {}
        """What is put off until all others are taken: one of those may give the name."""

        self._last = False

    def put_off(self) -> list[Arrival]:
        """What has no subject yet, in order: to be taken now, or to wait."""
        self._last, nameless, self._nameless = True, self._nameless, {}
        return [arrival for arrivals in nameless.values() for arrival in arrivals]

    def take(self, arrival: Arrival) -> None:
        """Reacts to one input, has it wait behind what parked its subject, or gives it up."""
        pair, heard = routed(self._routes, arrival), arrival.heard
        if pair is None or heard is None:
            fault = arrival.wrong
            assert fault is not None  # noqa: S101 -- an arrival is either heard or at fault
            refusal = RefusedError(fault.code, fault.message, fault.field, retryable=fault.retryable)
            self._give_up(arrival, None, refusal)
            return
        route, at = pair
        if arrival.raw.origin == "timer" and arrival.row in self.outcome.timers:
            return  # set anew or cancelled by an earlier input of this very batch
        if at in self._nameless:
            self._nameless[at].append(arrival)
            return
        if self._queues(arrival, at):
            return
        ref = at
        if route.alias is not None:
            led = self._led_to(arrival, route, route.alias, at)
            if led is None or self._queues(arrival, led):
                return
            ref = led
        self._react(arrival, heard, route, ref)

    def _queues(self, arrival: Arrival, ref: Ref) -> bool:
        """Whether inputs wait there: then it waits behind them, or is given up where there is no room."""
        queue = self.outcome.parked.get(ref)
        if queue is None:
            return False
        if queue.takes(arrival):
            self.outcome.waiting.append((ref, arrival))
        else:
            self._give_up(arrival, ref, RefusedError("queue_full", _FULL, retryable=True))
        return True

    def _led_to(self, arrival: Arrival, route: Route, alias: Alias[Any], at: Ref) -> Ref | None:
        """The subject behind an alias. None where nobody knows it: the input waits for that, or has done so for too
        long."""
        try:
            ref = route.subject(at, self._read)
        except (MissingError, NewerError):
            raise
        except Exception as error:
            self._give_up(arrival, at, error)
            return None
        if ref is None and (not alias.patience or arrival.overdue or arrival.dry_run is not None):
            unknown = f"{alias.name} {at.key} isn't known"
            self._give_up(arrival, at, RefusedError(alias.unknown, unknown, route.named_by, retryable=True))
        elif ref is None and self._last:
            self.outcome.parked[at] = Queue()
            self._queues(arrival, at)
        elif ref is None:
            self._nameless[at] = [arrival]
        return ref

    def _react(self, arrival: Arrival, heard: Input, route: Route, ref: Ref) -> None:
        try:
            if arrival.broken is not None:
                raise arrival.broken
            state = self._read(ref)
            cell = route.cell(state)
            # Made anew for each: kept, it would be a circle, and every batch would wait for the collector.
            turn: Turn[Any] = Turn(ref, self._now, self._read, self.outcome.journal, self._routes.policies)
            with self._around(cell.__name__, arrival) as traceparent:
                after = cell(turn, state, heard)
                spoken = self._bodies(turn.facts, arrival, traceparent, turn.under)
        except MissingError as missing:
            named = set(route.also(self._read(ref), heard)) if ref not in missing.refs else set()
            raise MissingError(missing.refs | (named - self._states.keys() - self.outcome.changed.keys())) from None
        except NewerError:
            raise
        except Exception as error:
            self._give_up(arrival, ref, error)
        else:
            self._add(turn, state, after, spoken, arrival, traceparent)

    def _read(self, ref: Ref) -> object:
        if ref in self.outcome.changed:
            return self.outcome.changed[ref]
        try:
            return sound(self._states[ref])
        except KeyError:
            raise MissingError({ref}) from None

    def _add(
        self,
        turn: Turn[Any],
        state: object,
        after: object,
        spoken: list[saying.Said],
        arrival: Arrival,
        traceparent: str | None,
    ) -> None:
        outcome = self.outcome
        if after is not state:
            outcome.changed[turn.ref] = after
        for other, kept in turn.kept.items():
            # A name that was never looked at is given for the first time: to read it for that alone costs a round trip.
            new = other not in self._states and isinstance(self._routes.kinds[other.kind], Alias)
            if new or kept is not self._read(other):
                outcome.changed[other] = kept
        outcome.reacted.append(Reacted(arrival, turn.ref, spoken))
        outcome.journal += turn.entries
        for timer in turn.timers:
            key = (timer.payload.type_name(), timer.key, timer.name)
            outcome.timers[key] = None if isinstance(timer, CancelTimer) else (timer, arrival, traceparent)
        for effect in turn.effects:
            outcome.effects.append((effect, arrival, traceparent))

    def _give_up(self, arrival: Arrival, ref: Ref | None, error: BaseException) -> None:
        """A refusal is a dead letter; anything else is a mistake, and parks its subject too."""
        refusal = error if isinstance(error, RefusedError) else _mistake(error, arrival)
        dead = saying.dead_letter(
            self._routes.service,
            arrival,
            ref,
            self._now,
            code=refusal.code,
            reason=refusal.message,
            field=refusal.field,
            error=None if refusal is error else error,
            retryable=refusal.retryable,
        )
        self.outcome.dead.append(dead)
        if dead.parked and ref is not None:
            self.outcome.parked[ref] = Queue()


class _Trial(_Taking):
    """One dry run: taken as anything is, from where the batch stands, into an outcome of its own.

    It remembers the states that it has looked at.
    """

    def __init__(
        self,
        routes: Routes,
        states: Mapping[Ref, object],
        now: datetime,
        around: Around,
        bodies: Bodies,
        before: Outcome,
    ) -> None:
        own = Outcome(dict(before.changed), journal=list(before.journal), parked=_copied(before.parked))
        super().__init__(routes, states, now, around, bodies, own)
        self._before = before
        self._seen: dict[Ref, object] = {}

    def preview(self, arrival: Arrival) -> list[saying.Said]:
        """The answer, ready to publish."""
        self.take(arrival)
        pair, before = routed(self._routes, arrival), self._before.changed
        ref = None if pair is None else _subject(*pair, self._states)
        changed = [each for each, state in self.outcome.changed.items() if before.get(each, _UNCHANGED) is not state]
        mark = fingerprint(self._seen, self._routes.kinds) if self._seen else None
        told = preview(self._routes.service, arrival, ref, self.outcome, changed, mark, self._now)
        return self._bodies((told,), arrival, arrival.traceparent, None)

    def _read(self, ref: Ref) -> object:
        state = super()._read(ref)
        self._seen.setdefault(ref, state)
        return state


_UNCHANGED: Final = object()


def _mistake(error: BaseException, arrival: Arrival) -> RefusedError:
    """Ours, or the database's with what this input leads to."""
    if error is arrival.broken:
        # The first line alone: the details hold the row's values, which may be personal.
        return RefusedError("database", str(error).partition("\n")[0])
    return RefusedError("reaction", repr(error)[:500])
