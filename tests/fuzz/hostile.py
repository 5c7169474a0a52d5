"""The generator: one hostile record after the other for a topic, each with what must become of it.

Everything is drawn from one seeded `Random`: the same seed gives the same records.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Final, Literal

from packhorse_contracts import envelope as ce
from packhorse_contracts import ids, registry, topics
from packhorse_contracts.base import Fact
from packhorse_contracts.times import RFC3339
from pydantic import JsonValue

from .sound import Headers, Sound, inbound, sound
from .values import NEVER, TEXTS, Bare, Path, pick, places, replaced, without

Fate = Literal["dead", "alive", "either"]
"""A dead letter; no dead letter; or as the contract decides, but a refusal names the field."""

COMPRESSED: Final = 5_000_000
"""Bytes that only compression brings through a broker."""

STRUCTURED: Final = b"application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Record:
    """A record, what is hostile about it, and what must become of it.

    `field` is what the refusal has to name: a path in the data, or a header; None where the value as a whole is
    at fault. `hears` is the fact that it is about, or None where nobody can tell.
    """

    kind: str
    topic: str
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    fate: Fate
    field: str | None = None
    fact: type[Fact] | None = None


Maker = Callable[[Random, Sound], Record]


def hostile(random: Random, topic: str, name: Callable[[], str]) -> Iterator[Record]:
    """Endless hostile records for a topic. `name` gives the variant that the ids of the next one bear."""
    facts = inbound([topic])
    while True:
        fact = random.choice(facts)
        variant = name()
        ground = sound(fact, variant, f"fuzz-{variant}-{random.getrandbits(64):x}")
        yield random.choice(_MAKERS)(random, ground)


def plain(ground: Sound) -> Record:
    """The sound record itself."""
    return Record("sound", ground.topic, ground.key, ground.headers, ground.body, "alive", fact=ground.fact)


def _field(path: Path) -> str:
    return ".".join(map(str, path))


def _one_place(random: Random, ground: Sound) -> Record:
    path, was = random.choice(list(places(ground.data)))
    what, value = pick(random, was)
    body = replaced(ground.data, path, value)
    fate: Fate = "dead" if what in NEVER else "either"
    record = replace(plain(ground), kind=f"{what} at a place", value=body, fate=fate, field=_field(path))
    named = None if isinstance(value, Bare) else value
    if path == ground.fact.KEY_FIELDS and isinstance(named, str):
        return replace(record, key=named.encode())
    return record


def _one_place_structured(random: Random, ground: Sound) -> Record:
    path, was = random.choice(list(places(ground.data)))
    what, value = pick(random, was)
    body = replaced(ground.event, ("data", *path), value)
    fate: Fate = "dead" if what in NEVER else "either"
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


def _attribute_missing(random: Random, ground: Sound) -> Record:
    name = random.choice(["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"])
    blank = random.random() < 0.3
    headers: Headers = [(n, b"" if n == name else v) for n, v in ground.headers if blank or n != name]
    return replace(plain(ground), kind=f"{name} is missing", headers=headers, fate="dead", field=name)


def _header_wrong(random: Random, ground: Sound) -> Record:
    wrong: list[tuple[str, bytes]] = [
        ("ce_specversion", b"0.3"),
        ("ce_specversion", b"2.0"),
        ("ce_id", b"\xff\xfe"),
        ("ce_id", b"x" * 10_000),
        ("ce_id", b"a\x00b"),
        ("ce_source", b"/b\xfccher"),
        ("ce_subject", b"\xed\xa0\x80"),
        ("ce_type", b"packhorse.checkout.basket_emptied.v1"),
        ("ce_type", ground.fact.TYPE.rsplit(".", 1)[0].encode() + b".v99"),
        ("ce_type", ground.fact.TYPE.rsplit(".", 1)[0].encode() + b".v0"),
        ("ce_type", ground.fact.TYPE.upper().encode()),
        ("ce_type", ("'; DROP TABLE inbox; --" * 9).encode()),
        ("ce_type", b"packhorse.\xd0\xbe\xd0\xb3der.accepted.v1"),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-03-02 12:00:00"),
        ("ce_time", b"1772452800"),
        ("ce_time", b"9999-12-31T23:59:59-14:00"),
        ("content-type", b"application/xml"),
        ("content-type", b"application/avro; charset=x"),
    ]
    name, text = random.choice(wrong)
    headers: Headers = [(n, text if n == name else v) for n, v in ground.headers if n != "ce_subject"]
    if name == "ce_subject":
        headers.append((name, text))
    return replace(plain(ground), kind=f"{name}: {text[:40]!r}", headers=headers, fate="dead", field=name)


def _header_odd(random: Random, ground: Sound) -> Record:
    """Odd, but within the specification, or no business of ours."""
    many = [(f"x-{n}", b"y" * 60) for n in range(900)]
    odd: dict[str, Headers] = {
        "names in capitals": [(n.upper(), v) for n, v in ground.headers],
        "the same twice": [*ground.headers, *ground.headers],
        "another's, not UTF-8": [*ground.headers, ("x-trace", b"\xff\xfe\x00")],
        "another's, without a name": [*ground.headers, ("", b"")] * 2,
        "60 KB of others'": [*ground.headers, *many],
        "10,000 empty ones": [*ground.headers, *[("", b"")] * 10_000],
        "a traceparent that is none": [*ground.headers, ("traceparent", b"00-zz'; --")],
        "a sequence that is none": [*(h for h in ground.headers if h[0] != "ce_sequence"), ("ce_sequence", b"9" * 99)],
        "a content type with parameters": [
            *((n, v) for n, v in ground.headers if n != "content-type"),
            ("content-type", b'Application/JSON ; charset="utf-8"'),
        ],
        "another type of JSON": [
            *((n, v) for n, v in ground.headers if n != "content-type"),
            ("content-type", random.choice([b"text/json", b"application/vnd.shop+json"])),
        ],
        "no content type": [(n, v) for n, v in ground.headers if n != "content-type"],
        "CRLF in the id": _with_id(ground, f"a\r\nce_type: x\r\n{random.getrandbits(64)}"),
        "an id of 1,024 astral characters": _with_id(ground, _astral(random, 1_024)),
        "an id of 1,024 random letters": _with_id(ground, "".join(random.choices("abcdefghijkl", k=1_024))),
        "bidirectional id": _with_id(ground, f"\u202e{random.getrandbits(64):x}"),
    }
    what, headers = random.choice(list(odd.items()))
    return replace(plain(ground), kind=f"headers: {what}", headers=headers)


def _astral(random: Random, count: int) -> str:
    """Text that doesn't compress: four bytes a character."""
    return "".join(chr(random.randrange(0x10000, 0x10FFFF)) for _ in range(count))


