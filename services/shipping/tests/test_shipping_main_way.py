"""From the confirmed order to the doorstep."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from packhorse_contracts.blocks import Promise
from packhorse_contracts.catalogue import ProductChanged
from packhorse_contracts.order import OrderConfirmed
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDispatched,
    ShippingPacked,
    ShippingPickListIssued,
    ShippingPlanned,
    ShippingShortPicked,
)
from packhorse_contracts.warehouse import PickListAccepted
from packhorse_shipping.state import PICK_LISTS

from .shipping_story import (
    LISBON,
    NOON,
    ORDER,
    PORTO,
    TWO_PLACES,
    Shop,
    confirmed,
    handed_over,
    package,
    packed,
    picked,
    stop,
    tracked,
)


def test_each_location_of_an_order_gets_its_own_pick_list() -> None:
    """With what to pick there, by when, how urgent, and where to send it."""
    shop = Shop(TWO_PLACES)
    lisbon, porto = shop.said(ShippingPickListIssued)
    if lisbon.location == PORTO:
        lisbon, porto = porto, lisbon
    assert [(ln.line_id, ln.sku, ln.title, ln.quantity) for ln in lisbon.lines] == [("mug", "SKU-mug", "Mug", 2)]
    assert [(ln.line_id, ln.quantity) for ln in porto.lines] == [("mug", 1), ("pot", 1)]
    assert (lisbon.key, porto.key) == (LISBON, PORTO)
    assert lisbon.shipment_id != porto.shipment_id
    assert (lisbon.service, lisbon.priority, lisbon.ship_by) == ("express", 8, TWO_PLACES.promise.ship_by)
    assert lisbon.ship_to == TWO_PLACES.ship_to


def test_allocations_of_one_line_at_one_location_are_picked_together() -> None:
    """However inventory cut them."""
    shop = Shop(confirmed(("mug", 1, LISBON), ("mug", 2, LISBON)))
    assert [line.quantity for line in shop.said(ShippingPickListIssued)[0].lines] == [3]


def test_a_pick_list_is_known_here_before_its_warehouse_hears_of_it() -> None:
    """It is issued by the input that gives it its name, so no answer can come too early."""
    shop = Shop(confirmed())
    assert [type(event) for event in shop.events] == [ShippingPlanned, ShippingPickListIssued]
    assert shop.at().request == "submitted"
    assert shop.state(PICK_LISTS, shop.pick_list()).subject == ORDER


def test_a_pick_list_waits_for_the_day_on_which_it_is_to_leave_where_that_is_put_off() -> None:
    """A later wish, or a lead time. Until then it can be called back without asking the warehouse."""
    there = {"location": LISBON, "ship_on": "2026-12-02", "timezone": "Pacific/Auckland"}
    part = {**there, "ship_by": "2026-12-02T10:59:00Z", "pick_from": "2026-12-01T11:00:00Z"}
    promise = {"ship_by": part["ship_by"], "deliver_by": NOON + timedelta(days=11), "parts": [part]}
    shop = Shop(confirmed(promise=promise))
    assert shop.heard() == []
    assert shop.timers["IssuePickList", shop.pick_list(), ""].due == datetime(2026, 12, 1, 11, tzinfo=UTC)
    assert shop.heard(stop()) == ["ShippingWithdrawn"]
    at_once = {**part, "pick_from": None}
    assert Shop(confirmed(promise={**promise, "parts": [at_once]})).said(ShippingPickListIssued)
    late = {**part, "pick_from": NOON - timedelta(days=2)}
    assert Shop(confirmed(promise={**promise, "parts": [late]})).said(ShippingPickListIssued)


def test_each_location_has_its_own_day_and_its_own_last_moment() -> None:
    """What waits in one place holds up no other."""
    day, later = NOON + timedelta(hours=11), NOON + timedelta(days=30)
    soon = {"location": LISBON, "ship_on": "2026-11-23", "ship_by": day, "timezone": "Europe/Lisbon"}
    late = {
        **soon,
        "location": PORTO,
        "ship_on": "2026-12-23",
        "ship_by": later,
        "pick_from": later - timedelta(days=1),
    }
    promise = Promise.model_validate({"ship_by": later, "deliver_by": later, "parts": [soon, late]})
    shop = Shop(TWO_PLACES.model_copy(update={"promise": promise}))
    assert {issued.location: issued.ship_by for issued in shop.said(ShippingPickListIssued)} == {LISBON: day}
    shop.hear(shop.timers["IssuePickList", shop.pick_list(PORTO), ""].payload, later)
    assert shop.said(ShippingPickListIssued)[-1].ship_by == later


def test_ids_follow_from_the_confirmation() -> None:
    """The same work done again gives the same fulfilment orders."""
    assert Shop(TWO_PLACES).order == Shop(TWO_PLACES).order


def test_an_order_confirmed_again_changes_nothing() -> None:
    """Under whatever id it comes."""
    shop = Shop(confirmed())
    assert shop.heard(confirmed()) == []
    assert len(shop.order.shipments) == 1


def test_lines_without_a_name_get_the_catalogues() -> None:
    """The picker should know what to look for; a product that the catalogue doesn't name stays nameless."""
    mug = ProductChanged(sku="SKU-mug", title="Blue mug", weight=1, length=1, width=1, height=1)
    shop = Shop(mug, mug, confirmed(title=None))
    assert [line.title for line in shop.said(ShippingPickListIssued)[0].lines] == ["Blue mug", None]


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_name_is_no_name(blank: str) -> None:
    """Neither the order's nor the catalogue's: the picker gets the other one."""
    mug = ProductChanged(sku="SKU-mug", title="Blue mug", weight=1, length=1, width=1, height=1)
    pot = ProductChanged(sku="SKU-pot", title=blank, weight=1, length=1, width=1, height=1)
    shop = Shop(mug, pot, confirmed(title=blank))
    assert [line.title for line in shop.said(ShippingPickListIssued)[0].lines] == ["Blue mug", None]


