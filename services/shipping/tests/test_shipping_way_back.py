"""Cancellations: every request gets one answer from every fulfilment order."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import LineQuantity
from packhorse_contracts.shipping import (
    ShippingDispatched,
    ShippingPickListWithdrawn,
    ShippingShortPicked,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
)
from packhorse_contracts.warehouse import PickListAccepted, PickListRejected, WithdrawalAccepted, WithdrawalRejected
from packhorse_shipping.state import OrderShipments
from packhorse_shipping.timers import IssuePickList

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
    package,
    packed,
    picked,
    put_off,
    stop,
)


def agreed(pick_list_id: str) -> WithdrawalAccepted:
    """The warehouse stopped."""
    return WithdrawalAccepted(pick_list_id=pick_list_id)


def declined(pick_list_id: str) -> WithdrawalRejected:
    """The warehouse goes on."""
    return WithdrawalRejected(pick_list_id=pick_list_id, reason="it is packed")


def test_what_no_warehouse_knows_of_is_withdrawn_at_once() -> None:
    """Its pick list is never issued."""
    shop = Shop(put_off(confirmed()))
    assert shop.heard(stop()) == ["ShippingWithdrawn"]
    assert [(ln.line_id, ln.quantity) for ln in shop.said(ShippingWithdrawn)[0].lines] == [("mug", 3), ("pot", 1)]
    assert not shop.timers
    issue = IssuePickList(pick_list_id=shop.pick_list(), order_id=ORDER)  # it was read before it was cancelled
    assert not shop.hear(issue, NOON).facts
    with pytest.raises(RefusedError, match="no pick list"):
        shop.then(PickListAccepted(pick_list_id=shop.pick_list()))


def test_a_warehouse_that_agrees_ends_the_fulfilment_order() -> None:
    """It is asked, and what it says is the answer."""
    shop = Shop(confirmed())
    assert shop.heard(stop()) == ["ShippingPickListWithdrawn"]
    said = shop.said(ShippingPickListWithdrawn)[0]
    assert (said.pick_list_id, said.key, said.reason) == (shop.pick_list(), LISBON, "changed my mind")
    assert shop.heard(PickListAccepted(pick_list_id=shop.pick_list())) == []
    assert (shop.at().state, shop.at().request) == ("in_progress", "withdrawal_requested")
    assert shop.heard(agreed(shop.pick_list())) == ["ShippingWithdrawn"]
    assert (shop.at().state, shop.at().request) == ("withdrawn", "withdrawn")
    assert shop.heard(agreed(shop.pick_list()), PickListRejected(pick_list_id=shop.pick_list(), reason="other")) == []


def test_a_warehouse_that_declines_ships_it() -> None:
    """The refusal carries its words; later requests get the same answer without asking it again."""
    shop = Shop(confirmed()).then(stop())
    number = shop.pick_list()
    assert shop.heard(declined(number)) == ["ShippingWithdrawalRefused"]
    assert shop.said(ShippingWithdrawalRefused)[0].reason.message == "it is packed"
    assert shop.heard(declined(number)) == []
    assert shop.heard(stop(2)) == ["ShippingWithdrawalRefused"]
    assert shop.heard(cancelled()) == []
    assert shop.heard(handed_over(number)) == ["ShippingPicked", "ShippingDispatched"]
    with pytest.raises(RefusedError, match="settled otherwise"):
        shop.then(agreed(number))


def test_each_fulfilment_order_answers_for_itself() -> None:
    """One is gone, the other can be stopped."""
    shop = Shop(TWO_PLACES)
    shop.then(handed_over(shop.pick_list(LISBON)))
    assert shop.heard(stop()) == ["ShippingWithdrawalRefused", "ShippingPickListWithdrawn"]
    assert shop.heard(agreed(shop.pick_list(PORTO))) == ["ShippingWithdrawn"]
    said = shop.said(ShippingWithdrawn)[0]
    assert (said.shipment_id, said.location) == (shop.at(PORTO).shipment_id, PORTO)


def test_the_same_request_again_changes_nothing() -> None:
    """Its moment tells a repeat; a new request is answered anew, unless the warehouse is still thinking."""
    shop = Shop(confirmed()).then(stop())
    assert shop.heard(stop()) == []
    assert shop.heard(stop(2)) == []
    assert shop.heard(agreed(shop.pick_list())) == ["ShippingWithdrawn"]
    assert shop.heard(stop(2)) == []
    assert shop.heard(stop(3)) == ["ShippingWithdrawn"]


def test_goods_that_left_before_the_request_arrived_are_gone() -> None:
    """The hand-over is the truth, and it answers the request."""
    shop = Shop(confirmed()).then(stop())
    number = shop.pick_list()
    assert shop.heard(handed_over(number)) == [
        "ShippingPicked",
        "ShippingDispatched",
        "ShippingWithdrawalRefused",
    ]
    assert shop.at().request == "withdrawal_rejected"
    assert shop.heard(declined(number)) == []
    assert not [key for key in shop.timers if key[0] == "WarehouseSilent"]


def test_a_warehouse_that_breaks_its_word_is_believed() -> None:
    """A late ship fact is accepted: the goods are out there, with what was picked meanwhile."""
    shop = Shop(confirmed()).then(stop())
    number = shop.pick_list()
    shop.then(agreed(number))
    assert shop.heard(picked(number, mug=2, pot=0), packed(number)) == ["ShippingPicked"]
    assert shop.heard(handed_over(number)) == ["ShippingDispatched"]
    assert [(ln.line_id, ln.quantity) for ln in shop.said(ShippingDispatched)[0].lines] == [("mug", 2)]
    assert (shop.at().state, shop.at().request) == ("dispatched", "withdrawn")
    assert shop.heard(agreed(number)) == []
    assert shop.heard(stop(2)) == ["ShippingWithdrawalRefused"]


def test_what_broke_before_it_was_packed_is_not_withdrawn() -> None:
    """It is short already; also where goods leave after all, it stays behind."""
    shop = Shop(confirmed()).then(stop())
    number = shop.pick_list()
    shop.then(picked(number, mug=3, pot=1), packed(number, package(mug=2, pot=1)))
    assert shop.heard(agreed(number)) == ["ShippingWithdrawn"]
    assert [(ln.line_id, ln.quantity) for ln in shop.said(ShippingWithdrawn)[0].lines] == [("mug", 2), ("pot", 1)]
    shop = Shop(confirmed()).then(stop(), agreed(number), picked(number, mug=3, pot=1))
    assert shop.heard(packed(number, package(mug=2)), handed_over(number)) == ["ShippingDispatched"]
    assert [(ln.line_id, ln.quantity) for ln in shop.said(ShippingDispatched)[0].lines] == [("mug", 2)]


@pytest.mark.parametrize(
    "nothing_there",
    [
        lambda number: picked(number, mug=0, pot=0),
        lambda number: PickListRejected(pick_list_id=number, reason="out_of_stock"),
    ],
)
def test_nothing_there_is_an_answer_too(nothing_there: Callable[[str], Fact]) -> None:
    """It will not ship, and no pieces are withdrawn that were short; what the warehouse says then is no news."""
    shop = Shop(confirmed()).then(stop())
    number = shop.pick_list()
    assert shop.heard(nothing_there(number)) == ["ShippingShortPicked", "ShippingWithdrawn"]
    assert shop.said(ShippingWithdrawn)[0].lines == ()
    assert shop.heard(agreed(number), declined(number)) == []
    assert shop.heard(stop(2)) == ["ShippingWithdrawn"]


def test_rejected_lines_are_short_though_the_rest_is_withdrawn() -> None:
    """Stock has to hear of them."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    mug = (LineQuantity(line_id="mug", quantity=2),)
    shop.then(PickListRejected(pick_list_id=number, reason="out_of_stock", lines=mug), stop())
    assert shop.heard(agreed(number)) == ["ShippingWithdrawn"]
    assert [(ln.line_id, ln.wanted, ln.picked) for ln in shop.said(ShippingShortPicked)[0].lines] == [("mug", 3, 1)]
    assert [(ln.line_id, ln.quantity) for ln in shop.said(ShippingWithdrawn)[0].lines] == [("mug", 1), ("pot", 1)]


