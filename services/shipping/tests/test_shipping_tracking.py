"""What carriers report, in whatever order it comes."""

from datetime import timedelta
from itertools import permutations

import pytest
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.blocks import Parcel
from packhorse_contracts.carrier import TrackingStatus
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDeliveryFailed,
    ShippingDispatched,
    ShippingLost,
    ShippingReturnedToSender,
)
from packhorse_contracts.warehouse import HandedOver
from packhorse_shipping.state import PARCELS

from .shipping_story import LISBON, NOON, PORTO, TWO_PLACES, Shop, confirmed, handed_over, package, packed, tracked


def sent(*numbers: str) -> Shop:
    """An order on its way, in these parcels."""
    shop = Shop(confirmed())
    return shop.then(handed_over(shop.pick_list(), *numbers))


def test_a_shipment_is_delivered_when_all_its_parcels_are() -> None:
    """Each parcel's arrival is said once."""
    shop = sent("T1", "T2")
    assert shop.heard(tracked("delivered", 1, "T2")) == ["ShippingDelivered"]
    assert shop.at().state == "dispatched"
    assert shop.heard(tracked("delivered", 2, "T1")) == ["ShippingDelivered"]
    assert [fact.tracking_number for fact in shop.said(ShippingDelivered)] == ["T2", "T1"]
    assert shop.at().state == "delivered"
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


def test_a_lost_parcel_has_ended_until_it_is_found() -> None:
    """Its shipment doesn't wait for it. Said again it is no news; found, it is delivered after all."""
    shop = sent()
    assert shop.heard(tracked("lost", 1, incident="carrier"), tracked("lost", 2)) == ["ShippingLost"]
    assert shop.said(ShippingLost)[0].detail == "lost, carrier"
    assert shop.at().state == "closed"
    assert shop.heard(tracked("in_transit", 3), tracked("lost", 4)) == []
    assert shop.heard(tracked("delivered", 3)) == ["ShippingDelivered"]
    assert shop.at().state == "delivered"
    assert shop.heard(tracked("lost", 9)) == []


def test_what_the_carrier_cancels_comes_back_unless_it_is_delivered_after_all() -> None:
    """It isn't carried any further; that it then comes back is nothing new."""
    shop = sent()
    assert shop.heard(tracked("cancelled", 1)) == ["ShippingReturnedToSender"]
    assert shop.said(ShippingReturnedToSender)[0].detail == "cancelled"
    assert shop.heard(tracked("return_to_sender", 2)) == []
    shop = sent().then(tracked("cancelled", 1))
    assert shop.heard(tracked("delivered", 2)) == ["ShippingDelivered"]


def boxes(*numbers: str) -> Shop:
    """An order on its way in two boxes: two mugs, a mug and a pot."""
    shop = Shop(confirmed())
    first, second = numbers
    parcels = (Parcel(tracking_number=first, package_id="A"), Parcel(tracking_number=second, package_id="B"))
    shop.then(packed(shop.pick_list(), package("A", mug=2), package("B", mug=1, pot=1)))
    return shop.then(HandedOver(pick_list_id=shop.pick_list(), carrier="POST", parcels=parcels))


ENDS: dict[TrackingStatus, type[ShippingDelivered | ShippingReturnedToSender | ShippingLost]] = {
    "delivered": ShippingDelivered,
    "return_to_sender": ShippingReturnedToSender,
    "lost": ShippingLost,
}


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_each_parcels_end_counts_for_the_pieces_inside_it(first: TrackingStatus, second: TrackingStatus) -> None:
    """Whichever comes first."""
    for news in permutations([tracked(first, 1, "T1"), tracked(second, 2, "T2")]):
        shop = boxes("T1", "T2").then(*news)
        [one] = [fact for fact in shop.said(ENDS[first]) if fact.tracking_number == "T1"]
        [other] = [fact for fact in shop.said(ENDS[second]) if fact.tracking_number == "T2"]
        assert pieces(one) == {"mug": 2}
        assert pieces(other) == {"mug": 1, "pot": 1}
        assert shop.at().state == ("delivered" if first == second == "delivered" else "closed")


def pieces(fact: ShippingDelivered | ShippingReturnedToSender | ShippingLost) -> dict[str, int] | None:
    """What is inside, by line."""
    return None if fact.lines is None else {line.line_id: line.quantity for line in fact.lines}