def with_message(**more: Any) -> OrderConfirmed:
    """The pot is a gift."""
    lines = [line.model_dump() for line in confirmed().lines]
    lines[1]["gift_message"] = "For Ana, with love"
    return confirmed(lines=lines, **more)


def test_a_gift_message_reaches_the_packer_and_is_kept_no_longer() -> None:
    """On the line that it is for, and the packer is told to look for it."""
    shop = Shop(with_message())
    [issued] = shop.said(ShippingPickListIssued)
    assert [line.gift_message for line in issued.lines] == [None, "For Ana, with love"]
    assert issued.packing_note is not None
    assert "with love" not in repr(shop.states)
    assert Shop(confirmed()).said(ShippingPickListIssued)[0].packing_note is None


def test_a_gift_message_waits_with_its_pick_list_and_goes_with_it() -> None:
    """A later delivery keeps it until it is issued, or called back."""
    leaves, day = NOON + timedelta(days=9, hours=11), {"ship_on": "2026-12-02", "timezone": "Europe/Lisbon"}
    part = {**day, "location": LISBON, "ship_by": leaves, "pick_from": leaves - timedelta(days=1)}
    shop = Shop(with_message(promise={"ship_by": leaves, "deliver_by": NOON + timedelta(days=11), "parts": [part]}))
    assert "with love" in repr(shop.states)
    shop.then(stop())
    assert "with love" not in repr(shop.states)


