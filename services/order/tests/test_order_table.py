"""What follows from a fact depends on where the order stands."""

from typing import get_args

import pytest
from packhorse_chassis.core.kinds import Input, RefusedError
from packhorse_contracts.blocks import Reason, ShortLine
from packhorse_contracts.inventory import InventoryReservationRefused
from packhorse_contracts.order import OrderCancelled
from packhorse_contracts.payment import PaymentDeclined
from packhorse_contracts.shipping import ShippingLost, ShippingReturnedToSender
from packhorse_order.state import ORDERS, Status
from packhorse_order.timers import NeverCame, Overdue, PaymentDeadline

from .test_order_requests import STORIES
from .test_order_stories import (
    AUTHORISED,
    ID,
    NOON,
    NORTH,
    PLANNED,
    RESERVED,
    delivered,
    placed,
    refused,
    short,
    status,
    told,
    withdrawn,
)

DECLINED = PaymentDeclined(
    order_id=ID, payment_id="p", at=NOON, reason=Reason(code="no", message="no"), may_retry=False, tenders=()
)
NO_STOCK = InventoryReservationRefused(
    order_id=ID, at=NOON, short=(ShortLine(line_id="1", sku="MUG", wanted=2, available=0),)
)
TIMERS = (PaymentDeadline(order_id=ID), Overdue(order_id=ID), NeverCame(order_id=ID))
BEFORE_IT_LEAVES = (AUTHORISED, RESERVED, DECLINED, NO_STOCK, *TIMERS, PLANNED, withdrawn("north", "1", "MUG", 2))
SHIPPING = (
    *(PLANNED, short("north", "1", "MUG", 2, 0), withdrawn("north", "1", "MUG", 2), refused("south"), NORTH),
    *(delivered("north"), ShippingLost(order_id=ID, shipment_id="north", at=NOON)),
    ShippingReturnedToSender(order_id=ID, shipment_id="north", at=NOON),
)


def named(heard: Input) -> str:
    """In a report."""
    return type(heard).__name__


def test_there_is_a_story_of_each_status() -> None:
    """And it stands there."""
    assert {name: status(told(*facts)) for name, facts in STORIES.items()} == {name: name for name in get_args(Status)}


@pytest.mark.parametrize("heard", [*BEFORE_IT_LEAVES, refused("south"), short("north", "1", "MUG", 2, 0)], ids=named)
@pytest.mark.parametrize("standing", ["rejected", "completed", "cancelled"])
def test_nothing_that_belongs_before_the_end_changes_an_order_that_has_ended(standing: str, heard: Input) -> None:
    """It says nothing more, sets no timer, and stays as it is."""
    service = told(*STORIES[standing])
    before = service.state(ORDERS, ID)
    turn = service.hear(heard, NOON)
    assert (turn.facts, turn.timers, service.state(ORDERS, ID)) == ([], [], before)


@pytest.mark.parametrize("heard", SHIPPING, ids=named)
def test_whatever_a_warehouse_says_of_a_rejected_order_is_not_kept(heard: Input) -> None:
    """Nothing of it was ever to leave."""
    service = told(*STORIES["rejected"])
    before = service.state(ORDERS, ID)
    service.hear(heard, NOON)
    assert service.state(ORDERS, ID) == before


@pytest.mark.parametrize("heard", [DECLINED, *TIMERS[::2]], ids=named)
@pytest.mark.parametrize("standing", ["confirmed", "cancelling", "dispatched"])
def test_what_is_confirmed_is_given_up_neither_for_money_nor_for_time(standing: str, heard: Input) -> None:
    """Both were there when it was confirmed."""
    service = told(*STORIES[standing])
    service.hear(heard, NOON)
    assert (status(service), service.said(OrderCancelled)) == (standing, [])


@pytest.mark.parametrize("standing", sorted(set(STORIES) - {"unknown"}))
def test_another_order_under_a_known_id_is_refused_however_that_stands(standing: str) -> None:
    """And the same again changes nothing."""
    service = told(*STORIES[standing])
    before, same = service.state(ORDERS, ID), STORIES[standing][0]
    service.hear(same, NOON)
    assert service.state(ORDERS, ID) == before
    with pytest.raises(RefusedError) as refusal:
        service.hear(placed(channel="phone"), NOON)
    assert refusal.value.code == "order_id_reused"


def test_what_leaves_though_its_order_is_cancelled_is_a_payment_problem() -> None:
    """The cancellation stands."""
    service = told(*STORIES["cancelled"], NORTH)
    assert (status(service), service.state(ORDERS, ID).payment_problem) == ("cancelled", "sent_though_cancelled")
