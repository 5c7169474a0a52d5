"""The wiring: what is heard, which rows are locked, and what can be set."""

from datetime import timedelta

import pytest
from packhorse_shipping.service import build
from packhorse_shipping.settings import ShippingSettings
from pydantic import ValidationError

from .shipping_story import Shop, confirmed


def test_it_hears_the_order_the_warehouse_the_carrier_and_the_catalogue() -> None:
    """Four topics; all else are timers of its own."""
    routes = build(ShippingSettings()).routes
    assert routes.topics == ["carrier.tracking", "catalogue.products", "order.events", "warehouse.events"]
    assert sorted(kind.name for kind in routes.kinds.values()) == [
        "order_ref",
        "order_shipments",
        "parcel",
        "parcel_ref",
        "pick_list",
        "product",
    ]


def test_an_orders_shipments_and_parcels_are_never_a_subject() -> None:
    """Subjects are locked first, these after them: two processes can't wait for each other."""
    routes = build(ShippingSettings()).routes
    assert not {"order_shipments", "parcel"} & {route.kind.name for route in routes.by_input.values()}
    shop = Shop(confirmed())
    for route in shop.routes.by_input.values():
        assert route.kind.name in {"order_ref", "pick_list", "parcel_ref", "product"}


def test_what_a_business_tunes_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Durations are ISO 8601."""
    monkeypatch.setenv("PACKHORSE_SHIPPING_ANSWER_WITHIN", "PT30M")
    monkeypatch.setenv("PACKHORSE_SHIPPING_CLAIM_WITHIN", "PT90S")
    monkeypatch.setenv("PACKHORSE_SHIPPING_ECONOMY_PRIORITY", "0")
    policy = ShippingSettings().policy()
    assert (policy.answer_within, policy.claim_within) == (timedelta(minutes=30), timedelta(seconds=90))
    assert [policy.priority(service) for service in ("economy", "standard", "express")] == [0, 5, 8]


def test_a_priority_beyond_nine_stops_the_start() -> None:
    """Warehouses know 0 to 9."""
    with pytest.raises(ValidationError):
        ShippingSettings(express_priority=10)
