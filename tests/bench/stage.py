"""What runs on one side of the benchmark, and what it costs."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import asyncpg
import psutil
from packhorse_chassis.reaction import Routes
from packhorse_cli.system import SERVICES
from packhorse_contracts import registry
from packhorse_devstack import topics
from packhorse_devstack.places import free_ports
from packhorse_devstack.processes import Supervisor
from packhorse_devstack.stack import Stack
from packhorse_simulation.services import routes

from .outside import Gateway, MailServer


@dataclass
class Side:
    """Processes that run, by name, beside the servers that all sides share."""

    name: str
    supervisor: Supervisor
    databases: dict[str, str]
    prefix: str = ""
    health: dict[str, str] = field(default_factory=dict)

    def processes(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: child.pid for name, child in self.supervisor.children.items()}

    async def until_ready(self, seconds: float = 120) -> None:
        """Waits for all of them."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as http, asyncio.timeout(seconds):
            for url in self.health.values():
                while True:
                    try:
                        async with http.get(f"{url}/health/ready") as answer:
                            if answer.status == 200:
                                break
                    except (aiohttp.ClientError, TimeoutError, OSError):
                        pass
                    await asyncio.sleep(0.1)

    async def until_said(self, word: str, seconds: float = 120) -> None:
        """Waits until each has written this line since it was started."""
        async with asyncio.timeout(seconds):
            for child in self.supervisor.children.values():
                while word not in child.tail(200):
                    await asyncio.sleep(0.1)


def heard() -> dict[str, set[str]]:
    """The types of facts, in all their versions, that each service reacts to."""
    tables: Mapping[str, Routes] = routes()
    return {
        service: {wire for fact in table.facts for wire in registry.versions(fact)} for service, table in tables.items()
    }


@asynccontextmanager
async def packhorse(stack: Stack, folder: Path, copies: int = 1, delay: float = 0) -> AsyncIterator[Side]:
    """The real five services, `copies` processes each, with a gateway that takes `delay` seconds to answer."""
    await topics.create(stack.kafka)
    databases = {service: await stack.create_database(service) for service in SERVICES}
    loop = asyncio.get_running_loop()
    gateway, smtp, *ports = free_ports(2 + copies * len(SERVICES))
    servers = [
        await loop.create_server(lambda: Gateway(delay), "127.0.0.1", gateway),
        await loop.create_server(MailServer, "127.0.0.1", smtp),
    ]
    side = Side("packhorse", Supervisor(folder / "run"), databases)
    free = iter(ports)
    try:
        for service in SERVICES:
            for copy in range(1, copies + 1):
                port, name = next(free), service if copies == 1 else f"{service}-{copy}"
                side.health[name] = f"http://127.0.0.1:{port}"
                side.supervisor.add(
                    name,
                    [str(Path(sys.executable).with_name(f"packhorse-{service}"))],
                    {
                        "PACKHORSE_KAFKA": stack.kafka,
                        "PACKHORSE_POSTGRES": databases[service],
                        "PACKHORSE_HTTP_PORT": str(port),
                        "PACKHORSE_GROUP_INSTANCE_ID": f"{service}-{copy}",
                        "PACKHORSE_LOG_FORMAT": "json",
                        "PACKHORSE_LOG_LEVEL": "warning",
                        "PACKHORSE_PAYMENT_GATEWAY_URL": f"http://127.0.0.1:{gateway}",
                        "PACKHORSE_NOTIFICATION_SMTP_PORT": str(smtp),
                    },
                )
        await side.until_ready()
        yield side
    finally:
        side.supervisor.stop()
        for server in servers:
            server.close()


@asynccontextmanager
async def others(stack: Stack, folder: Path, name: str, *arguments: str) -> AsyncIterator[Side]:
    """The floor or the usual way: a module that is started once a service and prints `ready`."""
    prefix = f"{name}."
    wanted = [replaced for one in topics.settings() if (replaced := one.model_copy(update={"name": prefix + one.name}))]
    await topics.create(stack.kafka, wanted)
    databases = {service: await stack.create_database(f"{name}_{service}") for service in SERVICES}
    loop = asyncio.get_running_loop()
    gateway, smtp = free_ports(2)
    servers = [
        await loop.create_server(Gateway, "127.0.0.1", gateway),
        await loop.create_server(MailServer, "127.0.0.1", smtp),
    ]
    side = Side(name, Supervisor(folder / "run"), databases, prefix)
    try:
        for service in SERVICES:
            side.supervisor.add(
                f"{name}-{service}",
                [sys.executable, "-m", f"tests.bench.sides.{name}", service, *arguments],
                {
                    "PACKHORSE_KAFKA": stack.kafka,
                    "PACKHORSE_POSTGRES": databases[service],
                    "PACKHORSE_PAYMENT_GATEWAY_URL": f"http://127.0.0.1:{gateway}",
                    "PACKHORSE_NOTIFICATION_SMTP_PORT": str(smtp),
                },
            )
        await side.until_said("ready")
        yield side
    finally:
        side.supervisor.stop(grace=2)
        for server in servers:
            server.close()


async def durable(stack: Stack, orders: int) -> float:
    """Runs the durable workflows to their end; orders a second."""
    (gateway, smtp) = free_ports(2)
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(Gateway, "127.0.0.1", gateway),
        await loop.create_server(MailServer, "127.0.0.1", smtp),
    ]
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
    for server in servers:
        server.close()
    if process.returncode:
        raise RuntimeError(f"the durable workflows ended with {process.returncode}")
    return float(json.loads(told.splitlines()[-1])["rate"])


@dataclass(frozen=True)
class Cost:
    """What a run took: CPU seconds by process, bytes written ahead, transactions, records and their bytes in Kafka."""

    seconds: float
    cpu: dict[str, float]
    wal: int
    transactions: int
    memory: dict[str, int]

    def since(self, before: "Cost") -> "Cost":
        """The difference to an earlier look; memory stays as it is now."""
        return Cost(
            self.seconds - before.seconds,
            {name: used - before.cpu.get(name, 0) for name, used in self.cpu.items()},
            self.wal - before.wal,
            self.transactions - before.transactions,
            self.memory,
        )


async def look(stack: Stack, side: Side) -> Cost:
    """Reads all meters."""
    pids = side.processes() | {name: child.pid for name, child in stack.servers.items()} | {"driver": 0}
    cpu, memory = {}, {}
    for name, pid in pids.items():
        process = psutil.Process(pid or None)
        family = [process, *(process.children(recursive=True) if pid else [])]
        cpu[name] = sum(_seconds(one) for one in family)
        memory[name] = process.memory_info().rss
    db = await asyncpg.connect(stack.admin_dsn)
    try:
        wal = int(await db.fetchval("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))
        done = int(await db.fetchval("SELECT sum(xact_commit) FROM pg_stat_database"))
    finally:
        await db.close()
    return Cost(time.monotonic(), cpu, wal, done, memory)


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
