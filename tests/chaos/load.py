"""The checkout of the chaos run: a steady stream of orders, repeats and cancellations, and a ledger of its own.

An order is in the ledger once the broker has said that it has it: from then on nobody may lose it.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber
from packhorse_contracts.base import Fact
from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.warehouse import StockReceived
from packhorse_devstack.counterparties.voice import Raw, Saying, Voice

SKUS = tuple(f"C-{number:02}" for number in range(20))
PLENTY, SCARCE = 1_000_000, 60
LOCATIONS = ("WH-A", "WH-B")
PRICE = 1_000
TOKENS = ["tok_ok"] * 20 + ["tok_declined", "tok_flaky", "tok_timeout", "tok_slow"]


@dataclass
class Ledger:
    """What the broker has said that it has."""

    orders: dict[str, OrderPlaced] = field(default_factory=dict)

    cancelled: set[str] = field(default_factory=set)
    """Orders whose customer wants them no more."""

    repeats: int = 0
    bad: set[str] = field(default_factory=set)
    """Keys of records that nobody can read."""

    longest_wait: float = 0
    """Seconds that a send took at most: how long the brokers were away, as the checkout saw it."""


def unexplained(ledger: Ledger, outcomes: Mapping[str, str]) -> list[str]:
    """Orders with an end that nothing in the ledger explains. All of them are good, and most products never run out; a
    fault of the machines is no reason to refuse or to cancel one."""
    found = []
    for order_id, placed in ledger.orders.items():
        may_end = {"completed", "cancelled by warehouse"}
        if order_id in ledger.cancelled:
            may_end.add("cancelled by customer")
        if any(tender.token == "tok_declined" for tender in placed.payments):
            may_end.add("cancelled by payment")
        if any(line.sku in SKUS[-2:] for line in placed.lines):
            may_end.add("cancelled by stock")
        outcome = outcomes.get(order_id)
        if outcome is not None and outcome.partition(":")[0] not in may_end:
            found.append(f"{order_id}: {outcome}")
    return found


def catalogue() -> tuple[list[Fact], list[Fact]]:
    """What is sold and where it lies; and the stock: plenty, but for the last two products."""
    known: list[Fact] = [
        LocationChanged(location=place, kind="warehouse", name=place, country="GB", active=True, timezone="UTC")
        for place in LOCATIONS
    ]
    known += [ProductChanged(sku=sku, title=sku, weight=300, length=100, width=100, height=100) for sku in SKUS]
    stock: list[Fact] = [
        StockReceived.model_validate(
            {
                "receipt_id": f"RC-{place}",
                "location": place,
                "lines": [{"sku": sku, "quantity": SCARCE if sku in SKUS[-2:] else PLENTY} for sku in SKUS],
            }
        )
        for place in LOCATIONS
    ]
    return known, stock


def order(random: Random) -> OrderPlaced:
    """One to four lines, paid in any of the gateway's ways."""
    chosen = random.sample(SKUS, random.randint(1, 4))
    lines = [
        {"line_id": str(number), "sku": sku, "quantity": random.randint(1, 3), "unit_price": PRICE}
        for number, sku in enumerate(chosen, 1)
    ]
    goods = sum(PRICE * int(str(line["quantity"])) for line in lines)
    return OrderPlaced.model_validate(
        {
            "order_id": f"X-{random.getrandbits(48):012x}",
            "placed_at": datetime.now(UTC),
            "channel": "web",
            "currency": "GBP",
            "customer": {"customer_id": "c", "name": "Emma", "email": "emma@shop.test", "locale": "en-GB"},
            "ship_to": {
                "name": "Emma",
                "lines": ["1 High St"],
                "city": "York",
                "postal_code": "YO1 7HH",
                "country": "GB",
            },
            "lines": lines,
            "delivery": {"mode": "ship", "service": "standard", "price": 500},
            "payments": [{"method": "card", "amount": goods + 500, "token": random.choice(TOKENS)}],
            "totals": {"goods": goods, "discount": 0, "delivery": 500, "tax": 0, "grand_total": goods + 500},
        }
    )


class Load:
    """Places orders at a rate until it is stopped."""

    def __init__(self, kafka: str, random: Random, rate: float) -> None:
        self._kafka, self._random, self._rate = kafka, random, rate
        self.ledger = Ledger()
        self._voices = AsyncExitStack()
        self._voice: Voice | None = None
        self._later: list[tuple[float, Callable[[], Saying]]] = []

    async def run(self, stop: asyncio.Event) -> None:
        """The stream."""
        due = time.monotonic()
        async with self._voices:
            while not stop.is_set():
                now = time.monotonic()
                if now < due:
                    await asyncio.sleep(due - now)
                # Open loop: what couldn't be sent in time is sent all the same, as soon as it can be.
                due += 1 / self._rate
                await self._place()
                for entry in [entry for entry in self._later if entry[0] <= now]:
                    self._later.remove(entry)
                    await self._say(entry[1]())

    async def _place(self) -> None:
        random, placed = self._random, order(self._random)
        event = Saying(placed, str(uuid.UUID(int=random.getrandbits(128))), datetime.now(UTC))
        await self._say(event)
        self.ledger.orders[placed.order_id] = placed
        chance = random.random()
        if chance < 0.05:
            self.ledger.repeats += 1
            self._in(random.uniform(0, 5), lambda: event)
        elif chance < 0.08:
            self.ledger.repeats += 1
            again = Saying(placed, f"{event.id}-again", event.at)
            self._in(random.uniform(0, 5), lambda: again)
        elif chance < 0.18:
            self.ledger.cancelled.add(placed.order_id)
            asked = CancellationRequested(order_id=placed.order_id, reason="changed my mind")
            ask = Saying(asked, f"{event.id}-cancel", event.at)
            self._in(random.uniform(0, 8), lambda: ask)
        elif chance < 0.2:
            key = f"bad-{event.id}"
            await self._say(Raw("checkout.orders", key.encode(), b"{", ()))
            self.ledger.bad.add(key)

    def _in(self, seconds: float, what: Callable[[], Saying]) -> None:
        self._later.append((time.monotonic() + seconds, what))

    async def _say(self, what: Saying | Raw) -> None:
        began = time.monotonic()
        while True:
            try:
                if self._voice is None:
                    self._voice = await self._voices.enter_async_context(Voice(self._kafka, "/chaos/checkout"))
                await self._voice.say([what])
            except (KafkaError, OSError) as error:
                await asyncio.sleep(0.2)  # said again: an unheard answer doesn't mean that it isn't there
                if isinstance(error, OutOfOrderSequenceNumber):
                    # aiokafka drops a batch in a long outage, and the broker trusts this producer no more.
                    await self._voices.aclose()
                    self._voice = None
            else:
                break
        self.ledger.longest_wait = max(self.ledger.longest_wait, time.monotonic() - began)
