"""A checkout and its customers: replays a file of orders, cancellations and malformed records at a chosen rate."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from packhorse_contracts.order import OrderCancelled, OrderConfirmed, OrderRejected
from packhorse_contracts.topics import ORDER_EVENTS

from packhorse_devstack.counterparties import process
from packhorse_devstack.counterparties.process import log, now, wait
from packhorse_devstack.counterparties.replaying import Due, kind, limit, renew, schedule, speak
from packhorse_devstack.counterparties.voice import Ear, Voice, ear
from packhorse_devstack.data import records
from packhorse_devstack.data.records import Record

SOURCE = "/checkout/replay"
TICK_SECONDS, MOST_AT_ONCE = 0.02, 200


class UnderWay:
    """Orders that were placed and that nobody has confirmed, cancelled or rejected yet; never more than `most`.

    A shop's customers don't come faster because a replay could send faster: a system that is asked for more than it
    can do shows how long its queue is, not how quick it is.
    """

    def __init__(self, orders: Ear, most: int) -> None:
        self._orders, self._most = orders, most
        self._open: set[str] = set()

    def placed(self, records: Iterable[Record]) -> None:
        """These were sent. What is malformed is never answered, and so isn't waited for."""
        self._open.update(str(record["order_id"]) for record in records if kind(record) == "order")

    async def until_room(self, stopping: asyncio.Event) -> None:
        """Returns when another order may be placed."""
        while len(self._open) >= self._most and not stopping.is_set():
            for heard in await self._orders.listen():
                if isinstance(heard.fact, OrderConfirmed | OrderCancelled | OrderRejected):
                    self._open.discard(heard.fact.order_id)


async def replay(
    voice: Voice, due: Iterable[Due], stopping: asyncio.Event, under_way: UnderWay | None = None
) -> Counter[str]:
    """Says everything at its time, or as fast as the broker takes it and `under_way` has room; returns how much of each
    kind was said."""
    left, said = list(reversed(list(due))), Counter[str]()
    started = told = time.monotonic()
    told_left = len(left)
    while left and not stopping.is_set():
        if under_way is not None:
            full = time.monotonic()
            await under_way.until_room(stopping)
            started += time.monotonic() - full  # what is due meanwhile comes later, not all at once
        elapsed = time.monotonic() - started
        batch: list[Record] = []
        while left and left[-1].at <= elapsed and len(batch) < MOST_AT_ONCE:
            batch.append(left.pop().record)
        if batch:
            await voice.say([speak(record, now()) for record in batch])
            said.update(kind(record) for record in batch)
            if under_way is not None:
                under_way.placed(batch)
        else:
            await wait(stopping, min(left[-1].at - elapsed, 1.0) if left else TICK_SECONDS)
        if time.monotonic() - told >= 1 and len(left) < told_left:
            told, told_left = time.monotonic(), len(left)
            log("sent", left=len(left), **said)
    return said


def main(arguments: list[str] | None = None) -> int:
    """Starts it with command line arguments; returns the exit code."""
    parser = process.parser(
        "checkout", (__doc__ or "").strip(), "--kafka localhost:9092 --file orders.jsonl.gz --rate 100 --round 2"
    )
    parser.add_argument("--kafka", required=True, help="host:port of a broker")
    parser.add_argument("--file", type=Path, required=True, help="replay file (see packhorse_devstack.data.records)")
    parser.add_argument("--rate", type=float, default=50.0, help="orders a second at most")
    parser.add_argument("--under-way", type=int, help="wait while so many orders are neither confirmed nor refused")
    parser.add_argument("--round", type=int, default=0, help="replay with fresh ids of this round")
    parser.add_argument("--limit", type=int, default=None, help="stop after so many orders")
    given = parser.parse_args(arguments)
    if given.rate <= 0:
        parser.error("--rate must be above 0")
    if given.under_way is not None and given.under_way < 1:
        parser.error("--under-way must be 1 or more")

    async def body(stopping: asyncio.Event) -> None:
        lines = [renew(record, given.round) for record in limit(records.read(given.file), given.limit)]
        async with AsyncExitStack() as using:
            voice = await using.enter_async_context(Voice(given.kafka, SOURCE))
            under_way = None
            if given.under_way is not None:
                orders = await using.enter_async_context(ear(given.kafka, ORDER_EVENTS.name))
                under_way = UnderWay(orders, given.under_way)
            log("ready", kafka=given.kafka, file=given.file.name, records=len(lines))
            said = await replay(voice, schedule(lines, given.rate), stopping, under_way)
        log("done" if said.total() == len(lines) else "stopped", **said)

    return process.run(body)


if __name__ == "__main__":
    sys.exit(main())
