"""What Prometheus is told of what lies in the database: looked at when it asks, and not more often than it helps."""

import asyncio
import math
import time
from typing import Final

import structlog

from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.telemetry import metrics

_GOOD_FOR: Final = 5.0
"""Seconds for which what was seen is told again: however many ask, the database is asked this often."""

_PATIENCE: Final = 2.0
"""Seconds. A database that is away holds up nobody who wants to know just that."""

_OPEN = """
SELECT code, count(*) AS letters, extract(epoch FROM now() - min(at))::float8 AS oldest
FROM dead_letter WHERE status = 'open' GROUP BY code"""

# Each by an index: the oldest row alone is looked at.
_WAITS = """
SELECT (SELECT count(*) FROM parked) AS parked,
    (SELECT count(*) FROM waiting JOIN parked ON (subject_kind, subject_key) = (kind, parked.key)) AS waiting,
    (SELECT count(*) FROM waiting) AS all_waiting,
    extract(epoch FROM (SELECT now() - due FROM timer WHERE due <= now() ORDER BY due LIMIT 1))::float8 AS overdue,
    extract(epoch FROM (SELECT now() - created_at FROM outbox ORDER BY id LIMIT 1))::float8 AS unpublished"""

log = structlog.get_logger(__name__)


class Gauges:
    """Of one service's database; every process of it tells the same."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self._at = pool, -math.inf

    async def look(self) -> None:
        """Sets the metrics; leaves them as they were where the database doesn't answer."""
        metrics.pool_busy.set(self._pool.get_size() - self._pool.get_idle_size())
        metrics.pool_size.set(self._pool.get_max_size())
        if time.monotonic() < self._at + _GOOD_FOR:
            return
        self._at = time.monotonic()
        try:
            async with asyncio.timeout(_PATIENCE):
                letters = await self._pool.fetch(_OPEN)
                waits = await self._pool.fetchrow(_WAITS)
        except Exception as error:
            log.warning("the database can't be looked at just now", reason=repr(error))
            return
        assert waits is not None  # noqa: S101 -- one row always
        metrics.open_letters.clear()
        for row in letters:
            metrics.open_letters.labels(row["code"]).set(row["letters"])
        metrics.oldest_letter.set(max((row["oldest"] for row in letters), default=0))
        metrics.parked.set(waits["parked"])
        metrics.waiting.set(waits["waiting"])
        metrics.unnamed.set(waits["all_waiting"] - waits["waiting"])
        metrics.timers_overdue.set(waits["overdue"] or 0)
        metrics.outbox_oldest.set(waits["unpublished"] or 0)
