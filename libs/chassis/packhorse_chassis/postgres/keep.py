"""Housekeeping: inbox partitions made ahead and dropped behind, old guards deleted, nothing grows for ever."""

import math
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import asyncpg
import structlog

from packhorse_chassis.core.inputs import OUTSIDERS_DAY, Arrival
from packhorse_chassis.postgres import letters
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.telemetry import metrics

_LOCK = 7_223_303
_PARTITIONS = """
SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'inbox'::regclass"""

# Made beside and then attached: CREATE TABLE … PARTITION OF would lock the inbox against everybody.
_CREATE = """
CREATE TABLE {name} (LIKE inbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
ALTER TABLE {name} ADD CONSTRAINT {name}_day CHECK (day >= '{day}' AND day < '{next}');
ALTER TABLE inbox ATTACH PARTITION {name} FOR VALUES FROM ('{day}') TO ('{next}');
ALTER TABLE {name} DROP CONSTRAINT {name}_day;"""

_CLOCK_GOOD_FOR = 60.0
"""Seconds for which what the database said of the time is counted on from."""

_PORTION = 10_000
"""Rows that are deleted at once, so that no statement takes long."""

_FORGET = """
WITH old AS (SELECT ctid FROM inbox_outsiders WHERE seen_at < now() - $1 * interval '1 day' LIMIT $2)
DELETE FROM inbox_outsiders i USING old WHERE i.ctid = old.ctid"""

_FORGET_EFFECTS = """
WITH old AS (SELECT idempotency_key FROM effect WHERE done_at < now() - interval '90 days' LIMIT $1)
DELETE FROM effect e USING old WHERE e.idempotency_key = old.idempotency_key"""

_BLOAT = """
SELECT (SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'outbox') AS dead,
    (SELECT coalesce(max(age(backend_xmin)), 0) FROM pg_stat_activity WHERE datname = current_database()) AS held"""

log = structlog.get_logger(__name__)


class Inbox:
    """Knows which day partitions there are, and makes the missing ones."""

    def __init__(self, pool: Pool, days: int = 14) -> None:
        self._pool, self._days = pool, days
        self._known: set[date] = set()
        self._told = datetime.min.replace(tzinfo=UTC)
        self._told_at = -math.inf

    async def today(self) -> date:
        """By the database's clock, which all processes share. One whose own clock is wrong would drop what the others
        still need, or look for an id in another partition than they do."""
        if time.monotonic() > self._told_at + _CLOCK_GOOD_FOR:
            self._told, self._told_at = await self._pool.fetchval("SELECT now()"), time.monotonic()
        return (self._told + timedelta(seconds=time.monotonic() - self._told_at)).astimezone(UTC).date()

    def clock(self) -> float | None:
        """Unix time by the database; None while nobody has asked it yet."""
        if math.isinf(self._told_at):
            return None
        return self._told.timestamp() + time.monotonic() - self._told_at

    async def place(self, arrivals: Sequence[Arrival]) -> None:
        """Chooses each arrival's partition, and makes what is missing.

        Only a day near today gets one of its own. Our own ids are never older than a day when they are said; whoever
        speaks in our name with another time would else make partitions without end, or ask for one that was dropped.
        """
        today = await self.today()
        first, last = today - timedelta(days=self._days - 1), today + timedelta(days=1)
        for arrival in arrivals:
            inside = arrival.day_in_id
            arrival.day = inside if first <= inside <= last else OUTSIDERS_DAY
        await self.ensure({arrival.day for arrival in arrivals})

    async def ensure(self, days: set[date]) -> None:
        """Makes the partitions of these days."""
        missing = days - self._known - {OUTSIDERS_DAY}
        if not missing:
            return
        async with self._pool.acquire() as db, db.transaction():
            await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            present = {row["name"] for row in await db.fetch(_PARTITIONS)}
            for day in sorted(missing):
                if (name := _name(day)) not in present:
                    await db.execute(_CREATE.format(name=name, day=day, next=day + timedelta(days=1)))
                    log.info("inbox partition made", partition=name)
        self._known |= missing

    async def drop_old(self) -> bool:
        """Drops the partitions of days whose events no topic keeps any more, and outsiders' ids of that age. True where
        more of those may be left."""
        oldest = _name(await self.today() - timedelta(days=self._days))
        for row in await self._pool.fetch(_PARTITIONS):
            name = row["name"]
            if name.removeprefix("inbox_").isdigit() and name < oldest:
                await self._drop(name)
        return await self._pool.execute(_FORGET, self._days, _PORTION) == f"DELETE {_PORTION}"

    async def _drop(self, name: str) -> None:
        """Or not yet: while a backup reads the inbox, whoever waits for its end holds up all that comes in."""
        try:
            async with self._pool.acquire() as db, db.transaction():
                await db.execute("SET LOCAL lock_timeout = '100ms'")
                await db.execute(f"DROP TABLE IF EXISTS {name}")
            log.info("inbox partition dropped", partition=name)
        except asyncpg.LockNotAvailableError:
            log.info("inbox partition in use, dropped later", partition=name)


class Housekeeper:
    """One step tidies up once, a portion at a time."""

    def __init__(self, pool: Pool, inbox: Inbox) -> None:
        self._pool, self._inbox = pool, inbox

    async def step(self) -> bool:
        """True where there was more than a portion: however much came in, as much goes."""
        today = await self._inbox.today()
        await self._inbox.ensure({today, today + timedelta(days=1)})
        bloat = await self._pool.fetchrow(_BLOAT)
        assert bloat is not None  # noqa: S101 -- one row always
        metrics.outbox_dead_rows.set(bloat["dead"])
        metrics.snapshot_age.set(bloat["held"])
        more = await self._inbox.drop_old()
        more |= await letters.tidy(self._pool, _PORTION)
        return await self._pool.execute(_FORGET_EFFECTS, _PORTION) == f"DELETE {_PORTION}" or more


def _name(day: date) -> str:
    return f"inbox_{day:%Y%m%d}"
