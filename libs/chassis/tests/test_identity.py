"""Who has said what before: an id is unique for its source and topic, and names one content."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
import toy
from arrivals import notes
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Records, Retry
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact

READER = Reader(toy.WIDER)
_LETTERS = "SELECT code FROM dead_letter"
PLACE = toy.location("L1", "Lisbon")
DATA = json.loads(PLACE.model_dump_json(exclude_none=True))


@pytest.fixture
def processor(pool: Pool) -> Processor:
    """A service that hears more than one topic."""
    return Processor(toy.service(routes=toy.WIDER), pool, Inbox(pool))


def arrived(
    fact: Fact, event_id: str, value: bytes | None = None, headers: Sequence[tuple[str, bytes]] = ()
) -> Arrival:
    """A fact, as it is usually written or as these bytes."""
    key, plain, usual = ce.encode(ce.Envelope(event_id, "/shop", fact.TYPE, fact.subject, toy.NOON), fact)
    raw = Raw("record", fact.TOPIC.name, 0, 0, key, [*(headers or usual)], plain if value is None else value)
    arrival = READER.record(raw)
    assert arrival is not None
    assert arrival.heard is not None
    return arrival


def structured(data: object) -> Arrival:
    """The same in structured mode, said again at another time."""
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/shop",
        "type": PLACE.TYPE,
        "subject": "L1",
        "time": "2026-11-24T12:00:00Z",
        "data": data,
    }
    return arrived(PLACE, "1", json.dumps(event).encode(), [("content-type", ce.STRUCTURED.encode())])


@pytest.mark.parametrize(
    "again",
    [
        arrived(PLACE, "1", json.dumps(dict(reversed(DATA.items())), indent=4).encode()),
        arrived(PLACE, "1", json.dumps({**DATA, "name": "Lisbon", "postal_code": None}).encode()),
        arrived(PLACE, "1", json.dumps(DATA).replace("Lisbon", "\\u004cisbon").encode()),
        structured(DATA),
        replace(arrived(PLACE, "1"), raw=replace(arrived(PLACE, "1").raw, key=None)),
    ],
    ids=["order and blanks", "a null", "an escape", "structured", "without a key"],
)
async def test_the_same_written_differently_is_a_repeat(pool: Pool, processor: Processor, again: Arrival) -> None:
    """A library may write what it repeats in another way."""
    assert await processor.process([arrived(PLACE, "1"), replace(again)], Records()) == 1
    assert await processor.process([again], Records()) == 0
    assert await notes(pool, "L1") == ["Lisbon"]
    assert await pool.fetch(_LETTERS) == []


async def test_the_same_bytes_stay_a_repeat_when_a_release_reads_more_of_them(pool: Pool, processor: Processor) -> None:
    """The field that this one doesn't know is known to the next one."""
    value = json.dumps({**DATA, "name": "Lisbon"}).encode()
    assert await processor.process([arrived(PLACE, "1", value)], Records()) == 1
    newer = replace(arrived(PLACE, "1", value), heard=PLACE.model_copy(update={"postal_code": "1000"}))
    assert await processor.process([newer], Records()) == 0
    assert await pool.fetch(_LETTERS) == []


async def test_other_content_that_an_operator_has_taken_all_the_same_follows_under_ids_of_its_own(
    pool: Pool, processor: Processor
) -> None:
    """Else its readers would take what follows from it for a repeat of what followed from the first."""
    other = arrived(toy.location("L1", "Porto"), "1")
    await processor.process([arrived(PLACE, "1"), other], Records())
    letter = await pool.fetchval("UPDATE dead_letter SET status = 'retry' RETURNING id")
    again = READER.again(other.raw)
    assert again is not None
    await processor.process([again], Retry(letter, frozenset()))
    assert await notes(pool, "L1") == ["Lisbon", "Porto"]
    said = await pool.fetch("SELECT headers FROM outbox WHERE topic = 'order.events'")
    assert len({dict(json.loads(row["headers"]))["ce_id"] for row in said}) == 2


async def test_two_dead_letters_of_one_id_have_two(pool: Pool, processor: Processor) -> None:
    """On two topics, in one transaction."""
    refused = arrived(toy.request("a", "refuse"), "1"), arrived(toy.cancellation("a"), "1")
    await processor.process([arrived(PLACE, "1"), *refused], Records())
    assert await pool.fetchval("SELECT count(DISTINCT id) FROM dead_letter") == 2
