"""What the order service says would follow from a request is what does follow from it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.turn import CancelTimer
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import LineQuantity
from packhorse_contracts.customer import CancellationRequested, HoldRequested
from packhorse_contracts.order import OrderRequestDeclined
from packhorse_contracts.personal import masked
from packhorse_order.state import ORDERS

from .test_order_stories import (
    CANCEL,
    CONFIRMED,
    ID,
    NOON,
    NORTH,
    ROUTES,
    SOUTH,
    delivered,
    placed,
    refused,
    short,
    withdrawn,
)

PART = CancellationRequested(order_id=ID, lines=(LineQuantity(line_id="1", quantity=1),), reason="one will do")
HELD = HoldRequested(order_id=ID, hold="manual", holder="desk")
REQUESTS: tuple[Fact, ...] = (CANCEL, PART, placed(), placed(channel="phone"))
PAST: tuple[Fact, ...] = (
    *(placed(), *CONFIRMED, NORTH, SOUTH, delivered("north"), delivered("south"), CANCEL, PART),
    *(
        short("north", "1", "MUG", 2, 1),
        withdrawn("north", "1", "MUG", 2),
        withdrawn("south", "2", "TRAY", 1),
        refused("south"),
    ),
)


def hear(service: Memory, fact: Fact) -> None:
    """A refusal leaves no trace."""
    with contextlib.suppress(RefusedError):
        service.hear(fact, NOON)


@settings(deadline=None)
@given(past=st.lists(st.sampled_from(PAST), max_size=9), request=st.sampled_from(REQUESTS))
def test_an_order_previews_what_it_then_does(past: list[Fact], request: Fact) -> None:
    """Whatever has happened to it before."""
    service = Memory(ROUTES)
    for fact in past:
        hear(service, fact)
    before = vars(service) | {name: part.copy() for name, part in vars(service).items() if name != "routes"}
    told = service.preview(request, NOON)
    assert vars(service) == before
    if told.refusal is not None:
        with pytest.raises(RefusedError) as refusal:
            service.hear(request, NOON)
        assert (told.refusal.code, told.refusal.message) == (refusal.value.code, str(refusal.value))
        assert not [*told.facts, *told.timers, *told.effects, *told.states]
        return
    state = service.states.get(ORDERS.ref(ID))
    done = service.hear(request, NOON)
    after = service.states[ORDERS.ref(ID)]
    said = [(fact.TYPE, fact.subject, masked(fact.model_dump(mode="json", exclude_none=True))) for fact in done.facts]
    assert [(fact.type, fact.subject, fact.data) for fact in told.facts] == said
    timers = {
        (timer.payload.type_name(), timer.key, timer.name): None if isinstance(timer, CancelTimer) else timer.due
        for timer in done.timers
    }
    assert {(timer.type, timer.key, timer.name): timer.due for timer in told.timers} == timers
    assert [effect.idempotency_key for effect in told.effects] == [effect.idempotency_key for effect in done.effects]
    if state is not None:
        assert [state.key for state in told.states] == ([ID] if after is not state else [])


def test_a_preview_names_nobody() -> None:
    """The console shows it to people who need not know who ordered."""
    told = Memory(ROUTES).preview(placed(), NOON).model_dump_json()
    assert "order.accepted" in told
    assert "Ada" not in told
    assert "High Street" not in told


def test_what_is_not_known_is_previewed_as_what_would_be_said_of_it() -> None:
    """Of an order that never came."""
    told = Memory(ROUTES).preview(CANCEL, NOON)
    assert told.about is not None
    assert (told.about.key, told.refusal) == (ID, None)
    (declined,) = Memory(ROUTES).preview(HELD, NOON).facts
    assert declined.type == OrderRequestDeclined.TYPE
