"""Checkout, customer, warehouse and carrier as a test plays them, and a listener on everything that is said."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

from packhorse_cli import runner, stream
from packhorse_cli.lag import Lag
from packhorse_cli.system import SERVICES
from packhorse_contracts import envelope, ids
from packhorse_contracts.base import Fact
from packhorse_contracts.carrier import TrackingStatus, TrackingUpdated
from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.shipping import ShippingPickListIssued
from packhorse_contracts.warehouse import HandedOver, Packed, PickCompleted, PickListAccepted, StockReceived
from packhorse_devstack.counterparties.voice import Raw, Saying, Voice

F = TypeVar("F", bound=Fact)
T = TypeVar("T")
PATIENCE = 60.0
"""Seconds for what must happen; everything here takes less than two on an idle machine."""

PRICE, DELIVERY = 1_000, 500
LOCATION = "WH-TEST"


class Outsiders:
    """Use it with `async with`. Ids are fresh, so that tests share one system."""

    def __init__(self, running: runner.Running) -> None:
        self.running = running
        self.kafka = running.system.kafka
        self.voice = Voice(self.kafka, "/tests/outsiders")
        self.heard: list[tuple[stream.Event, Fact]] = []
        self.dead: list[stream.Event] = []
        self._news = asyncio.Condition()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.voice.__aenter__()
        self._listening = asyncio.create_task(self._listen())
        await self.say(
            LocationChanged(location=LOCATION, kind="warehouse", name="Test", country="GB", active=True, timezone="UTC")
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self.voice.__aexit__(kind, error, trace)

    async def say(self, *facts: Fact, event_id: str | None = None) -> None:
        """Says these facts, each under an id of its own unless one is given."""
        now = datetime.now(UTC)
        await self.voice.say([Saying(fact, event_id or str(uuid.uuid4()), now) for fact in facts])

    async def until(self, what: Callable[[], T | None]) -> T:
        """What this finds, as soon as it does."""
        deadline = time.monotonic() + PATIENCE
        async with self._news:
            while (found := what()) is None:
                left = deadline - time.monotonic()
                if left < 0:
                    raise TimeoutError(f"never happened; {await self._situation()}")
                try:
                    async with asyncio.timeout(left):
                        await self._news.wait()
                except TimeoutError:
                    continue
        return found

    async def fact(self, kind: type[F], order_id: str) -> F:
        """The first fact of this kind about an order."""
        return await self.until(lambda: next(iter(self.facts(kind, order_id)), None))

    def facts(self, kind: type[F], order_id: str) -> list[F]:
        """All facts of a kind about an order that were heard so far."""
        return [
            fact
            for event, fact in self.heard
            if isinstance(fact, kind) and order_id in (event.order_id, event.key, getattr(fact, "order_id", None))
        ]

    async def dead_letter(self, key: str) -> stream.Event:
        """The first dead letter whose original had this key."""

        deadline = time.monotonic() + PATIENCE
        while True:
            found = next((event for event in self.dead if event.key == key), None)
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"no dead letter with key {key}")
            await asyncio.sleep(0.05)

    async def quiet(self) -> None:
        """Returns when nothing is under way in any service."""
        async with Lag(self.kafka, SERVICES) as lag, asyncio.timeout(PATIENCE):
            while not await self.running.quiet(lag):
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.5)  # what was published last reaches this listener

    async def product(self, on_hand: int) -> str:
        """A new product with so many pieces in stock; returns its SKU when inventory has booked them."""
        sku = f"SKU-{uuid.uuid4().hex[:8]}"
        await self.say(ProductChanged(sku=sku, title="Mug", weight=300, length=100, width=100, height=100))
        receipt = f"RC-{sku}"
        while not any(
            event.topic == "inventory.stock" and event.key == ids.joint(sku, LOCATION) for event, _ in self.heard
        ):
            # Between topics nothing is ordered: stock of what inventory doesn't know yet is refused.
            line = {"sku": sku, "quantity": on_hand}
            await self.say(
                StockReceived.model_validate({"receipt_id": receipt, "location": LOCATION, "lines": [line]}),
            )
            await asyncio.sleep(0.3)
        return sku

    def order(self, lines: Mapping[str, int], token: str = "tok_ok") -> OrderPlaced:
        """An order of so many pieces by SKU, paid with one of the gateway's test tokens."""
        goods = PRICE * sum(lines.values())
        return OrderPlaced.model_validate(
            {
                "order_id": f"T-{uuid.uuid4().hex[:12]}",
                "placed_at": datetime.now(UTC),
                "channel": "web",
                "currency": "GBP",
                "customer": {"customer_id": "c-1", "name": "Emma", "email": "emma@shop.test", "locale": "en-GB"},
                "ship_to": {
                    "name": "Emma",
                    "lines": ["1 High St"],
                    "city": "York",
                    "postal_code": "YO1 7HH",
                    "country": "GB",
                },
                "lines": [
                    {"line_id": str(number), "sku": sku, "quantity": quantity, "unit_price": PRICE}
                    for number, (sku, quantity) in enumerate(lines.items(), 1)
                ],
                "delivery": {"mode": "ship", "service": "standard", "price": DELIVERY},
                "payments": [{"method": "card", "amount": goods + DELIVERY, "token": token}],
                "totals": {
                    "goods": goods,
                    "discount": 0,
                    "delivery": DELIVERY,
                    "tax": 0,
                    "grand_total": goods + DELIVERY,
                },
            }
        )

    async def cancel(self, order_id: str) -> None:
        """The customer asks for the cancellation of the whole order."""
        await self.say(CancellationRequested(order_id=order_id, reason="changed my mind"))

    async def pick(self, order_id: str) -> ShippingPickListIssued:
        """The warehouse takes the order's pick list and picks all of it."""
        asked = await self.fact(ShippingPickListIssued, order_id)
        await self.say(
            PickListAccepted(pick_list_id=asked.pick_list_id),
            PickCompleted.model_validate(
                {
                    "pick_list_id": asked.pick_list_id,
                    "lines": [{"line_id": line.line_id, "picked": line.quantity} for line in asked.lines],
                }
            ),
        )
        return asked

    async def hand_over(self, order_id: str) -> str:
        """The warehouse packs it and gives it to the carrier; returns the tracking number."""
        asked = await self.fact(ShippingPickListIssued, order_id)
        size = {"carton": "M", "weight": 900, "length": 300, "width": 200, "height": 150}
        lines = [{"line_id": line.line_id, "quantity": line.quantity} for line in asked.lines]
        tracking_number = f"TN-{asked.pick_list_id}"
        await self.say(
            Packed.model_validate(
                {"pick_list_id": asked.pick_list_id, "packages": [{"package_id": "1", **size, "lines": lines}]}
            ),
            HandedOver.model_validate(
                {
                    "pick_list_id": asked.pick_list_id,
                    "carrier": "dhl",
                    "parcels": [{"tracking_number": tracking_number}],
                }
            ),
        )
        return tracking_number

    async def track(self, tracking_number: str, status: TrackingStatus) -> None:
        """The carrier says where the parcel is."""
        now = datetime.now(UTC)
        await self.say(TrackingUpdated(tracking_number=tracking_number, status=status, at=now))

    async def raw(self, topic: str, key: str, value: bytes, headers: Mapping[str, bytes]) -> None:
        """A record byte by byte."""
        await self.voice.say([Raw(topic, key.encode(), value, tuple(headers.items()))])

    async def _situation(self) -> str:
        """What helps to see why something never happened."""
        async with Lag(self.kafka, SERVICES) as lag:
            behind = await lag.by_service()
        heard = [event.short for event, _ in self.heard[-15:]]
        dead = [(event.key, event.headers) for event in self.dead[-5:]]
        tails = {name: child.tail() for name, child in self.running.supervisor.children.items() if name in SERVICES}
        logs = "\n".join(f"--- {name}\n{tail}" for name, tail in tails.items())
        return f"heard last: {heard}\ndead letters: {dead}\nrecords behind: {behind}\n{logs}"

    async def _listen(self) -> None:
        async for event in stream.read(self.kafka, stream.all_topics(dead=True), follow=True):
            if event.topic.endswith(".dead"):
                self.dead.append(event)
            elif isinstance(read := envelope.decode(event.value, event.raw_headers), envelope.Heard):
                self.heard.append((event, read.fact))
            async with self._news:
                self._news.notify_all()
