"""Rounds, rates and raw records of a replay."""

from datetime import UTC, datetime

from packhorse_contracts import envelope
from packhorse_contracts.checkout import OrderPlaced
from packhorse_devstack.counterparties.replaying import Due, kind, limit, renew, schedule, speak
from packhorse_devstack.counterparties.voice import Raw, Saying, render
from packhorse_devstack.data.records import Json, Record, fact, raw

AT = datetime(2026, 11, 23, tzinfo=UTC)


def _order(order_id: str) -> Record:
    data: dict[str, Json] = {
        "order_id": order_id,
        "placed_at": "2011-11-01T08:16:00Z",
        "channel": "web",
        "currency": "GBP",
        "customer": {"customer_id": "C1", "name": "Zoë"},
        "lines": [{"line_id": "1", "sku": "A", "quantity": 1, "unit_price": 5}],
        "delivery": {"mode": "ship", "service": "standard", "price": 0},
        "payments": [{"method": "card", "amount": 5}],
        "totals": {"goods": 5, "discount": 0, "delivery": 0, "tax": 0, "grand_total": 5},
    }
    return fact(OrderPlaced.TYPE, f"{order_id}-placed", data, order_id=order_id)


def _request(order_id: str, after_ms: int) -> Record:
    data = {"order_id": order_id, "reason": "changed my mind"}
    kind_ = "packhorse.customer.cancellation_requested.v1"
    return fact(kind_, f"{order_id}-cancel", data, order_id=order_id, after_ms=after_ms)


def test_orders_come_at_the_rate_and_requests_after_their_order() -> None:
    """Ten a second: the second order at 0.1 s; its request 150 ms after it, so after the third."""
    one, two, three = _order("1"), _order("2"), _order("3")
    request = _request("2", 150)
    assert schedule([one, two, request, three], 10) == [
        Due(0.0, one),
        Due(0.1, two),
        Due(0.2, three),
        Due(0.25, request),
    ]


def test_another_round_has_fresh_ids_and_the_same_story() -> None:
    """Order, event and request follow; round 0 is the file as it is."""
    order, request = _order("1"), _request("1", 150)
    assert renew(order, 0) is order
    said, asked = speak(renew(order, 2), AT), speak(renew(request, 2), AT)
    assert isinstance(said, Saying)
    assert isinstance(asked, Saying)
    assert (said.id, said.fact.key, said.fact.correlation) == ("1-placed-R2", "1-R2", "1-R2")
    assert (asked.id, asked.fact.key) == ("1-cancel-R2", "1-R2")


def test_a_raw_record_gets_fresh_ids_too() -> None:
    """In its key, value and headers, byte by byte."""
    record = raw("BAD7", "truncated", b'{"order_id": "BAD7", \xff', [("ce_id", b"BAD7-placed"), ("x", b"\xfe")])
    assert speak(renew(record, 3), AT) == Raw(
        "checkout.orders",
        b"BAD7-R3",
        b'{"order_id": "BAD7-R3", \xff',
        (("ce_id", b"BAD7-R3-placed"), ("x", b"\xfe")),
    )
    assert speak(record, AT) == Raw(
        "checkout.orders", b"BAD7", b'{"order_id": "BAD7", \xff', (("ce_id", b"BAD7-placed"), ("x", b"\xfe"))
    )


def test_an_empty_raw_record_stays_empty() -> None:
    """A tombstone is one of the malformed records."""
    said = speak(renew(raw("BAD1", "empty", None, []), 1), AT)
    assert isinstance(said, Raw)
    assert said.value is None


def test_both_modes_say_the_same() -> None:
    """Binary and structured records are read as the same fact from the same source."""
    heard = []
    for structured in (False, True):
        said = speak({**_order("1"), "structured": structured}, AT)
        assert isinstance(said, Saying)
        record = render(said, "/test")
        read = envelope.decode(record.value, record.headers)
        assert isinstance(read, envelope.Heard)
        heard.append((record.key, read.fact, read.envelope.id, read.envelope.source, read.envelope.time))
    assert heard[0] == heard[1]


def test_a_limit_counts_orders_and_keeps_what_belongs_to_them() -> None:
    """One order and its request; not the second order."""
    order, request = _order("1"), _request("1", 5)
    assert list(limit([order, request, _order("2")], 1)) == [order, request]
    assert [kind(record) for record in (order, request)] == ["order", "request"]
