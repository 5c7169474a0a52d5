"""A service on a real database, and two processes of it that take records at the same time."""

import json
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.migrate import migrate
from packhorse_chassis.postgres.source import Records
from packhorse_chassis.service import Service
from packhorse_contracts import envelope as ce
from packhorse_contracts import registry
from packhorse_contracts.base import Fact
from packhorse_contracts.topics import OUTSIDERS

from .every_order import NOON

Encoded = tuple[bytes, bytes, list[tuple[str, bytes]]]
SCRIPT = Path(__file__).with_name("owner_process.py")


def encoded(fact: Fact) -> Encoded:
    """A fact as its sayer puts it on its topic: key, value, headers. The same content has the same id."""
    event_id = f"{fact.TYPE} {hash(fact.model_dump_json())}"
    sayer = registry.name_of(type(fact)).sayer
    source = "/tests/failures" if sayer in OUTSIDERS else f"/packhorse/{sayer}"
    return ce.encode(ce.Envelope(event_id, source, fact.TYPE, fact.subject, NOON), fact)


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database of one service, and a process of it in the test itself."""

    service: Service
    dsn: str
    pool: Pool
    processor: Processor

    def arrived(self, fact: Fact) -> Arrival:
        """A record of this fact, read as the service reads it."""
        key, value, headers = encoded(fact)
        arrival = Reader(self.service.routes).record(Raw("record", fact.TOPIC.name, 0, 0, key, headers, value))
        assert arrival is not None, f"{self.service.name} doesn't hear {fact.TYPE}"
        return arrival

    async def hear(self, *facts: Fact) -> None:
        """Takes these, each in a transaction of its own."""
        for fact in facts:
            await self.processor.process([self.arrived(fact)], Records())


@asynccontextmanager
async def database(service: Service, dsn: str) -> AsyncIterator[Database]:
    """Makes an empty database this service's."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=6) as pool:
        async with pool.acquire() as db:
            await migrate(db, service.name, service.migrations)
        yield Database(service, dsn, pool, Processor(service, pool, Inbox(pool)))


@dataclass(frozen=True, slots=True)
class Rivals:
    """Two processes that are told the same word at the same moment."""

    processes: Sequence[Process]

    async def take(
        self, kept: Database, first: Iterable[Fact], second: Iterable[Fact], *, batch: int = 1, repeat: bool = False
    ) -> None:
        """Each takes its share, in batches of so many, three at a time. With `repeat` each takes both shares."""
        shares = [list(first), list(second)]
        if repeat:
            shares = [shares[0] + shares[1], shares[1] + shares[0]]
        for process, share in zip(self.processes, shares, strict=True):
            told = []
            for fact in share:
                key, value, headers = encoded(fact)
                texts = [(name, text.decode()) for name, text in headers]
                told.append((fact.TOPIC.name, key.decode(), value.decode(), texts))
            self._tell(process, json.dumps((kept.service.name, kept.dsn, batch, told)))
        await self._all_say(b"ready\n")
        for process in self.processes:
            self._tell(process, "go")
        await self._all_say(b"done\n")

    def _tell(self, process: Process, line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(line.encode() + b"\n")

    async def _all_say(self, word: bytes) -> None:
        for process in self.processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == word, "a process has died; see its last words"


@asynccontextmanager
async def rivals() -> AsyncIterator[Rivals]:
    """Starts both, and ends them."""
    processes = [await create_subprocess_exec(sys.executable, str(SCRIPT), stdin=PIPE, stdout=PIPE) for _ in range(2)]
    try:
        yield Rivals(processes)
    finally:
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()
