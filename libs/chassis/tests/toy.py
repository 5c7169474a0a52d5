"""A small service for the chassis's own tests: it counts requests per order, with a timer and an effect, and puts what
is cancelled onto shelves.

It speaks real facts, under the name of the order service, so that the real topics and dead-letter topics serve it.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from packhorse_chassis.core.effect import RetryError
from packhorse_chassis.core.kinds import Alias, Internal, Kind, Ref, RefusedError
from packhorse_chassis.core.reaction import Routes, on, via
from packhorse_chassis.core.turn import DEFAULT_DEADLINE, Turn
from packhorse_chassis.postgres.store import Journal
from packhorse_chassis.service import Service
from packhorse_contracts.base import Model
from packhorse_contracts.catalogue import LocationChanged
from packhorse_contracts.customer import (
    CancellationRequested,
    ClaimLine,
    ClaimRequested,
    HoldRequested,
    ReleaseRequested,
)
from packhorse_contracts.inventory import InventoryLevelChanged
from packhorse_contracts.order import OrderHeld, OrderReleased
from packhorse_contracts.shipping import ShippingCollected

SOON = timedelta(milliseconds=50)
ASKED = {"ask": DEFAULT_DEADLINE, "ask briefly": SOON}
"""Notes that the outside is asked about, and for how long."""

TICKET = "ticket "
"""Notes that give an order another name begin with this."""

ROOM = 10
"""Orders on a shelf."""


class Tally(Model):
    """The notes heard about one order, in order."""

    notes: tuple[str, ...] = ()


class Shelf(Model):
    """What lies beside the orders: which of them are on it, in order."""

    orders: tuple[str, ...] = ()


class Ticket(Model):
    """Another name of an order."""

    subject: str = ""


class Put(Model):
    """A line of the journal."""

    order_id: str
    shelf: str


class Reminder(Internal):
    """A timer."""

    order_id: str


class Ask(Internal):
    """An effect's request."""

    order_id: str


class Answered(Internal):
    """An effect's answer."""

    order_id: str
    text: str


TALLIES: Kind[Tally] = Kind("tally", Tally, lambda _: Tally(), reference=True)
SHELVES: Kind[Shelf] = Kind("shelf", Shelf, lambda _: Shelf())
TICKETS: Alias[Ticket] = Alias("ticket", Ticket, lambda _: Ticket(), unknown="unknown_ticket")
Toys = Turn[None]
poisoned: set[str] = set()
"""Notes at which the reaction has a bug; emptied when the bug is mended."""


def held(order_id: str, note: str, now: datetime) -> OrderHeld:
    """What the toy says."""
    return OrderHeld(order_id=order_id, at=now, hold="manual", holder="toy", note=note)


def count(turn: Toys, tally: Tally, heard: HoldRequested) -> Tally:
    """Keeps the note and says it; some notes ask for more."""
    note = heard.note or ""
    if note in poisoned:
        raise ZeroDivisionError(note)
    if note == "refuse":
        raise RefusedError("refused", "not this one", "note")
    turn.say(held(turn.key, note, turn.now))
    if note == "remind":
        turn.remind(Reminder(order_id=turn.key), turn.now + SOON)
    if note == "forget":
        turn.forget(Reminder)
    if note.startswith(TICKET):
        turn.keep(TICKETS, note.removeprefix(TICKET), Ticket(subject=turn.key))
    if note in ASKED:
        turn.ask(Ask(order_id=turn.key), f"ask-{turn.key}", ASKED[note])
    return Tally(notes=(*tally.notes, note))


def release(turn: Toys, tally: Tally, heard: ReleaseRequested) -> Tally:
    """Says so; keeps nothing."""
    turn.say(OrderReleased(order_id=heard.order_id, at=turn.now, hold="manual", holder="toy", note=heard.note))
    return tally


def shelf_noted(tally: Tally, _heard: CancellationRequested) -> list[Ref]:
    """The shelf that the last note names, and what was heard of it."""
    return [kind.ref(shelf) for shelf in tally.notes[-1:] for kind in (SHELVES, TALLIES)]


def put(turn: Toys, tally: Tally, heard: CancellationRequested) -> Tally:
    """Puts the order onto the shelf that its last note names; where that is full onto the next one, which nobody named.
    Something must have been heard of that shelf."""
    shelf, key = tally.notes[-1], heard.order_id
    while len((there := turn.get(SHELVES, shelf)).orders) == ROOM:
        shelf += "+"
    if not turn.get(TALLIES, shelf).notes:
        raise RefusedError("unknown_shelf", "nothing was heard of this shelf yet", "reason", retryable=True)
    orders = (*there.orders, key)
    if heard.reason != "quietly":
        turn.say(level(shelf, len(orders), turn.now))
    turn.book(Put(order_id=key, shelf=shelf))
    turn.keep(SHELVES, shelf, Shelf(orders=orders))
    return tally


