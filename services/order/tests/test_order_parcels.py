"""Several parcels, each with an end of its own."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.base import Fact
from packhorse_contracts.order import OrderCancelled, OrderCompleted
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDispatched,
    ShippingLost,
    ShippingReturnedToSender,
)
from packhorse_order.state import ORDERS

from .test_order_stories import (
    AUTHORISED,
    CANCEL,
    CONFIRMED,
    ID,
    NOON,
    NORTH,
    PLANNED,
    RESERVED,
    SOUTH,
    delivered,
    kept,
    placed,
    status,
    told,
    withdrawn,
)

News = type[ShippingDelivered] | type[ShippingReturnedToSender] | type[ShippingLost]


def in_parcels(shipment: ShippingDispatched, *numbers: str) -> ShippingDispatched:
    """The same shipment, in these parcels."""
    return shipment.model_copy(update={"tracking_numbers": numbers})


def ended(news: News, number: str, shipment: str = "north") -> Fact:
    """A parcel's way is over."""
    return news(order_id=ID, shipment_id=shipment, at=NOON, tracking_number=number)


def outcomes(service: Memory) -> list[str]:
    """How the order ended."""
    return [fact.outcome for fact in service.said(OrderCompleted)]


TWO = in_parcels(NORTH, "T1", "T2")
GOOD, BACK, GONE = ShippingDelivered, ShippingReturnedToSender, ShippingLost


@pytest.mark.parametrize(
    ("first", "second", "outcome", "owed"),
    [
        (GOOD, GOOD, "delivered", None),
        (GOOD, BACK, "partly_delivered", "returned"),
        (GOOD, GONE, "partly_delivered", "lost"),
        (BACK, BACK, "returned", "returned"),
        (BACK, GONE, "returned", "lost, returned"),
        (GONE, GONE, "returned", "lost"),
    ],
)
def test_the_order_ends_as_its_parcels_did(first: News, second: News, outcome: str, owed: str | None) -> None:
    """In whatever order that is heard, and once. What didn't arrive is on the operators' list."""
    rest = outcome if outcome != "partly_delivered" else "delivered"
    last = {"delivered": delivered("south"), "returned": BACK(order_id=ID, shipment_id="south", at=NOON)}[rest]
    for news in permutations([ended(first, "T1"), ended(second, "T2")]):
        service = told(*CONFIRMED, TWO, SOUTH, last, news[0])
        assert not outcomes(service)
        service.hear(news[1], NOON)
        assert outcomes(service) == [outcome]
        listed = "lost, returned" if rest == "returned" and owed == "lost" else owed
        assert service.state(ORDERS, ID).undelivered == listed
        assert not service.timers


@given(
    st.permutations(
        [AUTHORISED, RESERVED, PLANNED, TWO, SOUTH, ended(GOOD, "T1"), ended(GONE, "T2"), delivered("south")],
    )
)
def test_facts_about_parcels_commute(facts: list[Fact]) -> None:
    """Whatever overtakes what, and said twice."""
    service = told(placed(), *facts, *facts)
    assert outcomes(service) == ["partly_delivered"]
    assert service.state(ORDERS, ID).undelivered == "lost"


def test_a_lost_parcel_that_turns_up_is_delivered_after_all() -> None:
    """Before the order's end it counts; after it, what was said of the end stands, and nobody owes anything."""
    service = told(*CONFIRMED, TWO, SOUTH, delivered("south"), ended(GONE, "T1"))
    assert (status(service), service.state(ORDERS, ID).undelivered) == ("dispatched", "lost")
    for number in ("T1", "T2"):
        service.hear(ended(GOOD, number), NOON)
    assert outcomes(service) == ["delivered"]
    assert service.state(ORDERS, ID).undelivered is None
    service = told(*CONFIRMED, TWO, SOUTH, delivered("south"), ended(GONE, "T1"), ended(GOOD, "T2"))
    service.hear(ended(GOOD, "T1"), NOON)
    assert outcomes(service) == ["partly_delivered"]
    assert service.state(ORDERS, ID).undelivered is None


