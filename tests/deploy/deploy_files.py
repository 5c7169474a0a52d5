"""A compose file as far as the tests look into it, and the closure of a package in the lock file."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel


class Build(BaseModel):
    """How an image is made."""

    context: str
    dockerfile: str
    target: str | None = None
    args: dict[str, str] = {}


class Service(BaseModel):
    """One container, as far as it matters here."""

    image: str
    build: Build | None = None
    environment: dict[str, str | int] = {}
    depends_on: dict[str, dict[str, str]] = {}
    profiles: list[str] = []
    ports: list[str] = []
    volumes: list[str] = []
    command: list[str | int] = []
    entrypoint: list[str] = []
    healthcheck: dict[str, str | int | list[str]] = {}
    restart: str | None = None
    read_only: bool = False
    cap_drop: list[str] = []
    security_opt: list[str] = []
    stop_grace_period: str = "10s"


@dataclass(frozen=True)
class Compose:
    """All services by name, and the file as it was read."""

    services: dict[str, Service]
    raw: dict[str, object]


def installed(lock: Path, package: str) -> set[str]:
    """The names of all packages that come with this one, by the lock file; without development's."""
    entries = {entry["name"]: entry for entry in tomllib.loads(lock.read_text())["package"]}

    def needs(name: str, extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        entry = entries[name]
        groups = [entry.get("dependencies", []), *(entry.get("optional-dependencies", {}).get(e, []) for e in extras)]
        for group in groups:
            for dependency in group:
                yield dependency["name"], tuple(dependency.get("extra", ()))

    found: set[tuple[str, tuple[str, ...]]] = set()
    waiting: list[tuple[str, tuple[str, ...]]] = [(package, ())]
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += needs(*one)
    return {name for name, _ in found}
