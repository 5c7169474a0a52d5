"""What the database itself refuses."""

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
from packhorse_chassis.postgres.migrate import migrate
from packhorse_inventory.service import build


@pytest.fixture
async def db(fresh_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A migrated database."""
    db = await asyncpg.connect(fresh_database)
    await migrate(db, "inventory", build().migrations)
    yield db
    await db.close()


@pytest.mark.parametrize("level", [(5, 6), (-1, 0), (5, -1)])
async def test_oversell_is_impossible(db: asyncpg.Connection, level: tuple[int, int]) -> None:
    """Whatever a reaction says, a level that is oversold or negative isn't stored."""
    state = {"levels": {"north": {"on_hand": level[0], "reserved": level[1]}}}
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute("INSERT INTO stock (id, state) VALUES ('MUG', $1)", json.dumps(state))


async def test_the_journal_is_append_only(db: asyncpg.Connection) -> None:
    """Nobody changes or removes a movement."""
    await db.execute("INSERT INTO movement VALUES ('MUG', 'north', 1, 1, 0, 1, 0, 'received', 'r', now(), 1, now(), 0)")
    for sql in ("UPDATE movement SET on_hand = 2", "DELETE FROM movement", "TRUNCATE movement"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await db.execute(sql)
