"""`decode` never raises, whatever bytes come in: one record can't harm the others of its batch."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.envelope import Headers, Heard, Unreadable, decode
from packhorse_contracts.export.samples import sample

ORDER = sample(OrderPlaced)
NAMES = st.sampled_from(
    ["content-type", "ce_id", "ce_source", "ce_type", "ce_time", "ce_specversion", "ce_sequence", "traceparent"]
)
BYTES = st.binary() | st.sampled_from(
    [b"application/cloudevents+json", b"application/json", OrderPlaced.TYPE.encode(), b"1.0", b"2026-03-02T12:00:00Z"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def binary(body: bytes) -> Heard | Unreadable:
    """An order in binary mode with this body."""
    attributes = [(f"ce_{name}", str(text).encode()) for name, text in ORDER.items() if name != "data"]
    return decode(body, attributes)


def check(heard: Heard | Unreadable) -> None:
    """A refusal can be stored: short texts without NUL."""
    if isinstance(heard, Unreadable):
        assert heard.code
        assert "\x00" not in heard.message + (heard.field or "")
        assert len(heard.message) < 5_000


@given(value=st.none() | st.binary(), headers=st.none() | st.lists(st.tuples(NAMES | st.text(), BYTES), max_size=8))
def test_any_bytes_and_headers(value: bytes | None, headers: Headers | None) -> None:
    """Random bytes under random headers."""
    check(decode(value, headers))


@given(body=JSON)
def test_any_json_as_data(body: object) -> None:
    """Well-formed JSON of another shape."""
    check(binary(json.dumps(body).encode()))


@given(event=st.dictionaries(st.sampled_from(sorted(ORDER)) | st.text(), JSON))
def test_any_json_as_a_structured_event(event: dict[str, object]) -> None:
    """Attributes of any kind."""
    check(decode(json.dumps(ORDER | event).encode(), [("content-type", b"application/cloudevents+json")]))


@given(st.data())
def test_an_order_with_one_part_replaced(data: st.DataObject) -> None:
    """Anything anywhere in an order."""
    order = json.loads(json.dumps(ORDER["data"]))
    place = order
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(JSON)
    check(binary(json.dumps(order).encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"order_id":' + b"[" * 100_000,
        b"x" * 5_000_000,
        b'{"order_id":' + b"9" * 300_000 + b"}",
        b'{"totals":{"goods":NaN}}',
        b'{"totals":{"goods":Infinity}}',
        b'{"totals":{"goods":1e999999}}',
        b'{"order_id":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"\x00",
        b'{"order_id":"a","order_id":"b"}',
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
def test_hostile_bodies(body: bytes) -> None:
    """Deep nesting, megabytes, endless numbers, numbers that aren't, half characters."""
    assert isinstance(binary(body), Unreadable)
    heard = decode(b'{"data":' + body + b"}", [("content-type", b"application/cloudevents+json")])
    assert isinstance(heard, Unreadable)
    check(heard)


@pytest.mark.parametrize(("number", "code"), [("9" * 10_000, "not_json"), ("9" * 4_000, "attribute"), ("-1", None)])
def test_a_number_too_long_to_write_out_as_an_attribute(number: str, code: str | None) -> None:
    """CloudEvents knows integers of 32 bits; Python would refuse to print the longest."""
    event = json.dumps(ORDER)[:-1] + f',"tenant":{number}' + "}"
    heard = decode(event.encode(), [("content-type", b"application/cloudevents+json")])
    assert (heard.code if isinstance(heard, Unreadable) else None) == code


@pytest.mark.parametrize("value", [b"\xff", b"x" * 2_000, b"a"])
def test_a_header_name_with_nul(value: bytes) -> None:
    """What is told of it can be stored all the same."""
    heard = decode(b"{}", [("ce_\x00", value)])
    assert isinstance(heard, Unreadable)
    check(heard)


def test_what_nobody_foresaw_is_refused_too() -> None:
    """Here a header whose name is no text, which no client should hand on."""
    assert decode(b"{}", [(None, b"")]) == Unreadable("unreadable", "the record can't be read: AttributeError")  # type: ignore[list-item]


@pytest.mark.parametrize("wrong", [True, 1.5, "1", None, [], {}])
@pytest.mark.parametrize("field", ["quantity", "unit_price"])
def test_a_number_is_a_number(field: str, wrong: object) -> None:
    """Not a truth value, not text, not a fraction."""
    order = json.loads(json.dumps(ORDER["data"]))
    order["lines"][0][field] = wrong
    heard = binary(json.dumps(order).encode())
    assert isinstance(heard, Unreadable)
    assert heard.field == f"lines.0.{field}"


@pytest.mark.parametrize(
    "wrong",
    [{"totals": {**ORDER["data"]["totals"], "goods": 1}}, {"ship_to": None}, {"lines": []}, {"payments": []}],  # type: ignore[call-overload, index, dict-item]
    ids=["a wrong sum", "no address", "no lines", "no payment"],
)
def test_an_order_that_is_wrong_is_still_read(wrong: dict[str, object]) -> None:
    """It is the order service that rejects it, with every fault."""
    assert isinstance(ORDER["data"], dict)
    assert isinstance(binary(json.dumps(ORDER["data"] | wrong).encode()), Heard)


def test_too_many_lines_are_not_read() -> None:
    """So that what we say about an order always fits into a record."""
    order = json.loads(json.dumps(ORDER["data"]))
    line = {"line_id": "1", "sku": "A", "quantity": 1, "unit_price": 1}
    order["lines"] = [line] * 2_000
    assert isinstance(binary(json.dumps(order).encode()), Heard)
    order["lines"] = [line] * 2_001
    heard = binary(json.dumps(order).encode())
    assert isinstance(heard, Unreadable)
    assert heard.field == "lines"
