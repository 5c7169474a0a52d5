"""Where the running system is: written by `packhorse up` and `packhorse demo`, or given by the environment."""

import difflib
import getpass
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import typer

from packhorse_cli.output import screen
from packhorse_cli.table import visible

SERVICES = ("order", "payment", "inventory", "shipping", "notification")
WRONG, USAGE, NOT_RUNNING, NOT_FOUND = 1, 2, 3, 4
INTERRUPTED = 130
"""Exit codes: what was looked at is wrong; wrong usage; no system to talk to; no such thing in it; stopped before
it was done, as a process that SIGINT ends."""


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
    try:
        saved = System(**json.loads(path.read_text())) if path.exists() else System(kafka="")
    except (OSError, ValueError, TypeError) as error:
        raise fail(f"{path} can't be read: {error}\nremove it, and start the system again with `make up`") from error
    kafka = os.environ.get("PACKHORSE_KAFKA", saved.kafka)
    if not kafka:
        raise fail(
            "no system is known here: start one with `make up` (`packhorse up`), or set PACKHORSE_KAFKA to a broker"
        )
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
    told = "\n".join(map(visible, f"packhorse: {message}".splitlines()))
    sys.stderr.write(screen(sys.stderr).paint(told, "red") + "\n")
    return typer.Exit(code)


def me() -> str:
    """Who is logged in, for what stays on record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody has this number here, as in a container
        return f"uid {os.getuid()}"


def perhaps(name: str, names: Iterable[str]) -> str:
    """A question that names what may have been meant; empty where nothing comes near."""
    near = difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
