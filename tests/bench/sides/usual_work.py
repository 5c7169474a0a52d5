"""What every handler of the usual way does around its own work: inbox, transaction, outbox, and publishing."""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import asyncpg
from faststream import AckPolicy
from faststream.exceptions import AckMessage
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.kafka.subscriber.usecase import LogicSubscriber
from packhorse_chassis.postgres.db import Pool, PooledConnection
from packhorse_contracts import envelope, ids
from packhorse_contracts.base import Fact
from packhorse_contracts.envelope import Envelope

PREFIX: Final = "usual."
WORKERS: Final = int(os.environ.get("USUAL_WORKERS", "12"))
"""Consumers of a topic in a process: one a partition, which was the best of 1, 4, 6 and 12. FastStream shares the
partitions out among them, so that order per key holds."""

TABLES: Final = """
CREATE TABLE IF NOT EXISTS inbox (
    source text NOT NULL, id text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (source, id));
CREATE TABLE IF NOT EXISTS outbox (
    id text PRIMARY KEY, cause text NOT NULL, number integer NOT NULL,
    topic text NOT NULL, key text NOT NULL, headers jsonb NOT NULL, value text NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_cause ON outbox (cause, number);
"""
_HEAR: Final = "INSERT INTO inbox (source, id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
_KEEP: Final = """
INSERT INTO outbox (id, cause, number, topic, key, headers, value) VALUES ($1, $2, $3, $4, $5, $6, $7)"""
_LEFT: Final = "SELECT id, cause, number, topic, key, headers, value FROM outbox WHERE cause = $1 ORDER BY number"
_SAID: Final = "DELETE FROM outbox WHERE cause = $1"

Row = tuple[str, str, int, str, str, str, str]
Handler = Callable[..., Awaitable[None]]


@dataclass
class Turn:
    """One message's transaction."""

    db: PooledConnection
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    facts: list[Fact] = field(default_factory=list)

    async def row(self, query: str, *arguments: object) -> asyncpg.Record:
        """The row that a query gives. Raises LookupError where there is none: then the message comes again."""
        if (row := await self.db.fetchrow(query, *arguments)) is None:
            raise LookupError(f"nothing is known of {arguments[0]}")
        return row

    def say(self, *facts: Fact) -> None:
        """Has them published after the commit."""
        self.facts += facts


class Work:
    """What the handlers of a service share."""

    def __init__(self, service: str, pool: Pool, broker: KafkaBroker) -> None:
        self.service, self.pool, self._broker = service, pool, broker
        self.ends = AsyncExitStack()
        """What is closed when the service stops."""
        self._topics: dict[str, LogicSubscriber[object]] = {}

    def on(self, fact: type[Fact]) -> Callable[[Handler], object]:
        """Has a function called with each fact of this type, and with its message."""
        subscriber = self._topics.get(fact.TOPIC.name) or self._subscribe(fact.TOPIC.name)

        async def said(message: KafkaMessage) -> bool:  # a plain function would be run in a thread
            return bool(message.headers.get("ce_type") == fact.TYPE)

        return subscriber(filter=said)

    def pass_over_the_rest(self) -> None:
        """To be called when all handlers are known."""

        async def nothing() -> None:
            pass

        async def unheard(message: KafkaMessage) -> bool:
            return not message.processed

        for subscriber in self._topics.values():
            subscriber(filter=unheard)(nothing)

    @asynccontextmanager
    async def once(self, message: KafkaMessage) -> AsyncIterator[Turn]:
        """The transaction for a message. After its commit what was said in it is published, one by one.

        Where a process dies before all is published, the message comes again, and what is left is published then.
        """
        source, cause = message.headers["ce_source"], message.headers["ce_id"]
        async with self.pool.acquire() as db, db.transaction():
            fresh = await db.fetchval(_HEAR, source, cause)
            if fresh:
                turn = Turn(db)
                yield turn
                rows = [self._row(turn.now, cause, number, fact) for number, fact in enumerate(turn.facts)]
                await db.executemany(_KEEP, rows)
            else:
                rows = [tuple(row) for row in await db.fetch(_LEFT, cause)]
        for _, _, _, topic, key, headers, value in rows:
            said = dict(json.loads(headers))
            await self._broker.publish(value.encode(), PREFIX + topic, key=key.encode(), headers=said)
        if rows:
            await self.pool.execute(_SAID, cause)
        if not fresh:
            raise AckMessage  # ends the handler: the message was worked off before

    def _subscribe(self, topic: str) -> "LogicSubscriber[object]":
        self._topics[topic] = subscriber = self._broker.subscriber(
            PREFIX + topic,
            group_id=f"{PREFIX}{self.service}.{topic}",
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            max_workers=WORKERS,
        )
        return subscriber

    def _row(self, now: datetime, cause: str, number: int, fact: Fact) -> Row:
        about = Envelope(
            id=ids.derive(now, cause, self.service, number),
            source=f"/packhorse/{self.service}",
            type=fact.TYPE,
            subject=fact.subject,
            time=now,
            correlation_id=fact.correlation,
            causation_id=cause,
        )
        key, value, headers = envelope.encode(about, fact)
        said = json.dumps({name: text.decode() for name, text in headers})
        return about.id, cause, number, fact.TOPIC.name, key.decode(), said, value.decode()
