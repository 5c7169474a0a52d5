"""Facts that the inventory service hears, briefly said."""

from datetime import UTC, datetime

from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.order import OrderAccepted
from packhorse_contracts.warehouse import StockReceived

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def product(sku: str) -> ProductChanged:
    """A product of the catalogue."""
    return ProductChanged(sku=sku, title=sku, weight=100, length=10, width=10, height=10)


def place(name: str, *, active: bool = True) -> LocationChanged:
    """A location of the catalogue."""
    return LocationChanged.model_validate(
        {"location": name, "kind": "warehouse", "name": name, "country": "GB", "active": active}
    )


def received(receipt: str, location: str, **skus: int) -> StockReceived:
    """Goods came in."""
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in skus.items()]
    return StockReceived.model_validate({"receipt_id": receipt, "location": location, "lines": lines})


def accepted(order_id: str, *lines: tuple[str, int]) -> OrderAccepted:
    """An order for these."""
    return OrderAccepted.model_validate(
        {
            "order_id": order_id,
            "at": NOON,
            "channel": "web",
            "currency": "GBP",
            "customer": {"customer_id": "c", "name": "Ada"},
            "lines": [
                {"line_id": str(number), "sku": sku, "quantity": quantity, "unit_price": 100}
                for number, (sku, quantity) in enumerate(lines, 1)
            ],
            "delivery": {"mode": "ship", "service": "standard", "price": 0},
            "payments": [],
            "totals": {"goods": 0, "discount": 0, "delivery": 0, "tax": 0, "grand_total": 0},
        }
    )
