"""A policy is a fact: in force from the next decision on, and each decision says under which version it fell."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import toy
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import Arrival, Raw, unpack_headers
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.policy import POLICY, InForce, Policies, PolicyEntry
from packhorse_chassis.core.reaction import Routes, on
from packhorse_chassis.core.turn import Turn
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Records
from packhorse_chassis.service import Service
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact
from packhorse_contracts.customer import HoldRequested, ReleaseRequested
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.order import OrderHeld
from packhorse_contracts.policies import OrderPolicy
from toy import NOON


def grace(turn: Turn[OrderPolicy], tally: toy.Tally, heard: HoldRequested) -> toy.Tally:
    """Says how long the grace is."""
    turn.say(toy.held(heard.order_id, str(turn.policy.grace), turn.now))
    return tally


def blind(turn: Turn[OrderPolicy], tally: toy.Tally, heard: ReleaseRequested) -> toy.Tally:
    """Says something that no policy has to do with."""
    turn.say(toy.held(heard.order_id, "blind", turn.now))
    return tally


POLICIES = Policies("order", OrderPolicy())
ROUTES = Routes(
    "order",
    on(HoldRequested, toy.TALLIES, "order_id", grace),
    on(ReleaseRequested, toy.TALLIES, "order_id", blind),
    policies=POLICIES,
)
ASKED = toy.request("a", "how long?")


def policy(version: int, service: str = "order", **fields: Any) -> OperationsPolicySet:
    """A policy as people set it."""
    return OperationsPolicySet(
        service=service, policy_version=version, at=NOON, policy=fields, by="ana", why="for the test"
    )


def said(memory: Memory) -> list[str | None]:
    """What was answered so far."""
    return [fact.note for fact in memory.events if isinstance(fact, OrderHeld)]


def test_it_changes_the_next_decision_and_none_before() -> None:
    """What isn't named stays as the code has it, also what an earlier version had named."""
    memory = Memory(ROUTES)
    for heard in (ASKED, policy(1, grace="PT2H"), ASKED, policy(2, cut_off="16:00"), ASKED):
        memory.hear(heard, NOON)
    assert said(memory) == ["1 day, 0:00:00", "2:00:00", "1 day, 0:00:00"]


def test_what_is_old_or_anothers_changes_nothing() -> None:
    """A topic is read again from its start, and holds everybody's."""
    memory = Memory(ROUTES)
    for heard in (policy(2, grace=60), policy(1, grace=1), policy(2, grace=60), policy(3, "shipping", grace=1), ASKED):
        memory.hear(heard, NOON)
    assert said(memory) == ["0:01:00"]
    assert [entry.version for entry in memory.journal if isinstance(entry, PolicyEntry)] == [2]


@pytest.mark.parametrize(
    ("version", "fields", "code", "field"),
    [
        (1, {"grace": 2}, "version_taken", "policy_version"),
        (2, {"graze": 1}, "bad_policy", "policy.graze"),
        (2, {"grace": 0}, "bad_policy", "policy.grace"),
        (2, {"cut_off": "25:00"}, "bad_policy", "policy.cut_off"),
        (2, {"transit_days": {"pigeon": 1}}, "bad_policy", "policy.transit_days.pigeon.[key]"),
    ],
)
def test_what_nobody_can_go_by_is_refused(version: int, fields: dict[str, Any], code: str, field: str) -> None:
    """With the field's name; the one in force stays in force."""
    memory = Memory(ROUTES)
    memory.hear(policy(1, grace=1), NOON)
    with pytest.raises(RefusedError) as refused:
        memory.hear(policy(version, **fields), NOON)
    assert (refused.value.code, refused.value.field) == (code, field)
    memory.hear(ASKED, NOON)
    assert said(memory) == ["0:00:01"]


def test_an_old_decision_is_taken_again_under_its_own_version() -> None:
    """The journal has every version: with it in force, the same input leads to the same."""
    memory = Memory(ROUTES)
    for heard in (policy(1, grace="PT2H"), ASKED, policy(2, grace="PT3H"), ASKED):
        memory.hear(heard, NOON)
    versions = {entry.version: entry.policy for entry in memory.journal if isinstance(entry, PolicyEntry)}
    for version, answer in zip((1, 2), said(memory), strict=True):
        again = Memory(ROUTES)
        again.states[POLICIES.ref] = InForce(version=version, text=versions[version])
        again.hear(ASKED, NOON)
        assert said(again) == [answer]


def record(fact: Fact) -> Arrival:
    """As the console publishes it, read."""
    envelope = ce.Envelope(str(uuid.uuid4()), "/packhorse/console", fact.TYPE, fact.subject, NOON)
    key, value, headers = ce.encode(envelope, fact)
    arrival = Reader(ROUTES).record(Raw("record", fact.TOPIC.name, 0, 0, key, headers, value))
    assert arrival is not None
    return arrival


async def test_it_is_in_force_without_a_restart_and_each_decision_says_its_version(pool: Pool) -> None:
    """On a real database: the version stands in the headers of what was decided by it, and of nothing else."""
    service = Service(ROUTES, Path(__file__).parent / "toy_migrations")
    processor = Processor(service, pool, Inbox(pool))
    release = ReleaseRequested(order_id="a", hold="manual", holder="test")
    for heard in (ASKED, policy(1, grace="PT2H"), toy.request("a", "and now?"), release, policy(1, grace="PT2H")):
        await processor.process([record(heard)], Records())
    rows = await pool.fetch("SELECT headers FROM outbox ORDER BY id")
    versions = [dict(unpack_headers(row["headers"])).get("ce_policyversion") for row in rows]
    assert versions == [None, b"1", None]
    (kept,) = await pool.fetch("SELECT version, policy::text, by, why FROM policy_version")
    assert tuple(kept) == (1, '{"grace": "PT2H"}', "ana", "for the test")
    state = await pool.fetchval("SELECT state FROM policy WHERE id = 'order'")
    assert InForce.model_validate_json(state).version == 1
    assert POLICY.reference
    assert POLICIES.in_force(lambda _: InForce()) == (0, OrderPolicy())
    assert OrderPolicy().grace == timedelta(days=1)
