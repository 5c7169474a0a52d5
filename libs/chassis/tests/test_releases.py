"""An older release beside a newer one: it takes what it knows, and leaves the rest to the newer one's processes."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import next_release
import pytest
import toy
from arrivals import answered, arrived
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.documents import Documents
from packhorse_chassis.core.kinds import Kind, NewerError
from packhorse_chassis.effects.executor import Executor
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.faults import is_transient
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Answers, Records
from packhorse_chassis.process.pump import Pump
from packhorse_chassis.run import Process
from packhorse_chassis.settings import Settings
from packhorse_contracts.base import Model
from rig import Broker, eventually, new_order

_RUBBISH = "SELECT (SELECT count(*) FROM dead_letter) + (SELECT count(*) FROM parked)"
_KEEP = "INSERT INTO tally VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = excluded.state"


@pytest.fixture
def newer(pool: Pool) -> Processor:
    """The next release, over the same database."""
    return Processor(next_release.service(), pool, Inbox(pool))


@pytest.fixture(autouse=True)
def _sound() -> None:
    toy.poisoned.clear()


async def kept(pool: Pool, order: str) -> Any:
    """A tally as it lies in its row."""
    return json.loads(await pool.fetchval("SELECT state FROM tally WHERE id = $1", order) or "null")


async def test_an_older_state_is_upcast_when_read_and_new_when_written(
    pool: Pool, processor: Processor, newer: Processor
) -> None:
    """A row that isn't touched stays as it is."""
    await processor.process([arrived(toy.request(order, "1")) for order in "ab"], Records())
    await newer.process([arrived(toy.request("a", "2"))], Records())
    assert await kept(pool, "a") == {"v": 2, "told": ["1", "2"], "count": 2}
    assert await kept(pool, "b") == {"notes": ["1"]}
    await newer.process([arrived(toy.request("a", "3"))], Records())
    assert await kept(pool, "a") == {"v": 2, "told": ["1", "2", "3"], "count": 3}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"v": 2, "told": ["1"], "count": 1}, "tally a has version 2, this release knows 1"),
        ({"v": 2, "notes": ["1"]}, "tally a has version 2"),
        ({"notes": ["1"], "count": 1}, "tally a holds 'count'"),
    ],
    ids=["another form", "the same form", "one more field"],
)
async def test_a_newer_state_is_left_alone(pool: Pool, processor: Processor, state: object, said: str) -> None:
    """Its batch waits, like for a database that is away, and is whole when a newer process takes it."""
    await pool.execute(_KEEP, "a", json.dumps(state))
    batch = [arrived(toy.request(order, "2")) for order in ("b", "a")]
    for _ in range(2):
        with pytest.raises(NewerError, match=said) as left:
            await processor.process(batch, Records())
        assert is_transient(left.value)
    assert await kept(pool, "a") == state
    assert await kept(pool, "b") is None
    assert await pool.fetchval(_RUBBISH) == 0


async def test_a_newer_process_takes_over(pool: Pool, processor: Processor, newer: Processor) -> None:
    """What the older one handed back."""
    await newer.process([arrived(toy.request("a", "1"))], Records())
    batch = [arrived(toy.request(order, "2")) for order in "ab"]
    with pytest.raises(NewerError):
        await processor.process(batch, Records())
    assert await newer.process(batch, Records()) == 2
    assert await kept(pool, "a") == {"v": 2, "told": ["1", "2"], "count": 2}


async def test_a_newer_state_beside_is_left_alone(pool: Pool, processor: Processor) -> None:
    """One that a reaction only reads, and one that it would write."""
    await processor.process([arrived(toy.request("a", "s"))], Records())
    for table in ("tally", "shelf"):
        await pool.execute(f"INSERT INTO {table} VALUES ('s', $1)", '{"v": 3}')
        with pytest.raises(NewerError, match=f"{table} s has version 3"):
            await processor.process([arrived(toy.cancellation("a"))], Records())
        await pool.execute(f"DELETE FROM {table} WHERE id = 's'")
    assert await pool.fetchval(_RUBBISH) == 0


async def test_newer_timers_are_left_to_a_newer_process(pool: Pool, processor: Processor, newer: Processor) -> None:
    """Of a type, or with a field, that isn't known here. The others fire."""
    await processor.process([arrived(toy.request("b", "remind"))], Records())
    await newer.process([arrived(toy.request("a", "remind"))], Records())
    older, pump = Pump(processor, pool, 100, lambda: None), Pump(newer, pool, 100, lambda: None)
    await pool.execute("UPDATE timer SET due = now()")
    for _ in range(3):
        await older.step()
    assert await pool.fetchval("SELECT count(*) FROM timer") == 2
    assert await kept(pool, "b") == {"notes": ["remind", "reminded"]}
    assert older.left is not None
    assert "release doesn't know" in older.left
    await pump.step()
    assert (await kept(pool, "a"))["told"] == ["remind", "nudge", "reminder"]
    assert await pool.fetchval(_RUBBISH) == 0


