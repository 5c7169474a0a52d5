"""What customers ask for, and the answer: granted, or a fact that says why not. Never silence."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packhorse_chassis.core.memory import Memory
from packhorse_contracts import registry
from packhorse_contracts.base import MAX_ITEMS, Fact
from packhorse_contracts.blocks import LineQuantity
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.order import (
    OrderAccepted,
    OrderCancellationDeclined,
    OrderCancelled,
    OrderRequestDeclined,
)
from packhorse_contracts.topics import CUSTOMER_REQUESTS
from packhorse_order.state import ORDERS
from packhorse_order.timers import NeverCame

from .test_order_stories import (
    AUTHORISED,
    CANCEL,
    ID,
    NOON,
    NORTH,
    RESERVED,
    ROUTES,
    SOUTH,
    delivered,
    placed,
    short,
    status,
    told,
)

REQUESTS: dict[str, dict[str, object]] = {
    "address_change": {"ship_to": {"name": "Ada", "lines": ["2 Low Street"], "city": "London", "country": "GB"}},
    "hold": {"hold": "manual", "holder": "desk"},
    "release": {"hold": "manual", "holder": "desk"},
    "return": {"lines": [{"line_id": "1", "quantity": 1, "reason": "damaged", "wish": "refund"}]},
    "claim": {"lines": [{"line_id": "1", "quantity": 1, "reason": "lost", "wish": "replacement"}]},
}


def asked(request: str) -> Fact:
    """A request that nobody grants yet."""
    fact = registry.facts[f"packhorse.customer.{request}_requested.v1"]
    return fact.model_validate({"order_id": ID, **REQUESTS[request]})


STORIES: dict[str, tuple[Fact, ...]] = {
    "unknown": (),
    "rejected": (placed(currency="XXZ"),),
    "accepted": (placed(),),
    "confirmed": (placed(), AUTHORISED, RESERVED),
    "cancelling": (placed(), AUTHORISED, RESERVED, CANCEL),
    "dispatched": (placed(), AUTHORISED, RESERVED, NORTH, SOUTH),
    "completed": (placed(), AUTHORISED, RESERVED, NORTH, SOUTH, delivered("north"), delivered("south")),
    "cancelled": (placed(), CANCEL),
}


def test_every_request_of_a_customer_is_heard() -> None:
    """One that isn't would vanish."""
    known = {fact for fact in registry.facts.values() if fact.TOPIC is CUSTOMER_REQUESTS}
    assert known <= set(ROUTES.facts)


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("standing", STORIES)
def test_what_is_not_offered_is_declined_however_the_order_stands(standing: str, request_: str) -> None:
    """Each request gets its answer, and nothing else follows from it."""
    service = told(*STORIES[standing])
    assert status(service) == standing
    before, said = service.state(ORDERS, ID), len(service.events)
    for _ in range(2):
        service.hear(asked(request_), NOON)
    answers = service.events[said:]
    assert [(type(fact), fact.model_dump()["request"]) for fact in answers] == [(OrderRequestDeclined, request_)] * 2
    assert {fault.code for fact in service.said(OrderRequestDeclined)[-2:] for fault in fact.reasons} == {"not_offered"}
    assert service.state(ORDERS, ID) == before


def of(*pieces: tuple[str, int]) -> CancellationRequested:
    """These pieces aren't wanted."""
    lines = tuple(LineQuantity(line_id=line, quantity=count) for line, count in pieces)
    return CANCEL.model_copy(update={"lines": lines})


@given(st.permutations([("1", 1), ("1", 1), ("2", 1)]), st.booleans())
def test_all_of_it_is_the_whole_however_it_is_said(pieces: list[tuple[str, int]], early: bool) -> None:
    """Lines may be named piece by piece, in any order, and before the order is there."""
    service = told(of(*pieces), placed()) if early else told(placed(), of(*pieces))
    assert [fact.whole for fact in service.said(OrderCancelled)] == [True]


