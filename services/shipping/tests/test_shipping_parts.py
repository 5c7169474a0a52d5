"""An order that ships in parts, each confirmed for itself; and what is said of a plan."""

from datetime import timedelta

import pytest
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.order import OrderConfirmed
from packhorse_contracts.shipping import ShippingPickListIssued, ShippingPlanned

from .shipping_story import (
    LISBON,
    NOON,
    ORDER,
    PORTO,
    TWO_PLACES,
    Shop,
    cancelled,
    confirmed,
    handed_over,
    put_off,
    stop,
)

MUGS = confirmed(("mug", 2, LISBON), part=1, parts_open=1)
POT = confirmed(("pot", 1, LISBON), ("mug", 1, PORTO), part=2, parts_open=0)


def test_what_is_planned_is_said_before_anything_else_of_it() -> None:
    """Each location with what it is to send: nobody has to reckon it from allocations."""
    shop = Shop()
    assert shop.heard(put_off(TWO_PLACES)) == ["ShippingPlanned"]
    [planned] = shop.said(ShippingPlanned)
    assert (planned.order_id, planned.at, planned.part) == (ORDER, NOON, None)
    assert [(one.shipment_id, one.location) for one in planned.shipments] == [
        (one.shipment_id, one.location) for one in shop.order.shipments
    ]
    assert {
        one.location: [(line.line_id, line.sku, line.quantity) for line in one.lines] for one in planned.shipments
    } == {LISBON: [("mug", "SKU-mug", 2)], PORTO: [("mug", "SKU-mug", 1), ("pot", "SKU-pot", 1)]}
    assert {issued.shipment_id for issued in shop.issue().said(ShippingPickListIssued)} == {
        one.shipment_id for one in planned.shipments
    }


def test_each_part_adds_its_fulfilment_orders() -> None:
    """Under ids of their own, though both are confirmed at one moment and leave from one place."""
    shop = Shop(MUGS)
    shop.then(handed_over(shop.pick_list()))
    first = shop.order.shipments
    assert shop.heard(POT) == ["ShippingPlanned", "ShippingPickListIssued", "ShippingPickListIssued"]
    assert shop.order.shipments[: len(first)] == first
    assert [one.part for one in shop.said(ShippingPlanned)] == [1, 2]
    assert [[line.line_id for line in one.lines] for one in shop.order.shipments] == [["mug"], ["pot"], ["mug"]]
    assert len({one.shipment_id for one in shop.order.shipments}) == 3
    assert len({issued.pick_list_id for issued in shop.said(ShippingPickListIssued)}) == 3


@pytest.mark.parametrize("again", [MUGS, POT, confirmed(("mug", 2, LISBON), part=1, at=NOON + timedelta(hours=1))])
def test_a_part_that_is_confirmed_again_changes_nothing(again: OrderConfirmed) -> None:
    """Whenever it is said."""
    shop = Shop(MUGS, POT)
    before = dict(shop.states)
    assert shop.heard(again) == []
    assert shop.states == before


def test_parts_may_come_in_any_order() -> None:
    """The same leaves."""
    one, other = Shop(MUGS, POT).order.shipments, Shop(POT, MUGS).order.shipments
    assert {shipment.shipment_id: shipment for shipment in one} == {
        shipment.shipment_id: shipment for shipment in other
    }


@pytest.mark.parametrize(("first", "then"), [(confirmed(), MUGS), (MUGS, confirmed())])
def test_what_is_confirmed_as_a_whole_has_no_parts(first: OrderConfirmed, then: OrderConfirmed) -> None:
    """Else the same goods would be planned twice: an operator has to look."""
    shop = Shop(first)
    with pytest.raises(RefusedError) as refusal:
        shop.then(then)
    assert (refusal.value.code, refusal.value.field) == ("contradiction", "part")


def test_a_request_to_stop_is_answered_for_every_part() -> None:
    """By those that are planned when it comes."""
    shop = Shop(put_off(MUGS), put_off(POT))
    assert shop.heard(stop()) == ["ShippingWithdrawn"] * 3


def test_no_part_of_an_order_that_is_cancelled_is_planned() -> None:
    """Whether one was planned before, or none."""
    assert Shop(MUGS, cancelled()).heard(POT) == []
    assert Shop(cancelled()).heard(MUGS, POT) == []


def test_a_cancellation_calls_every_part_back() -> None:
    """What is issued is asked back; what isn't, ends at once."""
    shop = Shop(MUGS)
    assert shop.heard(put_off(POT), cancelled()) == [
        "ShippingPlanned",
        "ShippingPickListWithdrawn",
        "ShippingWithdrawn",
        "ShippingWithdrawn",
    ]


def test_pick_lists_go_to_the_address_that_was_confirmed_last() -> None:
    """Of all parts; they are as urgent as the first one."""
    moved = {"name": "Ana Lima", "lines": ["Rua Nova 2"], "city": "Porto", "country": "PT"}
    shop = Shop(MUGS, confirmed(("pot", 1, LISBON), part=2, ship_to=moved))
    before, after = shop.said(ShippingPickListIssued)
    assert before.ship_to is not None
    assert after.ship_to is not None
    assert (before.ship_to.city, after.ship_to.city) == ("Braga", "Porto")
    assert before.priority == after.priority