@pytest.mark.parametrize("late", [GONE, BACK])
def test_what_was_delivered_stays_delivered(late: News) -> None:
    """Whatever is said of the same parcel afterwards."""
    service = told(*CONFIRMED, TWO, SOUTH, delivered("south"), ended(GOOD, "T1"), ended(late, "T1"))
    assert service.state(ORDERS, ID).undelivered is None
    service.hear(ended(GOOD, "T2"), NOON)
    assert outcomes(service) == ["delivered"]


def test_shipments_may_share_a_tracking_number() -> None:
    """Its news are said of each, and count for each."""
    shared = in_parcels(SOUTH, "T1")
    service = told(*CONFIRMED, TWO, shared, ended(GOOD, "T1"), ended(GOOD, "T2"))
    assert not outcomes(service)
    service.hear(ended(GOOD, "T1", "south"), NOON)
    assert outcomes(service) == ["delivered"]


def test_labels_that_were_corrected_are_waited_for_in_place_of_the_first() -> None:
    """Also where the new one has ended before that is heard."""
    service = told(*CONFIRMED, TWO, SOUTH, delivered("south"), ended(GOOD, "T1"), in_parcels(NORTH, "T1", "T3"))
    assert not outcomes(service)
    service.hear(ended(GOOD, "T3"), NOON)
    assert outcomes(service) == ["delivered"]
    service = told(*CONFIRMED, TWO, SOUTH, delivered("south"), ended(GOOD, "T1"), ended(GONE, "T2"))
    assert outcomes(service) == ["partly_delivered"]
    service.hear(in_parcels(NORTH, "T1"), NOON)
    assert outcomes(service) == ["partly_delivered"]
    assert service.state(ORDERS, ID).undelivered is None


def test_a_correction_that_leaves_nothing_open_ends_the_order() -> None:
    """The parcel that was still waited for never was."""
    service = told(*CONFIRMED, TWO, SOUTH, delivered("south"), ended(GOOD, "T1"), in_parcels(NORTH, "T1"))
    assert outcomes(service) == ["delivered"]


@pytest.mark.parametrize("end", [GOOD, BACK, GONE])
def test_what_leaves_though_it_was_cancelled_ends_nothing_anew(end: News) -> None:
    """A cancelled order stays so; what comes back or is lost is on the list all the same."""
    cancelled = (CANCEL, withdrawn("north", "1", "MUG", 2), withdrawn("south", "2", "TRAY", 1))
    service = told(*CONFIRMED, *cancelled, in_parcels(NORTH, "T1"), ended(end, "T1"))
    assert (status(service), len(service.said(OrderCancelled)), outcomes(service)) == ("cancelled", 1, [])
    assert service.state(ORDERS, ID).undelivered == {GOOD: None, BACK: "returned", GONE: "lost"}[end]


def test_a_parcel_of_a_rejected_order_changes_nothing() -> None:
    """Nothing of it was ever to leave."""
    service = told(placed(currency="XXZ"), NORTH, ended(GONE, "t-north"))
    assert (status(service), outcomes(service)) == ("rejected", [])


def test_a_gift_message_goes_on_with_the_confirmation_and_is_kept_no_longer() -> None:
    """Whoever packs needs it; this service doesn't."""
    lines = [line.model_dump() for line in placed().lines]
    lines[1]["gift_message"] = "For Ana"
    service = told(placed(lines=lines), AUTHORISED, RESERVED)
    [confirmed] = [fact for fact in service.events if type(fact).__name__ == "OrderConfirmed"]
    assert [line["gift_message"] for line in confirmed.model_dump()["lines"]] == [None, "For Ana"]
    assert "For Ana" not in kept(service)


def test_a_blank_title_is_none() -> None:
    """As if the checkout hadn't named it."""
    lines = [line.model_dump() | {"title": " "} for line in placed().lines]
    assert {line.title for line in told(placed(lines=lines)).state(ORDERS, ID).lines} == {None}
