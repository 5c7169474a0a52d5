"""Effects of two processes: one asks at a time, and one answer counts."""

import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
import toy
from arrivals import answered, arrived, notes
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.effect import RetryError
from packhorse_chassis.effects import executor as module
from packhorse_chassis.effects.executor import Executor
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.source import Answers, Records
from packhorse_chassis.settings import Settings

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


class Away(toy.Oracle):
    """An outside that can't be reached until it is back."""

    def __init__(self) -> None:
        super().__init__()
        self.back = False

    async def perform(self, request: toy.Ask, idempotency_key: str) -> toy.Answered:
        """Answers once it is back."""
        self.asked.append(idempotency_key)
        if not self.back:
            raise RetryError("not there", after=0)
        return toy.Answered(order_id=request.order_id, text="back")


class Clock:
    """The monotonic clock that the executor reads: it goes on when it is told to, and a little with each look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=self.monotonic))

    def monotonic(self) -> float:
        """Never the same twice."""
        self.now += 1e-6
        return self.now


async def turn(executor: Executor, times: int = 3) -> None:
    """Lets an executor do what it wants to do now."""
    for _ in range(times):
        await executor.step()
        await executor.drain()


async def stored(processor: Processor, count: int) -> list[str]:
    """Effects of so many orders, which nobody has taken on."""
    orders = [f"o{number}" for number in range(count)]
    await processor.process([arrived(toy.request(order, "ask")) for order in orders], Records())
    return orders


async def test_the_pause_doubles_up_to_its_limit_and_any_part_of_it_may_be_drawn(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full jitter: attempts that failed together don't come back together. What is drawn is what is waited for."""

    class Unreachable(toy.Oracle):
        async def perform(self, request: toy.Ask, idempotency_key: str) -> toy.Answered:
            raise ConnectionError

    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return low if len(drawn) < 30 else high

    monkeypatch.setattr(module, "random", SimpleNamespace(uniform=uniform))
    settings = SETTINGS.model_copy(update={"retry_base": 0.5, "retry_cap": 60.0, "breaker_failures": 1_000})
    await stored(processor, 1)
    await turn(Executor(processor, {toy.Ask: Unreachable()}, settings), 30)
    assert drawn == [(0, bound) for bound in (1, 2, 4, 8, 16, 32, *[60] * 24)]
    assert await pool.fetchval("SELECT next_at > now() + interval '50 seconds' FROM effect")


async def test_an_outside_that_keeps_failing_is_asked_by_nobody_and_then_once(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The breaker opens, whatever is due; after its rest one attempt decides for all."""
    clock, outside = Clock(monkeypatch), Away()
    settings = SETTINGS.model_copy(update={"breaker_failures": 5, "breaker_rest": 1.0})
    executor = Executor(processor, {toy.Ask: outside}, settings)
    orders = await stored(processor, 5)
    await turn(executor)
    assert len(outside.asked) == 5
    for asked, rest in ((6, 1), (7, 2)):
        clock.now += rest
        await turn(executor)
        assert len(outside.asked) == asked
    outside.back = True
    clock.now += 4
    await turn(executor)
    assert len(outside.asked) == 7 + 5
    assert [await notes(pool, order) for order in orders] == [["ask", "back"]] * 5


async def test_no_more_in_a_second_than_allowed(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is beyond that waits, though it is due and nothing is under way."""
    clock, outside = Clock(monkeypatch), toy.Oracle()
    executor = Executor(processor, {toy.Ask: outside}, SETTINGS.model_copy(update={"effects_per_second": 2.0}))
    orders = await stored(processor, 5)
    for asked in (2, 4, 5):
        await turn(executor)
        assert len(outside.asked) == asked
        clock.now += 1
    assert [await notes(pool, order) for order in orders] == [["ask", "42"]] * 5


async def test_an_outside_that_hangs_is_asked_again_with_the_same_key(pool: Pool, processor: Processor) -> None:
    """An attempt has its time; a place in the lane isn't lost by it."""

    class Hanging(toy.Oracle):
        async def perform(self, request: toy.Ask, idempotency_key: str) -> toy.Answered:
            answer = await super().perform(request, idempotency_key)
            if len(self.asked) < 3:
                await asyncio.Event().wait()
            return answer

    outside = Hanging()
    settings = SETTINGS.model_copy(update={"effects_at_once": 1, "effect_timeout": 0.01, "retry_base": 1e-9})
    executor = Executor(processor, {toy.Ask: outside}, settings)
    await stored(processor, 1)
    async with asyncio.timeout(60):
        while len(outside.asked) < 3:
            await turn(executor, 1)
    assert outside.asked == ["ask-o0"] * 3
    assert await notes(pool, "o0") == ["ask", "42"]
