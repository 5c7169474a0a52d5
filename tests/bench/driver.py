"""Checkout, warehouse and watch of the benchmark, all in one process, on raw records."""

import asyncio
import json
import time
import uuid
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from packhorse_contracts import envelope
from packhorse_devstack.counterparties.voice import Raw

from .orders import Orders

TIMES = ("placed", "confirmed", "pick_list", "handed_over", "captured", "notified", "cancelled")
"""The points of an order's road that are watched."""

_MARKS = {
    b"packhorse.order.confirmed.v1": "confirmed",
    b"packhorse.order.cancelled.v1": "cancelled",
    b"packhorse.payment.captured.v1": "captured",
}
_STEPS = ("pick_list_accepted.v1", "pick_completed.v1", "packed.v1", "handed_over.v2")


@dataclass
class Course:
    """What was seen of one run: for every point of the road, the orders that passed it, and when (monotonic)."""

    passed: dict[str, dict[str, float]] = field(default_factory=lambda: {name: {} for name in TIMES})
    ended: dict[str, float] = field(default_factory=dict)
    mails: list[float] = field(default_factory=list)
    """When each mail was told of."""

    all_placed_at: float = 0.0

    @property
    def rate(self) -> float:
        """Orders a second that ended while others took their places: from the first tenth to the last that was placed.
        Before, nothing ends yet though much is done; after it, ever fewer are under way, so that they end faster. Where
        all were placed before the first ended, the middle 80 %."""
        ended = sorted(self.ended.values())
        first = len(ended) // 10
        last = bisect_right(ended, self.all_placed_at) - 1
        if last <= first:
            last = len(ended) - first - 1
        return (last - first) / (ended[last] - ended[first])

    def between(self, first: str, second: str) -> list[float]:
        """Seconds from one point to the other, of all orders that passed both."""
        begun = self.passed[first]
        return [at - begun[order] for order, at in self.passed[second].items() if order in begun]


