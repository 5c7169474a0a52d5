"""A service in memory: its routes over plain dictionaries, for tests told as stories in messages.

service = Memory(ROUTES)
service.hear(OrderPlaced(...), at=NOON)
assert service.said(OrderAccepted)
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, cast

from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact, Model
from packhorse_contracts.operations import OperationsPreviewed

from packhorse_chassis.core.decide import take
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.core.kinds import Input, Internal, Kind, Ref, RefusedError
from packhorse_chassis.core.reaction import Route, Routes
from packhorse_chassis.core.turn import Effect, SetTimer, Turn

S = TypeVar("S")
F = TypeVar("F", bound=Fact)


class Memory:
    """States, events, timers, effects and journal of one service, in the order they came to be."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.states: dict[Ref, object] = {}
        self.events: list[Fact] = []
        self.timers: dict[tuple[str, str, str], SetTimer] = {}
        self.effects: dict[str, Effect] = {}
        self.journal: list[Model] = []
        self.waiting: dict[Ref, list[Input]] = {}
        """Inputs whose subject's name isn't known yet."""

        self.refused: list[RefusedError] = []
        """Of those that waited."""

    def state(self, kind: Kind[S], key: str) -> S:
        """The state of a key, its empty state where nothing is kept."""
        state = self._read(kind.ref(key))
        return cast("S", state)

    def hear(self, heard: Input, at: datetime) -> Turn[Any]:
        """Reacts to one input and keeps what follows; gives the turn, with all that was decided."""
        route = self.routes.by_input[type(heard)]
        address = route.address(heard)
        ref = route.subject(address, self._read)
        if ref is None:
            return self._wait(route, address, heard, at)
        state = self._read(ref)
        turn: Turn[Any] = Turn(ref, at, self._read, self.journal, self.routes.policies)
        self.states[ref] = route.cell(state)(turn, state, heard)
        self.states.update(turn.kept)
        self.events.extend(turn.facts)
        self.journal.extend(turn.entries)
        for timer in turn.timers:
            key = (timer.payload.type_name(), timer.key, timer.name)
            if isinstance(timer, SetTimer):
                self.timers[key] = timer
            else:
                self.timers.pop(key, None)
        for effect in turn.effects:
            self.effects.setdefault(effect.idempotency_key, effect)
        for address in turn.kept.keys() & self.waiting.keys():
            for waited in self.waiting.pop(address):
                try:
                    self.hear(waited, at)
                except RefusedError as refused:
                    self.refused.append(refused)
        return turn

    def _wait(self, route: Route, address: Ref, heard: Input, at: datetime) -> Turn[Any]:
        """Nobody knows whom it is about, yet. Raises RefusedError where that isn't waited for."""
        assert route.alias is not None  # noqa: S101 -- any other address is a subject
        if not route.alias.patience:
            unknown = f"{route.alias.name} {address.key} isn't known"
            raise RefusedError(route.alias.unknown, unknown, route.named_by, retryable=True)
        self.waiting.setdefault(address, []).append(heard)
        return Turn(address, at, self._read)

    def preview(self, request: Fact, at: datetime) -> OperationsPreviewed:
        """What a dry run of this request would be told. Nothing of it is kept."""
        raw = Raw("record", request.TOPIC.name, None, None, request.key.encode(), (), None)
        asked = ce.DryRun("dry-run", "/memory", request.TYPE)
        arrival = Arrival(raw, asked.source, asked.id, None, request, dry_run=asked)
        (answer,) = take(self.routes, [arrival], _Kept(self._kept), {}, at).previews
        assert isinstance(answer.fact, OperationsPreviewed)  # noqa: S101 -- it answers a dry run
        return answer.fact

    def fire(self, payload: type[Internal], key: str, name: str = "") -> Turn[Any]:
        """Lets a timer's time come."""
        timer = self.timers.pop((payload.type_name(), key, name))
        return self.hear(timer.payload, timer.due)

    def said(self, fact: type[F]) -> list[F]:
        """All facts of a type that were said so far."""
        return [event for event in self.events if isinstance(event, fact)]

    def _kept(self, ref: Ref) -> object:
        kind = self.routes.kinds[ref.kind]
        return self._read(ref) if kind.tally is None else kind.tally(ref.key, self.journal)

    def _read(self, ref: Ref) -> object:
        if ref not in self.states:
            return self.routes.kinds[ref.kind].empty(ref.key)
        return self.states[ref]


class _Kept(dict[Ref, object]):
    """All states, each read when it is first asked for."""

    def __init__(self, read: Callable[[Ref], object]) -> None:
        super().__init__()
        self._state = read

    def __missing__(self, ref: Ref) -> object:
        return self._state(ref)
