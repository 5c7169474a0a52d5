"""The shipping service as stories in messages."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_chassis.memory import Memory
from packhorse_chassis.reaction import RefusedError
from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import Reason
from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.order import OrderCancellationRequested, OrderCancelled, OrderConfirmed
from packhorse_contracts.shipping import (
    ShippingDelivered,
    ShippingDeliveryFailed,
    ShippingDispatched,
    ShippingOutForDelivery,
    ShippingPacked,
    ShippingPickListIssued,
    ShippingPickListWithdrawn,
    ShippingReturnedToSender,
    ShippingShortPicked,
    ShippingWithdrawalRefused,
    ShippingWithdrawn,
)
from packhorse_contracts.warehouse import (
    HandedOver,
    Packed,
    PickCompleted,
    PickListAccepted,
    PickListRejected,
    WithdrawalAccepted,
    WithdrawalRejected,
)
from packhorse_shipping.ordering import Silence
from packhorse_shipping.policies import Policy
from packhorse_shipping.reactions import routes
from packhorse_shipping.state import SHIPMENTS, FulfilmentOrder

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ID = "order-1"
ROUTES = routes(Policy())

CONFIRMED = OrderConfirmed.model_validate(
    {
        "order_id": ID,
        "at": NOON,
        "customer": {"customer_id": "c", "name": "Ada"},
        "ship_to": {"name": "Ada", "lines": ["1 High Street"], "city": "London", "country": "GB"},
        "delivery": {"mode": "ship", "service": "express", "price": 0},
        "lines": [
            {"line_id": "1", "sku": "MUG", "title": "Mug", "quantity": 3, "unit_price": 5},
            {"line_id": "2", "sku": "TRAY", "quantity": 1, "unit_price": 5},
        ],
        "allocations": [
            {"line_id": "1", "sku": "MUG", "quantity": 1, "location": "north"},
            {"line_id": "1", "sku": "MUG", "quantity": 1, "location": "north"},
            {"line_id": "1", "sku": "MUG", "quantity": 1, "location": "south"},
            {"line_id": "2", "sku": "TRAY", "quantity": 1, "location": "north"},
        ],
        "promise": {"ship_by": NOON, "deliver_by": NOON},
    }
)
REQUESTED = OrderCancellationRequested(order_id=ID, at=NOON, reason=Reason(code="x", message="x"), by="customer")


def confirmed() -> tuple[Memory, str, str]:
    """The service after the confirmation, and the pick lists of north and south."""
    service = Memory(ROUTES)
    service.hear(CONFIRMED, NOON)
    north, south = (fact.pick_list_id for fact in service.said(ShippingPickListIssued))
    return service, north, south


def hear(service: Memory, *facts: Fact) -> None:
    """Hears these, one after another."""
    for fact in facts:
        service.hear(fact, NOON)


def part(service: Memory, pick_list: str) -> FulfilmentOrder:
    """A fulfilment order."""
    return service.state(SHIPMENTS, ID).by_pick_list(pick_list)


def picked(pick_list: str, mugs: int, trays: int | None = None) -> PickCompleted:
    """So many were picked."""
    lines = [{"line_id": "1", "picked": mugs}] + ([] if trays is None else [{"line_id": "2", "picked": trays}])
    return PickCompleted.model_validate({"pick_list_id": pick_list, "lines": lines})


def packed(pick_list: str) -> Packed:
    """In one box."""
    box = {"package_id": "b", "carton": "S", "weight": 1, "length": 1, "width": 1, "height": 1, "lines": []}
    return Packed.model_validate({"pick_list_id": pick_list, "packages": [box]})


def handed(pick_list: str, *numbers: str) -> HandedOver:
    """The carrier has it."""
    parcels = [{"tracking_number": number} for number in numbers or (f"t-{pick_list}",)]
    return HandedOver.model_validate({"pick_list_id": pick_list, "carrier": "dhl", "parcels": parcels})


def tracked(number: str, status: str) -> TrackingUpdated:
    """The carrier says where a parcel is."""
    return TrackingUpdated.model_validate({"tracking_number": number, "status": status, "at": NOON})


def test_one_fulfilment_order_and_pick_list_a_location() -> None:
    """Pieces of a line are summed by location; a repeated confirmation issues nothing."""
    service, _, _ = confirmed()
    hear(service, CONFIRMED)
    first, second = service.said(ShippingPickListIssued)
    assert {(line.sku, line.quantity) for line in first.lines} == {("MUG", 2), ("TRAY", 1)}
    assert [(line.sku, line.quantity, line.title) for line in second.lines] == [("MUG", 1, "Mug")]
    assert (first.location, first.priority, first.service) == ("north", 9, "express")
    assert len(service.timers) == 2


def test_from_the_shelf_to_the_door() -> None:
    """Accepted, picked, packed, handed over, delivered: each said once, whatever is repeated."""
    service, north, _ = confirmed()
    steps = [PickListAccepted(pick_list_id=north), picked(north, 2, 1), packed(north), handed(north, "t-1", "t-2")]
    for step in steps:
        hear(service, step, step)
    [gone] = service.said(ShippingDispatched)
    assert {(line.sku, line.quantity) for line in gone.lines} == {("MUG", 2), ("TRAY", 1)}
    assert gone.tracking_numbers == ("t-1", "t-2")
    assert len(service.said(ShippingPacked)) == 1
    hear(service, tracked("t-1", "picked_up"), tracked("t-1", "out_for_delivery"), tracked("t-1", "delivered"))
    hear(service, tracked("t-1", "in_transit"), tracked("t-1", "delivered"), tracked("t-2", "pending"))
    assert len(service.said(ShippingOutForDelivery)) == 1
    assert not service.said(ShippingDelivered)
    hear(service, tracked("t-2", "delivery_failed"), tracked("t-2", "delivered"))
    assert len(service.said(ShippingDelivered)) == len(service.said(ShippingDeliveryFailed)) == 1
    assert part(service, north).status == "delivered"


def test_what_a_carrier_gives_back_is_returned() -> None:
    """Also a lost parcel ends."""
    service, north, south = confirmed()
    hear(service, handed(north), tracked(f"t-{north}", "return_to_sender"))
    hear(service, handed(south), tracked(f"t-{south}", "lost"))
    assert len(service.said(ShippingReturnedToSender)) == 2


def test_a_short_pick_is_said_and_the_rest_ships() -> None:
    """With wanted, picked and why."""
    service, north, _ = confirmed()
    hear(service, picked(north, 1, 1), handed(north))
    [short] = service.said(ShippingShortPicked)
    assert [(line.sku, line.wanted, line.picked, line.reason) for line in short.lines] == [("MUG", 2, 1, "not_found")]
    assert sum(line.quantity for line in service.said(ShippingDispatched)[0].lines) == 2


def test_a_pick_list_of_which_nothing_is_found_closes() -> None:
    """And can't be packed or handed over any more."""
    service, north, _ = confirmed()
    hear(service, picked(north, 0, 0))
    assert part(service, north).status == "closed"
    for fact in (packed(north), handed(north)):
        with pytest.raises(RefusedError):
            service.hear(fact, NOON)


