"""A catalogue and its goods-in desk: says products and locations, then the stock that came in."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from packhorse_contracts.warehouse import StockReceived

from packhorse_devstack.counterparties import process
from packhorse_devstack.counterparties.process import log, now, wait
from packhorse_devstack.counterparties.replaying import renew, speak
from packhorse_devstack.counterparties.voice import Voice
from packhorse_devstack.data import records
from packhorse_devstack.data.records import Record

SOURCE = "/catalogue/devstack"
MOST_AT_ONCE = 1_000


async def load(voice: Voice, lines: Sequence[Record], stopping: asyncio.Event) -> int:
    """Says all of them as fast as the broker takes them; returns how many."""
    said = 0
    while said < len(lines) and not stopping.is_set():
        batch = lines[said : said + MOST_AT_ONCE]
        await voice.say([speak(record, now()) for record in batch])
        said += len(batch)
    return said


def split(lines: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Products and locations, and stock: stock of what nobody knows yet would be refused."""
    stock = [record for record in lines if record.get("fact") == StockReceived.TYPE]
    return [record for record in lines if record.get("fact") != StockReceived.TYPE], stock


def main(arguments: list[str] | None = None) -> int:
    """Starts it with command line arguments; returns the exit code."""
    parser = process.parser(
        "catalogue", (__doc__ or "").strip(), "--kafka localhost:9092 --file catalogue.jsonl.gz --part stock --round 2"
    )
    parser.add_argument("--kafka", required=True, help="host:port of a broker")
    parser.add_argument("--file", type=Path, required=True, help="replay file (see packhorse_devstack.data.records)")
    parser.add_argument("--part", choices=["catalogue", "stock", "all"], default="all", help="what to say")
    parser.add_argument(
        "--pause", type=float, default=5.0, help="seconds between catalogue and stock, for readers to catch up"
    )
    parser.add_argument("--round", type=int, default=0, help="receive the stock again, with fresh ids of this round")
    given = parser.parse_args(arguments)

    async def body(stopping: asyncio.Event) -> None:
        known, stock = split([renew(record, given.round) for record in records.read(given.file)])
        async with Voice(given.kafka, SOURCE) as voice:
            log("ready", kafka=given.kafka, file=given.file.name)
            said = 0
            if given.part != "stock":
                said += await load(voice, known, stopping)
                log("catalogue_said", records=said)
            if given.part == "all":
                await wait(stopping, given.pause)
            if given.part != "catalogue":
                said += await load(voice, stock, stopping)
        log("stopped" if stopping.is_set() else "done", records=said)

    return process.run(body)


if __name__ == "__main__":
    sys.exit(main())
