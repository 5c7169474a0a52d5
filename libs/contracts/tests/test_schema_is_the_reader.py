"""What the exported JSON Schema of a fact admits is read, and what it refuses is refused: generated both ways.

What JSON Schema has no word for stands in `format`, and is checked here beside: `FORMATS` is all of it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

import pytest
from admitted import objects
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator
from packhorse_contracts import envelope as ce
from packhorse_contracts import registry, topics
from packhorse_contracts.base import Fact
from packhorse_contracts.export.samples import sample
from packhorse_contracts.export.schemas import Json, schema
from pydantic import JsonValue

Path = tuple[str | int, ...]

FORMATS: Final = FormatChecker(formats=())
OUTSIDERS: Final = [
    fact for _, fact in sorted(registry.facts.items()) if registry.name_of(fact).sayer in topics.OUTSIDERS
]
IDS: Final = [fact.TYPE for fact in OUTSIDERS]


def _a_real_day(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


def _a_real_instant(value: object) -> bool:
    """On a real day, between the years 1 and 9999 in UTC; a leap second only at the end of a UTC day."""
    if not isinstance(value, str):
        return True
    leap = value[17:19] == "60"
    text = re.sub(r"\.\d+", "", value.upper().replace(":60", ":59", 1)).replace("Z", "+00:00")
    at = datetime.fromisoformat(text)
    in_utc = at.replace(tzinfo=None) - (at.utcoffset() or timedelta(0))  # that there is an offset, says the pattern
    return not leap or (in_utc.hour, in_utc.minute) == (23, 59)


def _a_right_check_digit(value: object) -> bool:
    if not isinstance(value, str):
        return True
    digits = [int(digit) for digit in reversed(value)]
    return (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


FORMATS.checks("date", raises=ValueError)(_a_real_day)
FORMATS.checks("date-time", raises=(ValueError, OverflowError))(_a_real_instant)
FORMATS.checks("gtin", raises=ValueError)(_a_right_check_digit)
FORMATS.checks("sscc", raises=ValueError)(_a_right_check_digit)


@lru_cache
def described(fact: type[Fact]) -> Validator:
    """What the exported schema says, formats included."""
    return Draft202012Validator(schema(fact), format_checker=FORMATS)


def is_read(fact: type[Fact], body: JsonValue) -> bool:
    """Whether the reader takes it as it is: one of which a field was spared is taken without that."""
    event = {name: value for name, value in sample(fact).items() if name != "data"}
    headers = [(f"ce_{name}", str(text).encode()) for name, text in event.items()]
    heard = ce.decode(json.dumps(body).encode(), headers)
    assert isinstance(heard, ce.Heard) or heard.code == "invalid", heard
    return isinstance(heard, ce.Heard) and not heard.spared


def check(fact: type[Fact], body: JsonValue) -> None:
    """Both say the same."""
    faults = [f"{error.json_path}: {error.message}" for error in described(fact).iter_errors(body)]
    assert is_read(fact, body) == (not faults), (faults, body)


def places(value: JsonValue, at: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    """Every place inside, with what it holds."""
    yield at, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, held in inside:
        yield from places(held, (*at, name))


def put(value: JsonValue, path: Path, new: JsonValue) -> JsonValue:
    """The same with another value there."""
    if not path:
        return new
    if isinstance(value, dict):
        return {name: put(held, path[1:], new) if name == path[0] else held for name, held in value.items()}
    assert isinstance(value, list)
    return [put(held, path[1:], new) if n == path[0] else held for n, held in enumerate(value)]


def constants(part: JsonValue) -> Iterator[JsonValue]:
    """The limits and members that a schema names, and what lies just beyond."""
    for _, held in places(part):
        if not isinstance(held, dict):
            continue
        for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if isinstance(limit := held.get(word), int | float):
                yield from (limit, limit - 1, limit + 1, float(limit), limit + 0.5)
        for word in ("minLength", "maxLength"):
            if isinstance(length := held.get(word), int):
                yield from ("x" * max(0, length + more) for more in (-1, 0, 1))
                yield from ("\U0001f40e" * length, "1" * length)
        if isinstance(members := held.get("enum"), list):
            yield from members


TIMES: Final = (
    "2026-03-02T12:00:00Z",
    "2026-03-02t12:00:00z",
    "2026-03-02 12:00:00Z",
    "2026-03-02T12:00:00",
    "2026-03-02T12:00Z",
    "2026-03-02",
    "20260302T120000Z",
    "2026-02-29T12:00:00Z",
    "2028-02-29T12:00:00+05:45",
    "2026-04-31",
    "2028-02-29",
    "2026-W10-1",
    "2026-03-02T24:00:00Z",
    "2026-03-02T12:60:00Z",
    "2026-03-02T12:00:00+24:00",
    "2026-03-02T12:00:00+23:60",
    "2026-03-02T12:00:00-00:00",
    "2026-03-02T12:00:00+0100",
    "2026-03-02T12:00:00.Z",
    "2026-03-02T12:00:00,5Z",
    "2026-03-02T12:00:00.123456789Z",
    "2026-03-02T12:00:00.1234567890Z",
    "2026-12-31T23:59:60Z",
    "2026-12-31T23:59:60.5Z",
    "2026-12-31T15:59:60-08:00",
    "2026-12-31T23:58:60Z",
    "2026-12-31T22:59:60Z",
    "2026-12-31T23:59:61Z",
    "2026-12-31T23:60:60Z",
    "9999-12-31T23:59:60Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-00:01",
    "0000-01-01",
    "٢٠٢٦-٠٣-٠٢T12:00:00Z",
    "2026-03-02T12:00:00Z\n",
    "2026-03-02\n",
    " 2026-03-02T12:00:00Z",
)
TEXTS: Final = (
    *("", " ", "a", "a b", "a\n", "\na", "a\r", "a\x00b", "\x00", "é", "a\x7f", "\u2028", "EUR", "eur", "EUR\n", "XXX"),
    *("GB", "gb", "GBR", "G\u0042", "ＧＢ", "GB\n", "4006381333931", "4006381333930", "96385074", "4006381333931\n"),
    *("٤٠٠٦٣٨١٣٣٣٩٣١", "340123450000000017", "340123450000000018", "pt-BR", "pt_BR", "i-klingon", "de-", "true", "1"),
)
NUMBERS: Final[Sequence[JsonValue]] = (
    *(0, -0.0, 1, 1.0, 1e0, 1.5, 1e-9, -1, 90.0, 91),
    *(2.0**53, 2**53 + 1, 2**63, 1e15, 1e16, 1e300, 10**400),
)
OTHERS: Final[Sequence[JsonValue]] = (None, True, False, [], {}, [None], [[]], {"a": None})


def others(root: Json, was: JsonValue) -> st.SearchStrategy[JsonValue]:
    """What may stand in the place of a value: likely limits, near misses, and anything."""
    near: list[JsonValue] = []
    if isinstance(was, str):
        near = [f"{was}\n", f"\n{was}", f"{was} ", f"{was}\x00", was.swapcase(), was[1:], was * 2, f"{was}é"]
    elif isinstance(was, int | float) and not isinstance(was, bool):
        near = [float(was), was + 0.5, -was, str(was), f"{was}.0", bool(was)]
    elif isinstance(was, list) and was:
        near = [was * 2, [*was, None], was[0], {"0": was[0]}, json.dumps(was)]
    elif isinstance(was, dict):
        near = [[was], {**was, "from_": 1, "another": {"a": [1.5, None, "\n"]}}, json.dumps(was), *was.values()]
    fixed = [*constants(root), *TIMES, *TEXTS, *NUMBERS, *OTHERS]
    texts = st.text(st.characters(codec="utf-8"), max_size=70)
    anything = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
    return st.one_of([st.sampled_from(near or fixed), st.sampled_from(fixed), anything])


def whole(fact: type[Fact]) -> JsonValue:
    """The golden sample's data."""
    return sample(fact)["data"]


