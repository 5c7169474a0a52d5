"""`packhorse dead` before a great many letters, and who decided on them."""

import asyncio
import getpass
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import toy
from packhorse_chassis.postgres.migrate import migrate
from packhorse_cli import main, system
from packhorse_cli.testing import terminal
from typer.testing import CliRunner, Result

Database = asyncpg.Connection


@pytest.fixture
async def db(fresh_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Database]:
    """The database of the only service that there is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(system, "SERVICES", ("order",))
    monkeypatch.setenv("PACKHORSE_KAFKA", "localhost:1")
    monkeypatch.setenv("PACKHORSE_POSTGRES_ORDER", fresh_database)
    monkeypatch.setenv("COLUMNS", "300")
    db = await asyncpg.connect(fresh_database)
    await migrate(db, "order", toy.service().migrations)
    yield db
    await db.close()


async def give_up(db: Database, name: str, number: int, code: str, *, emptied: bool = False) -> None:
    """So many letters with this code."""
    await db.execute(
        """INSERT INTO dead_letter (id, origin, topic, headers, code, reason, retryable, parked, at, emptied_at)
        SELECT $1 || n, 'record', 'checkout.orders', '[]', $2, 'r', false, false, now() - n * interval '1 minute',
            CASE WHEN $3 THEN now() END
        FROM generate_series(1, $4) n""",
        name,
        code,
        emptied,
        number,
    )


async def packhorse(*arguments: str) -> Result:
    """What the command does and says behind a pipe."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(main.app, ["dead", *arguments]))


async def at_a_terminal(*arguments: str) -> str:
    """What it says to people. A process of its own, which knows of other services, too."""
    command = [str(Path(sys.executable).with_name("packhorse")), "dead", *arguments, "--service", "order"]
    code, shown = await asyncio.to_thread(terminal, command, {**os.environ, "NO_COLOR": "1"}, 300)
    assert code == 0, shown
    return shown


async def decided(db: Database, identifier: str) -> tuple[object, ...]:
    """What is on record."""
    row = await db.fetchrow(
        "SELECT status, decided_by, why, decided_at > now() - interval '1 minute' FROM dead_letter WHERE id = $1",
        identifier,
    )
    return tuple(row or ())


async def test_a_list_has_an_end_and_says_that_there_are_more(db: Database) -> None:
    """For people the oldest 50, or as many as they want; for programs all."""
    await give_up(db, "a", 70, "unknown_sku")
    told = await at_a_terminal("list")
    assert "a70" in told
    assert "a21" in told
    assert "a20" not in told
    assert "oldest 50: --limit shows more" in told
    assert "--limit" not in await at_a_terminal("list", "--limit", "70")
    assert "No dead letters." in await at_a_terminal("list", "--code", "other")
    for form in ((), ("--json",)):
        assert len((await packhorse("list", *form)).stdout.splitlines()) == 70
        few = await packhorse("list", "--limit", "3", *form)
        assert len(few.stdout.splitlines()) == 3
        assert "oldest 3: --limit shows more" in few.stderr
    nothing = await packhorse("list", "--code", "other")
    assert (nothing.stdout, nothing.stderr) == ("", "No dead letters.\n")


async def test_groups_sum_up_by_code_and_topic(db: Database) -> None:
    """Those with most letters first."""
    await give_up(db, "a", 3, "missing_attribute")
    await give_up(db, "b", 1_200, "unknown_sku", emptied=True)
    rows = [json.loads(line) for line in (await packhorse("list", "--groups", "--json")).stdout.splitlines()]
    assert [(row["code"], row["letters"], row["emptied"]) for row in rows] == [
        ("unknown_sku", 1_200, 1_200),
        ("missing_attribute", 3, 0),
    ]
    assert "1,200" in await at_a_terminal("list", "--groups")
    first = (await packhorse("list", "--groups")).stdout.splitlines()[0]
    assert first.startswith("order\tunknown_sku\tcheckout.orders\t1200\t"), "a number for programs"


async def test_who_decided_when_and_why_is_on_record(db: Database) -> None:
    """Without a reason nothing is discarded; who isn't named is who is logged in."""
    await give_up(db, "a", 3, "unknown_sku")
    assert (await packhorse("discard", "a1")).exit_code == 2
    assert (await packhorse("discard", "a1", "--why", " ")).exit_code == 2
    assert (await decided(db, "a1"))[0] == "open"
    assert (await packhorse("discard", "a1", "--why", "a test", "--by", "anna")).exit_code == 0
    assert await decided(db, "a1") == ("discard", "anna", "a test", True)
    assert (await packhorse("retry", "a2")).exit_code == 0
    assert await decided(db, "a2") == ("retry", getpass.getuser(), None, True)
    assert (await packhorse("retry", "--code", "unknown_sku", "--why", "known by now")).exit_code == 0
    assert await decided(db, "a3") == ("retry", getpass.getuser(), "known by now", True)
    assert (await decided(db, "a1"))[0] == "discard"


async def test_what_has_no_content_any_more_is_named_and_not_tried_again(db: Database) -> None:
    """It could only fail; where its content is stands beside. Discarded it may be."""
    await give_up(db, "a", 30, "unknown_sku")
    await give_up(db, "b", 5, "unknown_sku", emptied=True)
    told = await packhorse("retry", "--code", "unknown_sku")
    assert (told.exit_code, told.stdout.count("will be tried again")) == (0, 21)
    assert "and 10 more will be tried again" in told.stdout
    assert "5 can't be tried again from here, for their content is on checkout.orders.order.dead alone" in told.stderr
    assert (await packhorse("retry", "b1")).exit_code == 4
    assert (await packhorse("discard", "b1", "--why", "rubbish")).exit_code == 0
