"""A checkout and its customers: replays a file of orders, cancellations and malformed records at a chosen rate."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from packhorse_devstack.counterparties import process
from packhorse_devstack.counterparties.process import log, now, wait
from packhorse_devstack.counterparties.replaying import Due, kind, limit, renew, schedule, speak
from packhorse_devstack.counterparties.voice import Voice
from packhorse_devstack.data import records
from packhorse_devstack.data.records import Record

SOURCE = "/checkout/replay"
TICK_SECONDS, MOST_AT_ONCE = 0.02, 200


async def replay(voice: Voice, due: Iterable[Due], stopping: asyncio.Event) -> Counter[str]:
    """Says everything at its time, or as fast as the broker takes it; returns how much of each kind was said."""
    left, said = list(reversed(list(due))), Counter[str]()
    started = told = time.monotonic()
    while left and not stopping.is_set():
        elapsed = time.monotonic() - started
        batch: list[Record] = []
        while left and left[-1].at <= elapsed and len(batch) < MOST_AT_ONCE:
            batch.append(left.pop().record)
        if batch:
            await voice.say([speak(record, now()) for record in batch])
            said.update(kind(record) for record in batch)
        else:
            await wait(stopping, min(left[-1].at - elapsed, 1.0) if left else TICK_SECONDS)
        if time.monotonic() - told >= 1:
            told = time.monotonic()
            log("sent", left=len(left), **said)
    return said


def main(arguments: list[str] | None = None) -> int:
    """Starts it with command line arguments; returns the exit code."""
    parser = process.parser(
        "checkout", (__doc__ or "").strip(), "--kafka localhost:9092 --file orders.jsonl.gz --rate 100 --round 2"
    )
    parser.add_argument("--kafka", required=True, help="host:port of a broker")
    parser.add_argument("--file", type=Path, required=True, help="replay file (see packhorse_devstack.data.records)")
    parser.add_argument("--rate", type=float, default=50.0, help="orders a second")
    parser.add_argument("--round", type=int, default=0, help="replay with fresh ids of this round")
    parser.add_argument("--limit", type=int, default=None, help="stop after so many orders")
    given = parser.parse_args(arguments)
    if given.rate <= 0:
        parser.error("--rate must be above 0")

    async def body(stopping: asyncio.Event) -> None:
        lines = [renew(record, given.round) for record in limit(records.read(given.file), given.limit)]
        async with Voice(given.kafka, SOURCE) as voice:
            log("ready", kafka=given.kafka, file=given.file.name, records=len(lines))
            said = await replay(voice, schedule(lines, given.rate), stopping)
        log("done" if said.total() == len(lines) else "stopped", **said)

    return process.run(body)


if __name__ == "__main__":
    sys.exit(main())