def test_a_rejected_pick_list_is_picked_short() -> None:
    """All of it, or the lines that it names; a repeat changes nothing."""
    service, north, south = confirmed()
    some = PickListRejected.model_validate(
        {"pick_list_id": north, "reason": "out_of_stock", "lines": [{"line_id": "1", "quantity": 2}]}
    )
    whole = PickListRejected(pick_list_id=south, reason="undeliverable")
    hear(service, some, some, whole, PickListAccepted(pick_list_id=south))
    first, second = service.said(ShippingShortPicked)
    assert [(line.line_id, line.picked, line.reason) for line in first.lines] == [("1", 0, "out_of_stock")]
    assert [line.picked for line in second.lines] == [0]
    assert part(service, south).status == "closed"


def test_what_contradicts_is_refused_by_field() -> None:
    """Unknown lists, parcels and lines; too many; other numbers than before."""
    service, north, south = confirmed()
    hear(service, picked(north, 2, 1), packed(north), handed(north, "t-1"))
    other_box = packed(north).model_copy(update={"packages": ()})
    twice = picked(south, 1).model_copy(update={"lines": picked(south, 1).lines * 2})
    for fact, code in (
        (PickListAccepted(pick_list_id="nobody's"), "unknown_pick_list"),
        (tracked("nobody's", "delivered"), "unknown_parcel"),
        (picked(south, 2), "too_many"),
        (picked(south, 1, 1), "unknown_line"),
        (twice, "duplicate_line"),
        (picked(north, 1, 1), "contradicts"),
        (other_box, "contradicts"),
        (handed(north, "t-2"), "contradicts"),
        (handed(south, "t-1"), "tracking_number_reused"),
        (handed(south).model_copy(update={"parcels": ()}), "no_parcels"),
        (WithdrawalAccepted(pick_list_id=north), "contradicts"),
        (WithdrawalAccepted(pick_list_id=south), "not_asked"),
    ):
        with pytest.raises(RefusedError) as refusal:
            service.hear(fact, NOON)
        assert refusal.value.code == code


def test_a_late_pick_after_the_hand_over_is_refused() -> None:
    """A warehouse may skip steps; then all of it went out in one parcel."""
    service, north, _ = confirmed()
    hear(service, handed(north))
    assert sum(line.quantity for line in service.said(ShippingDispatched)[0].lines) == 3
    for fact in (picked(north, 2, 1), packed(north)):
        with pytest.raises(RefusedError):
            service.hear(fact, NOON)


