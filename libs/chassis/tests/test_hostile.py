"""What no honest sender would send: it becomes a dead letter or is taken, and the batch around it goes on."""

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import asyncpg
import pytest
import toy
from aiokafka import AIOKafkaProducer
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import Arrival, Raw, unpack_headers
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.kafka.relay import Relay
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.source import Records
from packhorse_chassis.run import Process
from packhorse_contracts import envelope as ce
from packhorse_contracts import ids
from packhorse_contracts.customer import HoldRequested
from rig import Broker, eventually, new_order

READER = Reader(toy.ROUTES)
Headers = Sequence[tuple[str, bytes]]
Running = Callable[..., AbstractAsyncContextManager[Process]]


def arrived(raw: Raw) -> Arrival:
    """A record, read."""
    arrival = READER.record(raw)
    assert arrival is not None
    return arrival


def raw(note: str, offset: int, source: str = "/test", event_id: str | None = None) -> Raw:
    """A sound record under any id."""
    fact = toy.request(note, note)
    envelope = ce.Envelope(event_id or str(uuid.uuid4()), source, fact.TYPE, fact.subject, toy.NOON)
    key, value, headers = ce.encode(envelope, fact)
    return Raw("record", fact.TOPIC.name, 0, offset, key, headers, value)


def odd(offset: int, value: bytes, headers: Headers = ()) -> Raw:
    """Any bytes under the toy's type."""
    own = [("ce_type", HoldRequested.TYPE.encode()), *headers]
    return Raw("record", HoldRequested.TOPIC.name, 0, offset, b"odd", own, value)


async def among(pool: Pool, processor: Processor, hostile: Sequence[Raw]) -> int:
    """Processes records between two sound ones, which must be taken. Returns how many dead letters there are."""
    batch = [raw("before", 1_000), *hostile, raw("after", 2_000)]
    await processor.process([arrived(record) for record in batch], Records())
    assert await pool.fetchval("SELECT count(*) FROM tally WHERE id IN ('before', 'after')") == 2
    assert await pool.fetchval("SELECT count(*) FROM parked") == 0
    return int(await pool.fetchval("SELECT count(*) FROM dead_letter"))


async def test_ids_may_be_as_long_as_they_like(pool: Pool, processor: Processor) -> None:
    """Longer than an index entry can be, and without anything to compress: still guarded against a repeat."""
    random = Random(1)
    source, event_id = ("".join(chr(random.randrange(0x10000, 0x10FFFF)) for _ in range(1_024)) for _ in range(2))
    assert await among(pool, processor, [raw("long", 1, source, event_id)]) == 0
    assert await processor.process([arrived(raw("long", 2, source, event_id))], Records()) == 0
    assert await processor.process([arrived(raw("other", 3, source, event_id[:-1] + "x"))], Records()) == 1


async def test_a_key_beyond_all_limits_is_kept_by_its_beginning(pool: Pool, processor: Processor) -> None:
    """A row that the broker refuses would hold up all that is said after it, and many such rows all memory."""
    hostile = [replace(odd(n, b"{}"), key=Random(n).randbytes(2_200_000)) for n in range(50)]
    assert await among(pool, processor, hostile) == 50
    letter = await pool.fetchrow("SELECT code, reason, octet_length(key) AS size FROM dead_letter")
    assert letter is not None
    assert (letter["code"], letter["size"]) == ("too_large", 65_536)
    assert "2200000 bytes" in letter["reason"]
    assert await pool.fetchval("SELECT max(octet_length(key)) FROM outbox") == 65_536
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("INSERT INTO outbox (topic, key, headers, value) VALUES ('x', $1, '', '')", hostile[0].key)


@pytest.mark.parametrize("year", [1970, 1999, 2999, 9999])
async def test_an_id_of_another_age_is_guarded_like_an_outsiders(pool: Pool, processor: Processor, year: int) -> None:
    """Whoever speaks in our name with an absurd time in the id gets no partition of that day."""
    event_id = ids.derive(datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC), "x")
    assert await among(pool, processor, [raw("odd", 1, "/packhorse/console", event_id)]) == 0
    assert await processor.process([arrived(raw("odd", 2, "/packhorse/console", event_id))], Records()) == 0
    partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'inbox'::regclass"
    assert await pool.fetchval(partitions) == 1


async def test_a_record_cannot_take_the_place_of_a_dead_letter(pool: Pool, processor: Processor) -> None:
    """A source that looks like a place in the log is an outsider's like any other."""
    forged = raw("forged", 1, f"kafka:{HoldRequested.TOPIC.name}", "0-7")
    assert await among(pool, processor, [forged, odd(7, b"{")]) == 1


