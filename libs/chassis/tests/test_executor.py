"""Effects of two processes: one asks at a time, and one answer counts."""

import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
import toy
from arrivals import answered, arrived, notes
from packhorse_chassis import executor as module
from packhorse_chassis.batch import Processor
from packhorse_chassis.db import Pool
from packhorse_chassis.effect import RetryError
from packhorse_chassis.executor import Executor
from packhorse_chassis.settings import Settings
from packhorse_chassis.source import Answers, Records

LEASE = 60.0
SETTINGS = Settings(effect_lease=LEASE, pump_idle=1e-9)
UNTIL = "SELECT leased_until FROM effect"


class Slow(toy.Oracle):
    """An outside that takes its time, and answers with a text of its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.reached, self.go = text, asyncio.Event(), asyncio.Event()

    async def perform(self, request: toy.Ask, idempotency_key: str) -> toy.Answered:
        """Answers when it is let go."""
        self.asked.append(idempotency_key)
        self.reached.set()
        await self.go.wait()
        return toy.Answered(order_id=request.order_id, text=self.text)


@pytest.fixture
async def first(pool: Pool, processor: Processor) -> AsyncIterator[tuple[Slow, Executor]]:
    """A process whose attempt of the effect of order `a` is under way."""
    await processor.process([arrived(toy.request("a", "ask"))], Records())
    outside = Slow("first")
    executor = Executor(processor, {toy.Ask: outside}, SETTINGS)
    await executor.step()
    await outside.reached.wait()
    yield outside, executor
    await executor.close()


async def test_nobody_else_asks_while_an_attempt_is_under_way(
    processor: Processor, first: tuple[Slow, Executor]
) -> None:
    """It is leased."""
    outside, _ = first
    rival = toy.Oracle()
    other = Executor(processor, {toy.Ask: rival}, SETTINGS)
    await other.step()
    await other.drain()
    assert (outside.asked, rival.asked) == (["ask-a"], [])


async def test_an_attempt_that_takes_long_keeps_its_lease(
    pool: Pool, first: tuple[Slow, Executor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is renewed, step by step, well before it runs out."""
    _, executor = first
    now = time.monotonic()
    for _ in range(3):
        before = await pool.fetchval(UNTIL)
        now += LEASE / 2
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda now=now: now))
        await executor.step()
        assert await pool.fetchval(UNTIL) > before


async def test_of_two_answers_the_first_counts(pool: Pool, processor: Processor, first: tuple[Slow, Executor]) -> None:
    """A process was frozen until its lease ran out: another asks with the same key, and what the first one learns in
    the end is heard by nobody."""
    outside, executor = first
    await pool.execute("UPDATE effect SET leased_until = '-infinity'")
    rival = toy.Oracle()
    other = Executor(processor, {toy.Ask: rival}, SETTINGS)
    await other.step()
    await other.drain()
    assert rival.asked == outside.asked == ["ask-a"]
    assert await notes(pool, "a") == ["ask", "42"]
    outside.go.set()
    await executor.drain()
    assert await notes(pool, "a") == ["ask", "42"]


