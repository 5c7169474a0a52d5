"""A state, a key or a request that this release can't read harms nothing but itself, and tells no values."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import toy
from arrivals import answered, arrived, notes
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.reaction import Routes, ignored, on
from packhorse_chassis.effects.executor import Executor
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Answers, Records
from packhorse_chassis.service import Service
from packhorse_chassis.settings import Settings
from packhorse_contracts.customer import HoldRequested, ReleaseRequested
from pydantic import ValidationError

SECRET = "jane@shop.test"
_DAMAGE = "INSERT INTO tally (id, state) VALUES ($1, $2)"
_LETTERS = "SELECT subject_key, code, reason, parked FROM dead_letter ORDER BY subject_key"


async def test_a_state_that_can_not_be_read_parks_its_subject_alone(pool: Pool, processor: Processor) -> None:
    """Written by another release, say. The others of its batch are taken; once it is mended, it goes on in order."""
    await pool.execute(_DAMAGE, "b", f'{{"notes": "{SECRET}"}}')
    batch = [arrived(toy.request(order, note)) for note in ("1", "2") for order in ("a", "b", "c")]
    assert await processor.process(batch, Records()) == 6
    assert [await notes(pool, order) for order in ("a", "c")] == [["1", "2"], ["1", "2"]]
    letters = [tuple(row) for row in await pool.fetch(_LETTERS)]
    assert [(key, code, parked) for key, code, _, parked in letters] == [("b", "reaction", True)]
    assert "can't be read" in letters[0][2]
    assert SECRET not in letters[0][2]
    assert await pool.fetchval("SELECT count(*) FROM waiting") == 1


def beside(turn: toy.Toys, tally: toy.Tally, heard: HoldRequested) -> toy.Tally:
    """Looks at another tally."""
    turn.get(toy.TALLIES, heard.note or "")
    return toy.Tally(notes=(*tally.notes, heard.note or ""))


def named(tally: toy.Tally, heard: HoldRequested) -> Iterator[Ref]:
    """The tally beside; one of them is a bug."""
    if heard.note == "bug":
        raise ZeroDivisionError
    yield toy.TALLIES.ref(heard.note or "")


def key_of(heard: ReleaseRequested) -> str:
    """A bug."""
    raise ZeroDivisionError


@pytest.fixture
def wide(pool: Pool) -> Processor:
    """A service that looks at more than one state."""
    routes = Routes(
        "order",
        on(HoldRequested, toy.TALLIES, "order_id", beside, named),
        on(ReleaseRequested, toy.TALLIES, key_of, ignored("it is about the key")),
    )
    return Processor(Service(routes, Path()), pool, Inbox(pool))


async def test_a_damaged_state_harms_those_that_name_it(pool: Pool, wide: Processor) -> None:
    """And a mistake in naming harms its input alone."""
    await pool.execute(_DAMAGE, "bad", '{"notes": 5}')
    asked = [("a", "x"), ("b", "bad"), ("c", "bug"), ("d", "y")]
    assert await wide.process([arrived(toy.request(order, note)) for order, note in asked], Records()) == 4
    assert [await notes(pool, order) for order in "abcd"] == [["x"], [], [], ["y"]]
    assert [row["subject_key"] for row in await pool.fetch(_LETTERS)] == ["b", "c"]


async def test_an_input_without_a_key_is_a_dead_letter(pool: Pool, wide: Processor) -> None:
    """Nothing is parked, for nobody knows what."""
    lost = ReleaseRequested(order_id="a", hold="manual", holder="test", note="")
    assert await wide.process([arrived(lost), arrived(toy.request("b", "x"))], Records()) == 2
    assert [tuple(row)[1::2] for row in await pool.fetch(_LETTERS)] == [("no_key", False)]
    assert await notes(pool, "b") == ["x"]


async def test_a_request_that_can_not_be_read_ends_at_its_deadline(pool: Pool, processor: Processor) -> None:
    """Until then a better release may come; the outside isn't blamed, and no value is kept in what is said of it."""
    await processor.process([arrived(toy.request(order, "ask")) for order in ("a", "b")], Records())
    damage = "UPDATE effect SET request = jsonb_build_object('order_id', jsonb_build_array($1::text))"
    await pool.execute(f"{damage} WHERE idempotency_key = 'ask-a'", SECRET)
    oracle = toy.Oracle()
    settings = Settings(pump_idle=1e-9, breaker_failures=1, retry_base=1e-9)
    executor = Executor(processor, {toy.Ask: oracle}, settings)
    await executor.step()
    await executor.drain()
    assert oracle.asked == ["ask-b"]
    error = await pool.fetchval("SELECT last_error FROM effect WHERE idempotency_key = 'ask-a'")
    assert "validation error" in error
    assert SECRET not in error
    await pool.execute("UPDATE effect SET deadline = now(), next_at = now() WHERE done_at IS NULL")
    late = Executor(processor, {toy.Ask: oracle}, settings)
    await late.step()
    await late.drain()
    assert [tuple(row)[1:] for row in await pool.fetch("SELECT parked, code, origin FROM dead_letter")] == [
        ("effect", "answer")
    ]
    assert await pool.fetchval("SELECT count(*) FROM effect WHERE done_at IS NULL OR last_error IS NOT NULL") == 0


