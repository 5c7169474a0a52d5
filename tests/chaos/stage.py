"""Where chaos plays: three brokers, a database behind wires, two processes of each service, all counterparties."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from packhorse_cli.runner import Running
from packhorse_cli.system import SERVICES, System
from packhorse_devstack import topics
from packhorse_devstack.places import free_ports
from packhorse_devstack.processes import Child, Supervisor
from packhorse_devstack.stack import Stack

from .wires import Mode

COPIES = 2
SESSION_SECONDS = 6.0
"""The group takes a silent process for dead after this; a freeze lasts longer."""


@dataclass
class Stage:
    """Everything that can be hurt."""

    running: Running
    servers: dict[str, Child]
    """`kafka-1` to `kafka-3`, `postgres`."""

    wires: dict[str, int]
    """By service, the port that stands for its database; by broker, the one that stands for it with the services."""

    control: int
    down: set[str] = field(default_factory=set)
    """Servers that are away on purpose."""

    @property
    def supervisor(self) -> Supervisor:
        """Of all but the servers."""
        return self.running.supervisor

    def processes(self, service: str) -> list[str]:
        """The names of a service's processes."""
        return [f"{service}-{copy}" for copy in range(1, COPIES + 1)]

    def tend(self) -> None:
        """Starts again what fell over and isn't down on purpose."""
        self.supervisor.tend()
        for name, child in self.servers.items():
            if name not in self.down and not child.running:
                child.start()

    @property
    def brokers(self) -> list[str]:
        """Their names."""
        return [name for name in self.servers if name.startswith("kafka")]

    async def turn(self, end: str, mode: Mode) -> None:
        """Sets the mode of the wire to a service's database, or of all services' wires to a broker."""
        url = f"http://127.0.0.1:{self.control}/{self.wires[end]}/{mode}"
        async with aiohttp.ClientSession() as http, http.post(url) as answer:
            answer.raise_for_status()

    async def until_ready(self, seconds: float = 90.0) -> None:
        """Waits until every process of every service says that it is ready."""
        await self.running.until_ready(seconds, self.tend)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Sets it up, and takes it down again whatever is broken by then."""
    with Stack(folder, fresh=True, brokers=3) as stack:
        asyncio.run(topics.create(stack.kafka))
        addresses = {service: stack.dsn(service) for service in SERVICES}
        control, gateway, smtp, mail, *ports = free_ports(4 + len(SERVICES) * (1 + COPIES))
        wires = dict(zip(SERVICES, ports, strict=False))
        health = iter(ports[len(SERVICES) :])
        # The audit, this script and the counterparties take the straight way to the database and to the brokers.
        system = System(stack.kafka, addresses, f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{mail}")
        supervisor = Supervisor(folder / "run")
        running = Running(system, supervisor, {}, folder)
        pairs = [f"{port}:{urlsplit(addresses[service]).port}" for service, port in wires.items()]
        pairs += [f"{listen}:{target}" for listen, target in stack.wires.values()]
        wires |= {broker: listen for broker, (listen, _) in stack.wires.items()}
        here = Stage(running, stack.servers, wires, control)
        try:
            supervisor.add("wires", [sys.executable, str(Path(__file__).with_name("wires.py")), str(control), *pairs])
            running.keep("gateway", "--port", gateway, "--book", folder / "servers" / "gateway.sqlite")
            mails = folder / "servers" / "mails.jsonl"
            running.keep("mail", "--smtp-port", smtp, "--http-port", mail, "--file", mails)
            for service in SERVICES:
                for copy, name in enumerate(here.processes(service), 1):
                    port = next(health)
                    running.health[name] = f"http://127.0.0.1:{port}"
                    command = [str(Path(sys.executable).with_name(f"packhorse-{service}"))]
                    supervisor.add(name, command, _environment(here, service, copy, port, smtp))
            for party in ("warehouse", "carrier"):
                running.keep(party, "--kafka", stack.kafka, "--pace", "0.2")
            yield here
        finally:
            for child in [*supervisor.children.values(), *here.servers.values()]:
                child.kill(18)  # SIGCONT: a frozen process can't leave
            supervisor.stop()


def _environment(here: Stage, service: str, copy: int, port: int, smtp: int) -> dict[str, str]:
    at = urlsplit(here.running.system.databases[service])
    wired = at._replace(netloc=f"{at.username}:{at.password}@127.0.0.1:{here.wires[service]}")
    environment = {
        "PACKHORSE_KAFKA": ",".join(f"127.0.0.1:{here.wires[broker]}" for broker in here.brokers),
        "PACKHORSE_POSTGRES": urlunsplit(wired),
        "PACKHORSE_HTTP_PORT": str(port),
        "PACKHORSE_LOG_FORMAT": "json",
        "PACKHORSE_SESSION_TIMEOUT_MS": str(int(SESSION_SECONDS * 1000)),
        "PACKHORSE_PAYMENT_GATEWAY_URL": here.running.system.gateway or "",
        "PACKHORSE_NOTIFICATION_SMTP_PORT": str(smtp),
    }
    # One of both is a static member of its group, the other comes and goes.
    return environment | ({"PACKHORSE_GROUP_INSTANCE_ID": f"{service}-{copy}"} if copy == 1 else {})
