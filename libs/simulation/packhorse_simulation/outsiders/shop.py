"""Checkout, customer and catalogue: what is on sale, who orders what, and who changes their mind.

What an order is follows from the population's seed and its number alone: leaving another one out doesn't change it.
"""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from random import Random

from packhorse_contracts.blocks import LineQuantity
from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.customer import CancellationRequested, HoldRequested, ReleaseRequested
from packhorse_contracts.warehouse import ReceivedLine, StockCounted, StockMoved, StockReceived

from packhorse_simulation.faults import Chance
from packhorse_simulation.outsiders.floor import Floor
from packhorse_simulation.outsiders.voice import Voice
from packhorse_simulation.scheduler import EPOCH, Scheduler

LOCATIONS = ("LON", "YORK", "BATH")
CALENDARS: dict[str, dict[str, object]] = {
    "LON": {"timezone": "Europe/London", "cut_off": "23:30", "holidays_of": "GB-ENG"},
    "YORK": {},
    "BATH": {"timezone": "Pacific/Kiritimati", "working_weekdays": ("sunday", "monday", "thursday")},
}
"""How they keep their days: three clocks, one of them a day ahead, and a place that says nothing."""

SKUS = tuple(f"SKU{number}" for number in range(8))
_NOT_OFFERED = (HoldRequested, ReleaseRequested)
_PRICES = (0, 100, 333, 1_000, 2_599)


@dataclass(frozen=True, slots=True)
class Placed:
    """One order in the checkout's ledger. `wrong`: it must be rejected, for its sums don't add up, or it breaks the
    contract: then `otherwise` is what is said in its place."""

    fact: OrderPlaced
    wrong: bool
    otherwise: bytes | None = None


