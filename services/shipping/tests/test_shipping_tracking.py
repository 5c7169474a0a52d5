"""What carriers report, in whatever order it comes."""

from itertools import permutations

import pytest
from packhorse_chassis.reaction import RefusedError
from packhorse_contracts.carrier import TrackingStatus
from packhorse_contracts.shipping import ShippingDelivered, ShippingDeliveryFailed, ShippingReturnedToSender
from packhorse_shipping.policies import Policy
from packhorse_shipping.state import PARCEL
from packhorse_shipping.timers import ClaimParcel, ParcelUnclaimed

from .shipping_story import LISBON, NOON, PORTO, TWO_PLACES, Shop, confirmed, handed_over, tracked


def sent(*numbers: str) -> Shop:
    """An order on its way, in these parcels."""
    shop = Shop(confirmed())
    return shop.then(handed_over(shop.pick_list(), *numbers))


def test_a_shipment_is_delivered_when_all_its_parcels_are() -> None:
    """It is said once, and of no single parcel."""
    shop = sent("T1", "T2")
    assert shop.heard(tracked("delivered", 1, "T2")) == []
    assert shop.heard(tracked("delivered", 2, "T1")) == ["ShippingDelivered"]
    assert shop.said(ShippingDelivered)[0].tracking_number is None
    assert shop.heard(tracked("delivered", 3, "T1"), tracked("delivered", 4, "T2")) == []


@pytest.mark.parametrize("status", ["in_transit", "out_for_delivery", "delivery_failed", "return_to_sender", "lost"])
def test_nothing_comes_after_delivered(status: TrackingStatus) -> None:
    """However late the carrier saw it."""
    shop = sent().then(tracked("delivered", 1))
    assert shop.heard(tracked(status, 2)) == []
    assert shop.at().state == "delivered"


def test_what_the_carrier_saw_earlier_is_old_news() -> None:
    """But delivered is delivered, whatever a scanner's clock says."""
    shop = sent()
    assert shop.heard(tracked("delivery_failed", 5)) == ["ShippingDeliveryFailed"]
    assert shop.heard(tracked("out_for_delivery", 4), tracked("delivery_failed", 5)) == []
    assert shop.heard(tracked("delivered", 1)) == ["ShippingDelivered"]


def test_a_second_attempt_is_told() -> None:
    """Out again, missed again: each is one message, with who caused it."""
    shop = sent().then(tracked("out_for_delivery", 1), tracked("delivery_failed", 2, incident="consignee"))
    assert shop.heard(tracked("out_for_delivery", 3), tracked("delivery_failed", 4)) == [
        "ShippingOutForDelivery",
        "ShippingDeliveryFailed",
    ]
    assert [fact.detail for fact in shop.said(ShippingDeliveryFailed)] == ["consignee", None]


def test_a_lost_parcel_has_failed_until_it_is_found() -> None:
    """The detail says so."""
    shop = sent().then(tracked("lost", 1, incident="carrier"))
    assert shop.said(ShippingDeliveryFailed)[0].detail == "lost, carrier"
    assert shop.heard(tracked("in_transit", 2), tracked("delivered", 3)) == ["ShippingDelivered"]


def test_a_shipment_that_comes_back_is_not_delivered() -> None:
    """Not even where one of its parcels was. It is said once, when all of its parcels have ended."""
    shop = sent("T1", "T2")
    assert shop.heard(tracked("return_to_sender", 1, "T1")) == []
    assert shop.heard(tracked("delivered", 2, "T2")) == ["ShippingReturnedToSender"]
    assert shop.at().state == "closed"
    shop = sent()
    assert shop.heard(tracked("return_to_sender", 1), tracked("delivered", 2)) == ["ShippingReturnedToSender"]
    assert shop.said(ShippingReturnedToSender)[0].tracking_number == "T1"


def test_the_end_is_the_same_in_whatever_order_news_come() -> None:
    """Delivered, once."""
    news = [tracked("picked_up", 1), tracked("out_for_delivery", 2), tracked("delivery_failed", 3)]
    for order in permutations([*news, tracked("delivered", 4)]):
        shop = sent().then(*order)
        assert shop.at().state == "delivered"
        assert len(shop.said(ShippingDelivered)) == 1


def test_news_of_a_parcel_that_was_not_handed_over_yet_are_kept() -> None:
    """A carrier may be quicker than the warehouse's own report; what it said counts then."""
    shop = Shop(confirmed(), tracked("picked_up", 1), tracked("out_for_delivery", 2))
    assert [timer.due for timer in shop.timers.values() if isinstance(timer.payload, ParcelUnclaimed)] == [
        NOON + Policy().claim_within
    ]
    assert shop.heard(handed_over(shop.pick_list())) == [
        "ShippingPicked",
        "ShippingDispatched",
        "ShippingOutForDelivery",
    ]
    assert not shop.timers
    assert shop.heard(tracked("delivered", 3)) == ["ShippingDelivered"]


def test_a_parcel_that_nobody_hands_over_is_given_to_an_operator() -> None:
    """As a dead letter that can be tried again. Nothing is forgotten: a warehouse may still speak up."""
    shop = Shop(confirmed(), tracked("delivered", 1))
    with pytest.raises(RefusedError) as refusal:
        shop.fire(ParcelUnclaimed, "T1")
    assert (refusal.value.code, refusal.value.field, refusal.value.retryable) == (
        "unknown_parcel",
        "tracking_number",
        True,
    )
    assert shop.heard(handed_over(shop.pick_list())) == [
        "ShippingPicked",
        "ShippingDispatched",
        "ShippingDelivered",
    ]
    assert not shop.hear(ParcelUnclaimed(tracking_number="T1"), NOON).events


def test_a_parcel_that_is_claimed_again_stays_as_it_is() -> None:
    """The same work done twice."""
    shop = sent().then(tracked("out_for_delivery", 1))
    claim = ClaimParcel(tracking_number="T1", order_id=shop.order.order_id, shipment_id=shop.at().shipment_id)
    assert not shop.hear(claim, NOON).events


def test_a_tracking_number_belongs_to_one_parcel_at_a_time() -> None:
    """Another shipment can't have it until that parcel's way has ended: carriers use numbers again."""
    shop = Shop(TWO_PLACES)
    shop.then(handed_over(shop.pick_list(LISBON)))
    with pytest.raises(RefusedError, match="another shipment"):
        shop.then(handed_over(shop.pick_list(PORTO)))
    shop = Shop(TWO_PLACES)
    shop.then(handed_over(shop.pick_list(LISBON)), tracked("delivered", 1), handed_over(shop.pick_list(PORTO)))
    assert shop.state(PARCEL, "T1").shipment_id == shop.at(PORTO).shipment_id
    assert shop.heard(tracked("delivered", 9)) == ["ShippingDelivered"]
