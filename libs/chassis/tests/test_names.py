"""What comes of a batch in which facts know their subject by a name alone."""

import json

import toy
from arrivals import arrived, notes
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.decide import take
from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.kafka.reading import Reader
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Records
from packhorse_contracts.base import Fact

READER = Reader(toy.WIDER)
GIVES = toy.request("a", "ticket T")
CLAIMS = [toy.claim_by("T", str(number)) for number in range(4)]


def record(fact: Fact) -> Arrival:
    """As an outsider publishes it."""
    return arrived(fact, reader=READER)


@given(st.integers(0, 4))
def test_wherever_in_the_batch_its_name_is_given(place: int) -> None:
    """All of them are taken, in their order, and none waits."""
    arrivals = [record(fact) for fact in [*CLAIMS[:place], GIVES, *CLAIMS[place:]]]
    states = {Ref("tally", "a"): toy.Tally(), Ref("ticket", "T"): toy.Ticket()}
    outcome = take(toy.WIDER, arrivals, states, {}, toy.NOON)
    tally = outcome.changed[Ref("tally", "a")]
    assert isinstance(tally, toy.Tally)
    assert tally.notes == ("ticket T", "0", "1", "2", "3")
    assert not outcome.waiting
    assert not outcome.dead


def test_without_a_name_all_wait_in_order() -> None:
    """Under the name, and nobody else is held up."""
    arrivals = [record(fact) for fact in [*CLAIMS, toy.request("a", "other")]]
    states = {Ref("tally", "a"): toy.Tally(), Ref("ticket", "T"): toy.Ticket()}
    outcome = take(toy.WIDER, arrivals, states, {}, toy.NOON)
    assert outcome.waiting == [(Ref("ticket", "T"), arrival) for arrival in arrivals[:4]]
    assert outcome.changed == {Ref("tally", "a"): toy.Tally(notes=("other",))}


async def test_a_name_that_leads_elsewhere_by_now_is_read_anew(pool: Pool) -> None:
    """Who gives one that somebody else has given, looked at or not, is right in the end: the last one counts."""
    processor = Processor(toy.service(routes=toy.WIDER), pool, Inbox(pool))
    await processor.process([record(toy.request("a", "ticket T"))], Records())
    await processor.process([record(toy.request("b", "ticket T")), record(CLAIMS[0])], Records())
    assert json.loads(await pool.fetchval("SELECT state FROM ticket WHERE id = 'T'")) == {"subject": "b"}
    assert await notes(pool, "a") == ["ticket T"]
    assert await notes(pool, "b") == ["ticket T", "0"]
