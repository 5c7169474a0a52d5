"""Unpacks record batches within bounds.

A batch of 33 KB may unpack to 2 GB. aiokafka unpacks it whole before anybody can look at a size, so the bytes are
counted here, while they are unpacked: by every codec into one room of fixed size, and what doesn't fit is refused. What
one poll may unpack in all is bounded as well, for many batches just below the limit are as bad as one above it.
"""

import mmap
import struct
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

import cramjam
from aiokafka import codec
from aiokafka.record import default_records, legacy_records

MAX_BATCH_BYTES: Final = 32 * 1_048_576
"""Unpacked. A topic takes batches of 1 MiB as they are sent. Facts in JSON pack to a tenth, the most alike to a
twentieth: a batch of them has 20 MiB at most."""

MAX_POLL_BYTES: Final = MAX_BATCH_BYTES
"""What a poll unpacks before it leaves the rest to the next one. It ends the batch that it began."""

_XERIAL, _XERIAL_HEAD = b"\x82SNAPPY\x00", 16
_LENGTH = struct.Struct(">i")

_room = mmap.mmap(-1, MAX_BATCH_BYTES)
"""Memory that is taken only as far as it is ever filled."""

_one_at_a_time = threading.Lock()


class TooLargeUnpackedError(ValueError):
    """A batch has more bytes than anybody who means well would send."""

    def __init__(self) -> None:
        super().__init__(f"unpacked it has more than {MAX_BATCH_BYTES} bytes")


class Allowance:
    """What may still be unpacked."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_POLL_BYTES


allowance: Final[ContextVar[Allowance | None]] = ContextVar("allowance", default=None)
"""Of the poll under way; None outside of any."""


def install() -> None:
    """Makes all consumers of this process unpack within bounds, with aiokafka's extensions or without."""
    modules = [default_records, legacy_records]
    try:
        from aiokafka.record._crecords import default_records as fast_default
        from aiokafka.record._crecords import legacy_records as fast_legacy
    except ImportError:
        pass
    else:
        modules += [fast_default, fast_legacy]
    for module in (codec, *modules):
        for name, decode in DECODERS.items():
            if hasattr(module, name):
                setattr(module, name, decode)


def _bounded(unpack_into: Callable[[bytes, mmap.mmap], int]) -> Callable[[bytes], bytes]:
    def decode(packed: bytes) -> bytes:
        spent = MAX_BATCH_BYTES
        try:
            with _one_at_a_time:
                spent = unpack_into(packed, _room)
                return _room[:spent]
        except cramjam.DecompressionError as error:
            if "whole buffer" in str(error):
                raise TooLargeUnpackedError from None
            if "not enough memory" in str(error):  # no fault of the batch
                raise MemoryError(str(error)) from error
            raise
        finally:
            if (poll := allowance.get()) is not None:
                poll.left -= spent

    return decode


def _snappy(packed: bytes, room: mmap.mmap) -> int:
    """Each block says beforehand how much it holds. Java's are framed by a library called Xerial."""
    at, whole = 0, memoryview(packed)
    for block in _blocks(whole) if whole[: len(_XERIAL)] == _XERIAL else [whole]:
        if at + cramjam.snappy.decompress_raw_len(block) > len(room):
            raise TooLargeUnpackedError
        at += cramjam.snappy.decompress_raw_into(block, memoryview(room)[at:])
    return at


def _blocks(framed: memoryview) -> list[memoryview]:
    blocks, at = [], _XERIAL_HEAD
    while at < len(framed):
        (size,) = _LENGTH.unpack_from(framed, at)
        at += _LENGTH.size
        if not 0 < size <= len(framed) - at:
            raise ValueError(f"a snappy block of {size} bytes, where {len(framed) - at} are left")
        blocks.append(framed[at : at + size])
        at += size
    return blocks


DECODERS: Final = {
    "gzip_decode": _bounded(cramjam.gzip.decompress_into),
    "snappy_decode": _bounded(_snappy),
    "lz4_decode": _bounded(cramjam.lz4.decompress_into),
    "zstd_decode": _bounded(cramjam.zstd.decompress_into),
}
