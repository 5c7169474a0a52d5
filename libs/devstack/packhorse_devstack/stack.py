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

from packhorse_devstack.kafka import Kafka
from packhorse_devstack.places import data_folder
from packhorse_devstack.postgres import Postgres


def docker_answers() -> bool:
    """True where a Docker engine is there to run containers."""
    if os.environ.get("PACKHORSE_NO_DOCKER") or not (
        os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()
    ):
        return False
    try:
        import docker

        docker.from_env(timeout=3).ping()
    except Exception:  # any failure means the same: there is no engine for us
        return False
    return True


class Stack:
    """Both servers, as a context manager.

    `folder` keeps their data between runs; `fresh` begins anew. `kafka` is the bootstrap address, `dsn(service)` the
    address of a service's own database, made on first use with a role of its own.
    """

    def __init__(self, folder: Path | None = None, *, fresh: bool = False, brokers: int = 1, wait: bool = True) -> None:
        self.folder = folder or data_folder()
        self._wait = wait
        self._fresh, self._brokers = fresh, brokers
        self._ends = contextlib.ExitStack()
        self._roles: dict[str, str] = {}
        self._embedded: Kafka | None = None
        self.kafka = ""
        self.admin_dsn = ""

    def __enter__(self) -> "Stack":
        try:
            if self._fresh:
                shutil.rmtree(self.folder / "servers", ignore_errors=True)
            servers = self.folder / "servers"
            servers.mkdir(parents=True, exist_ok=True)
            docker = docker_answers()
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
            from testcontainers.postgres import PostgresContainer

            container = self._ends.enter_context(PostgresContainer("postgres:18", driver=None))
            return str(container.get_connection_url())
        server = Postgres(servers / "postgres")
        dsn = server.start()
        self._ends.callback(server.stop)
        return dsn

    def _start_kafka(self, servers: Path, *, docker: bool) -> str:
        if docker and self._brokers == 1:
            from testcontainers.kafka import KafkaContainer

            container = self._ends.enter_context(KafkaContainer("apache/kafka:4.1.0").with_kraft())
            return str(container.get_bootstrap_server())
        cluster = Kafka(servers / f"kafka-{self._brokers}", self.folder / "cache", self._brokers)
        self._ends.callback(cluster.stop)
        self._embedded = cluster
        return cluster.launch()