def test_withdrawn_if_the_warehouse_agrees() -> None:
    """Asked once; one accepts, one refuses; each fulfilment order answers once."""
    service, north, south = confirmed()
    hear(service, picked(north, 1, 1), REQUESTED, REQUESTED)
    assert len(service.said(ShippingPickListWithdrawn)) == 2
    yes, no = WithdrawalAccepted(pick_list_id=north), WithdrawalRejected(pick_list_id=south)
    hear(service, yes, yes, no, no)
    [gone] = service.said(ShippingWithdrawn)
    assert {(line.sku, line.quantity) for line in gone.lines} == {("MUG", 1), ("TRAY", 1)}
    [stays] = service.said(ShippingWithdrawalRefused)
    assert stays.reason.code == "packed"


def test_a_request_after_everything_is_answered_at_once() -> None:
    """Dispatched: refused. Closed: nothing to send. Refused before: refused again."""
    service, north, south = confirmed()
    hear(service, handed(north), picked(south, 0), REQUESTED)
    assert service.said(ShippingWithdrawalRefused)[0].reason.code == "dispatched"
    assert service.said(ShippingWithdrawn)[0].lines == ()
    other, _, _ = confirmed()
    first = [fact.pick_list_id for fact in other.said(ShippingPickListIssued)]
    hear(other, REQUESTED, *(WithdrawalRejected(pick_list_id=name) for name in first), REQUESTED)
    assert len(other.said(ShippingWithdrawalRefused)) == 4


def test_a_hand_over_that_races_the_withdrawal_wins() -> None:
    """What has left has left: dispatched, and the withdrawal refused. Even after the warehouse had agreed."""
    service, north, south = confirmed()
    hear(service, REQUESTED, handed(north), WithdrawalRejected(pick_list_id=north))
    assert len(service.said(ShippingDispatched)) == len(service.said(ShippingWithdrawalRefused)) == 1
    hear(service, WithdrawalAccepted(pick_list_id=south), picked(south, 0))
    hear(service, packed(south), handed(south))
    assert len(service.said(ShippingDispatched)) == 2
    assert not service.said(ShippingShortPicked)


def test_nothing_found_answers_a_pending_withdrawal() -> None:
    """The list closes by itself; nobody waits for the warehouse any more."""
    service, north, _ = confirmed()
    hear(service, REQUESTED, picked(north, 0, 0))
    assert service.said(ShippingWithdrawn)[0].lines == ()


def test_a_cancelled_order_stops_what_is_still_picked() -> None:
    """A cancellation of some lines doesn't."""
    service, _, _ = confirmed()
    body = {"order_id": ID, "at": NOON, "lines": [], "whole": False, "reason": REQUESTED.reason, "by": "warehouse"}
    hear(service, OrderCancelled.model_validate(body))
    assert not service.said(ShippingPickListWithdrawn)
    hear(service, OrderCancelled.model_validate(body | {"whole": True}))
    assert len(service.said(ShippingPickListWithdrawn)) == 2


def test_a_silent_warehouse_is_seen() -> None:
    """Until it answers; the timer re-arms."""
    service, north, south = confirmed()
    service.fire(Silence, north)
    assert part(service, north).overdue
    hear(service, PickListAccepted(pick_list_id=north), PickListAccepted(pick_list_id=south))
    assert not part(service, north).overdue
    assert not service.timers
    service.hear(Silence(order_id=ID, pick_list_id=north), NOON)
    assert not service.timers


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["accept", "pick", "none", "pack", "hand", "ask", "yes", "no", "out", "in"]), max_size=14)
)
def test_whatever_warehouse_and_carrier_say(steps: list[str]) -> None:
    """One pick list per shipment, dispatched at most once, delivered at most once and never before; every
    fulfilment order answers a first cancellation request at most once while the warehouse still talks."""
    service, north, _ = confirmed()
    facts: dict[str, Fact] = {
        "accept": PickListAccepted(pick_list_id=north),
        "pick": picked(north, 2, 1),
        "none": picked(north, 0, 0),
        "pack": packed(north),
        "hand": handed(north),
        "ask": REQUESTED,
        "yes": WithdrawalAccepted(pick_list_id=north),
        "no": WithdrawalRejected(pick_list_id=north),
        "out": tracked(f"t-{north}", "out_for_delivery"),
        "in": tracked(f"t-{north}", "delivered"),
    }
    for step in steps:
        try:
            service.hear(facts[step], NOON)
        except RefusedError:
            continue
    gone = service.said(ShippingDispatched)
    assert len(gone) <= 1
    assert len(service.said(ShippingDelivered)) <= len(gone)
    assert len(service.said(ShippingPickListIssued)) == 2
    asked = steps.count("ask")
    answers = [fact.shipment_id for fact in service.said(ShippingWithdrawn)]
    answers += [fact.shipment_id for fact in service.said(ShippingWithdrawalRefused)]
    mine = [shipment for shipment in answers if shipment == part(service, north).shipment_id]
    assert len(mine) <= max(asked, 1) + 1
