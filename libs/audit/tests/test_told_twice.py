"""Two things that read alike are no violation; one thing told twice is."""

import json
from itertools import count

import pytest
from packhorse_audit.books import MailBook, nobody_is_told_twice
from packhorse_audit.streams import Spoken
from packhorse_audit.told import Told

NUMBERS = count()
Facts = list[tuple[str, dict[str, object]]]


def told(*facts: tuple[str, dict[str, object]]) -> Told:
    """What the topics say, each fact under an id of its own."""
    heard = Told()
    for kind, data in facts:
        spoken = Spoken("t", 0, 0, "o1", "/packhorse/x", f"e{next(NUMBERS)}", f"packhorse.{kind}.v1", 1)
        heard.take(spoken, json.dumps({"order_id": "o1", **data}).encode())
    return heard


def delivered(shipment: str, parcel: str) -> tuple[str, dict[str, object]]:
    """A parcel has arrived."""
    return "shipping.delivered", {"shipment_id": shipment, "tracking_number": parcel, "at": "12:00"}


def cancelled(at: str) -> tuple[str, dict[str, object]]:
    """One piece is short."""
    return "order.cancelled", {"at": at, "whole": False, "lines": [{"line_id": "1", "quantity": 1}]}


def found(heard: Told, kind: str, *mails: str) -> set[str]:
    """The invariants that don't hold where these notifications of one kind were sent, all in the same words."""
    kept = [("o1", mail) for mail in dict.fromkeys(mails)]
    books = [MailBook("o1", "ann@shop.test", mail, mail, "the same words") for mail in mails]
    sent = [("o1", mail, kind) for mail in dict.fromkeys(mails)]
    return {one.invariant for one in nobody_is_told_twice(books, sent, kept, heard.causes)}


TWICE = {"nobody is told the same thing twice"}


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("delivered", [delivered("s1", "T1"), delivered("s1", "T2"), delivered("s2", "T1")]),
        ("cancelled", [cancelled("12:00:00.000"), cancelled("12:00:00.001"), cancelled("12:00:00.002")]),
    ],
)
def test_as_many_mails_as_things_happened_is_healthy(kind: str, facts: Facts) -> None:
    """Parcels of several locations, equal shorts at each of them: told once each, however alike; one more is too much.
    The same mail again, under its own id, is no other mail."""
    heard = told(*facts)
    assert found(heard, kind, "n1", "n2", "n3") == set()
    assert found(heard, kind, "n1", "n1", "n2", "n3") == set()
    assert found(heard, kind, "n1", "n2", "n3", "n4") == TWICE


@pytest.mark.parametrize("fact", [delivered("s1", "T1"), cancelled("12:00:00.000")])
def test_one_thing_told_twice_is_seen(fact: tuple[str, dict[str, object]]) -> None:
    """Also where its fact was said twice, under two ids: it is one thing."""
    kind = fact[0].partition(".")[2]
    assert found(told(fact, fact), kind, "n1") == set()
    assert found(told(fact, fact), kind, "n1", "n2") == TWICE


def test_one_thing_told_in_two_ways_is_seen_as_well() -> None:
    """The words needn't be the same."""
    heard = told(delivered("s1", "T1"))
    kept = [("o1", "n1"), ("o1", "n2")]
    sent = [("o1", mail, "delivered") for _, mail in kept]
    assert {one.invariant for one in nobody_is_told_twice([], sent, kept, heard.causes)} == TWICE


def test_a_kind_that_the_audit_does_not_know_is_held_to_its_words() -> None:
    """No two say the same."""
    assert found(told(), "birthday", "n1", "n2") == TWICE
