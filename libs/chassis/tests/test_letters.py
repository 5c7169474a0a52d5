"""Dead letters that nobody decides on fill no database, and nothing is forgotten that only they tell."""

import pytest
from packhorse_chassis.postgres import keep, letters
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Housekeeper, Inbox

INSERT = """
INSERT INTO dead_letter (id, origin, topic, headers, value, code, reason, retryable, parked, at)
SELECT $1 || n, $2, $3, '[["a", "b"]]', convert_to(repeat('x', 10000), 'UTF8'), $4, 'r', false, $5,
    now() - ($6 + (1000 - n) / 1000.0) * interval '1 day'
FROM generate_series(1, $7) n"""


async def given_up(
    pool: Pool,
    name: str,
    number: int,
    *,
    origin: str = "record",
    topic: str = "a",
    code: str = "c",
    parked: bool = False,
    days: int = 0,
) -> None:
    """So many letters of 10 KB, the first of them the oldest."""
    await pool.execute(INSERT, name, origin, topic, code, parked, days, number)


async def tidied(pool: Pool, quota: int = letters.QUOTA) -> None:
    """As the housekeeper does it, step by step."""
    while await letters.tidy(pool, 7, quota):
        pass


async def ids(pool: Pool, where: str) -> set[str]:
    """The letters of which that holds."""
    return {row["id"] for row in await pool.fetch(f"SELECT id FROM dead_letter WHERE {where}")}


async def test_beyond_a_quota_the_content_goes_and_the_fact_stays(pool: Pool) -> None:
    """For each code and topic the oldest keep theirs; whatever is nowhere else, or holds up its key, keeps it too."""
    await given_up(pool, "flood-", 40)
    await given_up(pool, "other-topic-", 3, topic="b")
    await given_up(pool, "other-code-", 3, code="d")
    await given_up(pool, "timer-", 40, origin="timer")
    await given_up(pool, "parked-", 40, parked=True)
    await tidied(pool, quota=10 * (10_000 + 12 + letters.OVERHEAD))
    emptied = {f"flood-{n}" for n in range(11, 41)}
    assert await ids(pool, "value IS NULL") == await ids(pool, "emptied_at IS NOT NULL") == emptied
    assert await pool.fetchval("SELECT count(*) FROM dead_letter WHERE status = 'open'") == 126
    await given_up(pool, "more-", 5, days=-1)
    await tidied(pool, quota=10 * (10_000 + 12 + letters.OVERHEAD))
    assert await ids(pool, "emptied_at IS NOT NULL") == emptied | {f"more-{n}" for n in range(1, 6)}


async def test_what_nobody_decides_on_expires_and_says_so(pool: Pool) -> None:
    """Ninety days later; but never what holds up its key."""
    await given_up(pool, "old-", 20, days=90)
    await given_up(pool, "old-timer-", 20, origin="timer", days=90)
    await given_up(pool, "old-parked-", 3, parked=True, days=90)
    await given_up(pool, "young-", 20, days=88)
    await tidied(pool)
    assert await ids(pool, "status = 'open'") == {f"young-{n}" for n in range(1, 21)} | {
        f"old-parked-{n}" for n in range(1, 4)
    }
    told = await pool.fetchrow(
        "SELECT DISTINCT decided_by, why, ended_at = decided_at FROM dead_letter WHERE ended_at < now()"
    )
    assert tuple(told or ()) == ("packhorse", "nobody decided within 90 days", True)


async def test_the_housekeeper_sees_to_it(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all else that it does."""
    monkeypatch.setattr(keep, "_PORTION", 2)
    await given_up(pool, "old-", 5, days=100)
    housekeeper = Housekeeper(pool, Inbox(pool))
    while await housekeeper.step():
        pass
    assert await ids(pool, "status = 'open'") == set()


async def test_a_great_many_are_tidied_by_an_index(pool: Pool) -> None:
    """What was emptied is never looked at again."""
    await pool.execute(
        """INSERT INTO dead_letter (id, origin, topic, headers, code, reason, retryable, parked, emptied_at)
        SELECT n::text, 'record', 'a', '[]', 'c', 'r', false, false, now() FROM generate_series(1, 50000) n"""
    )
    await given_up(pool, "kept-", 50)
    await pool.execute("ANALYZE dead_letter")
    plan = "".join(
        row[0]
        for row in await pool.fetch(
            f"EXPLAIN {letters._EMPTY.replace('$1', '10').replace('$2', '1').replace('$3', '1')}"
        )
    )
    assert "dead_letter_full" in plan, plan