async def test_what_waits_for_an_operator_is_left_to_a_newer_process(
    pool: Pool, processor: Processor, newer: Processor
) -> None:
    """The dead letter that is to be tried again, and what waits behind it: nothing is discarded or deleted."""
    await newer.process([arrived(toy.request("a", "remind"))], Records())
    toy.poisoned.add("bug")
    await newer.process([arrived(toy.request("a", "bug"))], Records())
    pump, older = Pump(newer, pool, 100, lambda: None), Pump(processor, pool, 100, lambda: None)
    await pump.step()
    assert await pool.fetchval("SELECT count(*) FROM waiting") == 2
    await pool.execute("UPDATE dead_letter SET status = 'discard'")
    for _ in range(3):
        assert not await older.step()
    assert await pool.fetchval("SELECT count(*) FROM waiting") == 2
    toy.poisoned.clear()
    while await pump.step():
        pass
    assert (await kept(pool, "a"))["told"] == ["remind", "nudge", "reminder"]
    assert await pool.fetchval("SELECT count(*) FROM waiting") == 0


async def test_a_newer_request_is_not_performed_in_part(pool: Pool, processor: Processor) -> None:
    """An older process asks nothing of which it knows a part only, and doesn't give it up either."""
    await processor.process([arrived(toy.request("a", "ask"))], Records())
    await pool.execute("""UPDATE effect SET request = request || '{"how": "gently"}'""")
    oracle = toy.Oracle()
    executor = Executor(processor, {toy.Ask: oracle}, Settings(pump_idle=1e-9, retry_base=1e-9))
    for _ in range(2):
        await executor.step()
        await executor.drain()
        await pool.execute("UPDATE effect SET deadline = now(), next_at = now()")
        executor._leaving = False
    assert oracle.asked == []
    assert executor.left is not None
    assert "'how'" in executor.left
    assert await pool.fetchval("SELECT count(*) FROM effect WHERE done_at IS NULL") == 1
    assert await pool.fetchval(_RUBBISH) == 0


async def test_an_answer_for_a_newer_state_is_asked_for_again(
    pool: Pool, processor: Processor, newer: Processor
) -> None:
    """By a newer process, with the same key: the answers beside it are heard."""
    await processor.process([arrived(toy.request(order, "ask")) for order in "ab"], Records())
    await newer.process([arrived(toy.request("a", "newer"))], Records())
    executor = Executor(processor, {toy.Ask: toy.Oracle()}, Settings(pump_idle=1e-9))
    await executor.step()
    await executor.drain()
    assert await kept(pool, "b") == {"notes": ["ask", "42"]}
    row = await pool.fetchrow("SELECT idempotency_key, leased_until < now() AS free FROM effect WHERE done_at IS NULL")
    assert row is not None
    assert tuple(row) == ("ask-a", True)
    [answer] = await answered(pool, "a", "42", "ask-a")
    answer.heard = next_release.Answered(order_id="a", text="42")
    assert await newer.process([answer], Answers()) == 1


async def test_it_is_not_ready_and_says_why(
    pool: Pool, broker: Broker, running: Callable[..., AbstractAsyncContextManager[Process]]
) -> None:
    """Kind, key and version, for whoever looks after it; and it goes on by itself once that is settled."""
    order = new_order()
    await pool.execute(_KEEP, order, '{"v": 2}')
    async with running() as process:
        await broker.send(toy.request(order, "1"))

        async def wrong() -> str:
            url = f"http://127.0.0.1:{process.http_port}/health/ready"
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                return "" if answer.status == 200 else str((await answer.json())["wrong"].get("consumer"))

        await eventually(wrong, lambda said: f"tally {order} has version 2, this release knows 1" in said)
        await pool.execute(_KEEP, order, '{"notes": []}')
        await eventually(lambda: kept(pool, order), lambda state: state == {"notes": ["1"]})
        await eventually(wrong, lambda said: said == "")
    # Only of this order: the topic is shared with tests that send what the service refuses.
    assert await pool.fetchval("SELECT count(*) FROM dead_letter WHERE subject_key = $1", order) == 0
    assert await pool.fetchval("SELECT count(*) FROM parked WHERE key = $1", order) == 0


def test_an_upcast_that_fails_damages_one_state() -> None:
    """Like any state that can't be read."""
    documents = Documents(next_release.TALLIES)
    assert "upcast fails with KeyError" in str(documents.read("a", "{}"))


def test_a_state_has_no_field_that_could_be_taken_for_its_version() -> None:
    """jsonb sorts short keys first, and the version is looked for at the beginning."""

    class Short(Model):
        """One key of one character."""

        v: int = 0

    with pytest.raises(ValueError, match="longer name than 'v'"):
        Documents(Kind("short", Short, lambda _: Short()))
