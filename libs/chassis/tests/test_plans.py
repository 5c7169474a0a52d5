"""No statement that runs all the time reads a whole table that grows: asked of the planner, over filled tables."""

import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
import toy
from packhorse_chassis.effects import executor
from packhorse_chassis.kafka import relay
from packhorse_chassis.postgres import keep, rows, source
from packhorse_chassis.postgres.db import Connection, Pool
from packhorse_chassis.postgres.store import Table
from packhorse_chassis.process import pump

ROWS = 30_000
TODAY = date(2026, 3, 1)
KEYS = [f"k{number}" for number in range(0, 1_000, 10)]
SAME = [""] * len(KEYS)

FILL = f"""
CREATE TABLE inbox_20260301 PARTITION OF inbox FOR VALUES FROM ('2026-03-01') TO ('2026-03-02');
INSERT INTO inbox SELECT '2026-03-01', '/shop', 'k' || n FROM generate_series(1, {ROWS}) n;
INSERT INTO inbox SELECT '1970-01-01', '/shop', 'k' || n, now() - n * interval '1 minute'
    FROM generate_series(1, {ROWS}) n;
INSERT INTO outbox (topic, key, headers, value)
    SELECT 'order.events', 'k', '[]', repeat('x', 300)::bytea FROM generate_series(1, {ROWS}) n;
INSERT INTO sequence SELECT 'k' || n, 1 FROM generate_series(1, {ROWS}) n;
INSERT INTO timer SELECT 'Late', 'k' || n, '', 'i' || n, now() + n * interval '1 minute', '{{}}'
    FROM generate_series(1, {ROWS}) n;
INSERT INTO effect (idempotency_key, id, type, deadline, done_at)
    SELECT 'k' || n, 'i' || n, 'Ask', now(), now() FROM generate_series(1, {ROWS}) n;
INSERT INTO dead_letter (id, origin, topic, headers, code, reason, retryable, parked, status)
    SELECT 'k' || n, 'record', 't', '', 'c', 'r', true, true, 'discarded' FROM generate_series(1, {ROWS}) n;
INSERT INTO parked SELECT 'tally', 'k' || n, 'k' || n FROM generate_series(1, {ROWS}) n;
INSERT INTO waiting (subject_kind, subject_key, origin, topic, headers)
    SELECT 'tally', 'k' || n, 'record', 't', '' FROM generate_series(1, {ROWS}) n;
INSERT INTO tally SELECT 'k' || n, jsonb_build_object('notes', array[repeat('x', 1500)])
    FROM generate_series(1, {ROWS}) n;
"""

TALLY = Table(toy.TALLIES)
HOT: list[tuple[str, str, list[Any]]] = [
    ("locks states", TALLY._lock, [KEYS]),
    ("reads states", TALLY._read, [KEYS]),
    ("saves states", TALLY._save, [KEYS, ["{}"] * len(KEYS)]),
    ("creates states", TALLY._create, [KEYS]),
    ("claims records", source._INBOX, [[TODAY] * len(KEYS), SAME, KEYS, [None] * len(KEYS)]),
    ("looks at what was said", source._CONTENTS, [[TODAY] * len(KEYS), SAME, KEYS]),
    ("claims timers", source._CLAIM_TIMERS, [SAME, KEYS, SAME, KEYS]),
    ("claims answers", source._CLAIM_ANSWERS, [KEYS]),
    ("claims a dead letter", source._CLAIM_DEAD, ["k1"]),
    ("claims a queue", source._CLAIM_WAITING, [[1, 2, 3], "tally", "k1"]),
    ("frees a subject", source.UNPARK, ["tally", "k1"]),
    ("counts events", rows._SEQUENCES, [KEYS, [1] * len(KEYS)]),
    ("forgets timers", rows._FORGET_TIMERS, [SAME, KEYS, SAME]),
    ("looks for parked subjects", rows._PARKED, [["tally"] * len(KEYS), KEYS]),
    ("leases effects", executor._LEASE, [64, 10.0, "Ask", KEYS]),
    ("renews leases", executor._RENEW, [KEYS, [1] * len(KEYS), 10.0]),
    ("puts effects off", executor._LATER, [KEYS, [1] * len(KEYS), [1.0] * len(KEYS), SAME]),
    ("looks whether anything waits", pump._WAITS, [KEYS, SAME]),
    ("finds due timers", pump._DUE, [500, KEYS]),
    ("finds asked dead letters", pump._ASKED, [500, KEYS]),
    ("reads a queue", pump._QUEUE, ["tally", "k1", 500]),
    ("reads the outbox", relay._NEXT, [2_000, 8_000_000]),
    ("clears the outbox", relay._DELETE, [[1, 2, 3]]),
]


@pytest.fixture
async def filled(pool: Pool) -> AsyncIterator[Connection]:
    """A database in which much has happened."""
    async with pool.acquire() as db:
        await db.execute(FILL)
        await db.execute("VACUUM ANALYZE")
        yield db


async def test_no_hot_statement_reads_a_whole_table(filled: Connection) -> None:
    """Each goes by an index. `EXISTS (SELECT FROM parked)` stops at the first row that it meets."""
    whole = {}
    for name, statement, arguments in HOT:
        plan = json.loads(await filled.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *arguments))[0]["Plan"]
        found = [node for node in _nodes(plan) if node["Node Type"] == "Seq Scan"]
        if read := {node["Relation Name"] for node in found} - ({"parked"} if statement is pump._WAITS else set()):
            whole[name] = read
    assert not whole


async def test_the_check_finds_what_reads_a_whole_table(filled: Connection) -> None:
    """A statement without an index is seen."""
    plan = json.loads(await filled.fetchval("EXPLAIN (FORMAT JSON) SELECT FROM effect WHERE id = 'i1'"))[0]["Plan"]
    assert "Seq Scan" in {node["Node Type"] for node in _nodes(plan)}


async def test_old_guards_are_found_without_reading_all(filled: Connection) -> None:
    """Housekeeping deletes a bounded number at a time; its range of times is found by the index."""
    plan = json.loads(await filled.fetchval(f"EXPLAIN (FORMAT JSON) {keep._FORGET_EFFECTS}", keep._PORTION))[0]["Plan"]
    scanned = {node.get("Relation Name"): node["Node Type"] for node in _nodes(plan)}
    assert scanned["effect"] != "Seq Scan"


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *[node for child in plan.get("Plans", ()) for node in _nodes(child)]]
