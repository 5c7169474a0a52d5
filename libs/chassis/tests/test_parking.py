"""Parked subjects, and two processes that work one queue off."""

import pytest
import toy
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import Arrival, Raw, unpack_headers
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Queue, Records, Retry
from packhorse_contracts import envelope as ce

READER = Reader(toy.ROUTES)
SUBJECT = Ref("tally", "a")


def arrived(note: str) -> Arrival:
    """A record about the one subject, read."""
    fact = toy.request("a", note)
    key, value, headers = ce.encode(ce.Envelope(note, "/test", fact.TYPE, fact.subject, toy.NOON), fact)
    arrival = READER.record(Raw("record", fact.TOPIC.name, 0, 0, key, headers, value))
    assert arrival is not None
    return arrival


async def queue(pool: Pool) -> list[Arrival]:
    """What a process reads when it finds the subject freed."""
    found = []
    for row in await pool.fetch("SELECT * FROM waiting ORDER BY seq"):
        headers = unpack_headers(row["headers"])
        arrival = READER.record(Raw("record", row["topic"], 0, 0, row["key"], headers, row["value"]))
        assert arrival is not None
        arrival.waiting = row["seq"]
        found.append(arrival)
    return found


async def test_a_queue_that_stops_again_is_left_alone_by_a_rival(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes have read the queue. What the first one runs fails: the second one must not run what is behind."""
    monkeypatch.setattr(toy, "poisoned", {"bug", "worse"})
    rival = Processor(toy.service(), pool, Inbox(pool))
    await processor.process([arrived(note) for note in ("bug", "worse", "last")], Records())
    toy.poisoned.remove("bug")
    letter = await pool.fetchval("UPDATE dead_letter SET status = 'retry' RETURNING id")
    await processor.process([arrived("bug")], Retry(letter, frozenset({SUBJECT})))
    mine, theirs = await queue(pool), await queue(pool)
    await processor.process(mine, Queue(SUBJECT))
    await rival.process(theirs, Queue(SUBJECT))
    assert await pool.fetchval("SELECT state ->> 'notes' FROM tally") == '["bug"]'
    assert await pool.fetchval("SELECT count(*) FROM waiting") == 1
    assert await pool.fetchval("SELECT count(*) FROM parked") == 1


async def test_a_rival_frees_nothing_that_was_parked_anew(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where nothing is left behind what failed: the subject stays parked for it."""
    monkeypatch.setattr(toy, "poisoned", {"bug", "worse"})
    rival = Processor(toy.service(), pool, Inbox(pool))
    await processor.process([arrived("bug"), arrived("worse")], Records())
    await pool.execute("UPDATE dead_letter SET status = 'discarded'")
    mine, theirs = await queue(pool), await queue(pool)
    await processor.process(mine, Queue(SUBJECT))
    await rival.process(theirs, Queue(SUBJECT))
    assert await pool.fetchval("SELECT count(*) FROM parked") == 1
