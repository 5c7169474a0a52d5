"""The same steps in a library for durable workflows, DBOS, on the same PostgreSQL. Without Kafka: one process.

`python -m tests.bench.sides.durable --orders N [--at-once N]` prints `{"orders": …, "seconds": …, "rate": …}`.
PACKHORSE_POSTGRES, PACKHORSE_PAYMENT_GATEWAY_URL and PACKHORSE_NOTIFICATION_SMTP_PORT say where things are.

In the library's favour the warehouse's four answers are steps of the workflow, and no messages that it waits for.
"""

import argparse
import asyncio
import json
import os
import time
import uuid
from collections.abc import Iterator

import uvloop
from dbos import DBOS, DBOSConfig, SetWorkflowID

from tests.bench.orders import Orders

from .durable_road import Outside, fulfil

AT_ONCE = 16
"""Workflows under way: of 4 to 128 the best. More only wait for each other, for the process has used up its core."""

WARM = 50


async def run(count: int, at_once: int) -> dict[str, float]:
    """Runs so many orders after a few that don't count."""
    config: DBOSConfig = {
        "name": "durable",
        "system_database_url": os.environ["PACKHORSE_POSTGRES"],
        "executor_id": f"bench-{os.getpid()}",
        "log_level": "WARNING",
    }
    async with Outside(connections=8):
        DBOS(config=config)
        DBOS.launch()
        try:
            run_id = uuid.uuid4().hex[:8]
            await _orders(f"w{run_id}", WARM, at_once)
            began = time.perf_counter()
            await _orders(f"d{run_id}", count, at_once)
            seconds = time.perf_counter() - began
        finally:
            DBOS.destroy()
    return {"orders": count, "seconds": round(seconds, 3), "rate": round(count / seconds, 2)}


async def _orders(run_id: str, count: int, at_once: int) -> None:
    orders = Orders(run_id)
    numbers = iter(range(count))

    async def work_off(left: Iterator[int]) -> None:
        for number in left:
            with SetWorkflowID(orders.id(number)):
                await fulfil((orders.record(number).value or b"").decode())

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work_off(numbers))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Orders as durable workflows")
    parser.add_argument("--orders", type=int, required=True, help="how many")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="workflows under way at a time")
    given = parser.parse_args()
    print(json.dumps(uvloop.run(run(given.orders, given.at_once))))  # noqa: T201


if __name__ == "__main__":
    main()
