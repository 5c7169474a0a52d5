"""Reads Kafka records whose header names are not UTF-8.

The broker takes such a record. aiokafka raises when it meets one, at every poll anew, and delivers nothing of any
partition from then on: one record would stop the whole service. Here the bytes of such a name that are no ASCII become
question marks, and the record goes the way of all others.
"""

import struct
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

_LENGTH = struct.Struct(">i")
_LENGTH_AT, _MAGIC_AT, _BODY_AT = 8, 16, 12
_ASCII = bytes(byte if byte < 0x80 else ord("?") for byte in range(256))


def install() -> None:
    """Makes all consumers of this process lenient."""
    fetcher.MemoryRecords = LenientRecords


class LenientRecords:
    """What was fetched of one partition, batch by batch: aiokafka's own, which is fast, wherever that can read it."""

    def __init__(self, fetched: bytes) -> None:
        self._fast, self._rest = MemoryRecords(fetched), memoryview(fetched)

    def size_in_bytes(self) -> int:
        """The bytes that were fetched."""
        return int(self._fast.size_in_bytes())

    def has_next(self) -> bool:
        """True where a whole batch is left."""
        return bool(self._fast.has_next())

    def next_batch(self) -> Any:
        """The next batch; None where none is left."""
        fast = self._fast.next_batch()
        if fast is None or self._rest[_MAGIC_AT] < 2:  # before version 2 there were no headers
            return fast
        end = _BODY_AT + _LENGTH.unpack_from(self._rest, _LENGTH_AT)[0]
        raw, self._rest = self._rest[:end], self._rest[end:]
        return _Batch(fast, raw)


class _Batch:
    """One batch, with its bytes beside, to read it once more where aiokafka's reader gives up."""

    def __init__(self, fast: Any, raw: memoryview) -> None:
        self._fast, self._raw = fast, raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fast, name)

    def __next__(self) -> Any:
        return next(self._fast)

    def __iter__(self) -> Iterator[Any]:
        last = -1
        try:
            for record in self._fast:
                last = record.offset
                yield record
        except UnicodeDecodeError:
            yield from (record for record in _repaired(self._raw) if record.offset > last)


def _repaired(raw: memoryview) -> Any:
    batch = _DefaultRecordBatchPy(raw)
    batch._maybe_uncompress()
    position = batch._pos
    for _ in range(batch._num_records):
        position = _repair_names(batch._buffer, position)
    return batch


def _repair_names(buffer: bytearray, position: int) -> int:
    """Makes one record's header names readable, in place; gives the position behind the record."""

    def number() -> int:
        nonlocal position
        value, position = decode_varint(buffer, position)
        return int(value)

    def skip() -> None:
        nonlocal position
        size = number()  # -1 where it is null
        position += max(size, 0)

    for _ in range(4):  # length, attributes, time and offset
        number()
    skip()  # key
    skip()  # value
    for _ in range(number()):
        size = number()
        name = slice(position, position + size)
        try:
            buffer[name].decode()
        except UnicodeDecodeError:
            buffer[name] = buffer[name].translate(_ASCII)
        position += size
        skip()
    return position
