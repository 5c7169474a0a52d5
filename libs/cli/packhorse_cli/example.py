"""Three orders' lives as records, for the pages and for tests: one that goes well, one picked short, one cancelled."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from packhorse_contracts import (
    carrier,
    customer,
    inventory,
    notification,
    order,
    payment,
    registry,
    shipping,
    warehouse,
)
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.topics import OUTSIDERS

from packhorse_cli.stream import Event, moment

BEGAN: Final = datetime(2026, 11, 27, 10, 20, 29, tzinfo=UTC)
ORDER: Final = "573744"

_LANTERN: Final = {"line_id": "1", "sku": "71053", "title": "White metal lantern", "quantity": 3, "unit_price": 339}
_HEART: Final = {"line_id": "2", "sku": "85123A", "title": "Hanging heart T-light holder", "quantity": 1}
_LINES: Final = [_LANTERN, {**_HEART, "unit_price": 255}]
_PAID: Final = {"tenders": [{"method": "card", "amount": 1767, "gateway": "demo"}], "currency": "EUR"}
_WAY: Final = {"order_id": ORDER, "shipment_id": "S-1"}
_LIST: Final[dict[str, object]] = {"pick_list_id": "PL-1"}
_PACKAGE: Final = {"package_id": "1", "carton": "M", "weight": 1450, "length": 300, "width": 200, "height": 150}
_ADDRESS: Final = {"name": "Ana Sousa", "lines": ["Rua das Flores 12"], "city": "Lisboa", "country": "PT"}
_PLACED: Final = {
    "placed_at": BEGAN,
    "channel": "web",
    "currency": "EUR",
    "customer": {"customer_id": "c-17850", "name": "Ana Sousa", "email": "ana@example.com", "locale": "pt-PT"},
    "ship_to": _ADDRESS,
    "lines": _LINES,
    "delivery": {"mode": "ship", "service": "standard", "price": 495},
    "payments": [{"method": "card", "amount": 1767, "token": "tok_ok"}],
    "totals": {"goods": 1272, "discount": 0, "delivery": 495, "tax": 0, "grand_total": 1767},
}
_PROMISE: Final = {"ship_by": "2026-11-27T23:59:00Z", "deliver_by": "2026-12-01T23:59:00Z"}
_NUMBER: Final = "CP123456785PT"

Said = tuple[float, type[Fact], dict[str, object]]
"""After how many seconds, what, and with which fields."""


def _allocated(line: dict[str, object]) -> dict[str, object]:
    return {"line_id": line["line_id"], "sku": line["sku"], "quantity": line["quantity"], "location": "WH-PT"}


def _confirmed() -> list[Said]:
    held = [_allocated(line) for line in _LINES]
    more = {"customer": _PLACED["customer"], "delivery": _PLACED["delivery"], "ship_to": _ADDRESS}
    issued = {"location": "WH-PT", "priority": 5, "ship_by": _PROMISE["ship_by"], "service": "standard"}
    return [
        (0.0, OrderPlaced, _PLACED),
        (0.041, order.OrderAccepted, _PLACED),
        (0.089, inventory.InventoryReserved, {"allocations": held}),
        (0.312, payment.PaymentAuthorised, {**_PAID, "amount": 1767, "expires_at": "2026-12-04T10:20:29Z"}),
        (0.35, order.OrderConfirmed, {**more, "lines": _LINES, "allocations": held, "promise": _PROMISE}),
        (0.402, shipping.ShippingPickListIssued, {**_WAY, **_LIST, **issued, "lines": _LINES}),
        (0.655, *_told("order_confirmed")),
    ]


def _told(kind: str) -> tuple[type[Fact], dict[str, object]]:
    how = {"channel": "email", "language": "pt", "provider_reference": "250 OK"}
    return notification.NotificationSent, {"notification_id": f"N-{kind}", "kind": kind, **how}


def _picked(lantern: int) -> Said:
    lines = [{**_allocated(_LANTERN), "quantity": lantern}, _allocated(_HEART)]
    return (7_200.05, shipping.ShippingPicked, {**_WAY, **_LIST, "location": "WH-PT", "lines": lines})


def _sent(lantern: int, amount: int) -> list[Said]:
    """From the packing table to the door."""
    lines = [{**_allocated(_LANTERN), "quantity": lantern}, _allocated(_HEART)]
    packages = [{**_PACKAGE, "lines": [{"line_id": ln["line_id"], "quantity": ln["quantity"]} for ln in lines]}]
    gone = {**_LIST, "location": "WH-PT", "carrier": "CTT", "service": "standard", "tracking_numbers": [_NUMBER]}
    parcel = {"tracking_number": _NUMBER, "at": BEGAN}
    return [
        (10_800, warehouse.Packed, {**_LIST, "packages": packages}),
        (10_800.06, shipping.ShippingPacked, {**_WAY, "packages": packages}),
        (21_600, warehouse.HandedOver, {**_LIST, "carrier": "CTT", "parcels": [{"tracking_number": _NUMBER}]}),
        (21_600.05, shipping.ShippingDispatched, {**_WAY, **gone, "lines": lines, "packages": packages}),
        (21_600.31, payment.PaymentCaptured, {**_PAID, "shipment_id": "S-1", "amount": amount}),
        (21_600.7, *_told("dispatched")),
        (93_000, carrier.TrackingUpdated, {**parcel, "status": "out_for_delivery", "place": "Lisboa"}),
        (93_000.04, shipping.ShippingOutForDelivery, {**_WAY, "tracking_number": _NUMBER}),
        (108_000, carrier.TrackingUpdated, {**parcel, "status": "delivered"}),
        (108_000.04, shipping.ShippingDelivered, {**_WAY, "tracking_number": _NUMBER}),
        (108_000.09, order.OrderCompleted, {"outcome": "delivered"}),
        (108_000.4, *_told("delivered")),
    ]


def whole() -> list[Event]:
    """Everything is there, and arrives."""
    picked = [{"line_id": "1", "picked": 3}, {"line_id": "2", "picked": 1}]
    there: list[Said] = [
        (900, warehouse.PickListAccepted, _LIST),
        (7_200, warehouse.PickCompleted, {**_LIST, "lines": picked}),
        _picked(3),
    ]
    return _events([*_confirmed(), *there, *_sent(3, 1767)])


def short() -> list[Event]:
    """One lantern isn't where it should be: the customer gets the rest, and pays for that."""
    picked = [{"line_id": "1", "picked": 2, "short_reason": "not_found"}, {"line_id": "2", "picked": 1}]
    missing = {"line_id": "1", "sku": "71053", "wanted": 3, "picked": 2, "reason": "not_found"}
    why = {"code": "short_pick", "message": "the warehouse could not find all of it"}
    less = {"lines": [{"line_id": "1", "quantity": 1}], "whole": False, "reason": why, "by": "warehouse"}
    there: list[Said] = [
        (900, warehouse.PickListAccepted, _LIST),
        (7_200, warehouse.PickCompleted, {**_LIST, "lines": picked}),
        _picked(2),
        (7_200.05, shipping.ShippingShortPicked, {**_WAY, "location": "WH-PT", "lines": [missing]}),
        (7_200.09, order.OrderCancelled, less),
        (7_200.5, *_told("cancelled")),
    ]
    freed: Said = (21_600.52, payment.PaymentVoided, {**_PAID, "amount": 339, "cause": "cancelled"})
    return _events([*_confirmed(), *there, *_sent(2, 1428), freed])


