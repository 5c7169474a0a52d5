"""An order from two shelves, of which the customer thinks better, however often, while the warehouses go on."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from packhorse_chassis.core.memory import Memory
from packhorse_contracts.base import Fact
from packhorse_contracts.order import OrderCancellationDeclined, OrderCancellationRequested, OrderCancelled
from packhorse_order.state import ORDERS

from .test_order_stories import (
    CANCEL,
    ID,
    NOON,
    delivered,
    dispatched,
    refused,
    short,
    split,
    told,
    withdrawn,
)


@dataclass(slots=True)
class Shelf:
    """What one location has of the line, and how its fulfilment order stands."""

    name: str
    pieces: int
    picked: bool = False
    stays: bool | None = None
    """The warehouse's word, once it has given it."""

    given_up: bool = False
    sent: bool = False
    owes: bool = False
    """Shipping was asked about it, and hasn't answered."""

    def steps(self) -> Iterator[str]:
        """What may happen there next."""
        if self.owes:
            yield "answer"
        if self.pieces and not self.sent:
            yield "send"
            if not self.picked and not self.stays:
                yield "pick short"

    @property
    def over(self) -> bool:
        """Nothing has to happen there any more."""
        return not self.owes and (self.sent or self.stays is True or not self.pieces)

    def take(self, step: str, random: Random) -> list[Fact]:
        """What shipping says about it."""
        if step == "send":
            self.sent = True
            return [dispatched(self.name, "1", "MUG", self.pieces), delivered(self.name)]
        if step == "pick short":
            wanted, self.picked = self.pieces, True
            self.pieces = random.randrange(wanted)
            return [short(self.name, "1", "MUG", wanted, self.pieces)]
        self.owes = False
        if self.stays is None and not self.sent and self.pieces:
            self.stays = random.random() < 0.5
        stays = not self.sent and (self.stays or not self.pieces)
        return [withdrawn(self.name, "1", "MUG", self.pieces) if stays else refused(self.name)]


def test_the_customer_has_and_pays_what_was_not_given_up() -> None:
    """Each piece is cancelled once, or left while it was wanted; the order ends; what was sent though it was given up
    is seen, and counts for nothing. A thousand different stories."""
    for seed in range(1_000):
        live(seed)


def live(seed: int) -> None:
    """One story to its end; `seed` stands beside what fails."""
    random = Random(seed)
    shelves = [Shelf("north", random.randint(1, 3)), Shelf("south", random.randint(1, 3))]
    ordered, asks = sum(shelf.pieces for shelf in shelves), random.randint(0, 3)
    service = told(*split(shelves[0].pieces, shelves[1].pieces))
    while steps := [(shelf, step) for shelf in shelves for step in shelf.steps()] + [(None, "ask")] * bool(asks):
        if not asks and all(shelf.over for shelf in shelves) and random.random() < 0.3:
            break
        shelf, step = random.choice(steps)
        if shelf is None:
            asks -= 1
            ask(service, shelves)
            continue
        for fact in shelf.take(step, random):
            before = len(service.said(OrderCancelled))
            service.hear(fact, NOON)
            if any(one.by == "customer" for one in service.said(OrderCancelled)[before:]):
                for other in shelves:
                    other.given_up |= bool(other.stays) and not other.sent
    order = service.state(ORDERS, ID)
    wanted = sum(shelf.pieces for shelf in shelves if shelf.sent and not shelf.given_up)
    assert (order.ended, order.cancelled) == (True, wanted == 0), seed
    assert order.lines[0].wanted == wanted, seed
    taken = sum(line.quantity for one in service.said(OrderCancelled) for line in one.lines)
    assert taken == ordered - wanted, seed
    assert (order.payment_problem is not None) == any(shelf.sent and shelf.given_up for shelf in shelves), seed


def ask(service: Memory, shelves: list[Shelf]) -> None:
    """The customer wants none of it: shipping is asked, or the answer is known at once, or on its way."""
    answers = service.said(OrderCancellationRequested), service.said(OrderCancellationDeclined)
    asking = service.state(ORDERS, ID).cancelling or service.state(ORDERS, ID).cancelled
    service.hear(CANCEL, NOON)
    requested = len(service.said(OrderCancellationRequested)) - len(answers[0])
    assert asking or requested + len(service.said(OrderCancellationDeclined)) - len(answers[1]) == 1
    if requested:
        for shelf in shelves:
            shelf.owes = True
