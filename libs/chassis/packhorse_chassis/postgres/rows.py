"""The chassis's own tables, each written by one statement a batch."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import asyncpg
from packhorse_contracts import ids

from packhorse_chassis.core import said
from packhorse_chassis.core.inputs import Arrival, pack_headers
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.outcome import Queue
from packhorse_chassis.core.turn import Effect, SetTimer
from packhorse_chassis.postgres.db import Connection
from packhorse_chassis.postgres.outgoing import OutboxRow

_SEQUENCES = """
INSERT INTO sequence (key, last) SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (key) DO UPDATE SET last = sequence.last + excluded.last
RETURNING key, last"""

_OUTBOX = """
INSERT INTO outbox (topic, key, headers, value)
SELECT topic, key, headers, value
FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bytea[]) WITH ORDINALITY AS new (topic, key, headers, value, n)
ORDER BY n"""

_FORGET_TIMERS = """
DELETE FROM timer t USING unnest($1::text[], $2::text[], $3::text[]) AS gone (type, key, name)
WHERE t.type = gone.type AND t.key = gone.key AND t.name = gone.name"""

_SET_TIMERS = """
INSERT INTO timer (type, key, name, id, due, payload, correlation_id, traceparent)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::text[], $8::text[])
ON CONFLICT (type, key, name) DO UPDATE SET
    id = excluded.id, due = excluded.due, payload = excluded.payload,
    correlation_id = excluded.correlation_id, traceparent = excluded.traceparent"""

_EFFECTS = """
INSERT INTO effect (idempotency_key, id, type, request, deadline, correlation_id, traceparent, attempts, leased_until)
SELECT new.*, CASE WHEN attempts > 0 THEN now() + $9 * interval '1 second' ELSE '-infinity' END FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[], $6::text[], $7::text[], $8::int[])
    AS new (key, id, type, request, deadline, correlation_id, traceparent, attempts)
ON CONFLICT (idempotency_key) DO NOTHING
RETURNING idempotency_key, id, type, request::text, attempts, deadline, correlation_id, traceparent, now() AS now"""

_DEAD = """
INSERT INTO dead_letter (id, origin, topic, partition, "offset", key, headers, value, event_id, event_source,
    subject_kind, subject_key, correlation_id, code, reason, field, traceback, retryable, parked)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::bytea[], $7::bytea[],
    $8::bytea[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
    $16::text[], $17::text[], $18::bool[], $19::bool[])"""

_PARK = """
INSERT INTO parked (kind, key, dead_letter_id) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT (kind, key) DO UPDATE SET dead_letter_id = excluded.dead_letter_id"""

# What waited before and has to wait again keeps its place.
_WAIT = """
INSERT INTO waiting (seq, subject_kind, subject_key, origin, topic, partition, "offset", key, headers, value)
OVERRIDING SYSTEM VALUE
SELECT coalesce(seq, nextval(pg_get_serial_sequence('waiting', 'seq'))),
    kind, subject, origin, topic, partition, "offset", key, headers, value
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::bigint[], $8::bytea[],
    $9::bytea[], $10::bytea[])
    WITH ORDINALITY AS new (seq, kind, subject, origin, topic, partition, "offset", key, headers, value, n)
ORDER BY n"""

_PARKED = """
SELECT kind, key, behind.count, behind.bytes FROM unnest($1::text[], $2::text[]) AS asked (kind, key)
    LEFT JOIN parked USING (kind, key)
    CROSS JOIN LATERAL (
        SELECT count(*), coalesce(sum(octet_length(headers) + coalesce(octet_length(value), 0)), 0)::bigint AS bytes
        FROM waiting w WHERE w.subject_kind = asked.kind AND w.subject_key = asked.key) AS behind
