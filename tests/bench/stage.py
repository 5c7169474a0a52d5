"""What runs on one side of the benchmark."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from packhorse_chassis.core.reaction import Routes
from packhorse_cli.lag import Lag
from packhorse_cli.runner import Running
from packhorse_cli.system import SERVICES, System
from packhorse_contracts import registry
from packhorse_devstack import topics
from packhorse_devstack.places import free_ports
from packhorse_devstack.processes import Supervisor
from packhorse_devstack.stack import Stack
from packhorse_simulation.services import routes

from .outside import Gateway, MailServer

SIZE: Final = "cluster"
"""Of the topics: as many partitions as four processes a service and the consumers of the usual way want."""


@dataclass
class Side:
    """Processes that run, by name, beside the servers that all sides share."""

    name: str
    running: Running
    prefix: str = ""

    @property
    def databases(self) -> dict[str, str]:
        """The address of each service's database."""
        return self.running.system.databases

    def processes(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: child.pid for name, child in self.running.supervisor.children.items()}

    async def until_said(self, word: str, seconds: float = 120) -> None:
        """Waits until each has written this line since it was started."""
        async with asyncio.timeout(seconds):
            for child in self.running.supervisor.children.values():
                while word not in child.tail(200):
                    await asyncio.sleep(0.1)

    async def until_quiet(self, seconds: float = 60) -> None:
        """Waits until nothing is under way in the services."""
        async with asyncio.timeout(seconds), Lag(self.running.system.kafka, self.databases) as lag:
            while not await self.running.quiet(lag):
                await asyncio.sleep(0.1)


async def until_there(dsn: str, table: str, rows: int, seconds: float = 60) -> None:
    """Waits until a table has so many rows."""
    db = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(seconds):
            while await db.fetchval(f"SELECT count(*) FROM {table}") < rows:
                await asyncio.sleep(0.1)
    finally:
        await db.close()


def heard() -> dict[str, set[str]]:
    """The types of facts, in all their versions, that each service reacts to."""
    tables: Mapping[str, Routes] = routes()
    return {
        service: {wire for fact in table.facts for wire in registry.versions(fact)} for service, table in tables.items()
    }


async def databases(stack: Stack, prefix: str = "") -> dict[str, str]:
    """A database for each service; those of another `prefix` are others."""
    return {service: await stack.create_database(prefix + service) for service in SERVICES}


@asynccontextmanager
async def outside(delay: float = 0) -> AsyncIterator[tuple[int, int]]:
    """The ports of a gateway, which takes `delay` seconds to answer, and of a mail server."""
    gateway, smtp = free_ports(2)
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: Gateway(delay), "127.0.0.1", gateway, backlog=2048),
        await loop.create_server(MailServer, "127.0.0.1", smtp),
    ]
    try:
        yield gateway, smtp
    finally:
        for server in servers:
            server.close()


@asynccontextmanager
async def packhorse(
    stack: Stack,
    folder: Path,
    *,
    copies: Mapping[str, int] | int = 1,
    delay: float = 0,
    prefix: str = "",
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Side]:
    """The real five services, each as so many processes, with a gateway that takes `delay` seconds to answer.

    `prefix` names other databases than the usual ones.
    """
    await topics.create(stack.kafka, topics.settings(size=SIZE))
    counts = dict.fromkeys(SERVICES, copies) if isinstance(copies, int) else dict(copies)
    system = System(stack.kafka, await databases(stack, prefix))
    running = Running(system, Supervisor(folder / "run"), {}, folder)
    async with outside(delay) as (gateway, smtp):
        try:
            for service, count in counts.items():
                for copy, port in enumerate(free_ports(count), 1):
                    name = service if count == 1 else f"{service}-{copy}"
                    running.health[name] = f"http://127.0.0.1:{port}"
                    running.supervisor.add(
                        name,
                        [str(Path(sys.executable).with_name(f"packhorse-{service}"))],
                        {
                            "PACKHORSE_KAFKA": stack.kafka,
                            "PACKHORSE_POSTGRES": system.databases[service],
                            "PACKHORSE_HTTP_PORT": str(port),
                            "PACKHORSE_GROUP_INSTANCE_ID": f"{service}-{copy}",
                            "PACKHORSE_LOG_FORMAT": "json",
                            "PACKHORSE_LOG_LEVEL": "warning",
                            "PACKHORSE_PAYMENT_GATEWAY_URL": f"http://127.0.0.1:{gateway}",
                            "PACKHORSE_NOTIFICATION_SMTP_PORT": str(smtp),
                        }
                        | dict(environment or {}),
                    )
            await running.until_ready(120)
            yield Side("packhorse", running)
        finally:
            running.supervisor.stop()


@asynccontextmanager
async def others(stack: Stack, folder: Path, name: str, *arguments: str) -> AsyncIterator[Side]:
    """The floor or the usual way: a module that is started once a service and prints `ready`."""
    prefix = f"{name}."
    wanted = [
        replaced
        for one in topics.settings(size=SIZE)
        if (replaced := one.model_copy(update={"name": prefix + one.name}))
    ]
    await topics.create(stack.kafka, wanted)
    system = System(stack.kafka, await databases(stack, f"{name}_"))
    side = Side(name, Running(system, Supervisor(folder / "run"), {}, folder), prefix)
    async with outside() as (gateway, smtp):
        try:
            for service in SERVICES:
                side.running.supervisor.add(
                    f"{name}-{service}",
                    [sys.executable, "-m", f"tests.bench.sides.{name}", service, *arguments],
                    {
                        "PACKHORSE_KAFKA": stack.kafka,
                        "PACKHORSE_POSTGRES": system.databases[service],
                        "PACKHORSE_PAYMENT_GATEWAY_URL": f"http://127.0.0.1:{gateway}",
                        "PACKHORSE_NOTIFICATION_SMTP_PORT": str(smtp),
                    },
                )
            await side.until_said("ready")
            yield side
        finally:
            side.running.supervisor.stop(grace=2)


async def durable(stack: Stack, orders: int) -> float:
    """Runs the durable workflows to their end; orders a second."""
    async with outside() as (gateway, smtp):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.bench.sides.durable", "--orders", str(orders)),
            stdout=asyncio.subprocess.PIPE,
            env={
                **os.environ,
                "PACKHORSE_POSTGRES": await stack.create_database("durable"),
                "PACKHORSE_PAYMENT_GATEWAY_URL": f"http://127.0.0.1:{gateway}",
                "PACKHORSE_NOTIFICATION_SMTP_PORT": str(smtp),
            },
        )
        told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the durable workflows ended with {process.returncode}")
    return float(json.loads(told.splitlines()[-1])["rate"])
