"""Effects of two processes: one asks at a time, and one answer counts."""

import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
import toy
from arrivals import arrived, notes
from packhorse_chassis import executor as module
from packhorse_chassis.batch import Processor
from packhorse_chassis.db import Pool
from packhorse_chassis.executor import Executor
from packhorse_chassis.settings import Settings
from packhorse_chassis.source import Records

LEASE = 60.0
SETTINGS = Settings(effect_lease=LEASE)
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
