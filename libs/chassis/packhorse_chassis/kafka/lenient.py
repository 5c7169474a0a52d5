"""Reads whatever Kafka records there are: no batch stops those behind it.

The broker takes records whose header names are not UTF-8, batches that unpack to gigabytes, and some that can't be
unpacked at all. aiokafka raises when it meets one, at every poll anew, and delivers nothing of any partition from then
on: one record would stop the whole service. Here the bytes of a header's name that are no ASCII become question marks,
and a batch that can't be read comes as one record, which says so.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiokafka.consumer import consumer, fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

from packhorse_chassis.core.inputs import Unread
from packhorse_chassis.kafka import unpack

_LENGTH = struct.Struct(">i")
_LENGTH_AT, _MAGIC_AT, _BODY_AT = 8, 16, 12
_ASCII = bytes(byte if byte < 0x80 else ord("?") for byte in range(256))


def install() -> None:
    """Makes all consumers of this process lenient, and bounds what they unpack."""
    unpack.install()
    fetcher.MemoryRecords = LenientRecords
    fetcher.FetchResult = _Portions
    consumer.Fetcher = _BoundedFetcher


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
        if fast is None:
            return None
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
            try:
                for record in self._fast:
                    last = record.offset
                    yield record
            except UnicodeDecodeError:
                for record in _repaired(self._raw):
                    if record.offset > last:
                        last = record.offset
                        yield record
        except MemoryError:
            raise  # no fault of the batch
        except Exception as error:
            yield self._unread(last + 1, error)

    def _unread(self, first: int, error: Exception) -> "_StandIn":
        """At the place of its last record, so that reading goes on behind it, wherever it began."""
        last = self._fast.next_offset - 1
        value = Unread(self._raw)
        value.code = "too_large_unpacked" if isinstance(error, unpack.TooLargeUnpackedError) else "unreadable_batch"
        # Before version 2 a batch says where it ends, but not where it begins.
        first = max(first, self._fast.base_offset if self._raw[_MAGIC_AT] > 1 else 0)
        # Other errors' words may hold what is in the batch.
        why = str(error) if isinstance(error, unpack.TooLargeUnpackedError) else type(error).__name__
        value.reason = f"a batch of {len(value)} bytes can't be read, at offsets {first} to {last}: {why}"
        return _StandIn(last, value)


@dataclass(frozen=True, slots=True)
class _StandIn:
    """As aiokafka has records."""

    offset: int
    value: Unread
    timestamp: int = -1
    timestamp_type: int = 0
    key: bytes | None = None
    checksum: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class _BoundedFetcher(fetcher.Fetcher):  # type: ignore[misc]  # aiokafka comes untyped
    """Gives each poll a fresh allowance of bytes to unpack."""

    async def fetched_records(self, *args: Any, **options: Any) -> Any:
        """What was fetched, as far as the allowance reaches."""
        before = unpack.allowance.set(unpack.Allowance())
        try:
            return await super().fetched_records(*args, **options)
        finally:
            unpack.allowance.reset(before)


class _Portions(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka comes untyped
    """Gives out what was fetched of a partition while the poll's allowance lasts."""

    def getall(self, max_records: int | None = None) -> list[Any]:
        """As aiokafka's own, but for that."""
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        poll, taken = unpack.allowance.get() or unpack.Allowance(), list[Any]()
        records: Any = self._partition_records
        while poll.left > 0 and (max_records is None or len(taken) < max_records):
            record = next(records, None)
            if record is None:
                self._update_position()
                self._partition_records: Any = None
                return taken
            taken.append(record)
        self._update_position()
        return taken


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