def cancelled() -> list[Event]:
    """The customer thinks better of it in time."""
    asked = {"code": "customer_request", "message": "the customer asked for it"}
    freed = [{"line_id": line["line_id"], "sku": line["sku"], "quantity": line["quantity"]} for line in _LINES]
    lines = [{"line_id": line["line_id"], "quantity": line["quantity"]} for line in _LINES]
    way: list[Said] = [
        (600, customer.CancellationRequested, {"reason": "I, Ana Sousa, ordered twice"}),
        (600.04, order.OrderCancellationRequested, {"reason": asked, "by": "customer"}),
        (600.09, shipping.ShippingPickListWithdrawn, {**_LIST, "location": "WH-PT", "reason": "order cancelled"}),
        (660, warehouse.WithdrawalAccepted, _LIST),
        (660.05, shipping.ShippingWithdrawn, {**_WAY, "location": "WH-PT", "lines": freed}),
        (660.1, order.OrderCancelled, {"lines": lines, "whole": True, "reason": asked, "by": "customer"}),
        (660.15, inventory.InventoryReservationReleased, {"lines": freed}),
        (660.4, payment.PaymentVoided, {**_PAID, "amount": 1767, "cause": "order cancelled"}),
        (660.6, *_told("cancelled")),
    ]
    return _events([*_confirmed(), *way])


STORIES: Final[dict[str, Callable[[], list[Event]]]] = {"whole": whole, "short": short, "cancelled": cancelled}


def _events(said: Iterable[Said]) -> list[Event]:
    return [_event(number, *one) for number, one in enumerate(sorted(said, key=lambda one: one[0]))]


def _event(number: int, seconds: float, kind: type[Fact], fields: dict[str, object]) -> Event:
    at = BEGAN + timedelta(seconds=seconds)
    both = {"order_id": ORDER, "at": at, "payment_id": "P-1", **fields}
    fact = kind.model_validate({name: value for name, value in both.items() if name in kind.model_fields})
    sayer = registry.name_of(kind).sayer
    source = f"/{sayer}" if sayer in OUTSIDERS else f"/packhorse/{sayer}"
    envelope = ce.Envelope(f"{ORDER}-{number}", source, kind.TYPE, fact.subject, at, fact.correlation)
    key, value, headers = ce.encode(envelope, fact)
    texts = {name: text.decode() for name, text in headers}
    stamp = moment(round(at.timestamp() * 1000))
    return Event(kind.TOPIC.name, 0, number, stamp, key.decode(), texts, tuple(headers), value)
