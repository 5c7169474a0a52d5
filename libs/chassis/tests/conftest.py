"""A real database a test, and a real broker a session; and servers that a file may kill."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import toy
from aiokafka import AIOKafkaProducer
from packhorse_chassis.batch import Processor
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.migrate import migrate
from packhorse_chassis.run import Process
from packhorse_chassis.service import Service
from packhorse_chassis.settings import Settings
from packhorse_devstack import topics
from packhorse_devstack.places import data_folder
from packhorse_devstack.stack import Stack
from pydantic import SecretStr
from rig import Broker


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    """A pool on an empty, migrated database."""
    async with asyncpg.create_pool(fresh_database, min_size=1, max_size=8) as pool:
        async with pool.acquire() as db:
            await migrate(db, toy.ROUTES.service, toy.service().migrations)
        yield pool


@pytest.fixture
def processor(pool: Pool) -> Processor:
    """The batch, without a broker."""
    return Processor(toy.service(), pool, Inbox(pool))


@pytest.fixture
async def broker(kafka_bootstrap: str) -> AsyncIterator[Broker]:
    """An outsider's view of the real broker."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    yield Broker(kafka_bootstrap, producer)
    await producer.stop()


@pytest.fixture
def running(kafka_bootstrap: str, fresh_database: str) -> Callable[..., AbstractAsyncContextManager[Process]]:
    """Starts processes of the toy service on the real broker and database."""

    @asynccontextmanager
    async def start(service: Service | None = None, **settings: object) -> AsyncIterator[Process]:
        process = Process(
            service or toy.service(),
            Settings.model_validate(
                {"kafka": kafka_bootstrap, "postgres": SecretStr(fresh_database), "pump_idle": 0.05, **settings}
            ),
        )
        try:
            await process.start()
            yield process
        finally:
            await process.stop()

    return start


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """Servers that these tests may kill."""
    with tempfile.TemporaryDirectory(prefix="packhorse-outage-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (data_folder() / "cache").mkdir(parents=True, exist_ok=True)
        (folder / "cache").symlink_to((data_folder() / "cache").resolve())
        with Stack(folder, fresh=True) as stack:
            if not stack.servers:
                pytest.skip("the servers aren't ours to kill")
            yield stack


@pytest.fixture
async def outsider(own: Stack) -> AsyncIterator[Broker]:
    """A client of the broker that may be killed."""
    await topics.create(own.kafka)
    producer = AIOKafkaProducer(bootstrap_servers=own.kafka, acks="all", enable_idempotence=True)
    await producer.start()
    yield Broker(own.kafka, producer)
    await producer.stop()
