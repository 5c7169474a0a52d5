"""CloudEvents over Kafka: what is said in binary mode, what is heard in both, and what is refused with a reason."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from packhorse_contracts import envelope as ce
from packhorse_contracts import registry
from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.envelope import Envelope, Heard, Unreadable
from packhorse_contracts.export.samples import sample
from packhorse_contracts.warehouse import HandedOver, HandedOverV1, PickListAccepted, StockMoved

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACCEPTED = PickListAccepted(pick_list_id="list-1")
HEARD = ACCEPTED.model_copy(update={"at": datetime(2026, 3, 2, 12, tzinfo=UTC)})
BODY = b'{"pick_list_id":"list-1"}'
HEADERS = {
    "content-type": b"application/json",
    "ce_specversion": b"1.0",
    "ce_id": b"1",
    "ce_source": b"/wms",
    "ce_type": PickListAccepted.TYPE.encode(),
    "ce_time": b"2026-03-02T12:00:00Z",
}
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/wms",
    "type": PickListAccepted.TYPE,
    "time": "2026-03-02T12:00:00Z",
    "data": {"pick_list_id": "list-1"},
}


def binary(body: bytes | None = BODY, **changed: bytes | None) -> Heard | Unreadable:
    """What is heard of a record in binary mode with some headers changed; None takes one away."""
    headers = HEADERS | {name.replace("content_type", "content-type"): value for name, value in changed.items()}
    return ce.decode(body, [(name, value) for name, value in headers.items() if value is not None])


def structured(*headers: tuple[str, bytes], **changed: object) -> Heard | Unreadable:
    """What is heard of a record in structured mode with some attributes changed; None takes one away."""
    event = {name: value for name, value in (EVENT | changed).items() if value is not None}
    kind = ("content-type", b"application/cloudevents+json; charset=utf-8")
    return ce.decode(json.dumps(event).encode(), [kind, *headers])


def code(heard: Heard | Unreadable) -> str:
    """The code of a refusal."""
    assert isinstance(heard, Unreadable), heard
    assert heard.message
    return heard.code


def fact(heard: Heard | Unreadable) -> object:
    """The fact that was heard."""
    assert isinstance(heard, Heard), heard
    return heard.fact


def test_an_event_is_said_in_binary_mode() -> None:
    """Attributes in `ce_` headers, the value is the data alone, the key is the fact's key."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    said = Envelope(
        "id-1", "/packhorse/order", PickListAccepted.TYPE, "list-1", NOON, "order-1", "cause-1", 7, None, trace
    )
    key, value, headers = ce.encode(said, ACCEPTED)
    assert (key, value) == (b"list-1", BODY)
    assert headers == [
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_id", b"id-1"),
        ("ce_source", b"/packhorse/order"),
        ("ce_type", b"packhorse.warehouse.pick_list_accepted.v1"),
        ("ce_subject", b"list-1"),
        ("ce_time", b"2026-03-02T12:00:00.000000Z"),
        ("ce_correlationid", b"order-1"),
        ("ce_causationid", b"cause-1"),
        ("ce_sequence", b"7"),
        ("ce_partitionkey", b"list-1"),
        ("traceparent", trace.encode()),
    ]


def test_time_is_said_in_utc() -> None:
    """Whatever zone the writer thinks in."""
    assert ce.rfc3339(NOON.astimezone(timezone(timedelta(hours=-3)))) == "2026-03-02T12:00:00.000000Z"


def test_both_modes_are_heard_alike() -> None:
    """Binary, structured, structured with base64, with headers in any case, and without a content type."""
    plain = binary()
    assert fact(plain) == HEARD
    encoded = base64.b64encode(BODY).decode()
    for other in (
        structured(),
        structured(data=None, data_base64=encoded),
        structured(datacontenttype="application/json"),
        binary(content_type=None),
        binary(content_type=b"application/json; charset=utf-8"),
        ce.decode(BODY, [(name.upper(), value) for name, value in HEADERS.items()]),
    ):
        assert other == plain


def test_other_peoples_headers_and_attributes_are_let_be() -> None:
    """Even where they aren't UTF-8; an attribute may be a number or a truth value."""
    assert fact(binary(xtenant=b"\xff")) == HEARD
    assert fact(structured(tenant=7, test=True)) == HEARD


