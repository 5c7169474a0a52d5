"""The toy in the simulation."""

from itertools import count

import toy
from packhorse_chassis.core.inputs import Raw
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact
from packhorse_contracts.inventory import InventoryLevelChanged
from packhorse_contracts.operations import OperationsPreviewed
from packhorse_contracts.order import OrderHeld, OrderReleased
from packhorse_simulation.faults import Chance
from packhorse_simulation.log import Log, Record
from packhorse_simulation.node import Node
from packhorse_simulation.outsiders.gateway import at_once
from packhorse_simulation.scheduler import Scheduler

from .contract import Dead, Death, Said, answer

KINDS = {
    Death.BEFORE_COMMIT: "killed before the commit",
    Death.BEFORE_OFFSETS: "killed after the commit, before the offsets",
    Death.BEFORE_DELETE: "killed between publish and delete",
    Death.UNDER_WAY: "killed while an effect is under way",
}
_REST = 1_800.0
"""Seconds of virtual time."""


class Told(Chance):
    """Faults come when a test says so, not by chance."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(scheduler, {})
        self.once: set[str] = set()
        self.always: set[str] = set()

    def strikes(self, kind: str, where: str = "") -> bool:
        """As told."""
        if kind in self.once:
            self.once.remove(kind)
            return True
        return kind in self.always


class Outside:
    """The toy's oracle, asked without waiting."""

    def __init__(self, world: "SimulatedWorld") -> None:
        self._world = world

    def perform(self, request: toy.Ask, key: str) -> toy.Answered:
        """As the oracle does."""
        oracle = toy.Oracle(self._world.failures)
        oracle.asked = self._world.asked
        return at_once(oracle.perform(request, key))

    def give_up(self, request: toy.Ask, reason: str) -> toy.Answered:
        """As the oracle does."""
        return toy.Oracle().give_up(request, reason)


class SimulatedWorld:
    """The contract's world in memory. `wire`: with bytes instead of objects."""

    def __init__(self, seed: int, *, wire: bool) -> None:
        self._scheduler, self._wire = Scheduler(seed), wire
        self._chance = Told(self._scheduler)
        self._log = Log(lambda: self._scheduler.now)
        self._ids = count(1)
        self.asked: list[str] = []
        self.failures = 0
        self.node = Node(
            self._scheduler,
            self._log,
            self._chance,
            toy.WIDER,
            outside={toy.Ask: Outside(self)},
            checks={"tally": lambda tally: "forbidden" not in tally.notes},
            wire=wire,
        )

    @property
    def rivals(self) -> bool:
        """An old owner and a new one have each batch, and their transactions overlap."""
        return "a zombie goes on with its batch" in self._chance.always

    @rivals.setter
    def rivals(self, wanted: bool) -> None:
        kinds = {"a transaction stays open", "a rival takes the same timers or answers"}
        self._chance.always = kinds if wanted else set()
        self._chance.once = {"a zombie goes on with its batch"} if wanted else set()

    async def say(
        self, fact: Fact, event_id: str | None = None, sequence: int | None = None, source: str = "/test"
    ) -> str:
        """Appends to the log."""
        event_id = event_id or f"say-{next(self._ids)}"
        now = self._scheduler.clock()
        record = Record(fact.TOPIC.name, fact.key, source, event_id, now, fact, sequence=sequence)
        if self._wire:
            envelope = ce.Envelope(event_id, source, fact.TYPE, fact.subject, now, sequence=sequence)
            key, value, headers = ce.encode(envelope, fact)
            record.raw = Raw("record", record.topic, None, None, key, headers, value)
        self._log.append(record)
        return event_id

    async def try_out(self, fact: Fact, event_id: str) -> None:
        """Appends to the log."""
        now = self._scheduler.clock()
        record = Record(fact.TOPIC.name, fact.key, "/test", event_id, now, fact, dry_run=True)
        if self._wire:
            envelope = ce.Envelope(event_id, "/test", fact.TYPE, fact.subject, now, dry_run=True)
            key, value, headers = ce.encode(envelope, fact)
            record.raw = Raw("record", record.topic, None, None, key, headers, value)
        self._log.append(record)

    async def say_garbage(self, key: str) -> None:
        """Appends to the log."""
        raw = Raw("record", "customer.requests", None, None, key.encode(), [("ce_id", b"\xff")], b"{not json")
        self._log.append(Record("customer.requests", key, "/test", "?", self._scheduler.clock(), None, raw=raw))

    async def rest(self) -> None:
        """For long enough for everything but what waits for its subject's name."""
        self._scheduler.run(self._scheduler.now + _REST)
        assert self.node.at_rest or self.node.db.parked

    def die(self, where: Death) -> None:
        """Once."""
        self._chance.once.add(KINDS[where])

    async def notes(self, order: str) -> list[str]:
        """From the state."""
        state = self.node.db.load(toy.TALLIES.ref(order))
        assert isinstance(state, toy.Tally)
        return list(state.notes)

    async def shelf(self, shelf: str) -> list[str]:
        """From the state."""
        state = self.node.db.load(toy.SHELVES.ref(shelf))
        assert isinstance(state, toy.Shelf)
        return list(state.orders)

    async def journal(self, order: str) -> list[str]:
        """From the database."""
        return [entry.shelf for entry in self.node.db.journal if isinstance(entry, toy.Put) and entry.order_id == order]

    async def said(self, key: str) -> list[Said]:
        """From the log."""
        found = []
        for record in self._log.records():
            if record.key == key and record.source == "/packhorse/order":
                fact = record.fact
                if isinstance(fact, OperationsPreviewed):
                    found.append(Said(answer(fact), record.id, record.sequence or 0, record.causation or ""))
                    continue
                assert isinstance(fact, OrderHeld | OrderReleased | InventoryLevelChanged)
                note = str(fact.on_hand) if isinstance(fact, InventoryLevelChanged) else fact.note or ""
                found.append(Said(note, record.id, record.sequence or 0, record.causation or ""))
        return found

    async def dead(self, order: str) -> list[Dead]:
        """From the database."""
        return [
            Dead(letter.code, letter.field, letter.parked, letter.retryable)
            for letter in self.node.db.dead.values()
            if (letter.ref is not None and letter.ref.key == order)
            or letter.cause.raw.key == order.encode()
            or (isinstance(letter.cause.heard, Fact) and letter.cause.heard.key == order)
        ]

    async def waiting(self, order: str) -> int:
        """From the database."""
        return sum(ref.key == order for ref, _ in self.node.db.waiting.values())

    async def parked(self, order: str) -> bool:
        """From the database."""
        return toy.TALLIES.ref(order) in self.node.db.parked

    async def timers(self, order: str) -> int:
        """From the database."""
        return sum(key == order for _, key, _ in self.node.db.timers)

    async def grow_old(self) -> None:
        """Hours pass."""
        self._scheduler.run(self._scheduler.now + 3 * 3_600)

    async def ask_again(self, order: str) -> None:
        """As `packhorse dead retry` does."""
        for letter in list(self.node.db.dead.values()):
            if letter.status == "open" and letter.ref == toy.TALLIES.ref(order):
                self.node.ask_again(letter.id)

    async def discard(self, order: str) -> None:
        """As `packhorse dead discard` does."""
        for letter in list(self.node.db.dead.values()):
            if letter.status == "open" and letter.ref == toy.TALLIES.ref(order):
                self.node.discard(letter.id)
