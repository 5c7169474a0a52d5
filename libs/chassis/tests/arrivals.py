"""Inputs of the toy as its readers hand them on, for tests of what comes after reading."""

import json
import uuid
from datetime import UTC, datetime

import toy
from packhorse_chassis.core.inputs import Arrival, Raw, internal
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact

READER = Reader(toy.ROUTES)


def arrived(
    fact: Fact,
    event_id: str | None = None,
    source: str = "/test",
    *,
    dry_run: bool = False,
    reader: Reader = READER,
) -> Arrival:
    """A record, read."""
    name = event_id or str(uuid.uuid4())
    envelope = ce.Envelope(name, source, fact.TYPE, fact.subject, toy.NOON, dry_run=dry_run)
    key, value, headers = ce.encode(envelope, fact)
    arrival = reader.record(Raw("record", fact.TOPIC.name, 0, 0, key, headers, value))
    assert arrival is not None
    return arrival


async def due(pool: Pool, reader: Reader = READER) -> list[Arrival]:
    """All timers, as a pump reads them, whether or not their time has come."""
    found = []
    for row in await pool.fetch("SELECT *, payload::text AS json FROM timer ORDER BY type, key, name"):
        arrival = reader.stored("timer", row["type"], row["json"], row["id"], row["due"], (None, None))
        arrival.row = (row["type"], row["key"], row["name"])
        found.append(arrival)
    return found


async def answered(pool: Pool, order: str, text: str, key: str = "%") -> list[Arrival]:
    """The answer of an order's effect, as its asker hands it on."""
    row = await pool.fetchrow("SELECT idempotency_key, id FROM effect WHERE idempotency_key LIKE $1", key)
    assert row is not None
    answer = toy.Answered(order_id=order, text=text)
    arrival = internal("answer", answer, row["id"], datetime.now(UTC), toy.ROUTES.service, (None, None))
    arrival.row = (row["idempotency_key"],)
    return [arrival]


async def notes(pool: Pool, order: str) -> list[str]:
    """What the toy keeps of an order."""
    state = await pool.fetchval("SELECT state -> 'notes' FROM tally WHERE id = $1", order)
    return [] if state is None else list(json.loads(state))
