"""Small batches that unpack to gigabytes, and batches that can't be unpacked, harm no other record."""

import asyncio
import resource
import struct
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import bombs
import pytest
import toy
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder, _LegacyRecordBatchPy
from bombs import CODECS, MIB
from packhorse_chassis.core.inputs import Raw, Unread
from packhorse_chassis.kafka import lenient, unpack
from packhorse_chassis.kafka.lenient import LenientRecords
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.run import Process
from rig import PARTITIONS, Broker, eventually, new_order

Running = Callable[..., AbstractAsyncContextManager[Process]]
TOPIC = "customer.requests"
BESIDE = 320 * MIB
"""What a process may take for a poll with bombs in it."""

LETTERS = 'SELECT "offset", code, reason FROM dead_letter WHERE partition = $1 AND "offset" >= $2 ORDER BY "offset"'


@pytest.fixture(autouse=True)
def _lenient() -> None:
    lenient.install()


@pytest.fixture
async def producer(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """An outsider's producer."""
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, max_request_size=2 * MIB) as producer:
        yield producer


@asynccontextmanager
async def limited(kafka: str, dsn: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The toy in a process with little memory."""
    script = Path(__file__).with_name("limited_process.py")
    child = await asyncio.create_subprocess_exec(
        sys.executable, script, kafka, dsn, str(BESIDE), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        while b"ready" not in await child.stdout.readline():
            assert child.returncode is None
        yield child
        child.stdin.close()
        assert await child.wait() == 0
    finally:
        if child.returncode is None:
            child.kill()


# As large as the broker takes it into this topic: 1 GiB but for lz4, which packs to a 255th, and snappy, to a 21st.
BOMBS = {
    "gzip": [("gzip", 16, 64 * MIB)],
    "lz4": [("lz4", 4, 58 * MIB)],
    "zstd": [("zstd", 16, 64 * MIB)],
    "one record": [("zstd", 1, 1024 * MIB)],
    "many below the limit": [("zstd", 1, 30 * MIB)] * 16,
    "many of snappy": [("snappy", 1, 20 * MIB)] * 6,
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_batch_that_unpacks_to_gigabytes_harms_no_other_record(
    broker: Broker, producer: AIOKafkaProducer, pool: Pool, fresh_database: str, kafka_bootstrap: str, name: str
) -> None:
    """In a process with little memory; what comes before and behind it on its partition is handled, and so is what it
    leaves behind: a dead letter with its place."""
    order = new_order()
    sent = BOMBS[name]
    await broker.send(toy.request(order, "before"))
    partition = await _partition_of(kafka_bootstrap, order)
    first = [await bombs.send(producer, TOPIC, partition, bombs.bomb(*one)) for one in sent]
    await broker.send(toy.request(order, "after"))
    async with limited(kafka_bootstrap, fresh_database) as child:
        notes = "SELECT state ->> 'notes' FROM tally WHERE id = $1"
        await eventually(lambda: _alive(child, pool, notes, order), lambda seen: seen == '["before", "after"]', 90)
        letters = await pool.fetch(LETTERS, partition, first[0])
    if sent[0][1] * sent[0][2] > unpack.MAX_BATCH_BYTES:
        last = first[0] + sent[0][1] - 1
        [letter] = letters
        assert (letter["offset"], letter["code"]) == (last, "too_large_unpacked")
        assert f"offsets {first[0]} to {last}" in letter["reason"]
    else:
        assert [(letter["offset"], letter["code"]) for letter in letters] == [(at, "too_large") for at in first]


async def _alive(child: asyncio.subprocess.Process, pool: Pool, sql: str, *args: object) -> object:
    assert child.returncode is None, "the process ended"
    return await pool.fetchval(sql, *args)


async def _partition_of(kafka: str, key: str) -> int:
    async with AIOKafkaConsumer(TOPIC, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        while True:
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                if any(record.key == key.encode() for record in records):
                    return int(place.partition)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("reader", [_DefaultRecordBatchPy, LenientRecords])
def test_no_codec_unpacks_beyond_the_limit(codec: str, reader: type) -> None:
    """Whatever a broker would take: 1 GiB, in aiokafka's reader in C and in the one in Python."""
    raw = bombs.bomb(codec, 16, 64 * MIB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if reader is LenientRecords:
        [record] = LenientRecords(raw).next_batch()
        assert (record.offset, record.value.code) == (15, "too_large_unpacked")
        assert record.value == raw
    else:
        with pytest.raises(unpack.TooLargeUnpackedError):
            list(_DefaultRecordBatchPy(raw))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4 * unpack.MAX_BATCH_BYTES // 1024


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_just_within_the_limit_is_read(codec: str) -> None:
    """To the last byte."""
    size = unpack.MAX_BATCH_BYTES - len(b"".join(bombs.zeros(1, 32 * MIB))) + 32 * MIB
    [record] = LenientRecords(bombs.bomb(codec, 1, size)).next_batch()
    assert len(record.value) == size
    [record] = LenientRecords(bombs.bomb(codec, 1, size + 1)).next_batch()
    assert record.value.code == "too_large_unpacked"


@pytest.mark.parametrize(("magic", "codec"), [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)])
def test_the_old_formats_unpack_within_the_limit(magic: int, codec: int) -> None:
    """Which lie on brokers that were there before version 2 of the format."""
    building = LegacyRecordBatchBuilder(magic, codec, 1 << 30)
    for offset in range(2):
        building.append(offset, timestamp=0, key=None, value=bytes(20 * MIB))
    raw = bytes(building.build())
    [record] = LenientRecords(raw).next_batch()
    assert record.value.code == "too_large_unpacked"
    with pytest.raises(unpack.TooLargeUnpackedError):
        list(_LegacyRecordBatchPy(raw, magic))


DAMAGED = {
    "gzip": (1, b"\x1f\x8b\x08\x00" + b"x" * 40),
    "lz4": (3, b"\x04\x22\x4d\x18" + b"x" * 40),
    "zstd": (4, b"\x28\xb5\x2f\xfd" + b"x" * 40),
    "snappy that claims 4 GiB": (2, b"\xff\xff\xff\xff\x0f" + b"x" * 40),
    "snappy with a block that ends before it begins": (
        2,
        b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01" + struct.pack(">i", -4) + b"x" * 40,
    ),
    "no codec": (7, b"x" * 40),
    "no records": (4, CODECS["zstd"][1]([b"\xff" * 40])),
    "fewer records than it says": (4, CODECS["zstd"][1](bombs.zeros(1, 3))),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_cant_be_unpacked_becomes_a_dead_letter_by_its_place(name: str) -> None:
    """With its bytes, and without an end of reading."""
    number, packed = DAMAGED[name]
    raw = bombs.of_packed(number, 3, packed)
    *_, record = LenientRecords(raw).next_batch()
    assert record.offset == 2
    arrival = Reader(toy.ROUTES).record(Raw("record", TOPIC, 7, record.offset, None, [], record.value))
    assert arrival is not None
    assert arrival.fault is not None
    assert arrival.fault.code == ("too_large_unpacked" if "4 GiB" in name else "unreadable_batch")
    assert (arrival.id, arrival.raw.value) == ("7-2", raw)
    assert type(arrival.raw.value) is bytes


async def test_a_poll_unpacks_no_more_than_its_allowance(producer: AIOKafkaProducer, kafka_bootstrap: str) -> None:
    """Whoever polls, and on however many partitions; nothing is left out."""
    raw = bombs.bomb("zstd", 3, 9 * MIB)
    places = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
    first = {place: await bombs.send(producer, TOPIC, place.partition, raw) for place in places}
    for place in places:
        await bombs.send(producer, TOPIC, place.partition, raw)
    polls: list[Sequence[int]] = []
    async with AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, enable_auto_commit=False) as consumer:
        consumer.assign(places)
        for place, offset in first.items():
            consumer.seek(place, offset)
        while sum(map(sum, polls)) < 6 * PARTITIONS:
            batches = await consumer.getmany(timeout_ms=2_000)
            assert batches
            polls.append([len(records) for records in batches.values()])
    assert max(map(sum, polls)) <= 6
    assert sum(map(sum, polls)) == 6 * PARTITIONS


def test_what_stands_in_for_a_batch_says_no_values() -> None:
    """The reason holds nothing of what is in it."""
    packed = CODECS["zstd"][1]([b"secret" * 9])
    *_, record = LenientRecords(bombs.of_packed(4, 3, packed)).next_batch()
    assert isinstance(record.value, Unread)
    assert "secret" not in record.value.reason
