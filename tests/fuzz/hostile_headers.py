"""Records whose headers, or structured envelopes, are hostile."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Final

from packhorse_contracts import ids, topics

from .record import Fate, Maker, Record, plain
from .sound import Headers, Sound

STRUCTURED: Final = b"application/cloudevents+json"


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


HEADERS: Final[tuple[Maker, ...]] = (
    _attribute_missing,
    *(_header_wrong,) * 2,
    *(_header_odd,) * 2,
    _header_conflict,
    _null_header,
    _no_headers,
    *(_structured,) * 2,
    _time,
    *(_impostor,) * 2,
    _stranger,
)
"""Each as often as it is worth."""
