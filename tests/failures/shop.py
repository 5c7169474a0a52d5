"""A small shop for stories: what is on its shelves, and what checkout and customers say."""

from collections.abc import Iterable, Mapping

from packhorse_contracts.base import Fact
from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.order import OrderAccepted, OrderCancelled
from packhorse_contracts.shipping import ShippingDispatched
from packhorse_contracts.warehouse import StockReceived
from packhorse_inventory import reactions as inventory
from packhorse_order import reactions as order
from packhorse_payment import reactions as payment
from packhorse_shipping import reactions as shipping

from .every_order import NOON, Rules, World
from .gateway import Gateway
from .warehouse import Warehouse

NORTH, SOUTH = "north", "south"
PRICE, DELIVERY = 1_000, 400

ORDER = order.routes()
PAYMENT = payment.routes()
INVENTORY = inventory.routes()
SHIPPING = shipping.routes()
Stock = Mapping[str, Mapping[str, int]]
"""Pieces by SKU and location."""


def opened(
    stock: Stock,
    rules: Rules | None = None,
    *,
    warehouse: Warehouse | None = None,
    gateway: Gateway | None = None,
) -> World:
    """The four services and everybody outside, before the first order."""
    tables = (ORDER, PAYMENT, INVENTORY, SHIPPING)
    return World.of(tables, rules, warehouse=warehouse, gateway=gateway).settle(*stocked(stock))


def stocked(stock: Stock) -> Iterable[Fact]:
    """The catalogue, and the first goods."""
    for place in sorted({place for places in stock.values() for place in places}):
        yield LocationChanged(location=place, kind="warehouse", name=place, country="GB", active=True)
    for sku, places in stock.items():
        yield ProductChanged(sku=sku, title=sku.title(), weight=300, length=100, width=100, height=100)
        for place, pieces in places.items():
            yield received(sku, place, pieces)


def received(sku: str, place: str, pieces: int, receipt: str = "first") -> StockReceived:
    """Goods came in."""
    body = {"receipt_id": f"{receipt}-{sku}-{place}", "location": place, "lines": [{"sku": sku, "quantity": pieces}]}
    return StockReceived.model_validate(body)


def placed(order_id: str = "o1", *lines: tuple[str, int]) -> OrderPlaced:
    """An order of so many pieces by SKU, a line each: one mug, unless said otherwise."""
    wanted = lines or (("mug", 1),)
    goods = PRICE * sum(pieces for _, pieces in wanted)
    return OrderPlaced.model_validate(
        {
            "order_id": order_id,
            "placed_at": NOON,
            "channel": "web",
            "currency": "GBP",
            "customer": {"customer_id": "c1", "name": "Ada", "email": "ada@shop.test"},
            "ship_to": {
                "name": "Ada",
                "lines": ["1 High Street"],
                "city": "York",
                "postal_code": "YO1 7HH",
                "country": "GB",
            },
            "lines": [
                {"line_id": str(number), "sku": sku, "title": sku, "quantity": pieces, "unit_price": PRICE}
                for number, (sku, pieces) in enumerate(wanted, 1)
            ],
            "delivery": {"mode": "ship", "service": "standard", "price": DELIVERY},
            "payments": [{"method": "card", "amount": goods + DELIVERY, "token": "tok_ok"}],
            "totals": {"goods": goods, "discount": 0, "delivery": DELIVERY, "tax": 0, "grand_total": goods + DELIVERY},
        }
    )


def accepted(*lines: tuple[str, int]) -> OrderAccepted:
    """What the order service says to such an order."""
    return World.of([ORDER]).settle(placed("o1", *lines)).said(OrderAccepted)[0]


def dispatched(shipment_id: str, *lines: tuple[str, int], location: str = NORTH) -> ShippingDispatched:
    """So many pieces of each SKU left; the lines are numbered as in `placed`."""
    return ShippingDispatched.model_validate(
        {
            "order_id": "o1",
            "shipment_id": shipment_id,
            "pick_list_id": f"list of {shipment_id}".replace(" ", "-"),
            "location": location,
            "at": NOON,
            "carrier": "post",
            "service": "standard",
            "tracking_numbers": [f"T-{shipment_id}"],
            "lines": [
                {"line_id": str(number), "sku": sku, "quantity": pieces}
                for number, (sku, pieces) in enumerate(lines, 1)
            ],
            "packages": [],
        }
    )


def cancelled(pieces: int, *, minute: int = 0, whole: bool = False) -> OrderCancelled:
    """So many pieces of the order's first line will not be delivered after all."""
    return OrderCancelled.model_validate(
        {
            "order_id": "o1",
            "at": NOON.replace(minute=minute),
            "lines": [{"line_id": "1", "quantity": pieces}],
            "whole": whole,
            "reason": {"code": "customer_request", "message": "changed my mind"},
            "by": "customer",
        }
    )


def cancel(order_id: str = "o1") -> CancellationRequested:
    """The customer changes their mind."""
    return CancellationRequested(order_id=order_id, reason="changed my mind")
