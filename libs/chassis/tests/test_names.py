"""What comes of a batch in which facts know their subject by a name alone. Pure."""

import toy
from arrivals import arrived
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.decide import take
from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.kafka.reading import Reader
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
