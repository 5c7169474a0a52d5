"""One batch, one transaction, on a real database."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import pytest
import toy
from packhorse_chassis.batch import Processor
from packhorse_chassis.core import said as saying
from packhorse_chassis.core.inputs import Arrival, Raw, unpack_headers
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Connection, OwnConnection, Pool
from packhorse_chassis.postgres.faults import is_transient
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.outgoing import OutboxRow
from packhorse_chassis.postgres.source import Records
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.envelope import Envelope
from packhorse_contracts.order import OrderHeld
from prometheus_client import REGISTRY

READER = Reader(toy.ROUTES)


def arrived(fact: Fact, event_id: str | None = None, offset: int = 0) -> Arrival:
    """A record, read."""
    key, value, headers = ce.encode(
        Envelope(event_id or str(uuid.uuid4()), "/test", fact.TYPE, fact.subject, toy.NOON), fact
    )
    arrival = READER.record(Raw("record", fact.TOPIC.name, 0, offset, key, headers, value))
    assert arrival is not None
    return arrival


async def notes(pool: Pool, order: str) -> list[str]:
    """What the toy keeps of an order."""
    state = await pool.fetchval("SELECT state -> 'notes' FROM tally WHERE id = $1", order)
    return [] if state is None else list(json.loads(state))


async def test_state_event_timer_and_effect_are_stored_together(pool: Pool, processor: Processor) -> None:
    """Everything that follows from a batch is there after it, in order."""
    batch = [arrived(toy.request("a", note)) for note in ("one", "remind", "ask")]
    assert await processor.process(batch, Records()) == 3
    assert await notes(pool, "a") == ["one", "remind", "ask"]
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 3
    assert await pool.fetchval("SELECT count(*) FROM timer") == 1
    assert await pool.fetchval("SELECT count(*) FROM effect") == 1


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    ],
    ids=["uvloop", "asyncpg"],
)
async def test_a_transport_that_was_lost_is_not_the_inputs_fault(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A killed database shows itself as errors of the libraries, too: no key is parked, and the repeat does it all."""

    async def lose(*_: object) -> None:
        raise error

    batch = [arrived(toy.request("a", "one"))]
    with monkeypatch.context() as patch:
        patch.setattr(processor.rows, "outbox", lose)
        with pytest.raises(type(error)) as lost:
            await processor.process(batch, Records())
    assert is_transient(lost.value)
    assert await processor.process(batch, Records()) == 1
    assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0