def _with_id(ground: Sound, event_id: str, source: str | None = None) -> Headers:
    new = {"ce_id": event_id.encode(), **({"ce_source": source.encode()} if source else {})}
    return [(name, new.get(name, text)) for name, text in ground.headers]


def _header_conflict(random: Random, ground: Sound) -> Record:
    name = random.choice(["ce_id", "ce_source", "ce_type", "ce_time", "ce_specversion", "content-type"])
    other = random.choice([b"other", b"packhorse.notification.sent.v1"])
    at = random.choice([0, 99])
    headers = [*ground.headers]
    headers.insert(at, (random.choice([name, name.upper()]), other))
    return replace(plain(ground), kind=f"two of {name}", headers=headers, fate="dead", field=name)


def _null_header(random: Random, ground: Sound) -> Record:
    name = random.choice(["ce_id", "ce_source", "ce_type"])
    headers = [(n, None if n == name else v) for n, v in ground.headers]
    return replace(plain(ground), kind=f"{name} is null", headers=headers, fate="dead", field=name)


def _no_headers(_random: Random, ground: Sound) -> Record:
    return replace(plain(ground), kind="no headers", headers=[], fate="dead", field="ce_specversion")


def _with_mark(_random: Random, ground: Sound) -> Record:
    return replace(plain(ground), kind="a byte order mark", value=b"\xef\xbb\xbf" + ground.body)