def test_lines_rejected_after_the_withdrawal_don_t_leave() -> None:
    """The warehouse breaks its word, but not for all of it: what it sends is what it has not rejected."""
    shop = Shop(confirmed()).then(stop())
    number = shop.pick_list()
    mug = (LineQuantity(line_id="mug", quantity=3),)
    shop.then(agreed(number))
    assert shop.heard(PickListRejected(pick_list_id=number, reason="ineligible_product", lines=mug)) == []
    assert shop.heard(picked(number, pot=1)) == ["ShippingPicked"]
    assert shop.heard(handed_over(number)) == ["ShippingDispatched"]
    assert [(line.line_id, line.quantity) for line in shop.said(ShippingDispatched)[0].lines] == [("pot", 1)]


def test_a_cancelled_order_is_called_back_without_a_request() -> None:
    """What can be stopped is stopped; what is gone or called back already is left alone."""
    shop = Shop(TWO_PLACES)
    shop.then(handed_over(shop.pick_list(LISBON)))
    assert shop.heard(cancelled()) == ["ShippingPickListWithdrawn"]
    assert shop.heard(cancelled()) == []
    assert shop.heard(agreed(shop.pick_list(PORTO))) == ["ShippingWithdrawn"]


def test_a_cancellation_joins_the_request_before_it() -> None:
    """The warehouse is asked once."""
    shop = Shop(confirmed()).then(stop())
    assert shop.heard(cancelled()) == []


def test_cancelled_lines_are_no_news_here() -> None:
    """They were short, or were withdrawn."""
    assert Shop(confirmed()).heard(cancelled(whole=False)) == []


def test_an_order_cancelled_before_it_was_confirmed_is_never_shipped() -> None:
    """Most of these are declined payments: nothing is kept of them but that."""
    shop = Shop(cancelled(), confirmed())
    assert not shop.events
    assert shop.order == replace(OrderShipments.empty(ORDER), cancelled=True)
    assert shop.heard(stop()) == []