def test_what_is_inside_is_said_only_where_somebody_has_told() -> None:
    """One parcel holds all; of two whose packages nobody told of, neither is known; one of them holds the rest."""
    assert pieces(sent().then(tracked("delivered", 1)).said(ShippingDelivered)[0]) == {"mug": 3, "pot": 1}
    shop = sent("T1", "T2").then(tracked("delivered", 1, "T1"), tracked("lost", 1, "T2"))
    assert (pieces(shop.said(ShippingDelivered)[0]), pieces(shop.said(ShippingLost)[0])) == (None, None)
    shop = Shop(confirmed())
    shop.then(packed(shop.pick_list(), package("A", mug=2), package("B")))
    parcels = (Parcel(tracking_number="T1", package_id="A"), Parcel(tracking_number="T2", package_id="B"))
    shop.then(HandedOver(pick_list_id=shop.pick_list(), carrier="POST", parcels=parcels))
    assert pieces(shop.then(tracked("delivered", 1, "T2")).said(ShippingDelivered)[0]) == {"mug": 1, "pot": 1}


def test_packages_under_one_number_share_its_news() -> None:
    """A carrier's number for several boxes: one end, with all that is inside."""
    shop = boxes("T1", "T1")
    assert shop.said(ShippingDispatched)[0].tracking_numbers == ("T1",)
    assert shop.heard(tracked("delivered", 1)) == ["ShippingDelivered"]
    assert pieces(shop.said(ShippingDelivered)[0]) == {"mug": 3, "pot": 1}


@pytest.mark.parametrize("used", ["T1", "T2"])
def test_of_two_labels_on_one_package_either_may_be_used(used: str) -> None:
    """A label was bought twice: readers hear of the last, whichever the carrier scans."""
    shop = Shop(confirmed())
    parcels = tuple(Parcel(tracking_number=number, package_id="A") for number in ("T1", "T2"))
    shop.then(packed(shop.pick_list(), package("A", mug=3, pot=1)))
    shop.then(HandedOver(pick_list_id=shop.pick_list(), carrier="POST", parcels=parcels))
    assert shop.said(ShippingDispatched)[0].tracking_numbers == ("T2",)
    unused = "T1" if used == "T2" else "T2"
    shop.then(tracked("cancelled", 1, unused), tracked("delivered", 2, used), tracked("lost", 3, unused))
    assert [fact.tracking_number for fact in shop.said(ShippingDelivered)] == ["T2"]
    assert shop.at().state == "delivered"


def test_of_two_labels_the_unused_ones_end_hides_nothing() -> None:
    """The one is cancelled, and the parcel is lost under the other: that is what counts."""
    shop = Shop(confirmed())
    parcels = tuple(Parcel(tracking_number=number, package_id="A") for number in ("T1", "T2"))
    shop.then(packed(shop.pick_list(), package("A", mug=3, pot=1)))
    shop.then(HandedOver(pick_list_id=shop.pick_list(), carrier="POST", parcels=parcels))
    assert shop.heard(tracked("cancelled", 1, "T1"), tracked("lost", 2, "T2")) == [
        "ShippingReturnedToSender",
        "ShippingLost",
    ]


def test_a_shipment_that_comes_back_is_not_delivered() -> None:
    """Not even where one of its parcels was."""
    shop = sent("T1", "T2")
    assert shop.heard(tracked("return_to_sender", 1, "T1")) == ["ShippingReturnedToSender"]
    assert shop.heard(tracked("delivered", 2, "T2")) == ["ShippingDelivered"]
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
    assert [len(waiting) for waiting in shop.waiting.values()] == [2]
    assert shop.heard(handed_over(shop.pick_list())) == [
        "ShippingPicked",
        "ShippingDispatched",
        "ShippingOutForDelivery",
    ]
    assert not shop.waiting
    assert shop.heard(tracked("delivered", 3)) == ["ShippingDelivered"]


def test_a_parcel_that_nobody_hands_over_is_given_to_an_operator() -> None:
    """As a dead letter, after an hour; should a warehouse speak up after all, it is tried again by itself."""
    shop = Shop(confirmed())
    told = shop.preview(tracked("delivered", 1), NOON)
    assert told.refusal is not None
    assert (told.refusal.code, told.refusal.field) == ("unknown_parcel", "tracking_number")
    assert PARCELS.patience == timedelta(hours=1)


