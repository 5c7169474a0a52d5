"""A process on servers that are killed under it, and how to see what it makes of that."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import asyncpg
import toy
from packhorse_chassis.run import Process
from packhorse_chassis.settings import Settings
from packhorse_devstack.stack import Stack
from pydantic import SecretStr
from rig import Broker


@asynccontextmanager
async def running(own: Stack, dsn: str, **settings: object) -> AsyncIterator[Process]:
    """A process of the toy service on them."""
    given = {"kafka": own.kafka, "postgres": SecretStr(dsn), "pump_idle": 0.05, "stop_grace": 5, **settings}
    process = Process(toy.service(), Settings.model_validate(given))
    try:
        await process.start()
        yield process
    finally:
        await process.stop()


def notes(dsn: str, order: str) -> Callable[[], Awaitable[list[str]]]:
    """The toy's notes about an order; empty while the database is away."""

    async def look() -> list[str]:
        try:
            db = await asyncpg.connect(dsn, timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return []
        try:
            found: list[str] = await db.fetchval(
                "SELECT ARRAY(SELECT jsonb_array_elements_text(state -> 'notes')) FROM tally WHERE id = $1", order
            )
            return found or []
        finally:
            await db.close()

    return look


def not_ready(process: Process) -> Callable[[], Awaitable[dict[str, str]]]:
    """What the process says is wrong, by part."""

    async def look() -> dict[str, str]:
        url = f"http://127.0.0.1:{process.http_port}/health/ready"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            wrong: dict[str, str] = {} if answer.status == 200 else (await answer.json())["wrong"]
            return wrong

    return look


def revive(own: Stack, name: str) -> None:
    """Starts a server again at the same address; a broker answers when this returns."""
    child = own.servers[name]
    while child.running:
        time.sleep(0.02)
    child.start()
    own.until_kafka_answers()


async def events(outsider: Broker, order: str, count: int) -> list[int]:
    """The numbers of an order's events, in the order of the topic, as a reader with an inbox takes them: what was
    published twice, because the relay didn't learn that it was there, has the same id."""
    first: dict[str, int] = {}
    read = count
    while len(first) < count:
        told = await outsider.read("order.events", {order}, read)
        first = {headers["ce_id"]: int(headers["ce_sequence"]) for _, headers, _ in reversed(told)}
        first = dict(reversed(first.items()))
        read += count - len(first)
    return list(first.values())


def port(process: Process) -> Callable[[], Awaitable[int]]:
    """Of health and metrics; 0 until it is known."""

    async def look() -> int:
        return process.http_port

    return look
