"""Where a batch comes from, and how its members are claimed so that each is taken once.

Records are claimed before the subjects' locks, through the inbox. Timers, answers and waiting inputs are claimed
after them, by deleting or marking their rows: reactions delete timers while they hold those locks, so the other
order would deadlock.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import ClassVar

from packhorse_chassis.core.content import same_content
from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.postgres.db import Connection
from packhorse_chassis.telemetry import metrics

_INBOX = """
WITH new AS (
    INSERT INTO inbox (day, source, id, content) SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::bytea[])
    ON CONFLICT DO NOTHING RETURNING source, id)
SELECT now() AS now, source, id FROM new"""

_CONTENTS = """
SELECT source, id, content FROM inbox JOIN unnest($1::date[], $2::text[], $3::text[]) AS asked (day, source, id)
    USING (day, source, id)"""

_CLAIM_TIMERS = """
DELETE FROM timer t USING unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS due (type, key, name, id)
WHERE t.type = due.type AND t.key = due.key AND t.name = due.name AND t.id = due.id
RETURNING t.id"""

# The row stays as the guard against a repeat; its content, which may be personal, goes.
_CLAIM_ANSWERS = """
UPDATE effect SET done_at = now(), request = NULL, last_error = NULL
WHERE idempotency_key = ANY($1::text[]) AND done_at IS NULL RETURNING id"""

_CLAIM_DEAD = """
UPDATE dead_letter SET status = 'retried', ended_at = now() WHERE id = $1 AND status = 'retry' RETURNING id"""

# Two processes may have read one queue. What the first of them ran may have failed, and parked the subject anew: then
# the rest isn't the second one's any more, though it lies in the queue as before.
_FREED = """EXISTS (SELECT FROM parked f JOIN dead_letter d ON d.id = f.dead_letter_id
    WHERE f.kind = {kind} AND f.key = {key} AND d.status IN ('retried', 'discarded'))"""

# ruff: noqa: S608 -- only parameters' and columns' names are put in
_CLAIM_WAITING = f"""
DELETE FROM waiting WHERE seq = ANY($1::bigint[]) AND {_FREED.format(kind="$2", key="$3")} RETURNING seq"""

_TAKE_WAITING = "DELETE FROM waiting WHERE seq = ANY($1::bigint[]) RETURNING seq"

_MAX_ID_BYTES = 1_000
"""Well below a third of a page, which is the most that an index entry may take."""

Name = tuple[str, str]
"""Source and id as the inbox keeps them."""

_Row = tuple[date, str, str, bytes | None]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

UNPARK = f"""
DELETE FROM parked p WHERE kind = $1 AND key = $2 AND {_FREED.format(kind="p.kind", key="p.key")} AND NOT EXISTS
    (SELECT FROM waiting w WHERE w.subject_kind = p.kind AND w.subject_key = p.key)"""


class Source:
    """How one kind of input is claimed inside the transaction. Made anew for each batch."""

    name: ClassVar[str]
    released: frozenset[Ref] = frozenset()
    """Subjects whose parking doesn't hold for this batch: it is their queue that is being worked off."""

    async def claim_before(self, db: Connection, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], datetime]:
        """The arrivals to go on with, and the time of this transaction by the database's clock."""
        return list(arrivals), await db.fetchval("SELECT now()")

    async def claim_after(self, db: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Those that are really ours, decided under their subjects' locks."""
        return list(arrivals)


class Records(Source):
    """Records from Kafka. The inbox's primary key decides; a rival owner blocks on it, and then skips."""

    name = "record"

    async def claim_before(self, db: Connection, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], datetime]:
        first: dict[Name, Arrival] = {}
        again: list[tuple[Name, Arrival]] = []
        for arrival in arrivals:
            arrival.reused = False
            name = _name(*arrival.identity[:2])
            if first.setdefault(name, arrival) is not arrival:
                again.append((name, arrival))
        asked = [(arrival.day, *name, arrival.content) for name, arrival in first.items()]
        now, new = await _insert(db, asked)
        if len(new) < len(asked) or again:
            return await self._look_closer(db, asked, new, first, again, now)
        return list(arrivals), now

    async def _look_closer(
        self,
        db: Connection,
        asked: Sequence[_Row],
        new: set[Name],
        first: Mapping[Name, Arrival],
        again: Sequence[tuple[Name, Arrival]],
        now: datetime,
    ) -> tuple[list[Arrival], datetime]:
        """Some ids are known. Is it the same again, or other content under the same id?"""
        contents = {(source, event_id): content for _, source, event_id, content in asked}
        if known := [(*row[:3],) for row in asked if row[1:3] not in new]:
            for row in await db.fetch(_CONTENTS, *map(list, zip(*known, strict=True))):
                contents[row["source"], row["id"]] = row["content"]
        claimed = [arrival for name, arrival in first.items() if name in new]
        repeats = [*again, *(pair for pair in first.items() if pair[0] not in new)]
        others = {
            _hashed(*arrival.identity): arrival
            for name, arrival in reversed(repeats)
            if (kept := contents[name]) and arrival.content and not same_content(kept, arrival.content)
        }
        if others:
            # Told once for each content, however often it comes.
            then, told = await _insert(db, [(each.day, *name, each.content) for name, each in others.items()])
            now = max(now, then)
            for name, arrival in reversed(others.items()):
                if name in told:
                    arrival.reused = True
                    claimed.append(arrival)
        metrics.repeats.inc(len(first) + len(again) - len(claimed))
        return claimed, now


