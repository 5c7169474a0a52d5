"""What will ship is what shipping has planned: a cancellation waits for the word of each fulfilment order."""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.documents import Documents
from packhorse_chassis.core.memory import Memory
from packhorse_contracts.base import Fact
from packhorse_contracts.order import OrderCancellationDeclined, OrderCancelled
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
    ROUTES,
    kept,
    placed,
    planned,
    refused,
    status,
    told,
    withdrawn,
)

NOT_NORTH, NOT_SOUTH = withdrawn("north", "1", "MUG", 2), withdrawn("south", "2", "TRAY", 1)
BOTH = (NOT_NORTH, NOT_SOUTH)


@pytest.mark.parametrize("facts", list(permutations((PLANNED, *BOTH))))
def test_plan_and_answers_come_in_any_order(facts: tuple[Fact, ...]) -> None:
    """The order is cancelled once, as the last of them comes, and no sooner."""
    service = told(placed(), AUTHORISED, RESERVED, CANCEL, *facts[:-1])
    assert not service.said(OrderCancelled)
    service.hear(facts[-1], NOON)
    assert [fact.whole for fact in service.said(OrderCancelled)] == [True]


@given(st.permutations([PLANNED, PLANNED, NOT_NORTH, refused("south")]))
def test_what_ships_and_what_doesn_t_is_told_apart_in_any_order(facts: list[Fact]) -> None:
    """One stays, one ships."""
    service = told(placed(), AUTHORISED, RESERVED, CANCEL, *facts)
    [cancelled] = service.said(OrderCancelled)
    assert (cancelled.whole, [line.line_id for line in cancelled.lines]) == (False, ["1"])
    assert status(service) == "confirmed"


def test_the_plan_counts_and_not_the_places_that_goods_were_set_aside_at() -> None:
    """Two fulfilment orders leave the north: both have to answer. And one may be all there is."""
    one = withdrawn("north", "1", "MUG", 1)
    service = told(placed(), AUTHORISED, RESERVED, planned("north", "north-2", "south"), CANCEL, one, NOT_SOUTH)
    assert status(service) == "cancelling"
    service.hear(refused("north-2"), NOON)
    [cancelled] = service.said(OrderCancelled)
    assert {line.line_id: line.quantity for line in cancelled.lines} == {"1": 1, "2": 1}
    assert status(service) == "confirmed"
    alone = told(placed(), AUTHORISED, RESERVED, planned("north"), CANCEL, refused("north"))
    assert [fact.reasons[0].code for fact in alone.said(OrderCancellationDeclined)] == ["packed"]


def test_who_was_not_planned_answers_for_nobody() -> None:
    """Only what was planned is waited for, whoever else speaks."""
    service = told(*CONFIRMED, CANCEL, NOT_NORTH, refused("elsewhere"))
    assert status(service) == "cancelling"


def test_parts_are_planned_one_by_one() -> None:
    """What is planned for one part of an order doesn't take the place of another part's plan."""
    service = told(placed(), AUTHORISED, RESERVED, planned("north"), planned("south"), planned("north"))
    assert service.state(ORDERS, ID).planned == ("north", "south")


def from_the_first_release(service: Memory) -> Memory:
    """The same order, as the release kept it to which shipping said no plan."""
    document = json.loads(kept(service))
    for name in ("v", "planned", "unnamed"):
        del document[name]
    older = Memory(ROUTES)
    older.states[ORDERS.ref(ID)] = Documents(ORDERS).read(ID, json.dumps(document))
    return older


def test_an_order_that_was_planned_before_plans_were_said_is_cancelled_all_the_same() -> None:
    """It waits for as many fulfilment orders as there are locations, as the release did that confirmed it."""
    service = from_the_first_release(told(placed(), AUTHORISED, RESERVED, CANCEL))
    assert (service.state(ORDERS, ID).planned, service.state(ORDERS, ID).unnamed) == (None, 2)
    service.hear(NOT_NORTH, NOON)
    assert status(service) == "cancelling"
    service.hear(NOT_SOUTH, NOON)
    assert status(service) == "cancelled"


def test_a_plan_that_is_said_after_all_is_what_counts() -> None:
    """Shipping has its new release before we have ours."""
    service = from_the_first_release(told(placed(), AUTHORISED, RESERVED, CANCEL))
    for fact in (planned("north", "north-2", "south"), *BOTH):
        service.hear(fact, NOON)
    assert (status(service), service.state(ORDERS, ID).unnamed) == ("cancelling", 0)


def test_an_order_of_the_first_release_that_isn_t_confirmed_waits_for_its_plan() -> None:
    """As any other."""
    service = from_the_first_release(told(placed(), AUTHORISED))
    for fact in (RESERVED, CANCEL, *BOTH):
        service.hear(fact, NOON)
    assert status(service) == "cancelling"
    service.hear(PLANNED, NOON)
    assert status(service) == "cancelled"
    assert NORTH.shipment_id in service.state(ORDERS, ID).shipments
