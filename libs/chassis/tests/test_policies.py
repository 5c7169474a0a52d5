"""A policy is a fact: whose it is, which version stands, what is decided under it, and what stays of older ones."""

import json
from datetime import timedelta
from typing import Any

import pytest
import toy
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.decide import take
from packhorse_chassis.core.inputs import Arrival, Raw, unpack_headers
from packhorse_chassis.core.kinds import NewerError, Ref, RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.policy import POLICY, InForce, Policies
from packhorse_chassis.core.reaction import Routes, on
from packhorse_chassis.core.turn import Turn
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Records
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact
from packhorse_contracts.customer import HoldRequested, ReleaseRequested
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.policies import OrderPolicy

Held = Turn[OrderPolicy]


def hold(turn: Held, tally: toy.Tally, heard: HoldRequested) -> toy.Tally:
    """Says what the policy says."""
    turn.say(toy.held(turn.key, str(turn.policy.grace), turn.now))
    return tally


ROUTES = Routes(
    "order",
    on(HoldRequested, toy.TALLIES, "order_id", hold),
    on(ReleaseRequested, toy.TALLIES, "order_id", toy.release),
    kinds=(toy.SHELVES,),
    policies=Policies("order", OrderPolicy()),
)
READER = Reader(ROUTES)


def policy(version: int, service: str = "order", **fields: object) -> OperationsPolicySet:
    """A policy as the console sets it."""
    return OperationsPolicySet(service=service, policy_version=version, at=toy.NOON, policy=fields, by="emma", why="x")


def arrived(fact: Fact, name: str) -> Arrival:
    """A record, read."""
    source = "/packhorse/console" if isinstance(fact, OperationsPolicySet) else "/test"
    key, value, headers = ce.encode(ce.Envelope(name, source, fact.TYPE, fact.subject, toy.NOON), fact)
    arrival = READER.record(Raw("record", fact.TOPIC.name, 0, 0, key, headers, value))
    assert arrival is not None
    return arrival


def in_force(service: Memory, name: str = "order") -> tuple[int, object]:
    """The version, and one thing that it says."""
    version, policy = ROUTES.policies.in_force(lambda _: service.state(POLICY, name))  # type: ignore[union-attr]
    return version, policy.grace


def test_the_policy_of_another_service_is_not_ours() -> None:
    """One topic has everybody's."""
    service = Memory(ROUTES)
    service.hear(policy(1, grace="P2D"), toy.NOON)
    service.hear(policy(2, "payment", attempts=5), toy.NOON)
    assert in_force(service) == (1, timedelta(days=2))
    assert service.state(POLICY, "payment") == InForce()
    assert len(service.journal) == 1


def test_an_older_version_and_a_repeat_change_nothing() -> None:
    """However late they come; what is newer needn't be the very next."""
    service = Memory(ROUTES)
    for version, days in [(1, 2), (4, 3), (3, 9), (4, 3), (2, 9)]:
        service.hear(policy(version, grace=f"P{days}D"), toy.NOON)
    assert in_force(service) == (4, timedelta(days=3))
    assert [entry.model_dump()["version"] for entry in service.journal] == [1, 4]


def test_another_content_under_the_version_in_force_is_refused() -> None:
    """Two consoles that set at the same time: the first one counts, and the other hears so."""
    service = Memory(ROUTES)
    service.hear(policy(1, grace="P2D"), toy.NOON)
    with pytest.raises(RefusedError, match="version 1 is in force already") as refused:
        service.hear(policy(1, grace="P3D"), toy.NOON)
    assert refused.value.code == "version_taken"
    assert in_force(service) == (1, timedelta(days=2))


@pytest.mark.parametrize("fields", [{"grace": "soon"}, {"grace": 1e300}, {"grace": float("inf")}, {"grase": 1}])
def test_what_cannot_be_set_is_refused_and_parks_nothing(fields: dict[str, Any]) -> None:
    """It is a dead letter, and names the field; a policy that waited for an operator would hold up the next one."""
    (grace, *_) = fields
    outcome = take(ROUTES, [arrived(policy(1, **fields), "1")], {POLICY.ref("order"): InForce()}, {}, toy.NOON)
    (dead,) = outcome.dead
    assert (dead.code, dead.field, dead.parked) == ("bad_policy", f"policy.{grace}", False)


@pytest.mark.parametrize("text", ['{"new_field": 1}', '{"grace": "P20Y"}'])
def test_a_policy_that_only_another_release_can_read_parks_nobody(text: str) -> None:
    """What is decided under it waits for a process of that one; what doesn't look at it goes on."""
    states = {POLICY.ref("order"): InForce(version=3, text=text), Ref("tally", "a"): toy.Tally()}
    release = ReleaseRequested(order_id="a", hold="manual", holder="test")
    assert len(take(ROUTES, [arrived(release, "1")], states, {}, toy.NOON).said) == 1
    with pytest.raises(NewerError, match="version 3 of order's policy can't be read by this release: policy"):
        take(ROUTES, [arrived(toy.request("a", "x"), "2")], states, {}, toy.NOON)


async def test_each_decision_says_its_version_and_every_version_is_kept(pool: Pool) -> None:
    """In `ce_policyversion`, where the policy was looked at and is set; the table has what each version said."""
    processor = Processor(toy.service(routes=ROUTES), pool, Inbox(pool))
    facts: list[Fact] = [
        toy.request("a", "x"),
        policy(1, grace="P2D"),
        toy.request("a", "x"),
        policy(2, grace="P3D", cut_off="16:00"),
        ReleaseRequested(order_id="a", hold="manual", holder="test", note="x"),
        toy.request("a", "x"),
    ]
    for number, fact in enumerate(facts):  # each in a transaction of its own: the policy is read from its row
        assert await processor.process([arrived(fact, f"p-{number}")], Records()) == 1
    rows = await pool.fetch("SELECT headers, value FROM outbox ORDER BY id")
    said = [
        (dict(unpack_headers(row["headers"])).get("ce_policyversion"), json.loads(row["value"])["note"]) for row in rows
    ]
    assert said == [(None, "1 day, 0:00:00"), (b"1", "2 days, 0:00:00"), (None, "x"), (b"2", "3 days, 0:00:00")]
    kept = await pool.fetch("SELECT version, policy::text, by, why FROM policy_version ORDER BY version")
    assert [(row["version"], json.loads(row["policy"]), row["by"], row["why"]) for row in kept] == [
        (1, {"grace": "P2D"}, "emma", "x"),
        (2, {"grace": "P3D", "cut_off": "16:00"}, "emma", "x"),
    ]


async def test_a_decision_of_the_same_batch_is_under_what_was_set_before_it(pool: Pool) -> None:
    """In the order of the batch."""
    processor = Processor(toy.service(routes=ROUTES), pool, Inbox(pool))
    facts = [toy.request("a", "x"), policy(1, grace="P2D"), toy.request("b", "x")]
    batch = [arrived(fact, f"b-{number}") for number, fact in enumerate(facts)]
    assert await processor.process(batch, Records()) == 3
    rows = await pool.fetch("SELECT headers FROM outbox ORDER BY id")
    assert [dict(unpack_headers(row["headers"])).get("ce_policyversion") for row in rows] == [None, b"1"]
