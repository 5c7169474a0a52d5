"""News of parcels that come late, twice, or before anybody knows the parcel."""

from itertools import permutations

import pytest
from packhorse_contracts.carrier import TrackingStatus
from packhorse_contracts.order import OrderCompleted
from packhorse_contracts.shipping import ShippingDelivered, ShippingDispatched
from packhorse_order.state import ORDERS
from packhorse_shipping.state import ORDER_SHIPMENTS

from .every_order import World, explore
from .shop import NORTH, opened, placed
from .warehouse import Warehouse, tracked, tracking_number

NEWS: tuple[TrackingStatus, ...] = ("picked_up", "in_transit", "out_for_delivery", "delivered")
"""In the order in which the carrier sees them."""


def handed_over_order() -> World:
    """An order at the moment in which the warehouse hands it over: nobody has heard of it yet."""
    world = opened({"mug": {NORTH: 1}}, warehouse=Warehouse(delivers=False)).say(placed())
    while not world.said(ShippingDispatched):
        steps = world.steps()
        steps[min(steps)](world)
    return world


@pytest.mark.parametrize("heard", list(permutations(NEWS)), ids="-".join)
def test_late_news_never_overwrite_delivered(heard: tuple[TrackingStatus, ...]) -> None:
    """nearmerch#214: "shipped" came after "delivered", and the parcel was on its way again.

    Here a parcel only gets further. The carrier's news come in every order, and before or after the parcel is known;
    those that it saw later may be heard first. It ends delivered, which is said once.
    """
    world = handed_over_order()
    (shipment,) = world.state(ORDER_SHIPMENTS, "o1").shipments
    number = tracking_number(shipment.pick_list_id)

    def only_gets_further(seen: World) -> None:
        tracking = seen.state(ORDER_SHIPMENTS, "o1").tracked.get(number)
        assert not seen.said(ShippingDelivered) or (tracking is not None and tracking.status == "delivered")

    world.say(*(tracked(number, status, minute=NEWS.index(status)) for status in heard))
    for end in explore(world, only_gets_further).ends:
        assert len(end.said(ShippingDelivered)) == len(end.said(OrderCompleted)) == 1
        assert end.state(ORDERS, "o1").status == "completed"
        assert [one.state for one in end.state(ORDER_SHIPMENTS, "o1").shipments] == ["delivered"]


def test_a_late_handover_never_takes_a_delivered_order_back() -> None:
    """nearmerch#214, at the order: the dispatch and the delivery come from one topic in order, but the warehouse may
    say that it handed over again, long after the carrier has delivered."""
    world = opened({"mug": {NORTH: 1}}, warehouse=Warehouse(repeats=True))

    def delivered_stays(seen: World) -> None:
        shipments = seen.state(ORDER_SHIPMENTS, "o1").shipments
        assert not seen.said(ShippingDelivered) or shipments[0].state == "delivered"

    for end in explore(world.say(placed()), delivered_stays).ends:
        assert len(end.said(ShippingDispatched)) == len(end.said(ShippingDelivered)) == 1
        assert end.state(ORDERS, "o1").status == "completed"
