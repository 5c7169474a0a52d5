"""What fails for every input alike is nobody's fault, and is waited for. What one alone leads to is given up."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import aiohttp
import asyncpg
import pytest
import toy
from arrivals import arrived, notes
from packhorse_chassis import batch
from packhorse_chassis.batch import Processor
from packhorse_chassis.core import documents, outcome
from packhorse_chassis.postgres.db import OwnConnection, Pool
from packhorse_chassis.postgres.faults import NobodysFaultError, is_transient
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Records
from packhorse_chassis.run import Process
from rig import Broker, eventually, new_order

_GIVEN_UP = "SELECT (SELECT count(*) FROM dead_letter) + (SELECT count(*) FROM parked)"
_LETTERS = "SELECT code, subject_key, parked FROM dead_letter ORDER BY subject_key"
ORDERS = [f"o{number}" for number in range(8)]


@pytest.fixture
async def role(pool: Pool, fresh_database: str) -> AsyncIterator[str]:
    """A role that may be refused something: an owner may do anything."""
    name = f"toy_{abs(hash(fresh_database)):x}"
    await pool.execute(
        f"""CREATE ROLE {name}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {name};
        GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {name}"""
    )
    yield name
    await pool.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def speaking(dsn: str, role: str, **settings: str) -> "asyncpg.Pool[asyncpg.Record]":
    """Connections as that role."""

    async def set_role(db: OwnConnection) -> None:
        await db.execute(f"SET ROLE {role}")

    return asyncpg.create_pool(dsn, min_size=1, max_size=2, init=set_role, server_settings=settings)


BROKEN = [
    *(
        (f"REVOKE {what} FROM {{role}}", f"GRANT {what} TO {{role}}")
        for what in (
            "INSERT ON put",
            "INSERT ON tally",
            "UPDATE ON tally",
            "SELECT ON tally",
            "INSERT ON timer",
            "INSERT ON outbox",
            "INSERT ON inbox",
            "INSERT ON dead_letter",
            "INSERT ON effect",
        )
    ),
    ("ALTER TABLE put RENAME shelf TO place", "ALTER TABLE put RENAME place TO shelf"),
    ("ALTER TABLE sequence RENAME TO numbers", "ALTER TABLE numbers RENAME TO sequence"),
    (
        """CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM nobody_wrote_this(); RETURN NEW; END $$;
        CREATE TRIGGER broken BEFORE UPDATE ON tally FOR EACH ROW EXECUTE FUNCTION broken()""",
        "DROP TRIGGER broken ON tally",
    ),
    ("read only", "SELECT 1"),
]


@pytest.mark.parametrize(("breaks", "mends"), BROKEN, ids=[breaks[:25].strip() for breaks, _ in BROKEN])
async def test_a_database_that_refuses_everybody_is_waited_for(
    pool: Pool, fresh_database: str, role: str, breaks: str, mends: str
) -> None:
    """A privilege revoked, a column or table gone, a database made read-only: not one key is parked, and all goes on
    once it is mended."""
    inbox = Inbox(pool)
    await Processor(toy.service(), pool, inbox).process([arrived(toy.request("ask", "a shelf"))], Records())
    inputs = [arrived(toy.request(order, note)) for order in ORDERS for note in ("remind", "ask")]
    inputs += [arrived(toy.cancellation(order)) for order in ORDERS]
    inputs.append(arrived(toy.request("bad", "refuse")))
    settings = {"default_transaction_read_only": "on"} if breaks == "read only" else {}
    if not settings:
        await pool.execute(breaks.format(role=role))
    async with speaking(fresh_database, role, **settings) as theirs:
        processor = Processor(toy.service(), theirs, inbox)
        for _ in range(2):
            with pytest.raises(asyncpg.PostgresError) as waits:
                await processor.process(inputs, Records())
            assert is_transient(waits.value), repr(waits.value)
    assert await pool.fetchval(_GIVEN_UP) == 0
    await pool.execute(mends.format(role=role))
    async with speaking(fresh_database, role) as theirs:
        assert await Processor(toy.service(), theirs, inbox).process(inputs, Records()) == len(inputs)
    assert [await notes(pool, order) for order in ORDERS] == [["remind", "ask"]] * len(ORDERS)
    assert await pool.fetchval("SELECT count(*) FROM put") == len(ORDERS)
    assert [tuple(row) for row in await pool.fetch(_LETTERS)] == [("refused", "bad", False)]


async def test_the_process_says_why_it_waits(
    pool: Pool, broker: Broker, running: Callable[..., AbstractAsyncContextManager[Process]]
) -> None:
    """Not ready, with the database's own words; then it goes on by itself."""
    order = new_order()
    async with running() as process:
        await pool.execute("ALTER TABLE sequence RENAME TO numbers")
        await broker.send(toy.request(order, "1"))

        async def wrong() -> str:
            url = f"http://127.0.0.1:{process.http_port}/health/ready"
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                return "" if answer.status == 200 else str((await answer.json())["wrong"])

        await eventually(wrong, lambda said: 'relation "sequence" does not exist' in said)
        await pool.execute("ALTER TABLE numbers RENAME TO sequence")
        await eventually(lambda: notes(pool, order), lambda seen: seen == ["1"])
        await eventually(wrong, lambda said: said == "")
    # Only of this order: the topic is shared with tests that send what the service refuses.
    assert await pool.fetchval("SELECT count(*) FROM dead_letter WHERE subject_key = $1", order) == 0
    assert await pool.fetchval("SELECT count(*) FROM parked WHERE key = $1", order) == 0


