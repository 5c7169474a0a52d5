"""Moments as text: RFC 3339 with an offset when read, UTC once read."""

import re
from datetime import UTC, datetime
from typing import Final

PATTERN: Final = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,9})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""As far as a pattern can tell: not every month has 31 days, and a minute hardly ever has 61 seconds."""

RFC3339: Final = re.compile(PATTERN[1:-1])
"""For `fullmatch`."""

_SECONDS: Final = slice(17, 19)


def moment(text: str) -> datetime:
    """The instant in UTC, to the microsecond; ValueError for what is no RFC 3339 time of the years 1 to 9999 in UTC.

    A leap second is taken for the last microsecond before it: no calendar of a program has a place for it, and so it
    stays in its day.
    """
    if not RFC3339.fullmatch(text):
        raise ValueError("time must be RFC 3339 with an offset")
    if text[_SECONDS] != "60":
        return to_utc(datetime.fromisoformat(text.upper()))
    at = to_utc(datetime.fromisoformat(f"{text[:17]}59{text[19:].upper()}"))
    if (at.hour, at.minute) != (23, 59):
        raise ValueError("a leap second is the last second of a day in UTC")
    return at.replace(microsecond=999_999)


def to_utc(at: datetime) -> datetime:
    """The same instant in UTC; ValueError where it has no offset, or lies outside the years 1 to 9999 in UTC."""
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError("time must have an offset")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("time lies outside the years 1 to 9999 in UTC") from None
