"""The whole system on one machine: servers, services and counterparties, each a process of its own."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg
from packhorse_devstack import topics
from packhorse_devstack.data.convert import CATALOGUE, ORDERS, convert
from packhorse_devstack.data.convert import write as write_replay
from packhorse_devstack.places import free_ports
from packhorse_devstack.processes import Child, Supervisor
from packhorse_devstack.stack import Stack

from packhorse_cli.lag import Lag
from packhorse_cli.system import SERVICES, System

_READY_SECONDS = 60.0
_COUNTERPARTY = "packhorse_devstack.counterparties"


@dataclass
class Running:
    """A system that runs, with what it takes to watch and to stop it."""

    system: System
    supervisor: Supervisor
    health: dict[str, str]
    folder: Path

    def tend(self) -> list[str]:
        """Starts again what fell over; names it."""
        return self.supervisor.tend()

    async def until_ready(self, seconds: float = _READY_SECONDS, tend: Callable[[], object] | None = None) -> None:
        """Waits until every service says that it is ready; `tend` starts again what falls over meanwhile.

        Raises TimeoutError with the ends of the logs of those that aren't.
        """
        deadline = time.monotonic() + seconds
        waiting = dict(self.health)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as http:
            while waiting:
                (tend or self.tend)()
                for name, url in list(waiting.items()):
                    try:
                        async with http.get(f"{url}/health/ready", allow_redirects=False) as answer:
                            if answer.status == 200:
                                del waiting[name]
                    except (aiohttp.ClientError, TimeoutError, OSError):
                        pass
                if waiting and time.monotonic() > deadline:
                    logs = "\n".join(f"--- {name}\n{self.supervisor.children[name].tail()}" for name in waiting)
                    raise TimeoutError(f"not ready after {seconds:.0f} s: {', '.join(waiting)}\n{logs}")
                await asyncio.sleep(0.1)

    def keep(self, counterparty: str, *arguments: object) -> None:
        """Starts a counterparty and keeps it running."""
        module = f"{_COUNTERPARTY}.{counterparty}"
        self.supervisor.add(counterparty, [sys.executable, "-m", module, *map(str, arguments)])

    def once(self, counterparty: str, *arguments: str) -> Child:
        """Starts a counterparty that ends by itself, beside those that are kept running."""
        module = f"{_COUNTERPARTY}.{counterparty}"
        child = Child(
            counterparty,
            [sys.executable, "-m", module, "--kafka", self.system.kafka, *arguments],
            self.supervisor.folder,
        )
        child.start()
        return child

    async def quiet(self, lag: Lag) -> bool:
        """True where nothing is under way in the services: nothing unheard, unpublished, unasked or due."""
        said = await lag.said()
        if any((await lag.by_service()).values()):
            return False
        sql = """
            SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM effect WHERE done_at IS NULL)
                + (SELECT count(*) FROM timer WHERE due <= now())"""
        for dsn in self.system.databases.values():
            db = await asyncpg.connect(dsn, timeout=5)
            try:
                if await db.fetchval(sql):
                    return False
            finally:
                await db.close()
        # Databases were looked at one after the other: what went round behind that look was said since.
        return said == await lag.said()


def replay_files(folder: Path) -> tuple[Path, Path]:
    """Catalogue and orders of the demo, made from the shop's invoices where they aren't there yet."""
    made = folder / "cache" / "replay"
    if not (made / ORDERS).exists():
        write_replay(convert(all_invoices=True), made)
    return made / CATALOGUE, made / ORDERS


@contextmanager
def run(
    folder: Path, *, fresh: bool, brokers: int = 1, seed: int = 1, parties: Iterable[str] = ("warehouse", "carrier")
) -> Iterator[Running]:
    """Starts everything; stops it in order at the end. Whatever dies, its children die with it.

    Without `parties` somebody else is warehouse and carrier. Services come up in any order, so they are started while
    Kafka still is.
    """
    with Stack(folder, fresh=fresh, brokers=brokers, wait=False) as stack:
        databases = {service: stack.dsn(service) for service in SERVICES}
        gateway, smtp, mail, *ports = free_ports(3 + len(SERVICES))
        system = System(stack.kafka, databases, f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{mail}", os.getpid())
        running = Running(
            system,
            Supervisor(folder / "run"),
            {service: f"http://127.0.0.1:{port}" for service, port in zip(SERVICES, ports, strict=True)},
            folder,
        )
        try:
            _start_services(running, ports, smtp)
            running.keep("gateway", "--port", gateway, "--book", folder / "servers" / "gateway.sqlite")
            mails = folder / "servers" / "mails.jsonl"
            running.keep("mail", "--smtp-port", smtp, "--http-port", mail, "--file", mails)
            stack.until_kafka_answers()
            asyncio.run(topics.create(stack.kafka))
            for name in parties:
                running.keep(name, "--kafka", stack.kafka, "--seed", seed)
            asyncio.run(running.until_ready())
            system.save(folder)
            yield running
        finally:
            (folder / "system.json").unlink(missing_ok=True)
            running.supervisor.stop(*parties)
            running.supervisor.stop()


def _start_services(running: Running, ports: list[int], smtp: int) -> None:
    for service, port in zip(SERVICES, ports, strict=True):
        running.supervisor.add(
            service,
            [str(Path(sys.executable).with_name(f"packhorse-{service}"))],
            {
                "PACKHORSE_KAFKA": running.system.kafka,
                "PACKHORSE_POSTGRES": running.system.databases[service],
                "PACKHORSE_HTTP_PORT": str(port),
                # Started again, it takes its partitions back at once, not after the session of the dead one.
                "PACKHORSE_GROUP_INSTANCE_ID": f"{service}-1",
                "PACKHORSE_LOG_FORMAT": "json",
                "PACKHORSE_PAYMENT_GATEWAY_URL": running.system.gateway or "",
                "PACKHORSE_NOTIFICATION_SMTP_PORT": str(smtp),
            },
        )
