"""Each input is taken once, by whoever is first, and only if it is still there."""

from pathlib import Path

import pytest
import toy
from arrivals import answered, arrived, due, notes
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.reaction import Routes, on
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Answers, Records, Timers
from packhorse_chassis.service import Service
from packhorse_contracts.customer import HoldRequested


async def test_two_sayers_may_use_the_same_id(pool: Pool, processor: Processor) -> None:
    """An id is unique for its source alone: who else uses it says something else."""
    batch = [arrived(toy.request("a", source), "1", source) for source in ("/shop", "/phone")]
    assert await processor.process(batch, Records()) == 2
    assert await processor.process([arrived(toy.request("a", "web"), "1", "/web")], Records()) == 1
    assert await notes(pool, "a") == ["/shop", "/phone", "web"]


async def test_a_timer_that_two_have_read_fires_once(pool: Pool, processor: Processor) -> None:
    """The second one finds its row gone."""
    await processor.process([arrived(toy.request("a", "remind"))], Records())
    mine, theirs = await due(pool), await due(pool)
    assert await processor.process(mine, Timers()) == 1
    assert await processor.process(theirs, Timers()) == 0
    assert await notes(pool, "a") == ["remind", "reminded"]


@pytest.mark.parametrize("meanwhile", ["forget", "remind"])
async def test_a_timer_that_was_changed_meanwhile_does_not_fire(
    pool: Pool, processor: Processor, meanwhile: str
) -> None:
    """Between its reading and its claim it was cancelled, or set anew for another time."""
    await processor.process([arrived(toy.request("a", "remind"))], Records())
    read = await due(pool)
    await processor.process([arrived(toy.request("a", meanwhile))], Records())
    assert await processor.process(read, Timers()) == 0
    assert await notes(pool, "a") == ["remind", meanwhile]


async def test_a_timer_that_an_earlier_one_of_its_batch_cancels_does_not_fire(pool: Pool) -> None:
    """Both are due and claimed; the first one's reaction cancels the second."""

    def set_two(turn: toy.Toys, tally: toy.Tally, heard: HoldRequested) -> toy.Tally:
        for name in ("first", "second"):
            turn.remind(toy.Reminder(order_id=heard.order_id), turn.now, name)
        return tally

    def cancel_second(turn: toy.Toys, tally: toy.Tally, _timer: toy.Reminder) -> toy.Tally:
        turn.forget(toy.Reminder, "second")
        return toy.Tally(notes=(*tally.notes, "fired"))

    routes = Routes(
        "order",
        on(HoldRequested, toy.TALLIES, "order_id", set_two),
        on(toy.Reminder, toy.TALLIES, "order_id", cancel_second),
    )
    service = Service(routes, Path(toy.__file__).parent / "toy_migrations")
    processor = Processor(service, pool, Inbox(pool))
    await processor.process([arrived(toy.request("a", "go"))], Records())
    both = await due(pool, Reader(routes))
    assert await processor.process(both, Timers()) == len(both) == 2
    assert await notes(pool, "a") == ["fired"]
    assert await pool.fetchval("SELECT count(*) FROM timer") == 0


async def test_an_answer_that_two_have_read_is_heard_once(pool: Pool, processor: Processor) -> None:
    """The second one finds it heard already."""
    await processor.process([arrived(toy.request("a", "ask"))], Records())
    mine, theirs = await answered(pool, "a", "42"), await answered(pool, "a", "42")
    assert await processor.process(mine, Answers()) == 1
    assert await processor.process(theirs, Answers()) == 0
    assert await notes(pool, "a") == ["ask", "42"]
