"""Every service reads whatever lies on its topics: it takes it, or it says which field is wrong."""

from datetime import UTC, datetime
from itertools import count, islice

import pytest
from packhorse_chassis.core import said
from packhorse_chassis.core.inputs import Arrival, pack_headers
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres import outgoing
from packhorse_contracts.checkout import UnsoundOrder
from packhorse_contracts.registry import versions

from . import budget
from .hostile import SIZES, hostile
from .record import Record
from .services import raw, tables, topics_heard
from .sound import inbound, sound

READERS = {name: Reader(routes) for name, routes in tables().items()}
HEARD = {(name, wire) for name, reader in READERS.items() for fact in reader.routes.facts for wire in versions(fact)}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MOST_IN_THE_OUTBOX = 2_000_000


def readers(topic: str) -> dict[str, Reader]:
    """Who subscribes to a topic."""
    return {name: reader for name, reader in READERS.items() if topic in reader.routes.topics}


def judge(record: Record, service: str, arrival: Arrival | None) -> str | None:
    """What is wrong with what a service made of a record; None where all is well."""
    fault = arrival.fault if arrival is not None else None
    if arrival is not None and isinstance(arrival.heard, UnsoundOrder):
        return unanswered(record, arrival.heard)
    if arrival is None and (record.fact is None or (service, record.fact.TYPE) in HEARD):
        return "it was skipped in silence"
    if fault is not None and fault.code == "not_offered":
        return None if record.fact and service == record.fact.ANSWERED_BY else "not offered, but by others"
    if arrival is None and record.fate == "dead":
        return None  # a fact for others, whose body is their affair
    if record.fate == "dead" and fault is None:
        return None if can_be_spared(record) else "it was taken"
    if record.fate == "alive" and fault is not None:
        return f"it was refused: {fault}"
    if fault is None:
        return None
    if not fault.code or not fault.message:
        return f"no reason is given: {fault}"
    if fault.code == "too_large" or (fault.code == "not_json" and " line " in fault.message):
        return None  # the value as a whole; or by line and column, for it has no fields
    if record.field is None:
        return None
    named = fault.field or ""
    if not named or not (named.startswith(record.field) or record.field.startswith(named)):
        return f"the reason names {fault.field!r} instead of {record.field!r}: {fault}"
    return None


def unanswered(record: Record, order: UnsoundOrder) -> str | None:
    """What is wrong with the faults that the checkout is told; None where the place that was changed is among them."""
    places = [fault.field or "" for fault in order.faults]
    if record.fate == "alive" or not places:
        return f"it was refused: {order.faults}"
    wanted = record.field or ""
    if order.part is not None and not any(place.startswith(wanted) or wanted.startswith(place) for place in places):
        return f"the faults name {places} instead of {record.field!r}"
    return None


def can_be_spared(record: Record) -> bool:
    """The place that was changed is a field that a reader does without."""
    return record.fact is not None and (record.field or "").partition(".")[0] in record.fact.SPARES


def check(record: Record, offset: int) -> int:
    """Reads a record as each of its readers does; returns how many became dead letters."""
    dead = 0
    for service, reader in readers(record.topic).items():
        arrival = reader.record(raw(record, offset))
        wrong = judge(record, service, arrival)
        if wrong is not None:
            pytest.fail(
                f"{service}, {record.topic}, {record.kind}: {wrong}\n"
                f"key {record.key!r} headers {list(record.headers)!r:.2000}\n{(record.value or b'')[:2000]!r}"
            )
        if arrival is not None and arrival.heard is not None:
            assert "\\u0000" not in arrival.heard.model_dump_json(), "PostgreSQL keeps no NUL"
        if arrival is not None and arrival.fault is not None:
            dead += 1
            check_dead_letter(service, arrival)
    return dead


def check_dead_letter(service: str, arrival: Arrival) -> None:
    """It can be stored and published, whatever it is made of."""
    fault = arrival.fault
    assert fault is not None
    letter = said.dead_letter(service, arrival, None, NOW, code=fault.code, reason=fault.message, field=fault.field)
    row = outgoing.dead_row(service, letter)
    assert row is not None
    assert len(row.value) + len(pack_headers(row.headers)) <= MOST_IN_THE_OUTBOX
    for text in (fault.message, fault.field or ""):
        assert "\x00" not in text
        text.encode()  # no lone surrogates
    assert len(fault.message) < 5_000


@pytest.mark.parametrize("topic", topics_heard())
def test_each_record_is_taken_or_the_reason_names_the_field(topic: str) -> None:
    """Any hostile record, read by every reader of its topic; between them sound ones, which all are taken."""
    random, names = budget.drawn(f"reading {topic}"), map(str, count())
    dead = 0
    for offset, record in enumerate(islice(hostile(random, topic, lambda: next(names)), budget.records(1_500))):
        dead += check(record, offset)
    assert dead


@pytest.mark.parametrize("topic", topics_heard())
def test_size_is_judged_before_content(topic: str) -> None:
    """What is small enough is read to its end, what is too large isn't read at all."""
    random = budget.drawn(f"sizes {topic}")
    for number in range(budget.records(9)):
        ground = sound(random.choice(inbound([topic])), str(number), f"size-{number}")
        check(SIZES(random, ground), number)
