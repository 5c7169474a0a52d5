"""Every order of arrival: services in memory, the wires between them, and a search through all that may come next.

Between topics nothing is ordered, nor between a record, a timer and an answer. So a test here doesn't choose one
order: it lets each step that is possible come next, from every situation that can be reached, to the very end.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from packhorse_chassis.core.kinds import Input, Internal, RefusedError
from packhorse_chassis.core.kinds import Kind as Kept
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.reaction import Routes
from packhorse_contracts.base import Fact
from packhorse_payment.operations import AskGateway, GatewayAnswered, Outcome, Unknown

from .gateway import Gateway, Kind
from .warehouse import Warehouse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
S = TypeVar("S")
F = TypeVar("F", bound=Fact)
Lane = tuple[str, str, str]
"""Topic, key and reader: what lies on one is heard in order."""

Step = Callable[["World"], None]
Letter = tuple[Fact, int]
"""A fact on its way, and what stands for its content where two situations are compared."""

LOST: Outcome = Unknown(reason="no answer until the deadline")


@dataclass(frozen=True, slots=True)
class Rules:
    """What may happen besides.

    `timers` are those that may be due at any moment; others never are, except where they are due at once.
    `unsure`: kinds of operations whose first asking may never reach the gateway, whose answer may be lost, or may
    come a second time at any later moment. `lapses`: what the gateway holds may lapse at any moment.
    """

    timers: frozenset[type[Internal]] = frozenset()
    unsure: frozenset[Kind] = frozenset()
    lapses: bool = False


@dataclass(slots=True)
class World:
    """One situation: what services know, what is on its way, and the books of everybody outside."""

    rules: Rules
    services: dict[str, Memory]
    gateway: Gateway
    warehouse: Warehouse | None
    lanes: dict[Lane, tuple[Letter, ...]] = field(default_factory=dict)
    asked: tuple[AskGateway, ...] = ()
    late: tuple[GatewayAnswered, ...] = ()
    """Answers that may come once more."""

    refused: tuple[str, ...] = ()
    """Codes of what became a dead letter."""

    mark: int = 0
    """Stands for all that was ever said or booked, in whatever order."""

    kept: dict[str, int] = field(default_factory=dict)
    """Stands for the states and timers of each service."""

    @classmethod
    def of(
        cls,
        tables: Iterable[Routes],
        rules: Rules | None = None,
        *,
        warehouse: Warehouse | None = None,
        gateway: Gateway | None = None,
    ) -> "World":
        """These services, before anything has happened."""
        services = {table.service: Memory(table) for table in tables}
        return cls(rules or Rules(), services, gateway or Gateway(), warehouse)

    def say(self, *facts: Fact) -> "World":
        """Says these; from now on each of their readers may hear them."""
        for fact in facts:
            readers = [name for name, one in self.services.items() if type(fact) in one.routes.by_input]
            if self.warehouse is not None and self.warehouse.listens(fact):
                readers.append("the warehouse")
            letter = fact, hash(repr(fact))
            for name in readers:
                lane = fact.TOPIC.name, fact.key, name
                self.lanes[lane] = (*self.lanes.get(lane, ()), letter)
        return self

    def settle(self, *facts: Fact) -> "World":
        """Says these one by one, and lets all that follows from each happen in some order: how a story begins."""
        for fact in facts:
            self.say(fact)
            while steps := self.steps():
                steps[min(steps)](self)
        return self

    def state(self, kind: Kept[S], key: str) -> S:
        """What the one service that keeps this kind knows about a key."""
        return next(one for one in self.services.values() if kind.name in one.routes.kinds).state(kind, key)

    def said(self, fact: type[F]) -> list[F]:
        """All facts of a type that our services have said."""
        return [said for one in self.services.values() for said in one.said(fact)]

    def steps(self) -> Mapping[str, Step]:
        """All that may come next, by name."""
        found: dict[str, Step] = {}
        for lane, waiting in self.lanes.items():
            found[f"{lane[2]} hears {type(waiting[0][0]).__name__} of {lane[1]}"] = _hearing(lane)
        for request in self.asked:
            found[f"the gateway answers {request.key}"] = _answering(request)
            if request.operation.kind in self.rules.unsure and not request.again:
                found[f"the gateway never hears {request.key}"] = _losing(request, done=False)
                found[f"the gateway's answer to {request.key} is lost"] = _losing(request, done=True)
        for answer in self.late:
            found[f"the gateway's answer to {answer.key} comes again"] = _repeating(answer)
        if self.rules.lapses and self.gateway.open:
            found["what the gateway holds has lapsed"] = _lapse
        for name, service in self.services.items():
            for key, timer in service.timers.items():
                if timer.due <= NOON or type(timer.payload) in self.rules.timers:
                    found[f"{name}: {' '.join(key)} is due"] = _firing(name, key)
        if self.warehouse is not None:
            found |= {name: _working(*step) for name, step in self.warehouse.steps().items()}
        return found

    def fork(self) -> "World":
        """The same situation, to go on from in another way."""
        other = copy(self)
        other.services = {name: _fork(service) for name, service in self.services.items()}
        other.lanes, other.kept = dict(self.lanes), dict(self.kept)
        return other

    def identity(self) -> int:
        """Equal for two situations after which the same was said, and from which the same can follow."""
        lanes = sorted((lane, tuple(mark for _, mark in letters)) for lane, letters in self.lanes.items())
        outside = self.gateway, self.warehouse, sorted(map(repr, self.asked)), sorted(map(repr, self.late))
        return hash(repr((sorted(self.kept.items()), lanes, outside, sorted(self.refused), self.mark)))

    def take(self, name: str, heard: Input) -> None:
        """A service reacts, and what follows is on its way."""
        service = self.services[name]
        known, said, booked = set(service.effects), len(service.events), len(service.journal)
        try:
            service.hear(heard, NOON)
        except RefusedError as refused:
            self.refused = (*self.refused, refused.code)
        else:
            facts = service.events[said:]
            self.mark += sum(hash(repr(one)) for one in (*facts, *service.journal[booked:]))
            self.say(*facts)
            asked = [effect.request for key, effect in service.effects.items() if key not in known]
            self.asked = (*self.asked, *(request for request in asked if isinstance(request, AskGateway)))
        kept = sorted(service.states.items()), sorted(service.timers.items()), sorted(service.waiting.items())
        self.kept[name] = hash(repr(kept))


def _fork(service: Memory) -> Memory:
    other = Memory(service.routes)
    other.states, other.timers, other.effects = dict(service.states), dict(service.timers), dict(service.effects)
    other.events, other.journal = list(service.events), list(service.journal)
    other.waiting = {ref: list(waiting) for ref, waiting in service.waiting.items()}
    return other


def _hearing(lane: Lane) -> Step:
    def hear(world: World) -> None:
        (first, _), *rest = world.lanes.pop(lane)
        if rest:
            world.lanes[lane] = tuple(rest)
        if lane[2] in world.services:
            world.take(lane[2], first)
        else:
            assert world.warehouse is not None
            world.warehouse, said = world.warehouse.hear(first)
            world.say(*said)

    return hear


def _working(after: Warehouse, said: tuple[Fact, ...]) -> Step:
    def work(world: World) -> None:
        world.warehouse = after
        world.say(*said)

    return work


def _answering(request: AskGateway) -> Step:
    def answer(world: World) -> None:
        world.asked = tuple(one for one in world.asked if one != request)
        world.gateway, outcome = world.gateway.do(request)
        said = GatewayAnswered(order_id=request.order_id, key=request.key, outcome=outcome)
        if request.operation.kind in world.rules.unsure and not request.again:
            world.late = (*world.late, said)
        world.take("payment", said)

    return answer


def _losing(request: AskGateway, *, done: bool) -> Step:
    def lose(world: World) -> None:
        world.asked = tuple(one for one in world.asked if one != request)
        if done:
            world.gateway, outcome = world.gateway.do(request)
            world.late = (*world.late, GatewayAnswered(order_id=request.order_id, key=request.key, outcome=outcome))
        world.take("payment", GatewayAnswered(order_id=request.order_id, key=request.key, outcome=LOST))

    return lose


def _repeating(answer: GatewayAnswered) -> Step:
    def repeat(world: World) -> None:
        world.late = tuple(one for one in world.late if one != answer)
        world.take("payment", answer)

    return repeat


def _lapse(world: World) -> None:
    world.gateway = world.gateway.lapse()


def _firing(name: str, key: tuple[str, str, str]) -> Step:
    def fire(world: World) -> None:
        world.take(name, world.services[name].timers.pop(key).payload)

    return fire


@dataclass(frozen=True, slots=True)
class Explored:
    """What a search has seen: how many situations, every end, and in how many orders all of it can arrive."""

    situations: int
    ends: tuple[World, ...]
    orders: int


def explore(start: World, always: Callable[[World], None] = lambda _world: None) -> Explored:
    """Goes every way from here to its end. `always` is held against each situation on the way.

    What fails in between tells the way that led there.
    """
    orders: dict[int, int] = {}
    ends: list[World] = []

    def visit(world: World, path: tuple[str, ...]) -> int:
        identity = world.identity()
        if identity in orders:
            return orders[identity]
        steps = world.steps()
        ways = 0
        try:
            always(world)
        except AssertionError as error:
            error.add_note("\n".join(("It came to this:", *path)))
            raise
        for name, step in steps.items():
            after = world.fork()
            try:
                step(after)
            except Exception as error:
                error.add_note("\n".join(("It came to this:", *path, name)))
                raise
            ways += visit(after, (*path, name))
        if not steps:
            ends.append(world)
        orders[identity] = ways or 1
        return orders[identity]

    return Explored(orders=visit(start, ()), situations=len(orders), ends=tuple(ends))
