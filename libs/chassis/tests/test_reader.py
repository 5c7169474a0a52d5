"""What a service takes from a topic, what it leaves to others, and what it refuses: without any server."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
import toy
from arrivals import READER
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_chassis.core.reaction import Routes, ignored, on
from packhorse_chassis.kafka.consume import KafkaRecord, read
from packhorse_chassis.kafka.reading import Reader
from packhorse_contracts import envelope as ce
from packhorse_contracts import registry, topics
from packhorse_contracts.base import Fact
from packhorse_contracts.catalogue import ProductChanged
from packhorse_contracts.customer import HoldRequested, ReturnRequested
from packhorse_contracts.export.samples import sample
from packhorse_contracts.order import OrderHeld
from packhorse_contracts.payment import PaymentAuthorised
from packhorse_contracts.warehouse import StockReceived
from prometheus_client import REGISTRY

NOON = "2026-11-23T12:00:00Z"


def raw(fact: type[Fact], source: str, *, wire: str = "", key: bytes | None = b"", structured: bool = False) -> Raw:
    """The golden sample of a fact, said by this source, under another type where one is given."""
    event = sample(fact)
    heads = {"specversion": "1.0", "id": "1", "source": source, "type": wire or fact.TYPE, "time": NOON}
    value = json.dumps({**heads, "data": event["data"]} if structured else event["data"]).encode()
    headers = (
        [("content-type", ce.STRUCTURED)] if structured else [(f"ce_{name}", text) for name, text in heads.items()]
    )
    assert isinstance(event["data"], dict)
    known = key if key != b"" else str(event["data"][registry.newest(fact).KEY]).encode()
    return Raw("record", fact.TOPIC.name, 0, 0, known, [(name, text.encode()) for name, text in headers], value)


def hears(service: str, *facts: type[Fact]) -> Reader:
    """A service that hears these."""
    return Reader(Routes(service, *(on(f, toy.TALLIES, f.KEY, ignored("it is only read")) for f in facts)))


def code(arrival: Arrival | None) -> str | None:
    """Why it is refused; "taken", or None where it is skipped."""
    return None if arrival is None else "taken" if arrival.fault is None else arrival.fault.code


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize(
    ("fact", "source", "expected"),
    [
        (PaymentAuthorised, "/packhorse/payment", "taken"),
        (PaymentAuthorised, "/evil", "wrong_source"),
        (PaymentAuthorised, "/packhorse/order", "wrong_source"),
        (PaymentAuthorised, "/packhorse/payment/", "wrong_source"),
        (PaymentAuthorised, "/Packhorse/payment", "wrong_source"),
        (PaymentAuthorised, "packhorse/payment", "wrong_source"),
        (HoldRequested, "/my-shop", "taken"),
        (HoldRequested, "/packhorse/console", "taken"),
        (HoldRequested, "/packhorse/customer", "wrong_source"),
        (HoldRequested, "/packhorse/order", "wrong_source"),
        (HoldRequested, "/packhorse", "wrong_source"),
        (HoldRequested, "/PACKHORSE/console", "wrong_source"),
        (ProductChanged, "/pim", "taken"),
        (ProductChanged, "/packhorse/console", "wrong_source"),
        (ProductChanged, "/packhorse/catalogue", "wrong_source"),
    ],
)
def test_a_fact_is_taken_from_those_who_write_its_topic_alone(
    fact: type[Fact], source: str, expected: str, structured: bool
) -> None:
    """Ours in their own names on their own topics; outsiders in any other name, where they write at all."""
    reader = hears("order", PaymentAuthorised, HoldRequested, ProductChanged)
    arrival = reader.record(raw(fact, source, structured=structured))
    assert code(arrival) == expected
    if expected == "wrong_source":
        assert arrival is not None
        assert arrival.fault is not None
        assert arrival.fault.field == "ce_source"
        assert code(reader.again(arrival.raw)) == expected, "a retry is no way around it"


def test_each_of_our_services_may_say_its_own_facts() -> None:
    """And nobody else's."""
    for fact in registry.facts.values():
        sayer = registry.name_of(fact).sayer
        if sayer == "operations":
            assert all(fact.TOPIC.admits(f"/packhorse/{writer}") for writer in fact.TOPIC.writers)
            continue
        assert fact.TOPIC.admits(f"/packhorse/{sayer}") == (sayer not in topics.OUTSIDERS)
        assert fact.TOPIC.admits("/somebody") == (sayer in topics.OUTSIDERS)


def skipped(wire: str) -> float:
    """How often, says the metric."""
    return REGISTRY.get_sample_value("packhorse_skipped_total", {"type": wire}) or 0.0


