"""The carrier's decisions: pure, so no broker is needed."""

from datetime import UTC, datetime, timedelta

from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.envelope import Envelope
from packhorse_contracts.shipping import ShippingDispatched
from packhorse_devstack.counterparties.carrier.rounds import SECOND_ATTEMPT, WAY, Habits, Rounds, travel
from packhorse_devstack.counterparties.voice import Heard, Saying

AT = datetime(2026, 11, 23, tzinfo=UTC)
LATER = timedelta(minutes=1)
SURE = Habits(miss_rate=0)


def dispatched(*numbers: str) -> Heard:
    fact = ShippingDispatched(
        order_id="OR1", shipment_id="S1", pick_list_id="P1", location="WH-GB", at=AT, carrier="PARCELWAY",
        service="standard", tracking_numbers=numbers, lines=(), packages=(),
    )  # fmt: skip
    return Heard(Envelope("event-1", "/packhorse/shipping", fact.TYPE, "S1", AT), fact)


def news(sayings: list[Saying]) -> list[tuple[str, str]]:
    facts = [saying.fact for saying in sayings]
    return [(fact.tracking_number, fact.status) for fact in facts if isinstance(fact, TrackingUpdated)]


def test_a_parcel_travels_to_the_door() -> None:
    """Picked up, in transit, out for delivery, delivered; heard of twice, it travels once."""
    rounds = Rounds(SURE)
    rounds.hear(dispatched("A"), AT)
    rounds.hear(dispatched("A"), AT)
    assert rounds.due(AT) == []
    said = rounds.due(AT + LATER)
    assert news(said) == [("A", status) for status in WAY]
    times = [saying.fact.at for saying in said if isinstance(saying.fact, TrackingUpdated)]
    assert times == sorted(times)
    assert len({saying.id for saying in said}) == len(WAY)
    rounds.hear(dispatched("A"), AT + LATER)
    assert rounds.due(AT + 2 * LATER) == []


def test_every_parcel_of_a_shipment_travels() -> None:
    """Each in its own time."""
    rounds = Rounds(SURE)
    rounds.hear(dispatched("A", "B"), AT)
    assert sorted(news(rounds.due(AT + LATER))) == sorted((name, status) for name in "AB" for status in WAY)


def test_nobody_at_home_means_a_second_attempt() -> None:
    """The failure names the consignee; the parcel is delivered all the same."""
    said = [step.fact for step in travel("A", Habits(miss_rate=1), AT)]
    assert [fact.status for fact in said if isinstance(fact, TrackingUpdated)] == list(SECOND_ATTEMPT)
    assert [fact.incident for fact in said if isinstance(fact, TrackingUpdated) and fact.incident] == ["consignee"]


def test_a_killed_carrier_goes_on_where_it_was() -> None:
    """It says what it hadn't said, with the ids it would have had."""
    before = Rounds(SURE)
    before.hear(dispatched("A"), AT)
    whole = before.due(AT + LATER)
    for count in range(len(whole) + 1):
        after = Rounds(SURE)
        for saying in whole[:count]:
            after.recall(saying.fact)
        after.hear(dispatched("A"), AT)
        assert [said.id for said in after.due(AT + LATER)] == [said.id for said in whole[count:]]
