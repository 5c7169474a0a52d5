"""The record on a dead-letter topic: the original, with the reason beside."""

from datetime import UTC, datetime

import toy
from arrivals import READER
from packhorse_chassis.core import said
from packhorse_chassis.core.inputs import Raw
from packhorse_chassis.postgres import outgoing
from packhorse_contracts import envelope as ce

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def original() -> Raw:
    """A sound record, with a header of its sender's own that is no text."""
    fact = toy.request("a", "one")
    key, value, headers = ce.encode(ce.Envelope("1", "/shop", fact.TYPE, fact.subject, toy.NOON), fact)
    return Raw("record", fact.TOPIC.name, 3, 17, key, [*headers, ("x-own", b"\xff\x00")], value)


def given_up(raw: Raw, reason: str) -> outgoing.OutboxRow:
    """What is published of it."""
    arrival = READER.record(raw)
    assert arrival is not None
    letter = said.dead_letter("order", arrival, None, NOW, code="reaction", reason=reason, error=ValueError(reason))
    row = outgoing.dead_row("order", letter)
    assert row is not None
    return row


def test_it_is_the_original_byte_for_byte() -> None:
    """Key, value and every header, in their order."""
    raw = original()
    row = given_up(raw, "why")
    assert (row.key, row.value) == (raw.key, raw.value)
    assert list(row.headers[: len(raw.headers)]) == list(raw.headers)


def test_whoever_reads_it_learns_why_and_where() -> None:
    """In headers of ours, whatever the reason is made of."""
    headers = dict(given_up(original(), "why \ud800").headers)
    assert headers["dead-letter-reason"].startswith(b"why ")
    assert headers["dead-letter-code"] == b"reaction"
    assert headers["dead-letter-origin"] == b"customer.requests-3@17"
    assert headers["dead-letter-parked"] == b"true"
    assert b"ValueError" in headers["dead-letter-traceback"]


def test_sent_to_its_topic_again_it_is_the_same_event() -> None:
    """Nothing of what makes it readable is lost."""
    raw = original()
    row = given_up(raw, "why")
    first, again = READER.record(raw), READER.record(Raw("record", raw.topic, 0, 0, row.key, row.headers, row.value))
    assert first is not None
    assert again is not None
    assert (again.source, again.id, again.heard) == (first.source, first.id, first.heard)