async def test_an_end_clears_what_was_said_of_an_effect(pool: Pool, processor: Processor) -> None:
    """It may have held personal data."""
    await processor.process([arrived(toy.request("a", "ask"))], Records())
    await pool.execute("UPDATE effect SET last_error = $1", SECRET)
    await processor.process(await answered(pool, "a", "yes"), Answers())
    assert await pool.fetchval("SELECT last_error FROM effect") is None


async def test_a_constraint_is_told_without_the_row(pool: Pool, processor: Processor) -> None:
    """PostgreSQL adds the row's values to what it says."""
    await pool.execute("ALTER TABLE tally ADD CHECK (state ->> 'notes' NOT LIKE '%shop.test%')")
    await processor.process([arrived(toy.request("a", SECRET))], Records())
    reason = await pool.fetchval("SELECT reason FROM dead_letter")
    assert "violates check constraint" in reason
    assert SECRET not in reason


def test_a_fact_that_is_wrong_tells_no_values() -> None:
    """Errors are logged."""
    with pytest.raises(ValidationError) as wrong:
        HoldRequested.model_validate({"order_id": [SECRET], "hold": "manual", "holder": "x"})
    assert SECRET not in str(wrong.value)


def test_a_password_with_a_slash_is_not_told() -> None:
    """asyncpg would take a part of it for the port, and say so."""
    with pytest.raises(ValidationError, match="write / as %2F") as wrong:
        Settings.model_validate({"postgres": "postgresql://user:se/cret@host/db"})
    assert "cret" not in str(wrong.value)


async def test_a_busy_outside_does_not_keep_the_loop_of_an_idle_one_turning(processor: Processor) -> None:
    """The step says that more is due only where it may be taken on."""

    class Tell(toy.Ask):
        """Another outside's request."""

    await processor.process([arrived(toy.request(order, "ask")) for order in ("a", "b")], Records())
    slow = toy.Oracle(failures=1_000)
    settings = Settings(effects_at_once=1, pump_idle=1e-9, effects_per_second=0.001)
    executor = Executor(processor, {toy.Ask: slow, Tell: toy.Oracle()}, settings)
    await executor.step()
    assert not await executor.step()
    await executor.close()


async def test_a_transaction_that_takes_too_long_is_made_smaller(pool: Pool, fresh_database: str) -> None:
    """The same again would take as long again, for ever."""
    await pool.execute(
        """CREATE FUNCTION plod() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$;
        CREATE TRIGGER plod BEFORE INSERT ON tally FOR EACH ROW EXECUTE FUNCTION plod()"""
    )
    batch = [arrived(toy.request(f"o{number}", "x")) for number in range(120)]
    async with asyncpg.create_pool(fresh_database, server_settings={"statement_timeout": "800"}) as brief:
        processor = Processor(toy.service(), brief, Inbox(brief))
        for _ in range(6):
            try:
                await processor.process(batch, Records())
            except asyncpg.QueryCanceledError:
                continue
    assert await pool.fetchval("SELECT count(*) FROM tally") == 120