async def test_an_answer_that_can_not_be_stored_is_kept_and_heard_later(
    pool: Pool, processor: Processor, first: tuple[Slow, Executor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was away when it came: the outside isn't asked twice."""
    outside, executor = first
    outside.go.set()

    async def away(*_: object) -> int:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(processor, "process", away)
        with pytest.raises(ConnectionError):
            await executor.drain()
    await executor.step()
    assert (await notes(pool, "a"), outside.asked) == (["ask", "first"], ["ask-a"])


async def test_an_answer_that_dies_with_its_process_is_asked_for_again(
    pool: Pool, processor: Processor, first: tuple[Slow, Executor]
) -> None:
    """With the same key, once the lease has run out: the outside gives the same answer."""
    outside, executor = first
    await executor.close()
    await pool.execute("UPDATE effect SET leased_until = now()")
    again = toy.Oracle()
    other = Executor(processor, {toy.Ask: again}, SETTINGS)
    await other.step()
    await other.drain()
    assert again.asked == outside.asked == ["ask-a"]
    assert await notes(pool, "a") == ["ask", "42"]


async def test_two_answers_of_one_effect_in_one_batch_count_once(pool: Pool, processor: Processor) -> None:
    """Two attempts were under way, and both were answered before either answer was heard."""
    await processor.process([arrived(toy.request("a", "ask"))], Records())
    answers = await answered(pool, "a", "first") + await answered(pool, "a", "second")
    assert await processor.process(answers, Answers()) == 1
    assert await notes(pool, "a") == ["ask", "first"]


async def test_what_is_under_way_is_not_taken_on_again(pool: Pool, first: tuple[Slow, Executor]) -> None:
    """Its lease ran out, since the database was away for longer than that: one attempt at a time all the same."""
    outside, executor = first
    await pool.execute("UPDATE effect SET leased_until = '-infinity'")
    outside.reached.clear()
    await executor.step()
    outside.go.set()
    await executor.drain()
    assert (outside.asked, await notes(pool, "a")) == (["ask-a"], ["ask", "first"])


async def test_whoever_was_frozen_does_not_touch_the_lease_of_his_successor(pool: Pool, processor: Processor) -> None:
    """His attempt failed in the end; a third one would ask beside the second else."""

    class Failing(Slow):
        async def perform(self, request: toy.Ask, idempotency_key: str) -> toy.Answered:
            await super().perform(request, idempotency_key)
            raise RetryError("not yet", after=0)

    await processor.process([arrived(toy.request("a", "ask"))], Records())
    frozen, successor = Failing("frozen"), Slow("successor")
    one, two = (Executor(processor, {toy.Ask: outside}, SETTINGS) for outside in (frozen, successor))
    await one.step()
    await frozen.reached.wait()
    await pool.execute("UPDATE effect SET leased_until = '-infinity'")
    await two.step()
    await successor.reached.wait()
    leased = await pool.fetchval(UNTIL)
    frozen.go.set()
    await one.drain()
    assert await pool.fetchval(UNTIL) == leased
    await two.close()


async def test_after_the_deadline_the_outcome_is_unknown(pool: Pool, processor: Processor) -> None:
    """Nobody is asked any more, and nothing is guessed; it says nothing of whether the outside is there."""
    await processor.process([arrived(toy.request("a", "ask"))], Records())
    await pool.execute("UPDATE effect SET deadline = now() - interval '1 second'")
    oracle = toy.Oracle()
    executor = Executor(processor, {toy.Ask: oracle}, SETTINGS)
    await executor.step()
    await executor.drain()
    assert (oracle.asked, await notes(pool, "a")) == ([], ["ask", "unknown"])


async def test_no_more_at_once_than_allowed(pool: Pool, processor: Processor) -> None:
    """What isn't taken on as it is stored waits for a place."""
    outside = Slow("x")
    settings = SETTINGS.model_copy(update={"effects_at_once": 2})
    executor = Executor(processor, {toy.Ask: outside}, settings)
    processor.connect(lambda: None, executor)
    orders = [f"o{number}" for number in range(6)]
    await processor.process([arrived(toy.request(order, "ask")) for order in orders], Records())
    await outside.reached.wait()
    for _ in range(3):
        await executor.step()
        await asyncio.sleep(0)
    assert len(outside.asked) == 2
    outside.go.set()
    while len(outside.asked) < 6:
        await executor.step()
        await asyncio.sleep(0)
    await executor.drain()
    assert [await notes(pool, order) for order in orders] == [["ask", "x"]] * 6


async def test_a_slow_outside_does_not_cost_the_answers_of_others(pool: Pool, processor: Processor) -> None:
    """A process leaves while one attempt hangs: what was answered is heard, and not asked again by the next one."""

    class Half(Slow):
        async def perform(self, request: toy.Ask, idempotency_key: str) -> toy.Answered:
            if request.order_id == "slow":
                return await super().perform(request, idempotency_key)
            return toy.Answered(order_id=request.order_id, text="quick")

    outside = Half("x")
    executor = Executor(processor, {toy.Ask: outside}, SETTINGS)
    await processor.process([arrived(toy.request(order, "ask")) for order in ("slow", "quick")], Records())
    await executor.step()
    await outside.reached.wait()
    await executor.drain(0.01)
    assert await notes(pool, "quick") == ["ask", "quick"]
    assert executor.take({"Ask": 1}) == {}
    await executor.close()
