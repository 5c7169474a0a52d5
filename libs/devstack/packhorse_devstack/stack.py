"""Kafka and PostgreSQL for one machine: an address that is given, else Docker, else embedded."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import asyncpg

from packhorse_devstack import containers
from packhorse_devstack.kafka import Kafka
from packhorse_devstack.places import data_folder
from packhorse_devstack.postgres import Postgres
from packhorse_devstack.processes import Child


class Stack:
    """Both servers, as a context manager.

    `folder` keeps the embedded servers' data between runs, `fresh` begins anew; containers go with their data.
    `brokers=3` is always embedded. `PACKHORSE_KAFKA` (bootstrap servers) and `PACKHORSE_POSTGRES` (a superuser's DSN)
    name servers that are there already: then nothing of the kind is started.

    `kafka` is the bootstrap address, `dsn(service)` the address of a service's own database, made on first use with a
    role of its own.
    """

    def __init__(self, folder: Path | None = None, *, fresh: bool = False, brokers: int = 1, wait: bool = True) -> None:
        self.folder = folder or data_folder()
        self._wait = wait
        self._fresh, self._brokers = fresh, brokers
        self._ends = contextlib.ExitStack()
        self._roles: dict[str, str] = {}
        self._embedded: Kafka | None = None
        self._postgres: Postgres | None = None
        self.kafka = ""
        self.admin_dsn = ""

    def __enter__(self) -> "Stack":
        try:
            if self._fresh:
                shutil.rmtree(self.folder / "servers", ignore_errors=True)
            servers = self.folder / "servers"
            servers.mkdir(parents=True, exist_ok=True)
            docker = containers.docker_answers()
            # Kafka takes longest: it comes up while PostgreSQL does.
            self.kafka = os.environ.get("PACKHORSE_KAFKA") or self._start_kafka(servers, docker=docker)
            self.admin_dsn = os.environ.get("PACKHORSE_POSTGRES") or self._start_postgres(servers, docker=docker)
            if self._wait:
                self.until_kafka_answers()
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def until_kafka_answers(self) -> None:
        """With `wait=False`: call it before you need the broker; its address is known and good at once."""
        if self._embedded is not None:
            self._embedded.wait()

    @property
    def servers(self) -> dict[str, Child]:
        """The processes of the embedded servers, by name: `postgres`, `kafka-1`, …"""
        brokers = self._embedded.children if self._embedded is not None else []
        database = [self._postgres.child] if self._postgres is not None and self._postgres.child is not None else []
        return {child.name: child for child in [*brokers, *database]}

    @property
    def wires(self) -> dict[str, tuple[int, int]]:
        """Of the embedded brokers, by name: the port that a wire has to listen on, and the one that it leads to."""
        return self._embedded.wires if self._embedded is not None else {}

    def dsn(self, service: str) -> str:
        """The address of a service's database, as the service's own role."""
        return asyncio.run(self.create_database(service))

    async def create_database(self, service: str) -> str:
        """Makes the database and role of a service where they are missing; returns the address."""
        name = f"packhorse_{service}"
        password = self._password(name)
        admin = await asyncpg.connect(self.admin_dsn)
        try:
            quoted = password.replace("'", "''")
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
                await admin.execute(f"CREATE ROLE {name} LOGIN")
            await admin.execute(f"ALTER ROLE {name} PASSWORD '{quoted}'")
            if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
                await admin.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        finally:
            await admin.close()
        at = urlsplit(self.admin_dsn)
        return f"postgresql://{name}:{password}@{at.hostname}:{at.port or 5432}/{name}"

    def _password(self, name: str) -> str:
        file = self.folder / "servers" / "roles.json"
        if not self._roles and file.exists():
            self._roles = json.loads(file.read_text())
        if name not in self._roles:
            self._roles[name] = secrets.token_urlsafe(18)
            file.touch(mode=0o600, exist_ok=True)
            file.write_text(json.dumps(self._roles))
        return self._roles[name]

    def _start_postgres(self, servers: Path, *, docker: bool) -> str:
        if docker:
            return self._ends.enter_context(containers.postgres())
        server = self._postgres = Postgres(servers / "postgres")
        if self._fresh:
            server.erase()  # its files may lie elsewhere
        self._ends.callback(server.stop)
        return server.start()

    def _start_kafka(self, servers: Path, *, docker: bool) -> str:
        if docker and self._brokers == 1:
            return self._ends.enter_context(containers.kafka())
        cluster = Kafka(servers / f"kafka-{self._brokers}", self.folder / "cache", self._brokers)
        self._ends.callback(cluster.stop)
        self._embedded = cluster
        return cluster.launch()