@pytest.mark.parametrize("wish", [of(("1", 1), ("2", 1)), of(("1", 2), ("2", 1))])
def test_all_that_is_left_is_the_whole_as_well(wish: CancellationRequested) -> None:
    """One mug was short: who names what is still to come, or what was ordered, wants none of it."""
    service = told(placed(), AUTHORISED, RESERVED, short("north", "1", "MUG", 2, 1), wish)
    assert status(service) == "cancelling"


@pytest.mark.parametrize(
    ("wish", "codes", "fields"),
    [
        (of(), ["no_lines"], ["lines"]),
        (of(("9", 1)), ["unknown_line"], ["lines.0.line_id"]),
        (of(("1", 2), ("2", 1), ("9", 1), ("9", 1)), ["unknown_line"] * 2, ["lines.2.line_id", "lines.3.line_id"]),
        (of(("1", 3), ("2", 1)), ["too_many"], ["lines"]),
        (of(("1", 1), ("1", 2), ("2", 1)), ["too_many"], ["lines"]),
        (of(("9", 1), ("2", 2)), ["unknown_line", "too_many"], ["lines.0.line_id", "lines"]),
        (of(("1", 1), ("2", 1)), ["part_cancellation_not_offered"], [None]),
    ],
)
@pytest.mark.parametrize("early", [True, False])
def test_a_cancellation_of_what_is_not_there_is_declined_with_every_reason(
    wish: CancellationRequested, codes: list[str], fields: list[str | None], early: bool
) -> None:
    """In both of the facts that answer it; the order goes on."""
    service = told(wish, placed()) if early else told(placed(), wish)
    [declined], [answer] = service.said(OrderCancellationDeclined), service.said(OrderRequestDeclined)
    assert declined.reasons == answer.reasons
    assert [(fault.code, fault.field) for fault in answer.reasons] == list(zip(codes, fields, strict=True))
    assert answer.request == "cancellation"
    assert status(service) == "accepted"


def test_a_cancellation_that_came_before_a_rejected_order_is_answered() -> None:
    """As one that comes after it."""
    before, after = told(CANCEL, placed(currency="XXZ")), told(placed(currency="XXZ"), CANCEL)
    assert before.events == after.events
    assert [fact.reasons[0].code for fact in before.said(OrderRequestDeclined)] == ["ended"]
    assert not before.timers


def test_a_cancellation_of_an_order_that_never_comes_is_declined_in_the_end() -> None:
    """After a day, and nothing is kept of it; an order that comes later is one like any other."""
    service = told(CANCEL, of(("1", 1)), CANCEL)
    [timer] = service.timers.values()
    assert timer.due == NOON + timedelta(hours=24)
    service.fire(NeverCame, ID)
    assert [(fact.request, fact.reasons[0].code) for fact in service.said(OrderRequestDeclined)] == [
        ("cancellation", "unknown_order")
    ] * 2
    assert not service.said(OrderCancellationDeclined)
    assert (service.state(ORDERS, ID).early, service.timers) == ((), {})
    service.hear(placed(), NOON)
    assert status(service) == "accepted"
    assert service.said(OrderAccepted)
    service.hear(NeverCame(order_id=ID), NOON)
    assert status(service) == "accepted"


def test_the_watch_over_early_cancellations_ends_with_the_order() -> None:
    """Whichever way it goes."""
    for order in (placed(), placed(currency="XXZ")):
        service: Memory = told(of(("1", 1)), order)
        assert not any(isinstance(timer.payload, NeverCame) for timer in service.timers.values())


def test_what_waits_for_an_order_is_bounded() -> None:
    """An order that was never placed is no place to store things: what is beyond the bounds is declined at once."""
    service = told(*(of(("1", number)) for number in range(1, 200)))
    assert len(service.state(ORDERS, ID).early) == 10
    assert [fact.reasons[0].code for fact in service.said(OrderRequestDeclined)] == ["too_many_requests"] * 189
    large = [of(*((f"{number:064}", 1) for number in range(MAX_ITEMS - less))) for less in range(5)]
    service = told(*large)
    assert len(service.state(ORDERS, ID).early) == 1
    assert len(service.said(OrderRequestDeclined)) == 4