class Driver:
    """Use as a context. `prefix` stands before every topic's name."""

    def __init__(self, kafka: str, prefix: str = "") -> None:
        self._kafka, self._prefix = kafka, prefix
        self._open = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._listening: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self.course = Course()
        self.last: tuple[str, ...] = ("captured", "notified")
        """The points that an order has passed when it ends well."""

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka, acks="all", enable_idempotence=True, linger_ms=2, max_batch_size=131_072
        )
        await self._producer.start()
        self._open.push_async_callback(self._producer.stop)
        names = ("order.events", "payment.events", "shipping.pick-lists", "notification.events")
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka, enable_auto_commit=False, fetch_max_wait_ms=100, max_poll_records=2000
        )
        await self._consumer.start()
        self._open.push_async_callback(self._consumer.stop)
        partitions = [
            TopicPartition(self._prefix + name, number)
            for name in names
            for number in self._consumer.partitions_for_topic(self._prefix + name)
            or await self._partitions(self._prefix + name)
        ]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._open.aclose()

    async def _partitions(self, topic: str) -> Sequence[int]:
        assert self._producer is not None
        return sorted(await self._producer.partitions_for(topic))

    async def say(self, records: Iterable[Raw]) -> None:
        """Sends records; returns when all are stored."""
        assert self._producer is not None
        sent = [
            await self._producer.send(self._prefix + one.topic, value=one.value, key=one.key, headers=list(one.headers))
            for one in records
        ]
        await asyncio.gather(*sent)

    async def saturate(self, orders: Orders, count: int, window: int, *, patience: float = 60.0) -> Course:
        """Places `count` orders, so that never more than `window` are under way. Returns when all have ended.

        Raises TimeoutError where none ends for `patience` seconds.
        """
        course = self.course = Course()
        placed = 0
        while len(course.ended) < count:
            room = min(window - (placed - len(course.ended)), count - placed, 500)
            if room > 0:
                now = time.monotonic()
                course.passed["placed"].update((orders.id(number), now) for number in range(placed, placed + room))
                await self._place(orders, range(placed, placed + room))
                placed += room
                course.all_placed_at = time.monotonic()
            else:
                await self._progress(patience)
        return course

    def watch_on(self, *last: str) -> None:
        """The orders of the last run end once more, where they pass these points."""
        self.last, self.course = last, Course(self.course.passed)

    async def all_ended(self) -> Course:
        """Returns when all orders that were placed have ended."""
        while len(self.course.ended) < len(self.course.passed["placed"]):
            await self._progress()
        return self.course

    async def all_placed(self, count: int) -> None:
        """Returns when so many orders of the current run are placed."""
        while len(self.course.passed["placed"]) < count:
            await asyncio.sleep(0.05)

    async def steadily(self, orders: Orders, *phases: tuple[float, float]) -> Course:
        """Places orders come what may: times count from when an order was due. A phase is a rate (orders a second) and
        how many seconds it lasts. Returns when all have ended."""
        course = self.course = Course()
        due: list[float] = []
        begins = time.monotonic()
        for rate, seconds in phases:
            due += [begins + number / rate for number in range(int(rate * seconds))]
            begins += seconds
        course.passed["placed"].update((orders.id(number), at) for number, at in enumerate(due))
        placed, sending = 0, set()
        while placed < len(due):
            upto = bisect_right(due, time.monotonic(), placed)
            if upto > placed:
                task = asyncio.create_task(self._place(orders, range(placed, upto)))
                sending.add(task)
                task.add_done_callback(sending.discard)
                placed = upto
            elif (pause := due[placed] - time.monotonic()) > 0:
                await asyncio.sleep(max(0.001, pause))
        return await self.all_ended()

    async def _place(self, orders: Orders, numbers: range) -> None:
        await self.say([orders.record(number) for number in numbers])

    async def _progress(self, patience: float = 60.0) -> None:
        """Returns when another order has ended. Raises TimeoutError where none does for `patience` seconds."""
        self._moved.clear()
        try:
            async with asyncio.timeout(patience):
                await self._moved.wait()
        except TimeoutError:
            if self._listening is not None and self._listening.done():
                self._listening.result()  # who doesn't listen sees nothing end: that is no fault of the services
            left = len(self.course.passed["placed"]) - len(self.course.ended)
            raise TimeoutError(f"{left} orders don't end") from None

    async def _listen(self) -> None:
        assert self._consumer is not None
        while True:
            batches = await self._consumer.getmany(timeout_ms=1000)
            now, before = time.monotonic(), len(self.course.ended)
            for place, records in batches.items():
                name = place.topic.removeprefix(self._prefix)
                for record in records:
                    said = dict(record.headers)
                    kind = said.get("ce_type", b"")
                    if name == "shipping.pick-lists":
                        self._pick(kind, record.value, now)
                    elif name == "notification.events":
                        self._notified(record.key.decode(), kind, record.value, now)
                    elif mark := _MARKS.get(kind):
                        self._mark(mark, record.key.decode(), now)
            if len(self.course.ended) > before:
                self._moved.set()

    def _mark(self, mark: str, order: str, now: float) -> None:
        if order in self.course.passed["placed"]:
            self.course.passed[mark].setdefault(order, now)
            self._end(order, now)

    def _notified(self, order: str, kind: bytes, value: bytes, now: float) -> None:
        if kind.startswith(b"packhorse.notification.sent") and order in self.course.passed["placed"]:
            self.course.mails.append(now)
            if b"dispatched" in value:
                self._mark("notified", order, now)

    def _end(self, order: str, now: float) -> None:
        passed = self.course.passed
        if all(order in passed[point] for point in self.last) or order in passed["cancelled"]:
            self.course.ended.setdefault(order, now)

    def _pick(self, kind: bytes, value: bytes, now: float) -> None:
        if not kind.startswith(b"packhorse.shipping.pick_list_issued"):
            return
        issued = json.loads(value)
        order = issued["order_id"]
        if order in self.course.passed["placed"]:
            self.course.passed["pick_list"].setdefault(order, now)
            self.course.passed["handed_over"].setdefault(order, now)
            self._work_off(issued)

    def _work_off(self, issued: dict[str, object]) -> None:
        """All four answers of the warehouse at once."""
        identifier = str(issued["pick_list_id"])
        lines = issued["lines"]
        assert isinstance(lines, list)
        package = {
            "package_id": "1",
            "carton": "S",
            "weight": 700,
            "length": 300,
            "width": 200,
            "height": 150,
            "lines": [{"line_id": line["line_id"], "quantity": line["quantity"]} for line in lines],
        }
        bodies: list[dict[str, object]] = [
            {},
            {"lines": [{"line_id": line["line_id"], "picked": line["quantity"]} for line in lines]},
            {"packages": [package]},
            {"carrier": "PARCELWAY", "parcels": [{"tracking_number": f"PW{identifier}", "package_id": "1"}]},
        ]
        at = envelope.rfc3339(datetime.now(UTC)).encode()
        key = identifier.encode()
        records = []
        for step, body in zip(_STEPS, bodies, strict=True):
            value = json.dumps({"pick_list_id": identifier, **body}).encode()
            headers = (
                ("content-type", b"application/json"),
                ("ce_specversion", b"1.0"),
                ("ce_id", str(uuid.uuid4()).encode()),
                ("ce_source", b"/bench/warehouse"),
                ("ce_type", f"packhorse.warehouse.{step}".encode()),
                ("ce_subject", key),
                ("ce_time", at),
            )
            records.append(Raw("warehouse.events", key, value, headers))
        asyncio.get_running_loop().create_task(self.say(records))
