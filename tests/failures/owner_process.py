"""A process of a service, as a rebalance leaves two of them that own the same partitions for a while.

For each job, a line of JSON: connects, reads its records, says that it is ready, waits for a line, takes them, and
says that it is done. Ends with its input. `owners.Rivals` speaks to it.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Final

import asyncpg
import structlog
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Records
from packhorse_inventory.service import build as inventory
from packhorse_payment.service import build as payment

SERVICES: Final = {"inventory": inventory(), "payment": payment()}
LANES: Final = 3
"""Batches under way at a time: each is a transaction on a connection of its own."""

Told = Sequence[tuple[str, str, str, list[tuple[str, str]]]]
"""Topic, key, value and headers of each record."""


def read(service: str, told: Told) -> list[Arrival]:
    """The records that the service hears."""
    reader = Reader(SERVICES[service].routes)
    raws = [
        Raw("record", topic, 0, place, key.encode(), [(name, text.encode()) for name, text in headers], value.encode())
        for place, (topic, key, value, headers) in enumerate(told)
    ]
    return [arrival for raw in raws if (arrival := reader.record(raw)) is not None]


async def own(service: str, dsn: str, batch: int, told: Told) -> None:
    """Takes all of them in batches of so many, several at a time."""
    arrivals = read(service, told)
    async with asyncpg.create_pool(dsn, min_size=LANES, max_size=LANES) as pool:
        processor = Processor(SERVICES[service], pool, Inbox(pool))

        async def lane(number: int) -> None:
            for start in range(number * batch, len(arrivals), LANES * batch):
                await processor.process(arrivals[start : start + batch], Records())

        say("ready")
        sys.stdin.readline()
        await asyncio.gather(*(lane(number) for number in range(LANES)))
    say("done")


def say(word: str) -> None:
    """Tells the test."""
    print(word, flush=True)  # noqa: T201


async def main() -> None:
    """One job after the other. What is logged goes beside what is said."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    while line := sys.stdin.readline():
        await own(*json.loads(line))


if __name__ == "__main__":
    asyncio.run(main())