slow = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("fact", OUTSIDERS, ids=IDS)
@slow
@given(data=st.data())
def test_the_schema_and_the_reader_admit_the_same(fact: type[Fact], data: st.DataObject) -> None:
    """A sound fact with one or two places replaced, by something likely or by anything."""
    root = schema(fact)
    body = data.draw(st.just(whole(fact)) | objects(root, root))
    for _ in range(data.draw(st.integers(0, 2))):
        found = list(places(body))
        path, was = data.draw(st.sampled_from(found))
        body = put(body, path, data.draw(others(root, was)))
    check(fact, body)


@pytest.mark.parametrize("fact", OUTSIDERS, ids=IDS)
def test_every_likely_value_at_every_place(fact: type[Fact]) -> None:
    """All limits, near misses and usual mistakes, one at a time, at each place of the golden sample."""
    body, validator = whole(fact), described(fact)
    for path, was in places(body):
        whole_part = isinstance(was, dict | list)
        tried: list[JsonValue] = [*OTHERS, 1, "a"] if whole_part else [*TIMES, *TEXTS, *NUMBERS, *OTHERS]
        if isinstance(was, str):
            tried += [f"{was}\n", f"{was}\x00", f"{was} ", was.swapcase()]
        elif isinstance(was, int) and not isinstance(was, bool):
            tried += [float(was), str(was), was + 0.5]
        for value in tried:
            other = put(body, path, value)
            admitted = validator.is_valid(other)
            assert is_read(fact, other) == admitted, (path, value, "admitted" if admitted else "refused")


