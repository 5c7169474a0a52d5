"""Every fact has a sentence, and every record a line, whatever it holds."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from packhorse_cli import sentences
from packhorse_cli.sentences.words import money
from packhorse_cli.stream import Event, event
from packhorse_contracts import registry
from packhorse_contracts.base import Fact
from packhorse_contracts.export.samples import sample
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.payment import PaymentAuthorised
from packhorse_contracts.shipping import ShippingPickListIssued

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PERSONAL = ("Ana Sousa", "ana.sousa@example.com", "+351210000000", "Rua das Flores", "1200-192", "Happy birthday")


def said(fact: type[Fact], **more: object) -> Event:
    """The golden sample of a fact as a record."""
    body = sample(fact)
    data = body["data"]
    assert isinstance(data, dict)
    data |= more  # type: ignore[arg-type]
    headers = {"content-type": "application/cloudevents+json"}
    raw = tuple((name, text.encode()) for name, text in headers.items())
    return Event(fact.TOPIC.name, 0, 0, NOON, str(body["partitionkey"]), headers, raw, json.dumps(body).encode())


def told(one: Event, *, personal: bool = False) -> str:
    """Its sentence, with nothing else known."""
    return sentences.tell(one, sentences.fact_of(one), sentences.Known(), personal=personal)


@pytest.mark.parametrize("wire", sorted(registry.facts))
def test_every_fact_of_the_catalogue_has_its_sentence(wire: str) -> None:
    """In words: no field names, brackets or ids of lists; and no personal data unless it is asked for."""
    fact = registry.facts[wire]
    assert registry.newest(fact) in sentences.SENTENCES, f"{fact.__name__} needs a sentence: packhorse_cli/sentences"
    line = told(said(fact))
    assert line.isprintable()
    assert 8 < len(line) < 120
    assert not {"_", "[", "{", "None"} & set(line.replace("None", "{")), line
    assert not any(personal in line for personal in PERSONAL), line


def test_a_sentence_has_money_pieces_days_and_places() -> None:
    """As people say them."""
    authorised = said(PaymentAuthorised, expires_at="2026-12-05T10:00:00Z")
    assert told(authorised) == "authorised 18.95 € on card, valid until 5 December"
    asked = said(ShippingPickListIssued, location="WH-GB", ship_by="2026-03-02T23:59:00Z", service="standard")
    assert told(asked) == "WH-GB asked to pick 6 pieces by 23:59"


@pytest.mark.parametrize("structured", [True, False])
def test_who_only_asks_is_not_told_as_if_it_had_happened(structured: bool) -> None:
    """A dry run looks like its request, but for one attribute."""
    meant = said(OperationsPolicySet, policy_version=4, by="emma", service="order", why="Christmas")
    assert told(meant) == "version 4 of the policy of order, set by emma: Christmas"
    if structured:
        asked = replace(meant, value=json.dumps(json.loads(meant.value) | {"dryrun": True}).encode())
    else:
        asked = replace(meant, headers={**meant.headers, "ce_dryrun": "TRUE"})
    assert told(asked) == "dry run: version 4 of the policy of order, set by emma: Christmas"


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (1895, "EUR", "18.95 €"),
        (1895, "JPY", "1,895 JP¥"),
        (1895, "KWD", "1.895 KWD"),
        (123456789, "USD", "1,234,567.89 US$"),
        (5, "RSD", "0.05 RSD"),
        (5, None, "5 minor units"),
    ],
)
def test_money_has_the_digits_of_its_currency(amount: int, currency: str | None, written: str) -> None:
    """By ISO 4217."""
    assert money(amount, currency) == written


def test_personal_data_are_shown_on_demand() -> None:
    """An operator seldom needs a name."""
    placed = said(registry.facts["packhorse.checkout.order_placed.v1"])
    assert "Ana Sousa" in told(placed, personal=True)
    asked = said(registry.facts["packhorse.customer.cancellation_requested.v1"], reason="I, Ana Sousa, moved")
    assert "Ana" not in told(asked)
    assert "Ana Sousa" in told(asked, personal=True)


class Odd:
    """A record as a client gives it."""

    topic, partition, offset, timestamp = "order.events", 3, 7, 10**18
    key: bytes | None = b"\xff\x1b[31m\xe2\x80\xae"
    headers: tuple[tuple[str, bytes | None], ...] = (("ce_type", b"\x1b[2J\xff"), ("x", None))
    value: bytes | None = b'{"a": NaN}'


@pytest.mark.parametrize("stamp", [-(2**63), -(10**15), -1, 0, 10**18, 2**63 - 1])
def test_an_absurd_time_stamp_ends_nothing(stamp: int) -> None:
    """A producer writes there what it likes, for example the year -29719."""
    odd = Odd()
    odd.timestamp = stamp
    seen = event(odd)
    assert not seen.dated
    assert told(seen).isprintable()


def test_a_tombstone_is_told() -> None:
    """A record without a value takes its key off a compacted topic."""
    odd = Odd()
    odd.key, odd.value = b"85123A", None
    assert told(event(odd)) == "85123A is taken off the topic"


def test_a_fact_that_nobody_knows_is_told_by_its_fields() -> None:
    """Of a newer release, say; without blocks of personal data."""
    odd = Odd()
    odd.headers = (("ce_type", b"packhorse.order.gift_wrapped.v1"), *_attributes())
    odd.value = b'{"order_id": "o", "ribbon_colour": "red", "cards": [1, 2], "customer": {"name": "Ana"}}'
    line = told(event(odd))
    assert line == "gift wrapped: ribbon colour red, cards (2)"


def _attributes() -> list[tuple[str, bytes]]:
    given = {"specversion": "1.0", "id": "1", "source": "/packhorse/order", "time": "2026-03-02T12:00:00Z"}
    return [(f"ce_{name}", text.encode()) for name, text in given.items()]


def test_any_bytes_make_a_line() -> None:
    """Seeded rubbish in every part of a record."""
    random = Random(7)
    for _ in range(3_000):
        odd = Odd()
        kind = random.choice(sorted(registry.facts)).encode()
        odd.headers = (("ce_type", random.choice([kind, random.randbytes(9)])), *_attributes())
        values = [None, b"", random.randbytes(40), b"{" * 500, b'{"x":' + b"9" * 5_000 + b"}", b'{"at": 1e999}', b"[]"]
        odd.value, odd.timestamp = random.choice(values), random.randrange(-(2**63), 2**63)
        odd.topic = random.choice(["order.events", "order.events.payment.dead", "x"])
        seen = event(odd)
        assert told(seen).isprintable()
        assert sentences.who(seen).isprintable()