async def test_of_what_a_trigger_refuses_to_everybody_one_key_is_parked(pool: Pool, processor: Processor) -> None:
    """It might have been that one's own fault. The second one that fails alike shows that it isn't."""
    await pool.execute(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not today'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON tally FOR EACH ROW EXECUTE FUNCTION refuse()"""
    )
    inputs = [arrived(toy.request(order, "1")) for order in ORDERS]
    for _ in range(2):
        with pytest.raises(NobodysFaultError, match="not today"):
            await processor.process(inputs, Records())
    assert await pool.fetchval("SELECT count(*) FROM parked") == 1
    await pool.execute("DROP TRIGGER refuse ON tally")
    assert await processor.process(inputs, Records()) == len(ORDERS) - 1
    assert await pool.fetchval("SELECT count(*) FROM parked") == 1


async def test_what_a_trigger_refuses_to_one_is_parked(pool: Pool, processor: Processor) -> None:
    """And once more to another one, as long as others go through between them."""
    await pool.execute(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not this one'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON tally FOR EACH ROW WHEN (NEW.id IN ('o2', 'o6'))
            EXECUTE FUNCTION refuse()"""
    )
    assert await processor.process([arrived(toy.request(order, "1")) for order in ORDERS], Records()) == len(ORDERS)
    assert [tuple(row) for row in await pool.fetch(_LETTERS)] == [("database", "o2", True), ("database", "o6", True)]


_SLOW = """
CREATE FUNCTION plod() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(5); RETURN NEW; END $$;
CREATE TRIGGER plod BEFORE UPDATE ON tally FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION plod()"""


async def until_it_waits(processor: Processor, orders: list[str], tries: int) -> int:
    """Has a batch tried so often, as its consumer does. Returns how often it took too long."""
    inputs = [arrived(toy.request(order, "1")) for order in orders]
    failed = 0
    for _ in range(tries):
        try:
            await processor.process(inputs, Records())
        except (asyncpg.QueryCanceledError, NobodysFaultError):
            failed += 1
    return failed


async def test_an_input_that_alone_takes_too_long_is_given_up(pool: Pool, fresh_database: str) -> None:
    """After some tries, in place of one more for ever; the others go on."""
    await pool.execute(_SLOW.format(when="NEW.id = 'o3'"))
    async with asyncpg.create_pool(fresh_database, server_settings={"statement_timeout": "150"}) as brief:
        processor = Processor(toy.service(), brief, Inbox(brief))
        assert await until_it_waits(processor, ORDERS, 12) < 12
    assert [tuple(row) for row in await pool.fetch(_LETTERS)] == [("database", "o3", True)]
    assert [await notes(pool, order) for order in ORDERS if order != "o3"] == [["1"]] * (len(ORDERS) - 1)


async def test_a_database_that_is_slow_for_everybody_is_waited_for(pool: Pool, fresh_database: str) -> None:
    """Whoever comes first may be taken for the cause. Nobody else is."""
    await pool.execute(_SLOW.format(when="true"))
    async with asyncpg.create_pool(fresh_database, server_settings={"statement_timeout": "100"}) as brief:
        processor = Processor(toy.service(), brief, Inbox(brief))
        tries = 4 * batch._TRIES_ALONE
        assert await until_it_waits(processor, ORDERS, tries) == tries
    assert await pool.fetchval("SELECT count(*) FROM parked") == 1


@pytest.mark.parametrize(("limit", "value"), [("MOST_WAITING", 3), ("MOST_WAITING_BYTES", 300)])
async def test_what_waits_behind_a_parked_key_has_a_limit(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    """In number and in bytes. What is beyond it is a dead letter, kept as it came; nothing is lost, and the queue goes
    on in its order."""
    monkeypatch.setattr(toy, "poisoned", {"bug"})
    monkeypatch.setattr(outcome, limit, value)
    await processor.process([arrived(toy.request("a", note)) for note in ("bug", "1", "2")], Records())
    for note in ("3", "4", "5", "6"):
        await processor.process([arrived(toy.request("a", note))], Records())
    waiting = await pool.fetchval("SELECT count(*) FROM waiting")
    full = await pool.fetch("SELECT retryable, parked, value FROM dead_letter WHERE code = 'queue_full' ORDER BY at")
    assert 0 < waiting <= 3
    assert waiting + len(full) == 6
    assert {(row["retryable"], row["parked"]) for row in full} == {(True, False)}
    assert b'"6"' in full[-1]["value"]
    assert await pool.fetchval("SELECT dead_letter_id = (SELECT id FROM dead_letter WHERE parked) FROM parked")


async def test_a_state_has_a_largest_size(pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would make it larger is refused, and says so; its key isn't parked, the others of its batch are taken."""
    monkeypatch.setattr(documents, "MAX_STATE_BYTES", 100)
    said = [("a", "x" * 60), ("b", "1"), ("a", "y" * 60), ("b", "2"), ("a", "z")]
    assert await processor.process([arrived(toy.request(*one)) for one in said], Records()) == len(said)
    assert await notes(pool, "a") == ["x" * 60, "z"]
    assert await notes(pool, "b") == ["1", "2"]
    assert [tuple(row) for row in await pool.fetch(_LETTERS)] == [("state_too_large", "a", False)]