@pytest.mark.parametrize("fact", OUTSIDERS, ids=IDS)
def test_without_any_one_field(fact: type[Fact]) -> None:
    """Required ones are missed by both; one that is optional may also be null, which reads as absent."""
    body = whole(fact)
    for path, _ in places(body):
        if not path or not isinstance(path[-1], str):
            continue
        parent = next(held for at, held in places(body) if at == path[:-1])
        assert isinstance(parent, dict)
        absent = put(body, path[:-1], {name: held for name, held in parent.items() if name != path[-1]})
        null = put(body, path, None)
        check(fact, absent)
        check(fact, null)
        assert is_read(fact, absent) == is_read(fact, null), path
        if is_read(fact, absent):
            assert read(fact, absent) == read(fact, null), path


def read(fact: type[Fact], body: JsonValue) -> Fact:
    """What a reaction gets."""
    return fact.model_validate_json(json.dumps(body), by_alias=True, by_name=False)


@pytest.mark.parametrize("written", ["1.0", "1e0", "1E+0", "10e-1", "100.0e-2"])
def test_a_whole_number_is_whole_however_it_is_written(written: str) -> None:
    """JSON knows no integers: 1.0 is one, and some writers write it so."""
    fact = registry.facts["packhorse.checkout.order_placed.v1"]
    text = json.dumps(whole(fact)).replace('"quantity": 6', f'"quantity": {written}', 1)
    order = fact.model_validate_json(text).model_dump()
    quantity = order["lines"][0]["quantity"]
    assert quantity == 1
    assert type(quantity) is int


@example(at=timedelta(days=3_652_058))
@given(at=st.timedeltas(timedelta(0), timedelta(days=3_652_058)))
def test_a_leap_second_is_the_last_moment_of_its_day(at: timedelta) -> None:
    """It has no place in the calendar of any language: it is taken for the microsecond before midnight."""
    fact = registry.facts["packhorse.carrier.tracking_updated.v1"]
    day = (date.min + at).isoformat()
    body = whole(fact)
    assert isinstance(body, dict)
    heard = read(fact, body | {"at": f"{day}T23:59:60.25Z"}).model_dump()["at"]
    assert heard.isoformat() == f"{day}T23:59:59.999999+00:00"