@pytest.mark.parametrize("early", [True, False])
def test_a_number_that_shipments_of_an_order_share_counts_for_each(early: bool) -> None:
    """Whether the carrier has delivered before the second warehouse speaks, or after."""
    shop = Shop(TWO_PLACES)
    news = [handed_over(shop.pick_list(PORTO)), tracked("delivered", 1)]
    shop.then(handed_over(shop.pick_list(LISBON)), *(reversed(news) if early else news))
    delivered = shop.said(ShippingDelivered)
    assert {fact.shipment_id for fact in delivered} == {shipment.shipment_id for shipment in shop.order.shipments}
    assert len(delivered) == 2
    assert {shipment.state for shipment in shop.order.shipments} == {"delivered"}
    assert not shop.timers


def test_a_number_is_one_orders_at_a_time() -> None:
    """Another order's hand-over is refused until that parcel's way has ended: carriers use numbers again. Late news of
    the first don't count for the second."""
    shop = Shop(confirmed(), confirmed(order_id="order-2"))
    other = shop.other("order-2").shipments[0]
    shop.then(handed_over(shop.pick_list()))
    with pytest.raises(RefusedError) as refusal:
        shop.then(handed_over(other.pick_list_id))
    assert (refusal.value.code, refusal.value.field) == ("tracking_number_taken", "parcels.0.tracking_number")
    assert refusal.value.retryable
    assert "order-1" in str(refusal.value)
    assert not shop.other("order-2").shipments[0].left
    assert shop.heard(tracked("delivered", 1), handed_over(other.pick_list_id), tracked("delivered", 1)) == [
        "ShippingDelivered",
        "ShippingPicked",
        "ShippingDispatched",
    ]
    assert shop.heard(tracked("delivered", 2)) == ["ShippingDelivered"]
    assert [fact.order_id for fact in shop.said(ShippingDelivered)] == ["order-1", "order-2"]


def test_the_carrier_may_be_later_or_earlier_than_a_corrected_label() -> None:
    """What it says of the old number is none of ours any more."""
    shop = sent("T1")
    assert shop.heard(handed_over(shop.pick_list(), "T2")) == ["ShippingDispatched"]
    assert shop.said(ShippingDispatched)[-1].tracking_numbers == ("T2",)
    assert shop.heard(tracked("lost", 1, "T1")) == []
    assert shop.state(PARCELS, "T1").subject == ""
    assert shop.heard(tracked("delivered", 2, "T2")) == ["ShippingDelivered"]
    shop = sent("T1").then(tracked("delivered", 2, "T2"))
    assert shop.heard(handed_over(shop.pick_list(), "T2")) == ["ShippingDispatched", "ShippingDelivered"]
    assert shop.at().state == "delivered"


def test_a_label_that_was_corrected_away_ends_nothing_and_is_free() -> None:
    """It was another order's all the time, whose hand-over can be tried again."""
    shop = Shop(confirmed(), confirmed(order_id="order-2"))
    other = shop.other("order-2").shipments[0].pick_list_id
    shop.then(handed_over(shop.pick_list(), "T1"), handed_over(shop.pick_list(), "T2"), handed_over(other, "T1"))
    shop.then(tracked("delivered", 1, "T1"))
    assert [fact.order_id for fact in shop.said(ShippingDelivered)] == ["order-2"]


def test_a_parcel_that_was_forgotten_on_the_list_is_waited_for() -> None:
    """Handed over once more, with one parcel more: what has ended stays so."""
    shop = sent("T1").then(tracked("delivered", 1, "T1"))
    assert shop.heard(handed_over(shop.pick_list(), "T1", "T2")) == ["ShippingDispatched"]
    assert shop.at().state == "dispatched"
    assert shop.heard(handed_over(shop.pick_list(), "T1"), handed_over(shop.pick_list(), "T2")) == []
    assert shop.heard(tracked("delivered", 2, "T2")) == ["ShippingDelivered"]
    assert shop.at().state == "delivered"


def test_a_number_reads_the_same_with_and_without_blanks() -> None:
    """As it is printed, and as the carrier's own system writes it."""
    shop = sent("1Z 999 AA1 01")
    assert shop.said(ShippingDispatched)[0].tracking_numbers == ("1Z999AA101",)
    assert shop.heard(tracked("delivered", 1, "1Z999AA101")) == ["ShippingDelivered"]
    assert sent("1Z999AA101").heard(tracked("delivered", 1, " 1Z 999AA101")) == ["ShippingDelivered"]
