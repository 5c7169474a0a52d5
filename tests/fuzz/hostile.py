"""The generator: one hostile record after the other for a topic, each with what must become of it.

Everything is drawn from one seeded `Random`: the same seed gives the same records.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Final

from packhorse_contracts import envelope as ce
from packhorse_contracts import registry, topics
from packhorse_contracts.base import Fact
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.times import RFC3339
from pydantic import JsonValue

from .hostile_headers import HEADERS, STRUCTURED
from .record import Fate, Maker, Record, plain
from .sound import Sound, inbound, sound
from .values import NEVER, TEXTS, Bare, Path, pick, places, replaced, without

COMPRESSED: Final = 5_000_000
"""Bytes that only compression brings through a broker."""


def hostile(random: Random, topic: str, name: Callable[[], str]) -> Iterator[Record]:
    """Endless hostile records for a topic. `name` gives the variant that the ids of the next one bear."""
    facts = inbound([topic])
    while True:
        fact = random.choice(facts)
        variant = name()
        ground = sound(fact, variant, f"fuzz-{variant}-{random.getrandbits(64):x}")
        yield random.choice(_MAKERS)(random, ground)


_OF_ANOTHER: Final[dict[type[Fact], str]] = {OperationsPolicySet: "policy"}
"""Fields whose content another contract judges, and so not the reader but the reaction: a service's policy."""


def _fate(ground: Sound, path: Path, what: str) -> Fate:
    if len(path) > 1 and _OF_ANOTHER.get(ground.fact) == path[0]:
        return "either"
    return "dead" if what in NEVER else "either"


def _field(path: Path) -> str:
    return ".".join(map(str, path))


def _one_place(random: Random, ground: Sound) -> Record:
    path, was = random.choice(list(places(ground.data)))
    what, value = pick(random, was)
    body = replaced(ground.data, path, value)
    fate = _fate(ground, path, what)
    record = replace(plain(ground), kind=f"{what} at a place", value=body, fate=fate, field=_field(path))
    named = None if isinstance(value, Bare) else value
    if path == ground.fact.KEY_FIELDS and isinstance(named, str):
        return replace(record, key=named.encode())
    return record


def _one_place_structured(random: Random, ground: Sound) -> Record:
    path, was = random.choice(list(places(ground.data)))
    what, value = pick(random, was)
    body = replaced(ground.event, ("data", *path), value)
    fate = _fate(ground, path, what)
    record = replace(plain(ground), kind=f"{what} at a place, structured", value=body, fate=fate)
    return replace(record, headers=[("content-type", STRUCTURED)], field=_field(path))


def _field_missing(random: Random, ground: Sound) -> Record:
    path = random.choice([path for path, _ in places(ground.data) if isinstance(path[-1], str)])
    body = without(ground.data, path)
    return replace(plain(ground), kind="a field is missing", value=body, fate="either", field=_field(path))


def _every_text(random: Random, ground: Sound) -> Record:
    """The same injection in every text at once."""
    what, text = random.choice(list(TEXTS.items()))
    data = ground.data
    for path, was in list(places(data)):
        if isinstance(was, str) and random.random() < 0.8:
            data = json.loads(replaced(data, path, text))
    body = json.dumps(data, ensure_ascii=False).encode()
    return replace(plain(ground), kind=f"{what} in every text", value=body, fate="either", field="")


def _more(random: Random, ground: Sound) -> Record:
    """Fields that nobody knows: a newer writer may add them, so they harm nothing."""
    extra = {"__proto__": {"x": 1}, "constructor": "x", "\u202enew": "\u0000", "$schema": "http://localhost/"}
    body = json.dumps({**ground.data, **extra}).encode()
    return replace(plain(ground), kind="unknown fields", value=body)