@pytest.mark.parametrize("structured", [False, True])
def test_what_a_newer_release_of_ours_says_is_skipped_and_counted(
    structured: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two releases run side by side in each deployment; one log line a type, not one a record."""
    wire = f"packhorse.payment.disputed_{'s' if structured else 'b'}.v1"
    reader, before = hears("order", PaymentAuthorised), skipped(wire)
    new = raw(PaymentAuthorised, "/packhorse/payment", wire=wire, structured=structured)
    assert [code(reader.record(new)) for _ in range(3)] == [None] * 3
    assert skipped(wire) - before == 3
    assert capsys.readouterr().out.count(wire) == 1


def test_a_newer_major_of_what_nobody_hears_here_is_skipped() -> None:
    """It was for others in its old form as well."""
    reader = hears("order", HoldRequested)
    assert (
        code(reader.record(raw(PaymentAuthorised, "/packhorse/payment", wire="packhorse.payment.captured.v7"))) is None
    )


@pytest.mark.parametrize(
    ("wire", "source", "expected"),
    [
        ("packhorse.payment.authorised.v7", "/packhorse/payment", "unknown_version"),
        ("packhorse.payment.disputed_more.v1", "/evil", "wrong_source"),
        ("packhorse.payment.disputed_more.v1", "/packhorse/order", "wrong_source"),
        ("packhorse.order.disputed_more.v1", "/packhorse/payment", "unknown_type"),
        ("disputed", "/packhorse/payment", "unknown_type"),
        ("packhorse.payment.disputed'; --.v1", "/packhorse/payment", "unknown_type"),
    ],
)
def test_what_is_unknown_otherwise_is_a_dead_letter(wire: str, source: str, expected: str) -> None:
    """A newer major of a fact that is heard was meant for this service; an unknown name is nobody's."""
    assert code(hears("order", PaymentAuthorised).record(raw(PaymentAuthorised, source, wire=wire))) == expected


@pytest.mark.parametrize("wire", ["packhorse.customer.wished_well.v1", "packhorse.customer.hold_requested.v9"])
def test_an_unknown_type_of_an_outsider_is_a_dead_letter(wire: str) -> None:
    """Somebody waits for an answer."""
    assert code(READER.record(raw(HoldRequested, "/shop", wire=wire))) in {"unknown_type", "unknown_version"}


def test_few_names_are_told_however_many_come() -> None:
    """Each would be a time series."""
    reader, others = hears("order", PaymentAuthorised), skipped("others")
    for number in range(150):
        wire = f"packhorse.payment.made_up_{'x' * number}.v1"
        assert reader.record(raw(PaymentAuthorised, "/packhorse/payment", wire=wire)) is None
    assert skipped("others") - others == 50


@pytest.mark.parametrize("structured", [False, True])
def test_a_sound_fact_of_an_outsider_is_never_silent(structured: bool) -> None:
    """The service that answers for it says that it isn't offered yet; once it is, the same record is taken."""
    asked = raw(ReturnRequested, "/shop", structured=structured)
    arrival = hears("order", HoldRequested).record(asked)
    assert arrival is not None
    assert arrival.fault is not None
    assert (arrival.fault.code, arrival.fault.retryable) == ("not_offered", True)
    assert "return_requested" in arrival.fault.message
    assert code(hears("shipping", HoldRequested).record(asked)) is None, "others leave it to the one who answers"
    assert code(hears("order", HoldRequested, ReturnRequested).again(arrival.raw)) == "taken"


def test_what_is_not_offered_must_be_sound_all_the_same() -> None:
    """A retry would be in vain."""
    asked = replace(raw(ReturnRequested, "/shop"), value=b'{"order_id":"1"}')
    assert code(hears("order", HoldRequested).record(asked)) == "invalid"


def test_a_fact_of_ours_that_is_not_heard_is_skipped() -> None:
    """Most of what is on a topic is for others."""
    assert code(READER.record(raw(OrderHeld, "/packhorse/order", structured=True))) is None


@pytest.mark.parametrize("key", [None, b"another", b"\xff"])
def test_a_record_without_its_key_is_refused(key: bytes | None) -> None:
    """Without a key a broker spreads the facts of one order over all partitions, and they overtake each other."""
    assert code(READER.record(raw(HoldRequested, "/shop", key=key))) == "wrong_key"


@pytest.mark.parametrize("key", [None, b"another"])
def test_stock_facts_are_keyed_by_the_warehouse(key: bytes | None) -> None:
    """They may be about several SKUs."""
    assert code(hears("inventory", StockReceived).record(raw(StockReceived, "/wms", key=key))) == "taken"


@dataclass
class Record:
    """A record as the client hands it on."""

    value: bytes | None
    topic: str = HoldRequested.TOPIC.name
    partition: int = 0
    offset: int = 0
    key: bytes | None = b"x"
    headers: Sequence[tuple[str, bytes | None]] = field(default_factory=list)


async def test_the_loop_breathes_while_large_records_are_read() -> None:
    """Four of them, and in between everybody else has a turn."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    large: list[KafkaRecord] = [Record(b"{" * 390_000) for _ in range(40)]
    small: list[KafkaRecord] = [Record(b"{" * 300) for _ in range(400)]
    assert len(await read(READER, large)) == 40
    assert turns >= 39
    turns = 0
    assert len(await read(READER, small)) == 400
    assert turns <= 2, "which costs time where there is no need"
    beside.cancel()
