"""Batches as only somebody who means harm builds them: of any unpacked size, built without ever having that much."""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache

import cramjam
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

MIB = 1_048_576
_HEAD = struct.Struct(">qiibIhiqqqhii")
_CRC_AT, _CHECKED_FROM = 17, 21


def _gzip(chunks: Iterable[bytes]) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(chunk) for chunk in chunks), packer.flush()])


def _snappy(chunks: Iterable[bytes]) -> bytes:
    """In Java's frame: blocks of their own."""
    blocks = [bytes(cramjam.snappy.compress_raw(chunk)) for chunk in chunks]
    framed = [struct.pack(">i", len(block)) + block for block in blocks]
    return b"".join([b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01", *framed])


def _lz4(chunks: Iterable[bytes]) -> bytes:
    packer = cramjam.lz4.Compressor(level=9, content_checksum=False, block_linked=False)
    for chunk in chunks:
        packer.compress(chunk)
    return bytes(packer.finish())


def _zstd(chunks: Iterable[bytes]) -> bytes:
    packer = cramjam.zstd.Compressor()
    for chunk in chunks:
        packer.compress(chunk)
    return bytes(packer.finish())


CODECS: dict[str, tuple[int, Callable[[Iterable[bytes]], bytes]]] = {
    "gzip": (1, _gzip),
    "snappy": (2, _snappy),
    "lz4": (3, _lz4),
    "zstd": (4, _zstd),
}


@cache
def bomb(codec: str, records: int, size: int) -> bytes:
    """A batch of so many records, each a value of so many zeros."""
    number, pack = CODECS[codec]
    return of_packed(number, records, pack(zeros(records, size)))


def of_packed(number: int, records: int, packed: bytes) -> bytes:
    """A batch with a sound head and any bytes behind it."""
    head = _HEAD.pack(0, _HEAD.size - 12 + len(packed), 0, 2, 0, number, records - 1, 0, 0, -1, -1, -1, records)
    raw = bytearray(head + packed)
    raw[_CRC_AT:_CHECKED_FROM] = struct.pack(">I", calc_crc32c(bytes(raw[_CHECKED_FROM:])))
    return bytes(raw)


def zeros(records: int, size: int) -> Iterator[bytes]:
    """The records of a batch, in small pieces."""
    for offset in range(records):
        # attributes, time, offset, no key, value …, no headers
        before = b"\0" + _varint(0) + _varint(offset) + _varint(-1) + _varint(size)
        yield _varint(len(before) + size + 1) + before
        yield from (bytes(min(MIB, size - at)) for at in range(0, size, MIB))
        yield _varint(0)


def _varint(number: int) -> bytes:
    left, found = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*found, left])


async def send(producer: AIOKafkaProducer, topic: str, partition: int, raw: bytes) -> int:
    """Sends it as it is; gives the offset of its first record."""
    building = producer.create_batch()
    building.append(timestamp=None, key=None, value=b"", headers=[])
    building.close()
    building._buffer = raw
    sent = await (await producer.send_batch(building, topic, partition=partition))
    return int(sent.offset)