async def test_a_value_beyond_all_limits_is_kept_by_its_beginning(pool: Pool, processor: Processor) -> None:
    """Compressed it fits through the broker; in the dead letters stands what it begins with, and its true size."""
    assert await among(pool, processor, [odd(n, b"x" * 20_000_000) for n in range(10)]) == 10
    letter = await pool.fetchrow("SELECT code, reason, octet_length(value) AS size FROM dead_letter")
    assert letter is not None
    assert letter["code"] == "too_large"
    assert "20000000 bytes" in letter["reason"]
    assert letter["size"] < 1_100_000


@pytest.mark.parametrize(
    "headers",
    [[("", b"")] * 300_000, [("x", b"\xff" * 900_000)], [("\U0010ffff" * 60_000, b"")], [("x", b"\xff" * 60_000)]],
    ids=["many", "large", "a long name", "bytes that are long when written"],
)
async def test_any_headers_fit_into_a_dead_letter(pool: Pool, processor: Processor, headers: Headers) -> None:
    """Together with the largest value that a broker takes."""
    assert await among(pool, processor, [odd(1, b"{" * ce.MAX_VALUE_BYTES, headers)]) == 1
    row = await pool.fetchrow("SELECT headers, value FROM outbox WHERE topic LIKE '%.dead'")
    assert row is not None
    assert len(row["value"]) == ce.MAX_VALUE_BYTES
    assert dict(unpack_headers(row["headers"]))["dead-letter-reason"]


async def test_large_records_are_taken_a_few_at_a_time(pool: Pool, processor: Processor) -> None:
    """A poll may bring hundreds of a megabyte; stored in one statement they would run into its time limit for ever."""
    assert await among(pool, processor, [odd(n, bytes([n]) * 1_048_000) for n in range(40)]) == 40
    assert await pool.fetchval("SELECT count(DISTINCT at) FROM dead_letter") == 3


async def test_the_relay_works_off_large_records_a_few_at_a_time(
    broker: Broker, pool: Pool, processor: Processor, fresh_database: str, kafka_bootstrap: str
) -> None:
    """A backlog of dead letters leaves in its order, in several steps, each of bounded size."""
    key = new_order().encode()
    large = [replace(odd(n, bytes([n]) * 1_048_000), key=key) for n in range(20)]
    await among(pool, processor, large)
    left = [await pool.fetchval("SELECT count(*) FROM outbox")]
    async with AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, enable_idempotence=True, max_request_size=2_097_152
    ) as producer:
        relay = Relay(lambda: asyncpg.connect(fresh_database), producer, rows=2_000)
        while await relay.step():
            left.append(await pool.fetchval("SELECT count(*) FROM outbox"))
        await relay.resign()
    assert len(left) == 3
    assert all(8 <= before - after <= 11 for before, after in pairwise(left))
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0
    sent = await broker.read(f"{HoldRequested.TOPIC.name}.order.dead", {key.decode()}, 20)
    assert [value[0] for _, _, value in sent] == list(range(20))


async def test_the_largest_record_becomes_a_dead_letter_on_its_topic(
    broker: Broker, pool: Pool, running: Running, kafka_bootstrap: str
) -> None:
    """As large as the broker takes it, and larger where compression brings it through."""
    order = new_order()
    most = 1_048_576 - 70_000
    async with (
        running(),
        AIOKafkaProducer(
            bootstrap_servers=kafka_bootstrap, compression_type="gzip", max_request_size=20_000_000
        ) as outsider,
    ):
        kind = ("ce_type", HoldRequested.TYPE.encode())
        plain = Random(1).randbytes(most)
        for value, headers in ((plain, [kind, ("x", b"\xff" * 60_000)]), (b"{" * 5_000_000, [kind])):
            await outsider.send_and_wait("customer.requests", value, key=order.encode(), headers=headers)
        await broker.send(toy.request(order, "after"))
        await eventually(
            lambda: pool.fetchval("SELECT count(*) FROM tally WHERE id = $1", order), lambda seen: seen == 1
        )
        dead = await broker.read("customer.requests.order.dead", {order}, 2)
    assert [len(value) for _, _, value in dead] == [most, ce.MAX_VALUE_BYTES]
    assert [headers["dead-letter-code"] for _, headers, _ in dead] == ["missing_attribute", "too_large"]
