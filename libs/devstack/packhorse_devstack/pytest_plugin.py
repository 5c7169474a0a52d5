"""Fixtures for tests against the real servers: one Kafka and one PostgreSQL a session, a database a test.

Run side by side (`-n 4 --dist loadgroup`), each worker is a session with servers of its own.
"""

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from packhorse_devstack import topics
from packhorse_devstack.places import data_folder
from packhorse_devstack.stack import Stack

pytest_plugins = ["packhorse_devstack.pytest_order"]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Both servers, empty, for this session alone; the jars are shared with other runs."""
    folder = Path(tempfile.mkdtemp(prefix="packhorse-test-"))
    folder.chmod(0o755)
    (data_folder() / "cache").mkdir(parents=True, exist_ok=True)
    (folder / "cache").symlink_to(data_folder() / "cache")
    with Stack(folder, fresh=True) as running:
        yield running
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Stack) -> str:
    """A broker with all topics."""

    def create() -> None:
        asyncio.run(topics.create(stack.kafka))

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as beside:  # a session's event loop may be running here already
        beside.submit(create).result()
    return stack.kafka


@pytest.fixture(scope="session")
def postgres_admin_dsn(stack: Stack) -> str:
    """The superuser's address."""
    return stack.admin_dsn


@pytest.fixture
async def fresh_database(postgres_admin_dsn: str) -> AsyncIterator[str]:
    """The address of an empty database; gone after the test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres_admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    yield urlunsplit(urlsplit(postgres_admin_dsn)._replace(path=f"/{name}"))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
