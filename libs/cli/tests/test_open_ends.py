"""What an order waits for and what is stuck, from a service's database."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from packhorse_chassis.core.kinds import Internal
from packhorse_chassis.postgres.migrate import migrate
from packhorse_cli.open_ends import EFFECTS, TIMERS, look
from packhorse_cli.pages import _routes
from packhorse_cli.system import SERVICES

ANSWERS = {"GatewayAnswered", "MailSent", "MailFailed"}
DUE = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("service", SERVICES)
def test_every_timer_is_told_in_words(service: str) -> None:
    """A new one needs a line in `open_ends.TIMERS`; until then its name is shown."""
    heard = {heard.__name__ for heard, _ in _routes(service) if issubclass(heard, Internal)}
    assert heard - ANSWERS <= TIMERS.keys() | EFFECTS.keys()


@pytest.fixture
async def db(fresh_database: str, tmp_path: Path) -> AsyncIterator[asyncpg.Connection]:
    """A service's database with nothing of its own in it."""
    db = await asyncpg.connect(fresh_database)
    await migrate(db, "order", tmp_path)
    yield db
    await db.close()


async def test_open_ends_are_found(db: asyncpg.Connection, fresh_database: str) -> None:
    """By the order's id and by those of its pick lists; another order's are left alone."""
    for order, key in (("o-1", "o-1"), (None, "PL-1"), ("o-2", "o-2")):
        await db.execute(
            "INSERT INTO timer VALUES ($1, $2, '', $3, $4, '{}', $5)",
            *("Overdue" if order else "WarehouseSilent", key, str(uuid.uuid4()), DUE, order),
        )
    await db.execute(
        """INSERT INTO effect (idempotency_key, id, type, deadline, attempts, last_error, correlation_id)
        VALUES ('k', 'i', 'AskGateway', $1, 3, E'no \\x1b[31m answer', 'o-1')""",
        DUE,
    )
    await db.execute(
        """INSERT INTO dead_letter (id, origin, topic, headers, code, reason, retryable, parked, subject_key, key)
        VALUES ('d-1', 'record', 't', '', 'reaction', 'ZeroDivisionError', true, true, 'o-1', NULL),
            ('d-2', 'record', 't', '', 'not_json', 'no', true, false, NULL, 'PL-1'),
            ('d-3', 'record', 't', '', 'not_json', 'no', true, false, 'o-2', NULL)"""
    )
    await db.execute("INSERT INTO parked VALUES ('orders', 'o-1', 'd-1')")
    await db.execute(
        """INSERT INTO waiting (subject_kind, subject_key, origin, topic, headers)
        VALUES ('orders', 'o-1', 'record', 't', '')"""
    )
    nowhere = "postgresql://x@127.0.0.1:1/x"
    found = await look({"order": fresh_database, "shipping": nowhere}, "o-1", {"o-1", "PL-1"})
    assert sorted(what for _, what, _ in found.waits_for) == [
        "its end, else it counts as overdue",
        "the payment gateway, asked 3 times (no \ufffd[31m answer)",
        "the warehouse's answer, else somebody is told",
    ]
    assert found.wrong == [
        "order gave up (reaction): ZeroDivisionError; packhorse dead show d-1",
        "order gave up (not_json): no; packhorse dead show d-2",
        "order keeps orders o-1 parked, 1 input behind it; packhorse dead retry d-1",
    ]
    assert found.unknown == ["shipping"]
