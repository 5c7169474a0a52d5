"""What can be read can be reacted to: whatever facts say, in whatever order, no reaction falls over."""

import contextlib
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

import pytest
from packhorse_chassis.core import said
from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Input, Ref, RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.turn import SetTimer, Turn
from packhorse_chassis.kafka.reading import Reader
from packhorse_contracts import envelope as ce
from packhorse_contracts.topics import OPERATIONS_POLICIES
from pydantic import TypeAdapter

from . import budget
from .hostile import hostile
from .record import Record, plain
from .services import raw, tables
from .sound import inbound, sound
from .stories import stories

TABLES = tables()
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONGEST_WAIT = timedelta(days=366 * 2_000)


def fields(heard: Input) -> set[str]:
    """What its fields are called where people see it."""
    return {field.alias or name for name, field in type(heard).model_fields.items()}


class World:
    """One service in memory, that checks all that follows as a database and a broker would."""

    def __init__(self, service: str) -> None:
        self.memory = Memory(TABLES[service])
        self.reader = Reader(TABLES[service])
        self.adapters = {name: TypeAdapter(kind.state) for name, kind in TABLES[service].kinds.items()}
        self.refused = 0

    def hear(self, record: Record, offset: int) -> None:
        """Reads and reacts. Fails with the record that a reaction fell over."""
        arrival = self.reader.record(raw(record, offset))
        if arrival is None or arrival.heard is None:
            return
        try:
            turn = self.memory.hear(arrival.heard, NOW + timedelta(seconds=offset))
            self.check(turn, arrival)
        except RefusedError as refusal:
            self.refused += 1
            place = (refusal.field or "").partition(".")[0]
            if not refusal.code or not str(refusal) or place not in fields(arrival.heard):
                pytest.fail(f"{type(arrival.heard)}: {refusal.code!r} at {refusal.field!r}: {refusal}")
        except Exception as error:
            heard = arrival.heard.model_dump_json()[:3_000]
            pytest.fail(f"{self.memory.routes.service}, {record.kind}: {error!r}\n{type(arrival.heard)} {heard}")

    def check(self, turn: Turn[Any], arrival: Arrival) -> None:
        """What follows can be stored, published, and read by whoever hears it."""
        for item in said.bodies(turn.facts, arrival):
            envelope = ce.Envelope("1", "/packhorse/test", item.fact.TYPE, item.fact.subject, NOW)
            heard = ce.decode(item.body, ce.headers(envelope, item.fact.key))
            assert isinstance(heard, ce.Heard), heard
        for timer in turn.timers:
            if isinstance(timer, SetTimer):
                assert timer.due - NOW < LONGEST_WAIT
        for ref in (turn.ref, *turn.kept):
            if ref in self.memory.states:  # else it waits for whom it is about
                self.check_state(ref, self.memory.states[ref])

    def check_state(self, ref: Ref, state: object) -> None:
        """It comes back from the database as it went in."""
        stored = self.adapters[ref.kind].dump_json(state)
        assert b"\\u0000" not in stored
        assert self.adapters[ref.kind].validate_json(stored) == state

    def fire(self, random: Random) -> None:
        """Lets one timer's time come."""
        if self.memory.timers:
            name, key, further = random.choice(sorted(self.memory.timers))
            payload = type(self.memory.timers[name, key, further].payload)
            with contextlib.suppress(RefusedError):  # what it waited for never came
                self.memory.fire(payload, key, further)


@pytest.mark.parametrize("service", sorted(TABLES))
def test_no_reaction_falls_over(service: str) -> None:
    """Readable facts that contradict each other, themselves and the calendar: refused, or taken."""
    random = budget.drawn(f"reacting {service}")
    world = World(service)
    told = stories(random, TABLES[service].facts, "thing")
    for offset, record in enumerate(islice(told, budget.records(1_600))):
        world.hear(record, offset)
        if random.random() < 0.05:
            world.fire(random)
    assert world.memory.states


@pytest.mark.parametrize("service", sorted(TABLES))
def test_the_good_ones_around_are_unharmed(service: str) -> None:
    """What a service keeps and says of good things is the same, whether or not hostile records come between. But for a
    policy: whoever may set one sets it for all."""
    random = budget.drawn(f"unharmed {service}")
    topics = TABLES[service].topics
    facts = [fact for fact in inbound(topics) if fact in TABLES[service].by_input]
    good = [plain(sound(random.choice(facts), f"good-{n % 3}", f"good-{n}")) for n in range(budget.records(60))]
    alone, among = World(service), World(service)
    between = [topic for topic in topics if topic != OPERATIONS_POLICIES.name]
    for offset, record in enumerate(good):
        alone.hear(record, offset)
        for topic in random.choices(between, k=5):
            among.hear(next(hostile(random, topic, lambda: f"bad-{random.randrange(5)}")), offset)
        among.hear(record, offset)
    assert {ref: among.memory.states[ref] for ref in alone.memory.states} == alone.memory.states
    assert [event for event in among.memory.events if "good" in event.key] == alone.memory.events
