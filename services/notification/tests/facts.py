"""The facts of one small order, as other services say them."""

from datetime import UTC, datetime, timedelta

from packhorse_contracts.order import OrderAccepted, OrderCancellationDeclined, OrderCancelled, OrderConfirmed
from packhorse_contracts.payment import PaymentRefunded
from packhorse_contracts.shipping import ShippingDelivered, ShippingDispatched

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ORDER = "order-1"
_LINES = [
    {"line_id": "1", "sku": "LANTERN", "title": "White metal lantern", "quantity": 6, "unit_price": 339},
    {"line_id": "2", "sku": "MUG", "quantity": 2, "unit_price": 450},
]


def accepted(email: str | None = "emma@example.com", locale: str | None = "en-GB", name: str = "Emma") -> OrderAccepted:
    """The order, from a customer who can be written to unless said otherwise."""
    return OrderAccepted.model_validate(
        {
            "order_id": ORDER,
            "at": NOON,
            "channel": "web",
            "currency": "GBP",
            "customer": {"customer_id": "c-1", "name": name, "email": email, "locale": locale},
            "lines": _LINES,
            "delivery": {"mode": "collect", "service": "standard", "price": 495},
            "payments": [{"method": "card", "amount": 3_429, "token": "tok_ok"}],
            "promotions": [],
            "totals": {"goods": 2_934, "discount": 0, "delivery": 495, "tax": 0, "grand_total": 3_429},
        }
    )


def confirmed() -> OrderConfirmed:
    """Paid and reserved."""
    return OrderConfirmed.model_validate(
        {
            "order_id": ORDER,
            "at": NOON,
            "customer": {"customer_id": "c-1", "name": "Emma"},
            "delivery": {"mode": "collect", "service": "standard", "price": 495},
            "lines": _LINES,
            "allocations": [],
            "promise": {
                "ship_by": "2026-11-28T23:59:00Z",
                "deliver_by": "2026-12-02T23:59:00Z",
                "ship_on": "2026-11-28",
                "deliver_on": "2026-12-02",
                "timezone": "UTC",
            },
        }
    )


def dispatched(shipment_id: str = "s-1", line_id: str = "1", quantity: int = 6) -> ShippingDispatched:
    """One parcel on its way."""
    return ShippingDispatched.model_validate(
        {
            "order_id": ORDER,
            "shipment_id": shipment_id,
            "pick_list_id": "p-1",
            "location": "main",
            "at": NOON,
            "carrier": "dhl",
            "service": "standard",
            "tracking_numbers": [f"T-{shipment_id}"],
            "lines": [{"line_id": line_id, "sku": "LANTERN", "quantity": quantity}],
            "packages": [],
        }
    )


def delivered(shipment_id: str = "s-1", **more: object) -> ShippingDelivered:
    """At the door."""
    one = {"order_id": ORDER, "shipment_id": shipment_id, "at": NOON, "tracking_number": f"T-{shipment_id}"}
    return ShippingDelivered.model_validate(one | more)


def cancelled(
    *, whole: bool = False, by: str = "warehouse", line_id: str = "2", quantity: int = 1, minutes: int = 0
) -> OrderCancelled:
    """Something won't come."""
    return OrderCancelled.model_validate(
        {
            "order_id": ORDER,
            "at": NOON + timedelta(minutes=minutes),
            "lines": [{"line_id": line_id, "quantity": quantity}],
            "whole": whole,
            "reason": {"code": "short_pick", "message": "not found"},
            "by": by,
        }
    )


def declined(code: str = "dispatched", minutes: int = 0) -> OrderCancellationDeclined:
    """Too late."""
    return OrderCancellationDeclined.model_validate(
        {
            "order_id": ORDER,
            "at": NOON + timedelta(minutes=minutes),
            "reasons": [{"code": code, "message": "it has left"}],
        }
    )


def refunded(amount: int = 450, minutes: int = 0) -> PaymentRefunded:
    """Money on its way back."""
    return PaymentRefunded.model_validate(
        {
            "order_id": ORDER,
            "payment_id": "pay-1",
            "at": NOON + timedelta(minutes=minutes),
            "amount": amount,
            "currency": "GBP",
            "tenders": [],
            "cause": "cancelled",
        }
    )