def level(shelf: str, orders: int, now: datetime) -> InventoryLevelChanged:
    """A snapshot of a shelf."""
    return InventoryLevelChanged(
        sku=shelf,
        location="toy",
        at=now,
        on_hand=orders,
        reserved=0,
        safety_stock=0,
        damaged=0,
        incoming=0,
        available_to_promise=orders,
        version=orders,
    )


def _noted(turn: Toys, tally: Tally, note: str) -> Tally:
    turn.say(held(turn.key, note, turn.now))
    return Tally(notes=(*tally.notes, note))


def remind(turn: Toys, tally: Tally, _heard: Reminder) -> Tally:
    """The timer's time came."""
    return _noted(turn, tally, "reminded")


def answer(turn: Toys, tally: Tally, heard: Answered) -> Tally:
    """The outside answered."""
    return _noted(turn, tally, heard.text)


def claim(turn: Toys, tally: Tally, heard: ClaimRequested) -> Tally:
    """What knows the order by a ticket alone."""
    return _noted(turn, tally, heard.lines[0].line_id)


def place(turn: Toys, tally: Tally, heard: LocationChanged) -> Tally:
    """What another outsider says on a topic of its own."""
    return _noted(turn, tally, heard.name)


def collected(turn: Toys, tally: Tally, heard: ShippingCollected) -> Tally:
    """What another service says."""
    return _noted(turn, tally, heard.detail or "")


_ROUTES = (
    on(HoldRequested, TALLIES, "order_id", count),
    on(ReleaseRequested, TALLIES, "order_id", release),
    on(CancellationRequested, TALLIES, "order_id", put, shelf_noted),
    on(Reminder, TALLIES, "order_id", remind),
    on(Answered, TALLIES, "order_id", answer),
)
ROUTES = Routes("order", *_ROUTES, kinds=(SHELVES, TICKETS))
WIDER = Routes(
    "order",
    *_ROUTES,
    on(LocationChanged, TALLIES, "location", place),
    on(ClaimRequested, TALLIES, via(TICKETS, "order_id"), claim),
    on(ShippingCollected, TALLIES, "order_id", collected),
    kinds=(SHELVES,),
)
"""The same with more topics, for tests that have them to themselves."""

JOURNAL = Journal(
    Put, "INSERT INTO put (order_id, shelf) SELECT * FROM jsonb_to_recordset($1) AS new (order_id text, shelf text)"
)


class Oracle:
    """An outside that fails a number of times before it answers; remembers the keys that it was asked with."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[str] = []

    async def perform(self, request: Ask, idempotency_key: str) -> Answered:
        """Answers 42, at last."""
        self.asked.append(idempotency_key)
        if len(self.asked) <= self.failures:
            raise RetryError("not yet", after=0.01)
        return Answered(order_id=request.order_id, text="42")

    def give_up(self, request: Ask, reason: str) -> Answered:
        """Unknown is an answer."""
        return Answered(order_id=request.order_id, text="unknown")

    async def close(self) -> None:
        """Nothing to free."""


def service(oracle: Oracle | None = None, routes: Routes = ROUTES) -> Service:
    """The toy, with an outside of the test's choice."""
    performer = oracle or Oracle()
    folder = Path(__file__).parent / "toy_migrations"
    return Service(routes, folder, [JOURNAL], performers=lambda: {Ask: performer})


def request(order_id: str, note: str) -> HoldRequested:
    """An input: hold this order, for this note."""
    return HoldRequested(order_id=order_id, hold="manual", holder="test", note=note)


def location(location_id: str, name: str) -> LocationChanged:
    """An input of another outsider."""
    return LocationChanged(location=location_id, kind="store", name=name, country="GB", active=True)


def collection(order_id: str, detail: str) -> ShippingCollected:
    """An input of another service."""
    return ShippingCollected(order_id=order_id, shipment_id="s", at=NOON, detail=detail)


def claim_by(ticket: str, note: str) -> ClaimRequested:
    """An input that names its order by a ticket."""
    line = ClaimLine(line_id=note, quantity=1, reason="lost", wish="refund")
    return ClaimRequested(order_id=ticket, lines=(line,))


def cancellation(order_id: str, reason: str = "aloud") -> CancellationRequested:
    """An input: put this order away, and say what is on the shelf then, or don't."""
    return CancellationRequested(order_id=order_id, reason=reason)


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