def _structured(random: Random, ground: Sound) -> Record:
    """Structured mode, in good and in bad order."""
    event = ground.event
    rest = {name: value for name, value in event.items() if name != "data"}
    packed = base64.b64encode(ground.body).decode()
    good = [("content-type", STRUCTURED)]
    cases: dict[str, tuple[object, list[tuple[str, bytes]], Fate, str | None]] = {
        "sound": (event, good, "alive", None),
        "base64": ({**rest, "data_base64": packed}, good, "alive", None),
        "not base64": ({**rest, "data_base64": packed[:-3] + "?"}, good, "dead", "data_base64"),
        "both data": ({**event, "data_base64": packed}, good, "dead", "data"),
        "no data": (rest, good, "dead", "data"),
        "data as text": ({**event, "data": ground.body.decode()}, good, "dead", None),
        "as binary": (event, [("content-type", b"application/json")], "dead", "ce_specversion"),
        "batch": ([event], [("content-type", b"application/cloudevents-batch+json")], "dead", "content-type"),
        "a list": ([event], good, "dead", None),
        "binary as structured": (ground.data, [*ground.headers[1:], *good], "dead", None),
        "another id outside": (event, [*good, ("ce_id", b"another")], "dead", "ce_id"),
        "another type outside": (event, [*good, ("ce_type", b"packhorse.order.accepted.v9")], "dead", "ce_type"),
        "XML inside": ({**event, "datacontenttype": "text/xml"}, good, "dead", "datacontenttype"),
        "an id that is a number": ({**event, "id": 7}, good, "dead", "ce_id"),
        "an id that is a list": ({**event, "id": [event["id"]]}, good, "dead", "ce_id"),
        "a source with NUL": ({**event, "source": "/a\x00b"}, good, "dead", "ce_source"),
        "a nested attribute": ({**event, "tenant": {"a": []}}, good, "dead", "ce_tenant"),
        "a time of 1970": ({**event, "time": "1970-01-01T00:00:00Z"}, good, "alive", None),
    }
    what, (body, headers, fate, field) = random.choice(list(cases.items()))
    value = json.dumps(body, ensure_ascii=False).encode()
    return replace(plain(ground), kind=f"structured: {what}", headers=headers, value=value, fate=fate, field=field)


def _time(random: Random, ground: Sound) -> Record:
    """Odd times of the envelope; nothing may hang on them."""
    text = random.choice(
        ["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]
    )
    headers = [(n, text.encode() if n == "ce_time" else v) for n, v in ground.headers]
    return replace(plain(ground), kind=f"said in {text[:4]}", headers=headers)


def _impostor(random: Random, ground: Sound) -> Record:
    """An id as ours have it, with an absurd time inside, under the name of one of our services or something like it."""
    at = random.choice(
        [
            datetime(1970, 1, 1, tzinfo=UTC),
            datetime(1970, 5, 5, tzinfo=UTC),
            datetime(1999, 12, 31, tzinfo=UTC),
            datetime(2999, 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
        ]
    )
    event_id = random.choice([ids.derive(at, random.getrandbits(64)), "ffffffff-ffff-7fff-bfff-ffffffffffff"])
    name = random.choice(["order", "payment", "shipping", "console", "customer", "warehouse", "nobody", "", "Order"])
    source = random.choice([f"/packhorse/{name}", f"/PackHorse/{name}", "/packhorse", f"/packhorse/{name}/x"])
    sayers = set(ground.fact.TOPIC.writers) - topics.OUTSIDERS
    fate: Fate = "alive" if source.removeprefix("/packhorse/") in sayers else "dead"
    headers = _with_id(ground, event_id, source)
    return replace(plain(ground), kind=f"an id of {at.year} by {source}", headers=headers, fate=fate, field="ce_source")


def _stranger(random: Random, ground: Sound) -> Record:
    """A source that is nobody's of ours: welcome where outsiders write, and only there."""
    source = random.choice(["/evil", "packhorse/order", "//packhorse/order", "/packhorses/order", "/a/packhorse/order"])
    fate: Fate = "alive" if ground.fact.ANSWERED_BY else "dead"
    headers = _with_id(ground, ground.attributes["id"], source)
    return replace(plain(ground), kind=f"by {source}", headers=headers, fate=fate, field="ce_source")


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
    fate: Fate = "alive" if ground.fact.__name__ in free else "dead"
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
    _attribute_missing,
    *(_header_wrong,) * 2,
    *(_header_odd,) * 2,
    _header_conflict,
    _null_header,
    _no_headers,
    *(_structured,) * 2,
    _with_mark,
    _time,
    *(_impostor,) * 2,
    _stranger,
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