_NOT_JSON: Final[dict[str, Callable[[bytes], bytes | None]]] = {
    "no value": lambda _: None,
    "an empty value": lambda _: b"",
    "truncated": lambda body: body[: len(body) // 2],
    "rubbish behind": lambda body: body + b"}",
    "two values": lambda body: body + body,
    "plain text": lambda _: b"please send me three lamps",
    "XML": lambda _: b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><order>&a;</order>",
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "two byte order marks": lambda body: b"\xef\xbb\xbf" * 2 + body,
    "not UTF-8": lambda body: body.replace(b'"', b'"\xff', 1),
    "overlong UTF-8": lambda body: body.replace(b'"', b'"\xc0\xaf', 1),
    "a surrogate in UTF-8": lambda body: body.replace(b'"', b'"\xed\xa0\x80', 1),
    "a NUL byte": lambda body: body + b"\x00",
    "a comment": lambda body: b"/* hello */" + body,
    "single quotes": lambda body: body.replace(b'"', b"'"),
    "an array": lambda body: b"[" + body + b"]",
    "a string": lambda body: json.dumps(body.decode()).encode(),
    "null": lambda _: b"null",
    "a number": lambda _: b"42",
    "NaN": lambda _: b"NaN",
    "nothing inside": lambda _: b"{}",
    "deep arrays": lambda _: b"[" * 100_000,
    "deep objects": lambda _: b'{"a":' * 50_000,
    "gzip": lambda _: b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "an avro frame": lambda body: b"\x00\x00\x00\x00\x07" + body,
}


def _not_json(random: Random, ground: Sound) -> Record:
    what, spoil = random.choice(list(_NOT_JSON.items()))
    value = spoil(ground.body)
    record = replace(plain(ground), kind=f"value: {what}", value=value, fate="dead")
    tombstone = None if value else registry.tombstones.get(ground.topic)
    return record if tombstone is None else replace(record, fate="alive", fact=tombstone)


def sized(ground: Sound, size: int) -> Record:
    """Padded to so many bytes, by a field that nobody knows."""
    padded = ground.body[:-1] + b',"padding":"' + b"x" * (size - len(ground.body)) + b'"}'
    outsider = registry.name_of(ground.fact).sayer in topics.OUTSIDERS
    most = ce.MAX_OUTSIDER_BYTES if outsider else ce.MAX_VALUE_BYTES
    return replace(plain(ground), kind=f"{size} bytes", value=padded, fate="alive" if len(padded) <= most else "dead")


def _size(random: Random, ground: Sound) -> Record:
    """Up to the most that a reader takes, and beyond."""
    return sized(ground, random.choice([390_000, 400_000, 1_040_000, COMPRESSED]))


def _with_mark(_random: Random, ground: Sound) -> Record:
    return replace(plain(ground), kind="a byte order mark", value=b"\xef\xbb\xbf" + ground.body)


def _crowded(random: Random, ground: Sound) -> Record:
    """Few bytes with more faults, or parts, than anybody wants to hear of."""
    part = random.choice(["{}", "1", "[]", '{"a":{}}', "null"])
    name = random.choice([*ground.data, "unknown"])
    most = 380_000 // (len(part) + 1)
    body = replaced(ground.data, (name,), Bare(f"[{','.join([part] * random.choice([3_000, most]))}]"))
    return replace(plain(ground), kind=f"many {part}", value=body, fate="either", field="")


def _wrong_key(random: Random, ground: Sound) -> Record:
    key = random.choice([b"another", b"\xff\xfe", b"", b"k" * 10_000, ground.key + b" ", ground.key.swapcase() + b"\0"])
    return replace(_keyed(ground, key), kind="another key")


def _keyed(ground: Sound, key: bytes | None) -> Record:
    free = {"StockReceived", "StockCounted", "StockMoved", "ReturnReceived"}
    # A stock fact may cover several SKUs: its key is the warehouse's own affair.
    # Blanks in a tracking number are for people.
    same = ground.fact.__name__ == "TrackingUpdated" and key == ground.key + b" "
    fate: Fate = "alive" if same or ground.fact.__name__ in free else "dead"
    return replace(plain(ground), key=key, fate=fate, field=registry.newest(ground.fact).KEY)


def _no_key(_random: Random, ground: Sound) -> Record:
    return replace(_keyed(ground, None), kind="no key")


def _wrong_topic(random: Random, ground: Sound) -> Record:
    """A sound fact that belongs elsewhere, heard here or not."""
    other = random.choice([fact for fact in registry.facts.values() if fact.TOPIC.name != ground.topic])
    stray = sound(other, "stray", ground.attributes["id"])
    record = replace(plain(stray), kind="another topic's", topic=ground.topic, fate="dead", field="ce_type", fact=None)
    if random.random() < 0.3:
        return replace(record, headers=[("content-type", STRUCTURED)], value=json.dumps(stray.event).encode())
    return record


def _sums(random: Random, ground: Sound) -> Record:
    """Every number drawn anew: sums that disagree, products beyond 64 bits, more picked than was there."""
    data = ground.data
    for path, was in list(places(data)):
        if isinstance(was, int) and not isinstance(was, bool) and random.random() < 0.7:
            new = random.choice([0, 1, was + 1, was * 2, 1_000_000, 10**15, 10**9, was - 1, -was])
            data = json.loads(replaced(data, path, new))
    return replace(plain(ground), kind="other numbers", value=json.dumps(data).encode(), fate="either", field="")


_TIMES: Final = (
    "0001-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "2026-11-23T12:00:00+14:00",
    "2999-06-15T12:00:00Z",
    "9999-12-30T12:00:00Z",
    "9999-12-31T23:59:59.999999Z",
)


def _calendar(random: Random, ground: Sound) -> Record:
    """Readable times from the ends of the calendar, in one field or in all."""
    times = [path for path, was in places(ground.data) if isinstance(was, str) and RFC3339.fullmatch(was)]
    data = ground.data
    for path in random.choice([times, random.choices(times, k=1)]) if times else ():
        data = json.loads(replaced(data, path, random.choice(_TIMES)))
    body = json.dumps(data, ensure_ascii=False).encode()
    return replace(plain(ground), kind="odd times", value=body, fate="either", field="")


def _swollen(random: Random, ground: Sound) -> Record:
    """As large as the contract lets it be: long texts, many members."""
    data = ground.data
    for path, was in list(places(data)):
        if isinstance(was, list) and was and all(isinstance(member, dict) for member in was):
            members: JsonValue = [
                {**member, "line_id": f"{n}"}
                for n in range(random.choice([300, 1_000]))
                for member in was[:1]
                if isinstance(member, dict)
            ]
            data = json.loads(replaced(data, path, members))
            break
        if isinstance(was, str) and len(was) > 12 and random.random() < 0.5:
            data = json.loads(replaced(data, path, random.choice("\\\U0001f4a9x") * random.choice([64, 320, 2_000])))
    body = json.dumps(data, ensure_ascii=False).encode()
    return replace(plain(ground), kind="as large as can be", value=body, fate="either", field="")


_MAKERS: Final[tuple[Maker, ...]] = (
    *(_one_place,) * 8,
    *(_one_place_structured,) * 2,
    _field_missing,
    *(_every_text,) * 2,
    *(_sums,) * 3,
    *(_calendar,) * 3,
    _swollen,
    _more,
    _not_json,
    *HEADERS,
    _with_mark,
    _crowded,
    _wrong_key,
    _no_key,
    _wrong_topic,
)
"""Each as often as it is worth. Sizes are drawn apart: they cost the most."""

_READABLE: Final[tuple[Maker, ...]] = (_one_place, _field_missing, _every_text, _sums, _calendar, _calendar, _swollen)


def spoiled(random: Random, ground: Sound) -> Record:
    """A record that is likely to be read, and so to reach a reaction."""
    return random.choice(_READABLE)(random, ground)


SIZES: Final = _size
TEXT: Final = _every_text
