"""A batch that can't be stored for longer than the consumer's patience is handed back, and polled again."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
import toy
from arrivals import notes
from packhorse_chassis.kafka import consume
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.run import Process
from packhorse_chassis.telemetry import metrics
from rig import Broker, eventually, new_order

Running = Callable[..., AbstractAsyncContextManager[Process]]


async def test_a_batch_that_is_handed_back_comes_again_before_what_is_behind_it(
    broker: Broker, pool: Pool, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was locked for too long: nothing of the batch is passed over, and its order holds."""
    order = new_order()

    async def failures() -> float:
        return float(metrics.retried_batches._value.get())

    async with running():
        await broker.send(toy.request(order, "0"))
        await eventually(lambda: notes(pool, order), lambda seen: seen == ["0"])
        before = await failures()
        monkeypatch.setattr(consume, "_PATIENCE", 0.0)
        async with pool.acquire() as db, db.transaction():
            await db.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
            await broker.send(toy.request(order, "1"))
            await eventually(failures, lambda seen: seen > before)
        await broker.send(toy.request(order, "2"))
        await eventually(lambda: notes(pool, order), lambda seen: seen[-1:] == ["2"])
    assert await notes(pool, order) == ["0", "1", "2"]


async def test_a_batch_that_takes_longer_than_the_group_allows_counts_once(
    broker: Broker, pool: Pool, running: Running
) -> None:
    """The process leaves the group with its batch in hand, though a stalled batch should end it before that. It
    can't commit, joins again, and what comes again is known."""
    order = new_order()
    async with running(session_timeout_ms=6_000) as process:
        await broker.send(toy.request(order, "0"))
        await eventually(lambda: notes(pool, order), lambda seen: seen == ["0"])
        assert process._consumer is not None
        group = process._consumer._subscriber.consumer._coordinator  # type: ignore[union-attr]

        async def generation() -> int:
            return int(group.generation)

        before = await generation()
        group._max_poll_interval = 1.0
        async with pool.acquire() as db, db.transaction():
            await db.execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE")
            await broker.send(toy.request(order, "1"))
            await eventually(generation, lambda seen: seen < 0)
        group._max_poll_interval = 120.0
        await broker.send(toy.request(order, "2"))
        await eventually(lambda: notes(pool, order), lambda seen: seen[-1:] == ["2"])
        assert await notes(pool, order) == ["0", "1", "2"]
        assert await generation() > before
    told = [headers["ce_sequence"] for _, headers, _ in await broker.read("order.events", {order}, 3)]
    assert told == ["1", "2", "3"]
