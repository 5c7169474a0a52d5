"""The usual way: the same road as plain FastStream handlers. One message, one transaction, one publish at a time.

`python -m tests.bench.sides.usual SERVICE`

Written as a competent team writes it that knows about lost and doubled messages: an inbox and an outbox, row locks,
offsets committed after the work, an idempotent producer, connections that are kept. It takes the rules of the domain
from the services, so that only the shape of the work differs. It knows the good road alone: no cancellation, no
time-out, no dead letters, no timers; all that would only cost it more.
"""

import logging
import os
import sys

import asyncpg
import uvloop
from faststream import FastStream
from faststream.kafka import KafkaBroker

from . import usual_inventory, usual_notification, usual_order, usual_payment, usual_shipping
from .usual_work import TABLES, Work

PARTS = {
    "order": usual_order,
    "payment": usual_payment,
    "inventory": usual_inventory,
    "shipping": usual_shipping,
    "notification": usual_notification,
}


async def run(service: str) -> None:
    """One service, until it is told to stop."""
    part = PARTS[service]
    # The line that FastStream writes for every message is at INFO; in production it is off.
    broker = KafkaBroker(
        os.environ["PACKHORSE_KAFKA"], acks="all", enable_idempotence=True, logger=logging.getLogger(service)
    )
    async with asyncpg.create_pool(os.environ["PACKHORSE_POSTGRES"], min_size=4, max_size=16) as pool:
        await pool.execute(TABLES + part.TABLES)
        work = Work(service, pool, broker)
        async with work.ends:
            part.subscribe(work)
            work.pass_over_the_rest()
            await FastStream(broker, logger=logging.getLogger(service), after_startup=[_ready]).run()


async def _ready() -> None:
    print("ready", flush=True)  # noqa: T201


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    uvloop.run(run(sys.argv[1]))
