"""Identifiers with the UUIDv7 layout (RFC 9562) that are derived, not drawn.

Doing the same work again gives the same id, so a repeat can be recognised by everyone who hears it.
"""

import hashlib
import json
from datetime import UTC, datetime
from uuid import UUID

_MAX_MS = (1 << 48) - 1
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def derive(at: datetime, *parts: str | int) -> str:
    """An id with the time `at` (milliseconds, UTC) and, in place of random bits, a hash of `parts`.

    The parts are framed by their lengths, so that ("ab", "c") and ("a", "bc") differ.
    """
    framed = b"".join([len(raw).to_bytes(4, "big") + raw for part in parts for raw in (str(part).encode(),)])
    bits = int.from_bytes(hashlib.blake2b(framed, digest_size=10).digest(), "big")
    millis = min(max(int(at.timestamp() * 1000), 0), _MAX_MS)
    value = (millis << 80) | (0x7 << 76) | (((bits >> 62) & 0xFFF) << 64) | (0b10 << 62) | (bits & ((1 << 62) - 1))
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def joint(*parts: str) -> str:
    """Several ids as one text, a JSON array: no other ids make the same, whatever characters they hold."""
    return _encode(parts)


def apart(text: str) -> list[str]:
    """The ids that `joint` made one text of."""
    parts: list[str] = json.loads(text)
    return parts


def time_of(identifier: str) -> datetime | None:
    """The time inside an id of the UUIDv7 layout; None for any other text."""
    try:
        value = UUID(identifier)
        # An outsider's id may hold any 48 bits, which reach beyond the year 9999.
        return datetime.fromtimestamp((value.int >> 80) / 1000, tz=UTC) if value.version == 7 else None
    except (ValueError, OverflowError):
        return None