class Shop:
    """Says all that; keeps the checkout's ledger."""

    def __init__(self, scheduler: Scheduler, chance: Chance, voice: Voice, population: int, floor: Floor) -> None:
        self._scheduler, self._chance, self._voice, self._population = scheduler, chance, voice, population
        self._floor = floor
        self.ledger: dict[str, Placed] = {}
        self.ghosts: list[str] = []
        """Orders that never come, though somebody wants them cancelled."""

        self.asked: list[str] = []
        """What somebody wanted to know first, by the ids of the questions."""

        self.in_vain: Counter[str] = Counter()
        """Requests for what isn't offered, by order."""

    def stock_up(self, orders: int) -> None:
        """The catalogue, and the first goods. They race: what comes before its product waits for an operator."""
        random, say = Random(self._population), self._voice.say
        for place in LOCATIONS:
            kept = {"location": place, "kind": "warehouse", "name": place, "country": "GB", "active": True}
            say("/catalogue", LocationChanged.model_validate(kept | CALENDARS[place]))
        for sku in SKUS:
            product = ProductChanged(sku=sku, title=f"Title of {sku}", weight=100, length=10, width=10, height=10)
            say("/catalogue", product)
        # Thin shelves split orders over locations, and let some go without.
        most = random.choice((2, 4, 3 + orders, 3 + orders))
        for number, place in enumerate(LOCATIONS * (3 if most < 5 else 1)):
            pieces = {sku: random.randint(1, most) for sku in SKUS}
            for sku in SKUS:
                if self._chance.strikes("stock is short", f"{sku} at {place}"):
                    pieces[sku] = 1
            late = 60.0 if number >= len(LOCATIONS) else 0.0
            self._scheduler.after(0.5, 1.5 + late, partial(self._receive, number, place, pieces))

    def open(self, numbers: tuple[int, ...], over: float) -> None:
        """Customers come within `over` seconds."""
        for number in numbers:
            random = Random(self._population * 1_000_003 + number)
            placed = self._order(number, random)
            at = 5.0 + over * random.random()
            self._scheduler.at(at, partial(self._place, placed))
            if self._chance.strikes("a customer cancels an order that never comes"):
                self.ghosts.append(f"never-{number}")
                never = CancellationRequested(order_id=self.ghosts[-1], reason="wrong number")
                self._scheduler.at(at, partial(self._voice.say, "/customer", never))
        for number in range(len(numbers) // 4):
            if self._chance.strikes("stock is counted or moved"):
                at = 5.0 + over * self._scheduler.random.random()
                self._scheduler.at(at, partial(self._count_or_move, number))

    def _receive(self, number: int, place: str, pieces: dict[str, int]) -> None:
        lines = tuple(ReceivedLine(sku=sku, quantity=quantity) for sku, quantity in pieces.items())
        fact = StockReceived(receipt_id=f"R-{number}", location=place, lines=lines)
        for sku, quantity in pieces.items():
            self._floor.shelf[sku, place] += quantity
        named = self._voice.say_done("/warehouse", fact)
        if self._chance.strikes("the warehouse reports twice under new ids"):
            self._scheduler.after(0.0, 60.0, lambda: self._voice.say("/warehouse", named))

    def _count_or_move(self, number: int) -> None:
        random = self._scheduler.random
        sku, place = random.choice(SKUS), random.choice(LOCATIONS)
        if random.random() < 0.5:
            late = random.randint(0, 30)
            if (counted := self._floor.shelf[sku, place]) >= 0:
                fact = StockCounted(count_id=f"C-{number}", location=place, sku=sku, counted=counted)
                self._report(fact, 60.0 * (late - 15))
            return
        other = random.choice([other for other in LOCATIONS if other != place])
        moved = {"move_id": f"M-{number}", "from": place, "to": other, "sku": sku, "quantity": random.randint(1, 3)}
        move = StockMoved.model_validate(moved)
        self._floor.shelf[sku, place] -= move.quantity
        self._floor.shelf[sku, other] += move.quantity
        self._voice.say_done("/warehouse", move)

    def _report(self, counted: StockCounted, late: float) -> None:
        """Half of the counts are typed in later."""
        if late <= 0:
            self._voice.say_done("/warehouse", counted)
            return
        named = counted.model_copy(update={"at": self._scheduler.clock()})
        self._scheduler.at(self._scheduler.now + late, lambda: self._voice.say("/warehouse", named))

    def _order(self, number: int, random: Random) -> Placed:
        wrong = self._chance.strikes("an order is wrong")
        lines = []
        for line in range(1, random.choice((1, 1, 2, 2, 3, 4)) + 1):
            price, quantity = random.choice(_PRICES), random.randint(1, 3)
            lines.append(
                {
                    "line_id": str(line),
                    "sku": random.choice(SKUS),
                    "title": f"Thing {line}" if random.random() < 0.8 else None,
                    "quantity": quantity,
                    "unit_price": price,
                    "discount": price // 3 if random.random() < 0.2 else None,
                    "tax": random.randint(1, 99) if random.random() < 0.2 else None,
                }
            )
            if self._chance.strikes("a line has to be made first"):
                lines[-1]["lead_time_days"] = 1 + number % 3
        goods = sum(line["quantity"] * line["unit_price"] for line in lines)  # type: ignore[operator, misc]
        discount = sum(line["discount"] or 0 for line in lines)  # type: ignore[misc]
        tax, price = sum(line["tax"] or 0 for line in lines), random.choice((0, 500))  # type: ignore[misc]
        total = goods - discount + price + tax
        beside = Random(f"{self._population} {number}")  # of its own: what is drawn besides changes nothing else
        off = beside.choice((total // 3, max(0, total - 1), total)) if beside.random() < 0.04 else 0
        discount, total = discount + off, total - off
        fact = OrderPlaced.model_validate(
            {
                "order_id": f"O{number}",
                "placed_at": EPOCH,
                "channel": "web",
                "currency": "GBP",
                "customer": {
                    "customer_id": f"c{number}",
                    "name": "Emma",
                    "email": f"emma{number}@shop.test" if random.random() < 0.95 else None,
                    "locale": random.choice(("en-GB", "pt-BR", "pl", "ru", "zh-Hans", None)),
                },
                "ship_to": {
                    "name": "Emma",
                    "lines": ["1 High St"],
                    "city": "York",
                    "postal_code": "YO1 7HH",
                    "country": "GB",
                },
                "lines": lines,
                "delivery": {
                    "mode": "ship",
                    "service": random.choice(("economy", "standard", "express")),
                    "price": price,
                },
                "payments": [{"method": "card", "amount": total, "token": "tok"}] if total else [],
                "promotions": [{"code": "OFF", "amount": off}] if off else [],
                "totals": {
                    "goods": goods,
                    "discount": discount,
                    "delivery": price,
                    "tax": tax,
                    "grand_total": total + wrong,
                },
            }
        )
        return Placed(fact, wrong, _broken(fact, beside) if wrong and beside.random() < 0.5 else None)

    def _place(self, placed: Placed) -> None:
        fact, chance, scheduler = placed.fact, self._chance, self._scheduler
        self.ledger[fact.order_id] = placed
        event_id = self._voice.say("/checkout", fact, otherwise=placed.otherwise)
        if chance.strikes("the checkout repeats an order under a new id"):
            scheduler.after(0.0, 4000.0, lambda: self._voice.say("/checkout", fact, otherwise=placed.otherwise))
        if chance.strikes("the checkout uses an order id again"):
            other = fact.model_copy(update={"channel": "phone"})
            scheduler.after(5.0, 4000.0, lambda: self._voice.say("/checkout-2", other))
        if chance.strikes("a customer asks for what isn't offered"):
            self.in_vain[fact.order_id] += 1
            asked = scheduler.random.choice(_NOT_OFFERED)
            hold = asked.model_validate({"order_id": fact.order_id, "hold": "manual", "holder": "desk"})
            scheduler.after(0.0, 90_000.0, lambda: self._voice.say("/customer", hold))
        if chance.strikes("a customer cancels"):
            self._change_mind(fact, event_id)

    def _change_mind(self, placed: OrderPlaced, event_id: str) -> None:
        """The checkout asks for it, and names its request as it named the order: that is on another topic."""
        picking = 10.0 + 12 * self._scheduler.pace  # about when a warehouse is at it
        longest = self._scheduler.random.choice((0.01, picking, picking, 60.0, 4_000.0))
        asked = self._wish(placed)
        self._scheduler.after(0.0, longest, lambda: self._say_for_good(asked, event_id))
        if self._chance.strikes("a customer cancels again"):
            again = self._wish(placed)
            self._scheduler.after(0.0, 2 * longest, lambda: self._voice.say("/customer", again))

    def _say_for_good(self, asked: CancellationRequested, event_id: str) -> None:
        """Some ask first what would follow; and then say it at once, or after they have thought about it."""
        if self._chance.strikes("a customer asks first what would follow"):
            self.asked.append(self._voice.ask("/checkout", asked))
            longest = self._scheduler.random.choice((0.0, 10.0, 1_000.0))
            self._scheduler.after(0.0, longest, lambda: self._voice.say("/checkout", asked, event_id))
            return
        self._voice.say("/checkout", asked, event_id)

    def _wish(self, placed: OrderPlaced) -> CancellationRequested:
        part = self._chance.strikes("a customer wants to cancel a part")
        piece = (LineQuantity(line_id=placed.lines[0].line_id, quantity=1),)
        return CancellationRequested(order_id=placed.order_id, lines=piece if part else None, reason="changed my mind")


_BREAKS: tuple[tuple[str, str], ...] = (
    ('"currency":"GBP"', '"currency":"gbp"'),
    ('"country":"GB"', '"country":"gb"'),
    ('"channel":"web"', '"channel":"fax"'),
    ('"sku":"SKU', '"sku":"S K U'),
    ('"quantity":', '"quantity":-'),
    ('"unit_price":', '"unit_price":0.5,"was":'),
    ('"customer":', '"customers":'),
)


def _broken(fact: OrderPlaced, random: Random) -> bytes:
    """The same in JSON, against its contract in one way or in many."""
    text = fact.model_dump_json(exclude_none=True)
    for sound, broken in random.sample(_BREAKS, random.randint(1, len(_BREAKS))):
        text = text.replace(sound, broken)
    return text.encode()
