"""What becomes of dead letters in time, so that whoever sends rubbish fills no database.

That one was, where, and why, is kept. Its content goes a while after somebody decided; where nobody does there is a
quota for it, and in the end it expires. One that holds up its key is exempt: an operator must decide on it.
"""

from typing import Final

import structlog

from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.telemetry import metrics

QUOTA: Final = 256 * 1_048_576
"""Bytes of content that are kept of the open letters of one code and topic, the oldest first: about 80,000 ordinary
records, so that a whole topic that was refused for an hour can be tried again."""

OVERHEAD: Final = 2_048
"""Bytes that a letter counts for beside its content."""

EXPIRE_DAYS: Final = 90
"""Three times as long as the dead-letter topic has it."""

_CLEAR = """
WITH old AS (
    SELECT id FROM dead_letter WHERE ended_at < now() - interval '30 days' AND value IS NOT NULL LIMIT $1)
UPDATE dead_letter d SET value = NULL, headers = '[]' FROM old WHERE d.id = old.id"""

# Of records alone: a timer's or an answer's letter is nowhere else.
_EMPTY = """
WITH kept AS (
    SELECT id, sum(coalesce(octet_length(value), 0) + octet_length(headers) + $2)
        OVER (PARTITION BY code, topic ORDER BY at, id) AS upto
    FROM dead_letter WHERE status = 'open' AND origin = 'record' AND NOT parked AND emptied_at IS NULL),
beyond AS (SELECT id FROM kept WHERE upto > $3 LIMIT $1)
UPDATE dead_letter d SET value = NULL, headers = '[]', emptied_at = now()
FROM beyond WHERE d.id = beyond.id AND d.status = 'open'"""

_EXPIRE = """
WITH old AS (
    SELECT id FROM dead_letter
    WHERE status = 'open' AND NOT parked AND at < now() - $2 * interval '1 day' ORDER BY at LIMIT $1)
UPDATE dead_letter d SET status = 'discarded', ended_at = now(), decided_at = now(), decided_by = 'packhorse',
    why = 'nobody decided within ' || $2::int || ' days'
FROM old WHERE d.id = old.id AND d.status = 'open'"""

log = structlog.get_logger(__name__)


async def tidy(pool: Pool, portion: int, quota: int = QUOTA) -> bool:
    """Once over all of them, at most so many of each kind. True where more may be left."""
    cleared = _count(await pool.execute(_CLEAR, portion))
    if emptied := _count(await pool.execute(_EMPTY, portion, OVERHEAD, quota)):
        metrics.emptied_letters.inc(emptied)
        log.warning("more dead letters than are kept whole; the topic has their content", emptied=emptied)
    if expired := _count(await pool.execute(_EXPIRE, portion, EXPIRE_DAYS)):
        metrics.expired_letters.inc(expired)
        log.warning("dead letters that nobody decided on have expired", expired=expired, days=EXPIRE_DAYS)
    return max(cleared, emptied, expired) == portion


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
