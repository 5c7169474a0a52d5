"""Hostile values for one place inside a fact, and the walk over its places."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from pydantic import JsonValue

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Bare:
    """A piece of text that stands in the JSON as it is, without quotes: what no JSON writer would write."""

    text: str


TEXTS: Final[dict[str, str]] = {
    "an id of 10,000 characters": "x" * 10_000,
    "bidirectional": "\u202eabc\u2066def\u2069\u200f",
    "zero width": "a\u200bb\u200c\u200d\ufeff\u2060",
    "combining": "e" + "\u0301" * 500,
    "astral": "\U0001f4a9\U0010ffff" * 20,
    "controls": "\x01\x07\x1b[2J\x7f\x85\u2028\u2029",
    "NUL": "a\x00b",
    "SQL": "'; DROP TABLE orders; --",
    "SQL array": '{"},"{NULL}',
    "template": "{{ config.__class__.__init__.__globals__ }}${7*7}{% raw %}<%= 1 %>%s%n{0}",
    "CRLF": "a\r\nBcc: everybody@example.com\r\n\r\n<b>hello</b>",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;",
    "path": "../../../../etc/passwd\\..\\",
    "blank": " \t\n ",
    "empty": "",
    "not a number": "NaN",
    "JSON inside": '{"$ref":"#"}',
    "1970": "1970-01-01T00:00:00Z",
    "2999": "2999-12-31T23:59:59Z",
    "the end of time": "9999-12-31T23:59:59.999999Z",
    "before time": "0001-01-01T00:00:00+14:00",
    "after time": "9999-12-31T23:59:59-14:00",
    "a leap second": "2026-12-31T23:59:60Z",
    "the 30th of February": "2026-02-30T12:00:00Z",
    "no offset": "2026-03-02T12:00:00",
    "a place a day ahead": "Pacific/Kiritimati",
    "a place that isn't": "Europe/Atlantis",
    "a minute to midnight": "23:59",
    "a part of a country": "ES-CT",
    "a weekday": "sunday",
    "Arabic digits": "٢٠٢٦-٠٣-٠٢T12:00:00Z",
}

BARE: Final = {
    "NaN": Bare("NaN"),
    "Infinity": Bare("-Infinity"),
    "1e999": Bare("1e999"),
    "a number of 5,000 digits": Bare("9" * 5_000),
    "a lone surrogate": Bare('"\\ud800"'),
    "surrogates the wrong way round": Bare('"\\udc00\\ud800"'),
    "NUL escaped": Bare('"a\\u0000b"'),
    "deep nesting": Bare("[" * 5_000 + "]" * 5_000),
    "deep objects": Bare('{"a":' * 3_000 + "1" + "}" * 3_000),
    "a hexadecimal number": Bare("0x1F"),
    "a fraction of a piece": Bare("1.0000000001"),
    "minus zero": Bare("-0"),
}

NEVER: Final = frozenset(BARE) - {"a fraction of a piece", "minus zero"} | {"NUL", "an id of 10,000 characters"}
"""What no place of any fact takes."""

NUMBERS: Final = {
    "negative": -1,
    "zero": 0,
    "one": 1,
    "64 bits": 2**63,
    "53 bits": 2**53 + 1,
    "the largest amount": 10**15,
    "above the largest amount": 10**15 + 1,
    "a million": 1_000_000,
}

OTHERS: Final[dict[str, JsonValue]] = {
    "null": None,
    "true": True,
    "a fraction": 1.5,
    "an empty list": [],
    "an empty object": {},
    "a list of lists": [[[]]],
    "an object of objects": {"a": {"b": None}, "__proto__": {}, "__class__": 1},
}

Value = JsonValue | Bare


def pick(random: Random, was: JsonValue) -> tuple[str, Value]:
    """A value for a place that held `was`: mostly of its own kind, so that it gets far."""
    kinds: list[dict[str, Value]] = [dict(OTHERS), dict(BARE), dict(NUMBERS), dict(TEXTS)]
    if isinstance(was, str):
        kinds += [dict(TEXTS)] * 5
    elif isinstance(was, int):
        kinds += [dict(NUMBERS)] * 5
    elif isinstance(was, list) and was:
        kinds += [{"2,001 members": was[:1] * 2_001, "twice the same": was * 2, "many": was[:1] * 200}] * 3
    return random.choice(list(random.choice(kinds).items()))


def places(value: JsonValue, at: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    """Every place inside a JSON value, with what it holds; the whole is not among them."""
    inside: Iterable[tuple[str | int, JsonValue]] = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    for name, held in inside:
        yield (*at, name), held
        yield from places(held, (*at, name))


def replaced(value: JsonValue, path: Path, new: Value) -> bytes:
    """The JSON text with another value at this place."""
    mark = "\ue000here\ue000"
    text = json.dumps(_put(value, path, mark), ensure_ascii=False)
    put = new.text if isinstance(new, Bare) else json.dumps(new, ensure_ascii=False)
    return text.replace(json.dumps(mark, ensure_ascii=False), put, 1).encode()


def without(value: JsonValue, path: Path) -> bytes:
    """The JSON text without this field."""
    gone = "\ue000gone\ue000"

    def drop(inner: JsonValue) -> JsonValue:
        if isinstance(inner, dict):
            return {name: drop(held) for name, held in inner.items() if held != gone}
        return [drop(held) for held in inner if held != gone] if isinstance(inner, list) else inner

    return json.dumps(drop(_put(value, path, gone)), ensure_ascii=False).encode()


def _put(value: JsonValue, path: Path, new: JsonValue) -> JsonValue:
    if not path:
        return new
    head, *rest = path
    if isinstance(value, dict):
        return {name: _put(held, tuple(rest), new) if name == head else held for name, held in value.items()}
    if isinstance(value, list):
        return [_put(held, tuple(rest), new) if n == head else held for n, held in enumerate(value)]
    raise LookupError(path)
