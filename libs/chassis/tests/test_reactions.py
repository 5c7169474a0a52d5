"""The table of reactions: each status of a subject has one cell, and the cell is what happens."""

from datetime import UTC, datetime

import pytest
from example import ROUTES, TILLS, Close, Till, close, note
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.reaction import ignored, on, refused
from packhorse_contracts.customer import HoldRequested
from packhorse_contracts.order import OrderHeld

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ASKED = HoldRequested(order_id="A", hold="manual", holder="test")


def test_a_status_without_a_cell_is_an_error_at_import() -> None:
    """And so is one with two, or a name that isn't one."""
    with pytest.raises(ValueError, match=r"HoldRequested, till: each status needs one cell; look at closed"):
        on(HoldRequested, TILLS, "order_id", {"open": note})
    with pytest.raises(ValueError, match="look at closed, open, open"):
        on(HoldRequested, TILLS, "order_id", {"open": note, ("open", "closed"): ignored("too late")})
    with pytest.raises(ValueError, match="look at shut"):
        on(HoldRequested, TILLS, "order_id", {"open": note, "closed": note, "shut": note})


def test_the_cell_of_the_status_is_what_happens() -> None:
    """A reaction changes, an ignored input changes nothing, a refused one says why."""
    till = Memory(ROUTES)
    turn = till.hear(ASKED, at=NOON)
    assert [type(fact) for fact in turn.facts] == [OrderHeld]
    till.hear(Close(order_id="A"), at=NOON)
    assert till.state(TILLS, "A") == Till(asked=1, closed=True)
    before = till.states.copy()
    assert till.hear(Close(order_id="A"), at=NOON).facts == []
    assert till.states == before
    with pytest.raises(RefusedError, match="this till is closed") as why:
        till.hear(ASKED, at=NOON)
    assert (why.value.code, why.value.field, why.value.retryable) == ("closed", "order_id", False)


def test_one_reaction_may_stand_for_every_status() -> None:
    """The row then has as many cells all the same."""
    row = on(Close, TILLS, "order_id", close)
    assert row.cells == {"open": close, "closed": close}
    assert row.name == "close"
    none = on(Close, TILLS, "order_id", {"open": refused("a", "b"), "closed": ignored("c")})
    assert none.name == "ignored"