def test_goods_go_from_pick_list_to_doorstep() -> None:
    """Accepted, picked, packed, handed over, delivered; each step is said once."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    assert shop.heard(PickListAccepted(pick_list_id=number)) == []
    assert (shop.at().state, shop.at().request) == ("in_progress", "accepted")
    assert shop.heard(picked(number, mug=3, pot=1)) == ["ShippingPicked"]
    assert shop.heard(packed(number, package(mug=3, pot=1))) == ["ShippingPacked"]
    assert shop.heard(handed_over(number, package_id="P1")) == ["ShippingDispatched"]
    said = shop.said(ShippingDispatched)[0]
    assert (said.pick_list_id, said.location, said.carrier, said.service) == (number, LISBON, "POST", "express")
    assert said.tracking_numbers == ("T1",)
    assert [(line.line_id, line.quantity) for line in said.lines] == [("mug", 3), ("pot", 1)]
    assert said.packages == shop.said(ShippingPacked)[0].packages
    assert shop.at().parcels[0].package_id == "P1"
    assert shop.heard(tracked("picked_up", 1), tracked("in_transit", 2)) == []
    assert shop.heard(tracked("out_for_delivery", 3)) == ["ShippingOutForDelivery"]
    assert shop.heard(tracked("delivered", 4)) == ["ShippingDelivered"]
    assert (shop.at().state, shop.at().request) == ("delivered", "closed")
    assert shop.said(ShippingDelivered)[0].at == NOON
    assert not shop.timers


def test_what_is_short_is_said_and_the_rest_is_sent() -> None:
    """With the warehouse's reason; only what was picked counts as dispatched."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    assert shop.heard(picked(number, "damaged", mug=1, pot=1)) == ["ShippingPicked", "ShippingShortPicked"]
    said = shop.said(ShippingShortPicked)[0]
    assert [(ln.line_id, ln.wanted, ln.picked, ln.reason) for ln in said.lines] == [("mug", 3, 1, "damaged")]
    assert said.location == LISBON
    shop.then(packed(number), handed_over(number))
    assert [(ln.line_id, ln.quantity) for ln in shop.said(ShippingDispatched)[0].lines] == [("mug", 1), ("pot", 1)]


def test_what_breaks_before_it_is_packed_is_short_and_does_not_leave() -> None:
    """Packages that name all that is inside say what leaves; what was short before is said again with it."""
    shop = Shop(confirmed())
    number = shop.pick_list()
    shop.then(picked(number, mug=3, pot=1))
    assert shop.heard(packed(number, package(mug=2, pot=1))) == ["ShippingShortPicked", "ShippingPacked"]
    [said] = shop.said(ShippingShortPicked)
    assert [(ln.line_id, ln.wanted, ln.picked, ln.reason) for ln in said.lines] == [("mug", 3, 2, "other")]
    shop.then(handed_over(number))
    assert [(ln.line_id, ln.quantity) for ln in shop.said(ShippingDispatched)[0].lines] == [("mug", 2), ("pot", 1)]
    shop = Shop(confirmed())
    shop.then(picked(number, mug=2, pot=1), packed(number, package(mug=2)), handed_over(number))
    [_, again] = shop.said(ShippingShortPicked)
    assert [(ln.line_id, ln.wanted, ln.picked) for ln in again.lines] == [("mug", 3, 2), ("pot", 1, 0)]
    assert [(ln.line_id, ln.quantity) for ln in shop.said(ShippingDispatched)[0].lines] == [("mug", 2)]


def test_a_fulfilment_order_of_which_nothing_is_there_closes() -> None:
    """It is short of everything, for a reason that the warehouse needn't give."""
    shop = Shop(confirmed())
    assert shop.heard(picked(shop.pick_list(), mug=0, pot=0)) == ["ShippingShortPicked"]
    assert {line.reason for line in shop.said(ShippingShortPicked)[0].lines} == {"other"}
    assert (shop.at().state, shop.at().request) == ("closed", "closed")
    assert not shop.timers


def test_a_warehouse_may_skip_every_step_but_the_last() -> None:
    """What it hands over without a word before was picked in full; of packages nothing is made up."""
    shop = Shop(confirmed())
    assert shop.heard(handed_over(shop.pick_list(), "T1", "T2")) == ["ShippingPicked", "ShippingDispatched"]
    said = shop.said(ShippingDispatched)[0]
    assert [line.quantity for line in said.lines] == [3, 1]
    assert (said.tracking_numbers, said.packages) == (("T1", "T2"), ())


def test_what_is_packed_without_a_word_on_picking_was_picked() -> None:
    """All of it where the packages' contents aren't told; else what is inside."""
    shop = Shop(confirmed())
    assert shop.heard(packed(shop.pick_list())) == ["ShippingPicked", "ShippingPacked"]
    shop = Shop(confirmed())
    assert shop.heard(packed(shop.pick_list(), package(mug=2))) == [
        "ShippingPicked",
        "ShippingShortPicked",
        "ShippingPacked",
    ]
    assert [(ln.line_id, ln.picked) for ln in shop.said(ShippingShortPicked)[0].lines] == [("mug", 2), ("pot", 0)]
