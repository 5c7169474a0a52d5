"""A warehouse as it is: what lies where, what is on carts, and what it reports of it, each at its moment."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import strategies as st
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.base import Fact
from packhorse_contracts.inventory import InventoryReserved
from packhorse_contracts.shipping import ShippingPicked
from packhorse_contracts.warehouse import StockCounted, StockMoved

from .inventory_story import NOON, accepted, received
from .test_inventory_stock import PLACES, cancelled, dispatched, hear, short, stocked, withdrawn

LATE = NOON + timedelta(days=2)
PIECES = st.integers(1, 4)


def at(fact: Fact, second: int) -> Fact:
    """The fact, true so many seconds after noon."""
    return fact.model_copy(update={"at": NOON + timedelta(seconds=second)})


def counted(pieces: int, location: str = "north", name: str = "c-1") -> StockCounted:
    """So many mugs lay there."""
    return StockCounted(count_id=name, location=location, sku="MUG", counted=pieces)


def picked(order_id: str, location: str, *lines: tuple[str, str, int]) -> ShippingPicked:
    """These were taken from the shelf."""
    told = dispatched(order_id, location, *lines)
    return ShippingPicked.model_validate(told.model_dump(include=set(ShippingPicked.model_fields)))


def late(service: Memory, *facts: Fact) -> None:
    """Hears these, long after all of them."""
    for fact in facts:
        service.hear(fact, LATE)


def retried(service: Memory, facts: list[Fact]) -> list[Fact]:
    """Hears these; gives those that are refused, to be tried again."""
    left = []
    for fact in facts:
        try:
            late(service, fact)
        except RefusedError as refusal:
            if refusal.code != "not_enough_unreserved":
                raise
            left.append(fact)
    return left


@dataclass
class Job:
    """A shipment on the floor. `stream`: what is said of its order, in its order."""

    order_id: str
    location: str
    wanted: int
    stream: list[Fact]
    on_cart: int = 0

    @property
    def line(self) -> tuple[str, str, int]:
        """What is left of it."""
        return "1", "MUG", self.wanted


class Truth:
    """Twenty mugs in the north and ten in the south, and some orders that inventory has reserved."""

    def __init__(self, data: st.DataObject) -> None:
        self.draw = data.draw
        self.service = stocked(MUG=20)
        hear(self.service, received("r-2", "south", MUG=10))
        self.shelf = Counter({"north": 20, "south": 10})
        self.carts: Counter[str] = Counter()
        self.second = 0
        self.jobs: list[Job] = []
        self.said: list[list[Fact]] = []
        """Streams that keep their order: one of each order's shipments, one of each document."""

        for number in range(self.draw(st.integers(0, 4))):
            hear(self.service, accepted(f"o{number}", ("MUG", self.draw(PIECES))))
            stream: list[Fact] = []
            self.said.append(stream)
            parts = self.service.said(InventoryReserved)[-1].allocations
            self.jobs += [Job(f"o{number}", part.location, part.quantity, stream) for part in parts]

    def reserved(self, where: str) -> int:
        """What orders still hold."""
        return sum(job.wanted for job in self.jobs if job.location == where)

    def live(self) -> None:
        """Some steps of a day."""
        for number in range(self.draw(st.integers(0, 16))):
            self.second += self.draw(st.integers(1, 3))
            where, other = self.draw(st.permutations(PLACES))
            step = self.draw(st.sampled_from("rmcccppppdw"))
            if step == "r":
                self.receive(number, where)
            elif step == "m":
                self.move(number, where, other)
            elif step == "c":
                self.count(number, where)
            elif self.jobs:
                job = self.draw(st.sampled_from(self.jobs))
                {"p": self.pick, "d": self.hand_over, "w": self.withdraw}[step](job)

    def receive(self, number: int, where: str) -> None:
        """Goods come in."""
        pieces = self.draw(PIECES)
        self.shelf[where] += pieces
        self._document(received(f"R{number}", where, MUG=pieces))

    def move(self, number: int, where: str, other: str) -> None:
        """Of what no order waits for."""
        asked = sum(job.wanted for job in self.jobs if job.location == where and not job.on_cart)
        pieces = min(self.draw(PIECES), self.shelf[where] - asked)
        if pieces > 0:
            self.shelf[where] -= pieces
            self.shelf[other] += pieces
            told = {"move_id": f"M{number}", "from": where, "to": other, "sku": "MUG", "quantity": pieces}
            self._document(StockMoved.model_validate(told))

    def count(self, number: int, where: str) -> None:
        """Now and then one is missing, which nobody saw but this count."""
        if self.draw(st.integers(0, 5)) == 0:
            self.shelf[where] = max(0, self.shelf[where] - 1)
        self._document(counted(self.shelf[where], where, f"C{number}"))

    def pick(self, job: Job) -> None:
        """All of it or less; what can't be found is written off where it should be there."""
        if job.on_cart:
            return
        found = min(job.wanted, self.shelf[job.location], self.draw(st.integers(0, 4)))
        self.shelf[job.location] -= found
        self.carts[job.location] += found
        if found:
            self._say(job, picked(job.order_id, job.location, ("1", "MUG", found)))
        if missing := job.wanted - found:
            lost = missing <= self.shelf[job.location] and self.draw(st.booleans())
            self.shelf[job.location] -= missing if lost else 0
            why = "not_found" if lost else "other"
            self._say(job, short(job.order_id, job.location, "1", "MUG", job.wanted, found, why))
        job.wanted = job.on_cart = found
        if not found:
            self.jobs.remove(job)

    def hand_over(self, job: Job) -> None:
        """Also where nobody said that it was picked."""
        if not job.on_cart and self.shelf[job.location] < job.wanted:
            return
        (self.carts if job.on_cart else self.shelf)[job.location] -= job.wanted
        self._say(job, dispatched(job.order_id, job.location, job.line))
        self.jobs.remove(job)

    def withdraw(self, job: Job) -> None:
        """What was picked is put back."""
        self.carts[job.location] -= job.on_cart
        self.shelf[job.location] += job.on_cart
        self._say(job, withdrawn(job.order_id, job.location, job.line))
        if self.draw(st.booleans()):
            self.said.append([cancelled(job.order_id, whole=False, l1=job.wanted)])
        self.jobs.remove(job)

    def _say(self, job: Job, fact: Fact) -> None:
        job.stream.append(at(fact, self.second))

    def _document(self, fact: Fact) -> None:
        self.said.append([at(fact, self.second)])