WHERE parked.dead_letter_id IS NOT NULL OR behind.count > 0"""


class Rows:
    """Bulk writes for one service."""

    def __init__(self, service: str) -> None:
        self.service = service

    async def parked(self, db: Connection, refs: Iterable[Ref]) -> dict[Ref, Queue]:
        """Which of these subjects wait for an operator, which aliases for their subject, and what waits behind them.
        Asked under the subjects' locks."""
        asked = list(refs)
        rows = await db.fetch(_PARKED, [ref.kind for ref in asked], [ref.key for ref in asked])
        return {Ref(row["kind"], row["key"]): Queue(row["count"], row["bytes"]) for row in rows}

    async def next_sequences(self, db: Connection, keys: Sequence[str]) -> dict[str, int]:
        """Advances the counters of these keys by their number of events; gives their new values."""
        if not keys:
            return {}
        counts = sorted(Counter(keys).items())
        rows = await db.fetch(_SEQUENCES, [key for key, _ in counts], [count for _, count in counts])
        return {row["key"]: row["last"] for row in rows}

    async def outbox(self, db: Connection, rows: Sequence[OutboxRow]) -> None:
        """Stores what is to be published, in order."""
        if rows:
            await db.execute(
                _OUTBOX,
                [row.topic for row in rows],
                [row.key for row in rows],
                [pack_headers(row.headers) for row in rows],
                [row.value for row in rows],
            )

    async def timers(
        self, db: Connection, timers: Mapping[tuple[str, str, str], tuple[SetTimer, Arrival, str | None] | None]
    ) -> None:
        """Sets and forgets timers; the last decision about each one counts."""
        gone = sorted(key for key, timer in timers.items() if timer is None)
        if gone:
            await db.execute(_FORGET_TIMERS, *map(list, zip(*gone, strict=True)))
        rows = [
            (
                *key,
                ids.derive(timer.due, *cause.identity, self.service, "timer", *key),
                timer.due,
                timer.payload.model_dump_json(),
                cause.correlation_id,
                traceparent,
            )
            for key, value in sorted(timers.items())
            if value is not None
            for timer, cause, traceparent in [value]
        ]
        if rows:
            await db.execute(_SET_TIMERS, *map(list, zip(*rows, strict=True)))

    async def effects(
        self,
        db: Connection,
        effects: Sequence[tuple[Effect, Arrival, str | None]],
        now: datetime,
        taken: Mapping[str, int],
        lease: float,
    ) -> Sequence[asyncpg.Record]:
        """Stores what is to be done outside; a known idempotency key is not stored again. So many of each type as
        `taken` says are stored with a lease of so many seconds, and given back."""
        rows = {
            effect.idempotency_key: (
                effect.idempotency_key,
                ids.derive(now, self.service, "effect", effect.idempotency_key),
                effect.request.type_name(),
                effect.request.model_dump_json(),
                now + effect.deadline,
                cause.correlation_id,
                traceparent,
            )
            for effect, cause, traceparent in reversed(effects)
        }
        if not rows:
            return []
        ordered = [rows[key] for key in sorted(rows)]
        left = Counter(taken)
        attempts = []
        for row in ordered:
            left[row[2]] -= 1
            attempts.append(int(left[row[2]] >= 0))
        stored = await db.fetch(_EFFECTS, *map(list, zip(*ordered, strict=True)), attempts, lease)
        return [row for row in stored if row["attempts"]]

    async def dead(
        self, db: Connection, dead: Sequence[said.DeadLetter], waiting: Sequence[tuple[Ref, Arrival]]
    ) -> None:
        """Keeps what was given up, parks its subjects, and keeps what came behind them in order."""
        if dead:
            rows = [
                (
                    letter.id,
                    *_raw_columns(letter.cause),
                    _storable(letter.cause.id),
                    _storable(letter.cause.source),
                    letter.ref.kind if letter.ref else None,
                    letter.ref.key if letter.ref else None,
                    letter.cause.correlation_id,
                    letter.code,
                    _storable(letter.reason),
                    _storable(letter.field),
                    _storable(letter.traceback),
                    letter.retryable,
                    letter.parked,
                )
                for letter in dead
            ]
            await db.execute(_DEAD, *map(list, zip(*rows, strict=True)))
            parked = [(d.ref.kind, d.ref.key, d.id) for d in dead if d.parked and d.ref is not None]
            if parked:
                await db.execute(_PARK, *map(list, zip(*parked, strict=True)))
        if waiting:
            columns = [(arrival.waiting, ref.kind, ref.key, *_raw_columns(arrival)) for ref, arrival in waiting]
            await db.execute(_WAIT, *map(list, zip(*columns, strict=True)))


def _raw_columns(
    arrival: Arrival,
) -> tuple[str, str, int | None, int | None, bytes | None, bytes, bytes | None]:
    raw = arrival.raw
    return raw.origin, raw.topic, raw.partition, raw.offset, raw.key, pack_headers(raw.headers), raw.value


def _storable(text: str | None) -> str | None:
    """Text without what PostgreSQL can't hold: NUL and lone surrogates."""
    return None if text is None else text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