async def _insert(db: Connection, asked: Sequence[_Row]) -> tuple[datetime, set[Name]]:
    """The time of this transaction, and those names that weren't there yet. In one order, so that no two wait for each
    other in a circle."""
    rows = await db.fetch(_INBOX, *map(list, zip(*sorted(asked), strict=True)))
    return rows[0]["now"] if rows else _LONG_AGO, {(row["source"], row["id"]) for row in rows}


def _name(source: str, event_id: str) -> Name:
    """Whole, or hashed where an index entry couldn't hold it.

    Nobody can take the name of somebody else: an outsider's begins with the topic, one of ours with our own source, and
    that of a record that can't be read is its place in the log.
    """
    if len(source.encode()) + len(event_id.encode()) <= _MAX_ID_BYTES:
        return source, event_id
    return _hashed(source, event_id)


def _hashed(*parts: str) -> Name:
    return "blake2b:", hashlib.blake2b(json.dumps(parts).encode(), digest_size=32).hexdigest()


class Timers(Source):
    """Timers whose time has come. One that was cancelled or set anew meanwhile is no longer there."""

    name = "timer"

    async def claim_after(self, db: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
        keys = [(*arrival.row, arrival.id) for arrival in arrivals if arrival.row is not None]
        rows = await db.fetch(_CLAIM_TIMERS, *map(list, zip(*keys, strict=True)))
        ours = {row["id"] for row in rows}
        return [arrival for arrival in arrivals if arrival.id in ours]


class Answers(Source):
    """Answers of effects that no reaction has heard yet."""

    name = "answer"

    async def claim_after(self, db: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
        rows = await db.fetch(_CLAIM_ANSWERS, [arrival.row[0] for arrival in arrivals if arrival.row])
        # Two attempts of one effect may both have been answered: the first answer is heard.
        first = {arrival.id: arrival for arrival in reversed(arrivals)}
        ours = {row["id"] for row in rows}
        return [arrival for arrival in arrivals if arrival.id in ours and first[arrival.id] is arrival]


class Retry(Source):
    """One dead letter that an operator wants tried again."""

    name = "retry"

    def __init__(self, dead_letter_id: str, released: frozenset[Ref]) -> None:
        self.dead_letter_id, self.released = dead_letter_id, released

    async def claim_after(self, db: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
        return list(arrivals) if await db.fetchval(_CLAIM_DEAD, self.dead_letter_id) else []


class Known(Source):
    """What waited for a name that is known by now, or for too long. Whoever deletes its rows first has it."""

    name = "named"

    def __init__(self, ref: Ref) -> None:
        self.released = frozenset({ref})

    async def claim_after(self, db: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
        rows = await db.fetch(_TAKE_WAITING, [arrival.waiting for arrival in arrivals])
        ours = {row["seq"] for row in rows}
        return [arrival for arrival in arrivals if arrival.waiting in ours]


class Queue(Source):
    """What waited, in order, behind a dead letter that was retried or discarded."""

    name = "waiting"

    def __init__(self, ref: Ref) -> None:
        self.ref, self.released = ref, frozenset({ref})

    async def claim_after(self, db: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
        rows = await db.fetch(_CLAIM_WAITING, [arrival.waiting for arrival in arrivals], self.ref.kind, self.ref.key)
        ours = {row["seq"] for row in rows}
        # Under the subject's lock nobody can add to the queue: once it is empty the subject is free.
        await db.execute(UNPARK, self.ref.kind, self.ref.key)
        return [arrival for arrival in arrivals if arrival.waiting in ours]
