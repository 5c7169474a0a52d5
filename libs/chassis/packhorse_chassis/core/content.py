"""What an outsider's record says, as a hash: the same again is the same, however it is written down.

Two hashes in one. The first is of what was read: blanks, the order of keys, `1.0` for `1`, `null` for what isn't there,
another offset of the same moment, structured in place of binary mode make no other content. The second is of the bytes:
they stay what they are when the next release reads more of them. Where either is equal, it is the same again.

Neither has the record's key, which no reaction sees.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

from packhorse_contracts import registry
from packhorse_contracts.base import Fact

_HALF: Final = 8
"""Bytes. Nobody gains by two contents of his own that look the same."""


def content_hash(fact: Fact, value: bytes | None) -> bytes:
    """Of a fact, and of the bytes that it was read from, where there are any."""
    name = _name(type(fact))
    read = fact.__pydantic_serializer__.to_json(fact, exclude_none=True)
    halves = blake2b(name + read, digest_size=_HALF).digest()
    return halves if value is None else halves + blake2b(name + value, digest_size=_HALF).digest()


def same_content(one: bytes, other: bytes) -> bool:
    """Whether two hashes are of the same content."""
    return one[:_HALF] == other[:_HALF] or one[_HALF:] == other[_HALF:] != b""


@lru_cache
def _name(fact: type[Fact]) -> bytes:
    """Without the major: an upcaster changes the form, not what was said."""
    sayer, what, _ = registry.name_of(fact)
    return f"{sayer}.{what}\n".encode()
