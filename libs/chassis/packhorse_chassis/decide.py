"""What follows from a batch of inputs: the heart of every service, and the same code wherever it beats.

Pure and synchronous: the states that the inputs are about go in, an outcome comes out, and nothing else has happened.
So a batch can be taken again from its beginning at any time. The chassis stores an outcome in one transaction, the
simulation in memory, and `Memory` looks at it in a test.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Model

from packhorse_chassis import said as saying
from packhorse_chassis.inputs import Arrival
from packhorse_chassis.reaction import (
    CancelTimer,
    Decisions,
    Effect,
    Others,
    Ref,
    RefusedError,
    Route,
    Routes,
    SetTimer,
)

TimerKey = tuple[str, str, str]
"""Type, key and name of a timer."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """Stands for a state that this release can't read: whoever needs it fails with this error."""

    error: Exception


class MissingError(Exception):
    """A reaction needs states that weren't loaded: load them, and take the batch again."""

    def __init__(self, refs: set[Ref]) -> None:
        super().__init__(f"not loaded: {', '.join(f'{ref.kind} {ref.key}' for ref in sorted(refs))}")
        self.refs = refs


@dataclass(frozen=True, slots=True)
class Reacted:
    """One input that a reaction took, about whom, and what it said."""

    arrival: Arrival
    ref: Ref
    said: list[saying.Said]


@dataclass(slots=True)
class Outcome:
    """All that is to be stored. The last decision about a state or a timer counts."""

    changed: dict[Ref, object] = field(default_factory=dict)
    timers: dict[TimerKey, tuple[SetTimer, Arrival, str | None] | None] = field(default_factory=dict)
    effects: list[tuple[Effect, Arrival, str | None]] = field(default_factory=list)
    journal: list[Model] = field(default_factory=list)
    dead: list[saying.DeadLetter] = field(default_factory=list)
    waiting: list[tuple[Ref, Arrival]] = field(default_factory=list)
    parked: set[Ref] = field(default_factory=set)
    """Subjects whose inputs wait: those that were parked before, and those that are from now on."""

    reacted: list[Reacted] = field(default_factory=list)

    @property
    def said(self) -> list[saying.Said]:
        """What is to be published, in order; of several snapshots of one subject only the last."""
        return saying.without_superseded([item for reacted in self.reacted for item in reacted.said])


Bodies = Callable[[Sequence[Any], Arrival, str | None], list[saying.Said]]
"""Facts of one reaction, made ready to publish."""

Around = Callable[[str, Arrival], AbstractContextManager[str | None]]
"""What surrounds a reaction, by its name and its input: a span, say. Gives the `traceparent` of what follows."""


def nothing_around(_name: str, arrival: Arrival) -> AbstractContextManager[str | None]:
    """No span; the cause's context is passed on."""
    return nullcontext(arrival.traceparent)


def routed(routes: Routes, arrival: Arrival) -> tuple[Route, Ref] | None:
    """The reaction to an input, and its subject. None where it can't be read, or names no subject: it is at fault."""
    if arrival.heard is None:
        return None
    route = routes.by_input[type(arrival.heard)]
    try:
        return route, route.kind.ref(route.key(arrival.heard))
    except Exception as error:
        message = f"{route.name} finds no key in it: {type(error).__name__}"
        arrival.heard, arrival.fault = None, ce.Unreadable("no_key", message)
        return None


def beside(routes: Routes, arrivals: Sequence[Arrival], states: Mapping[Ref, object]) -> set[Ref]:
    """The further states that the inputs' routes name, as the states of their subjects are now."""
    named: set[Ref] = set()
    for arrival in arrivals:
        pair, heard = routed(routes, arrival), arrival.heard
        if pair is not None and heard is not None:
            try:
                named.update(pair[0].also(_sound(states[pair[1]]), heard))
            except Exception:  # noqa: S112 -- raised once more where this input is taken, and then given up
                continue
    return named


def take(
    routes: Routes,
    arrivals: Sequence[Arrival],
    states: Mapping[Ref, object],
    parked: set[Ref],
    now: datetime,
    *,
    around: Around = nothing_around,
    bodies: Bodies = saying.bodies,
) -> Outcome:
    """Reacts to each arrival in order. What fails leaves no trace but a dead letter. Raises MissingError."""
    outcome = Outcome(parked=set(parked))
    changed = outcome.changed

    def read(ref: Ref) -> object:
        if ref in changed:
            return changed[ref]
        try:
            return _sound(states[ref])
        except KeyError:
            raise MissingError({ref}) from None

    others = Others(read)
    for arrival in arrivals:
        pair, heard = routed(routes, arrival), arrival.heard
        if pair is None or heard is None:
            fault = arrival.fault
            assert fault is not None  # noqa: S101 -- an arrival is either heard or at fault
            _give_up(
                routes, outcome, arrival, None, now, fault.code, fault.message, fault.field, retryable=fault.retryable
            )
            continue
        route, ref = pair
        if arrival.raw.origin == "timer" and arrival.row in outcome.timers:
            continue  # set anew or cancelled by an earlier input of this very batch
        if ref in outcome.parked:
            outcome.waiting.append((ref, arrival))
            continue
        try:
            if arrival.broken is not None:
                raise arrival.broken
            with around(route.name, arrival) as traceparent:
                state = read(ref)
                decided = route.react(state, heard, now, others)
                spoken = bodies(decided.events, arrival, traceparent)
        except MissingError as missing:
            named = route.also(read(ref), heard) if ref not in missing.refs else ()
            raise MissingError(missing.refs | (set(named) - states.keys() - changed.keys())) from None
        except RefusedError as no:
            _give_up(routes, outcome, arrival, ref, now, no.code, no.message, no.field, retryable=no.retryable)
        except Exception as error:
            if error is arrival.broken:
                # The first line alone: the details hold the row's values, which may be personal.
                code, reason = "database", str(error).partition("\n")[0]
            else:
                code, reason = "reaction", repr(error)[:500]
            _give_up(routes, outcome, arrival, ref, now, code, reason, error=error)
        else:
            _add(outcome, decided, spoken, state, ref, arrival, traceparent, read)
    return outcome


def _sound(state: object) -> object:
    if isinstance(state, Damaged):
        raise state.error
    return state


def _add(
    outcome: Outcome,
    decided: Decisions[Any],
    spoken: list[saying.Said],
    state: object,
    ref: Ref,
    arrival: Arrival,
    traceparent: str | None,
    read: Callable[[Ref], object],
) -> None:
    if decided.state is not state:
        outcome.changed[ref] = decided.state
    for other, after in decided.others.items():
        if after is not read(other):
            outcome.changed[other] = after
    outcome.reacted.append(Reacted(arrival, ref, spoken))
    outcome.journal.extend(decided.journal)
    for timer in decided.timers:
        key = (timer.payload.type_name(), timer.key, timer.name)
        outcome.timers[key] = None if isinstance(timer, CancelTimer) else (timer, arrival, traceparent)
    for effect in decided.effects:
        outcome.effects.append((effect, arrival, traceparent))


def _give_up(
    routes: Routes,
    outcome: Outcome,
    arrival: Arrival,
    ref: Ref | None,
    now: datetime,
    code: str,
    reason: str,
    at: str | None = None,
    *,
    error: BaseException | None = None,
    retryable: bool = False,
) -> None:
    dead = saying.dead_letter(
        routes.service, arrival, ref, now, code=code, reason=reason, field=at, error=error, retryable=retryable
    )
    outcome.dead.append(dead)
    if dead.parked and ref is not None:
        outcome.parked.add(ref)