def test_a_bad_trace_or_sequence_is_dropped_not_refused() -> None:
    """They help to follow an event; the event doesn't depend on them."""
    for bad in (b"", b"x", b"-1", b"9" * 19, "٣".encode()):
        heard = binary(ce_sequence=bad, traceparent=bad)
        assert isinstance(heard, Heard)
        assert (heard.envelope.sequence, heard.envelope.traceparent) == (None, None)


def test_an_old_major_is_heard_as_the_newest() -> None:
    """Version 1 of handed_over becomes version 2, whose parcels don't know their packages."""
    old = HandedOverV1(pick_list_id="list-1", carrier="ctt", tracking_numbers=("A", "B"))
    heard = binary(old.model_dump_json().encode(), ce_type=HandedOverV1.TYPE.encode())
    assert isinstance(heard, Heard)
    assert heard.envelope.type == HandedOverV1.TYPE
    assert isinstance(heard.fact, HandedOver)
    assert [(parcel.tracking_number, parcel.package_id) for parcel in heard.fact.parcels] == [("A", None), ("B", None)]


def test_names_on_the_wire_are_the_contracts() -> None:
    """`from`, not the `from_` that Python needs."""
    moved = StockMoved(at=HEARD.at, move_id="1", from_="porto", to="lisboa", sku="A", quantity=1)
    body = moved.model_dump_json()
    assert '"from":"porto"' in body
    assert fact(binary(body.encode(), ce_type=StockMoved.TYPE.encode())) == moved
    assert code(binary(body.replace('"from"', '"from_"').encode(), ce_type=StockMoved.TYPE.encode())) == "invalid"


def test_unknown_fields_are_ignored() -> None:
    """A newer writer may add some."""
    assert fact(binary(b'{"pick_list_id":"list-1","wave":{"id":[1,null]}}')) == HEARD


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type", "time"])
def test_a_missing_attribute_is_named(missing: str) -> None:
    """In either mode, also where it is there but empty."""
    for heard in (binary(**{f"ce_{missing}": None}), binary(**{f"ce_{missing}": b""}), structured(**{missing: None})):
        assert heard == Unreadable("missing_attribute", f"CloudEvents attribute {missing} is missing", f"ce_{missing}")


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (binary(None), "empty_value"),
        (binary(b""), "empty_value"),
        (binary(b" " * (ce.MAX_VALUE_BYTES + 1)), "too_large"),
        (binary(BODY + b" " * ce.MAX_OUTSIDER_BYTES), "too_large"),
        (binary(b"{"), "not_json"),
        (binary(b"\xff"), "not_json"),
        (binary(b"[]"), "invalid"),
        (binary(b"null"), "invalid"),
        (binary(b'{"pick_list_id":7}'), "invalid"),
        (binary(b"[" * 10_000), "not_json"),
        (binary(b"[" * 100_000), "too_large"),
        (binary(ce_specversion=b"0.3"), "specversion"),
        (binary(ce_time=b"2026-03-02T12:00:00"), "time"),
        (binary(ce_time=b"20260302T120000Z"), "time"),
        (binary(ce_time=b"0001-01-01T00:00:00+23:59"), "time"),
        (binary(ce_type=b"order_placed"), "unknown_type"),
        (binary(ce_type=b"packhorse.nobody.said_this.v1"), "unknown_type"),
        (binary(ce_type=b"packhorse.warehouse.handed_over.v9"), "unknown_version"),
        (binary(ce_id=b"\xff"), "header_encoding"),
        (binary(ce_id=b"a\x00b"), "attribute"),
        (binary(ce_subject=b"x" * 2_000), "attribute"),
        (binary(content_type=b"text/plain"), "content_type"),
        (ce.decode(BODY, [*HEADERS.items(), ("ce_id", b"2")]), "header_conflict"),
        (ce.decode(BODY, [*HEADERS.items(), ("Ce_Id", None)]), "header_encoding"),  # type: ignore[list-item]
        (ce.decode(BODY, None), "missing_attribute"),
        (ce.decode(b"[]", [("content-type", b"application/cloudevents+json")]), "not_an_object"),
        (ce.decode(b"{", [("content-type", b"application/cloudevents+json")]), "not_json"),
        (structured(data=None), "no_data"),
        (structured(data_base64="e30="), "no_data"),
        (structured(data=None, data_base64="€"), "no_data"),
        (structured(data=None, data_base64=7), "no_data"),
        (structured(id=7), "attribute"),
        (structured(id={"a": 1}), "attribute"),
        (structured(tenant=[1]), "attribute"),
        (structured(datacontenttype="text/plain"), "content_type"),
        (structured(("ce_id", b"2")), "header_conflict"),
    ],
)
def test_what_can_t_be_read_says_why(heard: Heard | Unreadable, expected: str) -> None:
    """Each with a code of its own."""
    assert code(heard) == expected


