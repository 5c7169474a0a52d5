"""Where the running system is: written by `packhorse up` and `packhorse demo`, or given by the environment."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import typer

SERVICES = ("order", "payment", "inventory", "shipping", "notification")
NOT_RUNNING = 3
"""Exit code: there is no system to talk to."""


@dataclass(frozen=True)
class System:
    """Addresses of everything that the commands talk to."""

    kafka: str
    databases: dict[str, str] = field(default_factory=dict)
    gateway: str | None = None
    mail: str | None = None
    pid: int | None = None
    """The process that runs it all, where `up` or `demo` does."""

    def save(self, folder: Path) -> None:
        """Leaves the addresses for other commands; readable by the owner alone, for DSNs hold passwords."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "system.json"
        path.touch(mode=0o600, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2))

    def database(self, service: str) -> str:
        """The DSN of a service's database; ends the command with a hint where it isn't known."""
        if service not in self.databases:
            raise fail(
                f"the database of {service} is not known; set PACKHORSE_POSTGRES_{service.upper()} to its address"
            )
        return self.databases[service]


def default_folder() -> Path:
    """`PACKHORSE_DATA`, else `.packhorse` below the current folder."""
    return Path(os.environ.get("PACKHORSE_DATA", ".packhorse"))


def find(folder: Path | None = None) -> System:
    """The system to talk to. The environment wins over what `up` left; ends the command where there is neither."""
    path = (folder or default_folder()) / "system.json"
    saved = System(**json.loads(path.read_text())) if path.exists() else System(kafka="")
    kafka = os.environ.get("PACKHORSE_KAFKA", saved.kafka)
    if not kafka:
        raise fail("no system is known here: start one with `packhorse up`, or set PACKHORSE_KAFKA to a broker")
    databases = {
        service: dsn
        for service in SERVICES
        if (dsn := os.environ.get(f"PACKHORSE_POSTGRES_{service.upper()}", saved.databases.get(service)))
    }
    return System(
        kafka,
        databases,
        os.environ.get("PACKHORSE_GATEWAY", saved.gateway or "") or None,
        os.environ.get("PACKHORSE_MAIL", saved.mail or "") or None,
        saved.pid,
    )


def fail(message: str, code: int = NOT_RUNNING) -> typer.Exit:
    """Says what is wrong and what to do, on standard error; raise what it returns."""
    typer.secho(f"packhorse: {message}", fg="red", err=True)
    return typer.Exit(code)
