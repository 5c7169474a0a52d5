"""What a reader takes out of a record, and what it does with one that breaks its contract."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.core.kinds import Kind
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.reaction import Routes, on
from packhorse_chassis.core.turn import Turn
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.telemetry import metrics
from packhorse_contracts.base import Fact, Model
from packhorse_contracts.cards import MASK
from packhorse_contracts.catalogue import ProductChanged
from packhorse_contracts.checkout import OrderPlaced, UnsoundOrder
from packhorse_contracts.export.samples import sample
from pydantic import JsonValue

PAN = "4111111111111111"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Seen(Model):
    """What a test's service keeps."""

    what: str = ""


SEEN: Kind[Seen] = Kind("seen", Seen, lambda _: Seen())


def note(_turn: Turn[None], _seen: Seen, heard: Fact) -> Seen:
    """Keeps all that it hears."""
    return Seen(what=heard.model_dump_json())


def routes(*heard: type[Fact]) -> Routes:
    """A service that hears these."""
    return Routes("order", *(on(fact, SEEN, lambda said: said.key, note) for fact in heard))


def record(fact: type[Fact], more: Sequence[tuple[str, bytes]] = (), **changes: JsonValue) -> Raw:
    """The fact's golden sample as a record, with other fields."""
    event = sample(fact)
    data = {**event.pop("data"), **changes}  # type: ignore[dict-item]
    headers = [(f"ce_{name}", str(text).encode()) for name, text in event.items()]
    key = str(data[fact.KEY]).encode()
    return Raw("record", fact.TOPIC.name, 0, 0, key, [*headers, *more], json.dumps(data).encode())


def read(raw: Raw, *heard: type[Fact]) -> Arrival:
    """What such a service makes of it."""
    arrival = Reader(routes(*heard)).record(raw)
    assert arrival is not None
    return arrival


def test_a_card_number_is_gone_before_anybody_sees_the_record() -> None:
    """From the fact, from the bytes that would be kept, from others' headers; and that is counted."""
    before = metrics.card_numbers.labels("catalogue.products")._value.get()
    arrival = read(record(ProductChanged, [("x-note", PAN.encode())], title=f"Gift {PAN}"), ProductChanged)
    assert isinstance(arrival.heard, ProductChanged)
    assert arrival.heard.title == f"Gift {MASK}"
    assert PAN not in repr(arrival)
    assert metrics.card_numbers.labels("catalogue.products")._value.get() == before + 1


@pytest.mark.parametrize(
    "value", [PAN.encode(), b"{" + PAN.encode(), b"\xff" + PAN.encode(), b"x" * 2_000_000 + PAN.encode()]
)
@pytest.mark.parametrize("topic", ["catalogue.products", "order.events"])
def test_it_is_gone_from_what_cannot_be_read(value: bytes, topic: str) -> None:
    """A dead letter keeps the record's bytes; those of no topic are spared."""
    headers = [("ce_type", b"x"), ("x-card", PAN.encode())]
    arrival = read(Raw("record", topic, 0, 0, b"k", headers, value), ProductChanged)
    assert arrival.fault is not None
    assert PAN not in repr(arrival)


def test_a_record_without_one_is_the_very_same() -> None:
    """Nothing is read and written anew that needn't be."""
    raw = record(ProductChanged)
    assert read(raw, ProductChanged).raw is raw


def test_what_breaks_its_contract_goes_to_whoever_answers_it() -> None:
    """With the envelope of the record; for a service that doesn't, it is a dead letter like any other."""
    raw = record(OrderPlaced, currency="gbp")
    arrival = read(raw, OrderPlaced, UnsoundOrder)
    assert isinstance(arrival.heard, UnsoundOrder)
    assert (arrival.source, arrival.id) == (sample(OrderPlaced)["source"], sample(OrderPlaced)["id"])
    assert arrival.correlation_id == arrival.heard.order_id
    service = Memory(routes(OrderPlaced, UnsoundOrder))
    service.hear(arrival.heard, NOON)
    assert "currency" in service.state(SEEN, arrival.heard.order_id).what
    alone = read(raw, OrderPlaced)
    assert alone.heard is None
    assert alone.fault is not None
    assert (alone.fault.code, alone.fault.field) == ("invalid", "currency")


def test_a_wrong_field_that_is_done_without_is_counted() -> None:
    """So that somebody mends it, while nobody waits for that."""
    counter = metrics.spared.labels(ProductChanged.TYPE, "gtin")
    before = counter._value.get()
    arrival = read(record(ProductChanged, gtin="4006381333932"), ProductChanged)
    assert isinstance(arrival.heard, ProductChanged)
    assert arrival.heard.gtin is None
    assert counter._value.get() == before + 1
