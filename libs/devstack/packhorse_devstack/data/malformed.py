"""Records as bad checkouts send them: each must end as a dead letter or a rejection, and harm nobody else.

`EXPECTED` says for each kind how it must end: `dead` (a dead letter), `rejected` (order.rejected), `dropped` (a repeat,
nothing happens).
"""

import json
from collections.abc import Iterator
from typing import Literal, cast

from packhorse_devstack.data.orders import ORDER_PLACED
from packhorse_devstack.data.records import Json, Record, fact, raw

End = Literal["dead", "rejected", "dropped"]
Headers = list[tuple[str, bytes]]

EXPECTED: dict[str, End] = {
    "truncated JSON": "dead",
    "plain text": "dead",
    "XML": "dead",
    "a JSON array": "dead",
    "an empty value": "dead",
    "not UTF-8 in the value": "dead",
    "a source that isn't UTF-8": "dead",
    "a subject that isn't UTF-8": "dead",
    "no id": "dead",
    "no source": "dead",
    "no type": "dead",
    "no headers at all": "dead",
    "an unknown type": "dead",
    "a major that nobody knows": "dead",
    "CloudEvents 0.3": "dead",
    "a time without an offset": "dead",
    "a structured event without data": "dead",
    "a negative quantity": "rejected",
    "no currency": "rejected",
    "a price in pounds": "rejected",
    "a wrong grand total": "rejected",
    "payments that don't add up": "rejected",
    "no address to ship to": "rejected",
    "the same event again": "dropped",
    "the same order under another event id": "dropped",
    "other content under the same order id": "dead",
}


_AGAINST_THE_CONTRACT = frozenset({"a negative quantity", "no currency", "a price in pounds"})
"""Rejected all the same; but no class of ours would say them."""


def malformed(orders: list[Record]) -> Iterator[tuple[str, Record]]:
    """One record of each kind, made from real orders, with the id of the order that it must follow in the replay."""
    for number, note in enumerate(EXPECTED, start=1):
        model = orders[number * len(orders) // (len(EXPECTED) + 2)]
        original = str(model["order_id"])
        if note == "the same event again":
            yield original, {**model, "note": note}
        elif note == "the same order under another event id":
            yield original, {**model, "id": f"{original}-placed-again", "note": note}
        elif note == "other content under the same order id":
            changed = {**_data(model), "channel": "phone"}
            yield original, fact(ORDER_PLACED, f"{original}-placed-otherwise", changed, order_id=original, note=note)
        else:
            order_id = f"BAD{number:02}"
            yield original, _bad(note, order_id, {**_data(model), "order_id": order_id})


def _bad(note: str, order_id: str, data: dict[str, Json]) -> Record:
    """A record of its own order: `data` is right, and is made wrong here."""
    if EXPECTED[note] == "rejected" and note not in _AGAINST_THE_CONTRACT:
        wrong = _wrong(note, data)
        return fact(ORDER_PLACED, f"{order_id}-placed", wrong, order_id=order_id, note=note)
    value = json.dumps(data, ensure_ascii=False).encode()
    headers = _headers(order_id)
    changed = _bad_value(note, value, data)
    return raw(order_id, note, changed, _bad_headers(note, headers))


def _wrong(note: str, data: dict[str, Json]) -> dict[str, Json]:
    """Readable, but no order that could be taken."""
    if note == "no address to ship to":
        return {name: value for name, value in data.items() if name != "ship_to"}
    if note == "a wrong grand total":
        totals = cast("dict[str, int]", data["totals"])
        return {**data, "totals": {**totals, "grand_total": totals["grand_total"] + 100}}
    payment, *_ = cast("list[dict[str, int]]", data["payments"])
    return {**data, "payments": [{**payment, "amount": payment["amount"] + 1}]}


def _bad_value(note: str, value: bytes, data: dict[str, Json]) -> bytes | None:
    first, *others = cast("list[dict[str, Json]]", data["lines"])
    replaced: dict[str, bytes | None] = {
        "truncated JSON": value[: len(value) // 2],
        "plain text": b"please send me three lamps",
        "XML": b"<?xml version='1.0'?><order/>",
        "a JSON array": b"[" + value + b"]",
        "an empty value": None,
        "not UTF-8 in the value": value.replace(b'"web"', b'"w\xe9b"').replace(b'"marketplace"', b'"march\xe9"'),
        "a negative quantity": json.dumps({**data, "lines": [{**first, "quantity": -1}, *others]}).encode(),
        "no currency": json.dumps({name: it for name, it in data.items() if name != "currency"}).encode(),
        "a price in pounds": json.dumps({**data, "lines": [{**first, "unit_price": 2.95}, *others]}).encode(),
        "a structured event without data": b'{"specversion":"1.0","id":"x","source":"/checkout","type":"x"}',
    }
    return replaced.get(note, value)


def _headers(order_id: str) -> Headers:
    return [
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{order_id}-placed".encode()),
        ("ce_source", b"/shop/legacy"),
        ("ce_type", ORDER_PLACED.encode()),
        ("ce_subject", order_id.encode()),
        ("ce_time", b"2011-11-01T08:00:00Z"),
    ]


def _bad_headers(note: str, headers: Headers) -> Headers:
    without = {"no id": "ce_id", "no source": "ce_source", "no type": "ce_type"}
    other = {
        "a source that isn't UTF-8": ("ce_source", b"/b\xfccher"),
        "a subject that isn't UTF-8": ("ce_subject", b"\xff\xfe\x00"),
        "an unknown type": ("ce_type", b"packhorse.checkout.basket_emptied.v1"),
        "a major that nobody knows": ("ce_type", b"packhorse.checkout.order_placed.v9"),
        "CloudEvents 0.3": ("ce_specversion", b"0.3"),
        "a time without an offset": ("ce_time", b"2011-11-01 08:00:00"),
        "a structured event without data": ("content-type", b"application/cloudevents+json"),
    }
    if note == "no headers at all":
        return []
    name, content = other.get(note, ("", b""))
    kept = [(key, value) for key, value in headers if key not in {name, without.get(note)}]
    return [*kept, (name, content)] if name else kept


def _data(record: Record) -> dict[str, Json]:
    return cast("dict[str, Json]", record["data"])