@pytest.mark.parametrize("kind", [b"text/json", b"Application/Vnd.Shop+JSON; v=2", b"application/json", b""])
def test_any_type_of_json_is_read(kind: bytes) -> None:
    """By the rule of the CloudEvents JSON format."""
    assert isinstance(binary(content_type=kind), Heard)
    assert isinstance(structured(datacontenttype=kind.decode() or None), Heard)


@pytest.mark.parametrize("kind", [b"application/cloudevents", b"application/cloudevents-batch+json", b"json", b"a/xml"])
def test_another_type_is_refused_by_name(kind: bytes) -> None:
    """A batch too: one event a record."""
    heard = binary(content_type=kind)
    if kind != b"json":
        assert code(heard) == "content_type"
        assert isinstance(heard, Unreadable)
        assert kind.decode() in heard.message


def test_a_byte_order_mark_is_ignored() -> None:
    """Around the data, or around the whole event."""
    marked = ce.decode(b"\xef\xbb\xbf" + BODY, list(HEADERS.items()))
    assert marked == binary()
    event = json.dumps(sample(TrackingUpdated)).encode()
    head = [("content-type", b"application/cloudevents+json")]
    assert ce.decode(b"\xef\xbb\xbf" + event, head) == ce.decode(event, head)
    encoded = base64.b64encode(b"\xef\xbb\xbf" + BODY).decode()
    assert isinstance(structured(data=None, data_base64=encoded), Heard)


def test_of_a_name_that_comes_twice_the_last_one_counts() -> None:
    """As in JavaScript, Python and most others; both modes alike."""
    body = json.dumps(sample(TrackingUpdated)["data"])[:-1] + ',"place":"first","place":"last"}'
    event = json.dumps({name: held for name, held in sample(TrackingUpdated).items() if name != "data"})[:-1]
    whole = ce.decode(f'{event},"data":{body}}}'.encode(), [("content-type", b"application/cloudevents+json")])
    plain = binary(body.encode(), ce_type=TrackingUpdated.TYPE.encode())
    for heard in (whole, plain):
        assert isinstance(heard, Heard)
        assert isinstance(heard.fact, TrackingUpdated)
        assert heard.fact.place == "last"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2016-12-31T23:59:60Z", True),
        ("2016-12-31t15:59:60.75-08:00", True),
        ("2016-12-31T23:58:60Z", False),
        ("2016-12-31T23:59:60+01:00", False),
    ],
)
def test_a_leap_second_is_a_time(text: str, right: bool) -> None:
    """Where one can be: at the end of a day in UTC. It is the last microsecond of that day."""
    heard = binary(ce_time=text.encode())
    assert isinstance(heard, Heard) == right
    if isinstance(heard, Heard):
        assert heard.envelope.time == datetime(2016, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def test_several_faults_are_told_together() -> None:
    """With the path of each field; what was in them is not repeated, for it may be personal."""
    heard = binary(
        b'{"tracking_number":"secret\\tblank","status":"lost in space"}', ce_type=TrackingUpdated.TYPE.encode()
    )
    assert isinstance(heard, Unreadable)
    assert heard.field == "tracking_number"
    assert all(name in heard.message for name in ("tracking_number:", "status:", "at:"))
    assert "secret" not in heard.message


@pytest.mark.parametrize("wire", sorted(registry.facts))
def test_a_sample_in_structured_mode_is_heard_as_in_binary(wire: str) -> None:
    """For every fact of the contracts."""
    event = sample(registry.facts[wire])
    whole = ce.decode(json.dumps(event).encode(), [("content-type", b"application/cloudevents+json")])
    attributes = [(f"ce_{name}", str(text).encode()) for name, text in event.items() if name != "data"]
    assert isinstance(whole, Heard)
    assert ce.decode(json.dumps(event["data"]).encode(), attributes) == whole
