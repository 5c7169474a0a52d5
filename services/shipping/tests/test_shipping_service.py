"""The wiring: what is heard, which rows are locked, and what can be set."""

from datetime import timedelta
from typing import get_args

import pytest
from packhorse_chassis.core.kinds import RefusedError
from packhorse_contracts.catalogue import ProductChanged
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.policies import ShippingPolicy
from packhorse_contracts.shipping import ShippingPickListIssued
from packhorse_contracts.warehouse import PickListAccepted
from packhorse_shipping.pick_lists import on_list
from packhorse_shipping.policies import priority
from packhorse_shipping.reactions import routes
from packhorse_shipping.service import build
from packhorse_shipping.shipment import ShipmentStatus

from .shipping_story import NOON, Shop, confirmed


def test_it_hears_the_order_the_warehouse_the_carrier_and_the_catalogue() -> None:
    """Four topics, and what is set; all else are timers of its own."""
    routes = build().routes
    assert routes.topics == [
        "carrier.tracking",
        "catalogue.products",
        "operations.policies",
        "order.events",
        "warehouse.events",
    ]
    assert sorted(kind.name for kind in routes.kinds.values()) == [
        "order_shipments",
        "parcel",
        "pick_list",
        "policy",
        "product",
    ]


def test_nothing_is_locked_beside_a_subject() -> None:
    """An order's shipments are found by names, which nobody locks: two processes can't wait for each other."""
    routes = build().routes
    assert {route.kind.name for route in routes.by_input.values()} == {"order_shipments", "policy", "product"}
    assert {kind.name for kind in routes.kinds.values() if not kind.reference} == {"order_shipments"}
    assert {alias.name for alias in routes.aliases} == {"pick_list", "parcel"}


def test_a_row_shows_the_name_of_what_it_leads_to_for_a_shipment() -> None:
    """In traces and on the page, though the table stands within a reaction."""
    names = {heard.__name__: route.name for heard, route in build().routes.by_input.items()}
    assert names["PickListAccepted"] == "note_acceptance"
    assert names["HandedOver"] == "dispatch"
    assert names["WarehouseSilent"] == "show_overdue"


def test_a_row_about_pick_lists_needs_a_cell_for_each_status_of_a_shipment() -> None:
    """What nobody has thought of shows at once, not on the day that it happens."""
    named = dict.fromkeys(get_args(ShipmentStatus)[1:], lambda _turn, order, _fact: order)
    with pytest.raises(ValueError, match="PickListAccepted, shipment: each status needs one cell; look at planned"):
        on_list(PickListAccepted, named)


def policy(version: int, **what: object) -> OperationsPolicySet:
    """The business sets these."""
    return OperationsPolicySet.model_validate(
        {"service": "shipping", "policy_version": version, "at": NOON, "policy": what, "by": "ops", "why": "Christmas"}
    )


def test_a_policy_that_is_set_changes_what_is_decided_next() -> None:
    """How urgent pick lists are and how long a warehouse may take to answer; not what was decided before."""
    shop = Shop(confirmed())
    shop.then(policy(1, answer_within="PT30M", express_priority=9), confirmed(order_id="order-2"))
    assert [issued.priority for issued in shop.said(ShippingPickListIssued)] == [8, 9]
    first, second = (issued.pick_list_id for issued in shop.said(ShippingPickListIssued))
    assert shop.timers["WarehouseSilent", first, ""].due == NOON + ShippingPolicy().answer_within
    assert shop.timers["WarehouseSilent", second, ""].due == NOON + timedelta(minutes=30)


def test_only_what_was_decided_by_a_policy_tells_its_version() -> None:
    """A pick list was watched by it; a product's name wasn't."""
    shop = Shop(policy(3, answer_within="PT30M"))
    assert shop.hear(confirmed(), NOON).under == 3
    mug = ProductChanged(sku="SKU-mug", title="Mug", weight=1, length=1, width=1, height=1)
    assert shop.hear(mug, NOON).under is None


def test_a_priority_beyond_nine_is_refused() -> None:
    """Warehouses know 0 to 9."""
    with pytest.raises(RefusedError) as refusal:
        Shop(policy(1, express_priority=10))
    assert (refusal.value.code, refusal.value.field) == ("bad_policy", "policy.express_priority")


def test_each_delivery_service_has_its_priority() -> None:
    """The faster, the more urgent, unless it is set otherwise."""
    usual = ShippingPolicy()
    assert [priority(usual, service) for service in ("economy", "standard", "express")] == [2, 5, 8]
    assert priority(ShippingPolicy(economy_priority=0), "economy") == 0


def test_another_default_holds_until_something_is_set() -> None:
    """For tests."""
    policies = routes(ShippingPolicy(express_priority=1)).policies
    assert policies is not None
    assert policies.usual.express_priority == 1