async def test_an_input_is_blamed_only_for_what_fails_twice(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dying connection fails in ways that no list knows; on a fresh one the same input goes through."""
    store, failures = processor.rows.outbox, [asyncpg.InternalServerError("cache lookup failed")]

    async def stumble(db: Connection, rows: Sequence[OutboxRow]) -> None:
        if failures:
            raise failures.pop()
        await store(db, rows)

    monkeypatch.setattr(processor.rows, "outbox", stumble)
    assert await processor.process([arrived(toy.request("a", "one"))], Records()) == 1
    assert await notes(pool, "a") == ["one"]
    assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0


async def test_a_batch_that_dies_before_its_commit_leaves_nothing(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last statement of the transaction fails: no inbox, no state, no event; and the repeat does all of it."""

    async def die(*_: object) -> None:
        raise ConnectionResetError

    batch = [arrived(toy.request("a", "one"))]
    with monkeypatch.context() as patch:
        patch.setattr(processor.rows, "outbox", die)
        with pytest.raises(ConnectionResetError):
            await processor.process(batch, Records())
    assert await pool.fetchval("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM tally)") == 0
    assert await processor.process(batch, Records()) == 1
    assert await notes(pool, "a") == ["one"]


async def test_a_repeat_changes_nothing(pool: Pool, processor: Processor) -> None:
    """The same event, in the same batch and in a later one, counts once."""
    first, again = arrived(toy.request("a", "one"), "id-1"), arrived(toy.request("a", "one"), "id-1")
    assert await processor.process([first, again], Records()) == 1
    assert await processor.process([arrived(toy.request("a", "one"), "id-1")], Records()) == 0
    assert await notes(pool, "a") == ["one"]
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_two_owners_of_one_partition_take_each_record_once(pool: Pool) -> None:
    """A zombie and its successor process the same batches at the same time."""
    batches = [[arrived(toy.request(f"o{i % 7}", str(i)), f"id-{i}") for i in range(n, n + 50)] for n in (0, 50, 100)]
    rivals = [Processor(toy.service(), pool, Inbox(pool)) for _ in range(3)]
    counts = await asyncio.gather(*(rival.process(batch, Records()) for batch in batches for rival in rivals))
    assert sum(counts) == 150
    kept = [note for i in range(7) for note in await notes(pool, f"o{i}")]
    assert sorted(map(int, kept)) == list(range(150))
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 150


async def test_two_creators_of_one_key_lose_nothing(pool: Pool) -> None:
    """Different events about an order that nobody has seen yet, at the same time."""
    rivals = [Processor(toy.service(), pool, Inbox(pool)) for _ in range(6)]
    await asyncio.gather(
        *(rival.process([arrived(toy.request("new", str(i)))], Records()) for i, rival in enumerate(rivals))
    )
    assert sorted(await notes(pool, "new")) == [str(i) for i in range(6)]


async def test_sequence_is_gapless_and_outbox_order_is_commit_order(pool: Pool) -> None:
    """For one key, outbox ids and ce_sequence rise together, whoever wrote them."""
    rivals = [Processor(toy.service(), pool, Inbox(pool)) for _ in range(4)]
    await asyncio.gather(
        *(
            rival.process([arrived(toy.request("a", f"{n}-{i}")) for i in range(20)], Records())
            for n, rival in enumerate(rivals)
        )
    )
    rows = await pool.fetch("SELECT headers FROM outbox ORDER BY id")
    numbers = [int(dict(unpack_headers(row["headers"]))["ce_sequence"]) for row in rows]
    assert numbers == list(range(1, 81))


async def test_a_poison_record_is_parked_and_the_rest_goes_on(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in one reaction stops one key; what comes behind it waits in order, other keys never notice."""
    monkeypatch.setattr(toy, "poisoned", {"bug"})
    batch = [arrived(toy.request(*pair)) for pair in (("a", "1"), ("a", "bug"), ("b", "1"), ("a", "2"), ("a", "3"))]
    await processor.process(batch, Records())
    assert await notes(pool, "a") == ["1"]
    assert await notes(pool, "b") == ["1"]
    await processor.process([arrived(toy.request("a", "4")), arrived(toy.request("b", "2"))], Records())
    assert await notes(pool, "b") == ["1", "2"]
    letter = await pool.fetchrow("SELECT * FROM dead_letter")
    assert letter is not None
    assert (letter["code"], letter["parked"], letter["subject_key"]) == ("reaction", True, "a")
    assert "ZeroDivisionError" in letter["traceback"]
    assert await pool.fetchval("SELECT count(*) FROM waiting") == 3


async def test_what_the_database_refuses_is_found_and_parked(pool: Pool, processor: Processor) -> None:
    """A constraint fails at the save of one key: halving finds it, everything else is stored."""
    batch = [arrived(toy.request(f"k{i}", "forbidden" if i == 13 else "fine")) for i in range(40)]
    assert await processor.process(batch, Records()) == 40
    assert await pool.fetchval("SELECT count(*) FROM tally WHERE state IS NOT NULL") == 39
    assert await pool.fetchval("SELECT code FROM dead_letter") == "database"
    assert await pool.fetchval("SELECT key FROM parked") == "k13"


@pytest.mark.parametrize(("limit", "code"), [(saying.MAX_EVENT_BYTES, "reaction"), (10**9, "database")])
async def test_what_no_broker_would_take_is_never_said(
    pool: Pool, processor: Processor, monkeypatch: pytest.MonkeyPatch, limit: int, code: str
) -> None:
    """Found when it is written, not when it is published: a permanent error there would reorder its key. First by its
    size, and were that not looked at, by the outbox itself. Its key is parked, the others don't notice."""
    held = toy.held

    def say(order_id: str, note: str, now: datetime) -> OrderHeld:
        return held(order_id, note, now).model_copy(update={"note": "x" * (2_000_001 if note == "large" else 1)})

    monkeypatch.setattr(toy, "held", say)
    monkeypatch.setattr(saying, "MAX_EVENT_BYTES", limit)
    notes_by_order = {"a": ["1", "large", "2"], "b": ["1", "2"], "c": ["1"]}
    batch = [arrived(toy.request(order, note)) for order, said in notes_by_order.items() for note in said]
    assert await processor.process(batch, Records()) == 6
    assert [await notes(pool, order) for order in notes_by_order] == [["1"], ["1", "2"], ["1"]]
    letter = await pool.fetchrow("SELECT code, reason, parked, subject_key FROM dead_letter")
    assert letter is not None
    assert (letter["code"], letter["parked"], letter["subject_key"]) == (code, True, "a")
    assert ("TooLargeError" if code == "reaction" else "outbox_check") in letter["reason"]
    assert await pool.fetchval("SELECT count(*) FROM waiting WHERE subject_key = 'a'") == 1
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'order.events'") == 4


async def test_a_refused_record_parks_nothing(pool: Pool, processor: Processor) -> None:
    """The fault lies in the record: its successors don't wait."""
    await processor.process([arrived(toy.request("a", "refuse")), arrived(toy.request("a", "fine"))], Records())
    assert await notes(pool, "a") == ["fine"]
    assert await pool.fetchval("SELECT count(*) FROM parked") == 0
    assert await pool.fetchval("SELECT field FROM dead_letter") == "note"


async def test_a_batch_costs_a_fixed_number_of_statements(fresh_database: str, pool: Pool) -> None:
    """All I/O is in bulk: 500 records take no more statements than 2."""

    async def statements(count: int) -> int:
        counted = 0

        def count_one(_: object) -> None:
            nonlocal counted
            counted += 1

        async def watch(db: OwnConnection) -> None:
            db.add_query_logger(count_one)

        async with asyncpg.create_pool(fresh_database, min_size=1, max_size=1, init=watch) as single:
            inner = Processor(toy.service(), single, Inbox(single))
            batch = [arrived(toy.request(f"{count}-{i}", "ask")) for i in range(count)]
            await inner.process(batch[:1], Records())  # what is done once a process doesn't count
            counted = 0
            await inner.process(batch[1:], Records())
        return counted

    assert await statements(501) == await statements(3)


async def test_what_a_batch_asks_for_is_loaded_together(pool: Pool, processor: Processor) -> None:
    """Each of many orders is put onto a shelf that an input ahead of it in the same batch names. One by one the batch
    would begin anew for each of them: twice the work takes four times as long, and a service never catches up."""
    names = [str(number) for number in range(40)]
    await processor.process([arrived(toy.request(f"shelf-{name}", "there")) for name in names], Records())
    batch = [arrived(toy.request(name, f"shelf-{name}")) for name in names]
    batch += [arrived(CancellationRequested(order_id=name, reason="put")) for name in names]
    before = REGISTRY.get_sample_value("packhorse_transaction_seconds_count") or 0
    assert await processor.process(batch, Records()) == len(batch)
    assert (REGISTRY.get_sample_value("packhorse_transaction_seconds_count") or 0) - before == 2
    assert await pool.fetchval("SELECT count(*) FROM put") == len(names)
