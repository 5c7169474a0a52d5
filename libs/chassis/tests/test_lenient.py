"""A header whose name isn't UTF-8 stops no consumer: the broker takes it, so the service must read it."""

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
import toy
from aiokafka import AIOKafkaProducer, codec
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from packhorse_chassis.kafka.lenient import LenientRecords
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.run import Process
from packhorse_contracts.customer import HoldRequested
from rig import Broker, eventually, new_order

Running = Callable[..., AbstractAsyncContextManager[Process]]
Sent = tuple[bytes, list[tuple[str, bytes | None]]]
NAME, NO_TEXT = "spoilt", b"sp\xff\xfe\xedt"
KIND = ("ce_type", HoldRequested.TYPE.encode())


CODECS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "none": (0, bytes),
    "gzip": (1, codec.gzip_encode),
    "snappy": (2, codec.snappy_encode),
    "lz4": (3, codec.lz4_encode),
    "zstd": (4, codec.zstd_encode),
}
HEAD = 61
"""Bytes before the records of a batch."""


async def batch(producer: AIOKafkaProducer, records: list[Sent], compression: str, key: bytes = b"k") -> bytes:
    """The bytes of a batch in which every header called NAME has a name that is no text."""
    building = producer.create_batch()
    for value, headers in records:
        building.append(timestamp=None, key=key, value=value, headers=headers)
    building.close()
    raw = bytearray(building._build().replace(NAME.encode(), NO_TEXT))
    number, encode = CODECS[compression]
    raw[HEAD:] = encode(bytes(raw[HEAD:]))
    raw[8:12] = struct.pack(">i", len(raw) - 12)
    raw[22] |= number
    raw[17:21] = struct.pack(">I", calc_crc32c(bytes(raw[21:])))
    return bytes(raw)


def read(fetched: bytes) -> list[tuple[int, Sent]]:
    """All records: offset, value, headers."""
    records = LenientRecords(fetched)
    found: list[tuple[int, Sent]] = []
    while records.has_next():
        one = records.next_batch()
        assert one.validate_crc()
        found.extend((record.offset, (record.value, record.headers)) for record in one)
    return found


@pytest.fixture
async def producer(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """An outsider's producer."""
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        yield producer


@pytest.mark.parametrize("compression", CODECS)
async def test_every_record_of_a_batch_is_read_once(producer: AIOKafkaProducer, compression: str) -> None:
    """Those before it, itself, and those behind it, with all else as it was; with each compression that Kafka knows."""
    fine: Sent = (b"fine", [("a", b"1"), ("é", None)])
    odd: Sent = (b"odd", [("a", b"\xff"), (NAME, b"\xfe"), ("b", None)])
    batches = ([fine, odd, fine], [fine], [odd])
    fetched = b"".join([await batch(producer, records, compression) for records in batches])
    seen: Sent = (b"odd", [("a", b"\xff"), ("sp???t", b"\xfe"), ("b", None)])
    assert read(fetched) == [(0, fine), (1, seen), (2, fine), (0, fine), (0, seen)]
    with pytest.raises(UnicodeDecodeError):  # else aiokafka does it by itself by now, and all this can go
        list(MemoryRecords(fetched).next_batch())


@pytest.mark.parametrize("compression", CODECS)
async def test_it_becomes_a_dead_letter_and_the_rest_goes_on(
    producer: AIOKafkaProducer, broker: Broker, pool: Pool, running: Running, compression: str
) -> None:
    """From the real broker."""
    order = new_order()
    async with running():
        await broker.send(toy.request(order, "before"))
        raw = await batch(producer, [(b"{", [KIND, (NAME, b"x")])], compression, order.encode())
        building = producer.create_batch()
        building.append(timestamp=None, key=None, value=b"", headers=[])
        building.close()
        building._buffer = raw
        [partition, *_] = await producer.partitions_for("customer.requests")
        await (await producer.send_batch(building, "customer.requests", partition=partition))
        await broker.send(toy.request(order, "after"))
        count = "SELECT jsonb_array_length(state -> 'notes') FROM tally WHERE id = $1"
        await eventually(lambda: pool.fetchval(count, order), lambda seen: seen == 2)
        letters = "SELECT count(*) FROM dead_letter WHERE key = $1"
        await eventually(lambda: pool.fetchval(letters, order.encode()), lambda seen: seen == 1)
