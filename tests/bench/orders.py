"""The orders of the benchmark: two lines, paid by card, one parcel. As bytes, so that placing them costs little."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from packhorse_contracts import envelope
from packhorse_contracts.base import Fact
from packhorse_contracts.catalogue import LocationChanged, ProductChanged
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.envelope import Envelope
from packhorse_contracts.warehouse import ReceivedLine, StockReceived
from packhorse_devstack.counterparties.voice import Raw, Saying, render

SKUS = tuple(f"B-{number:03}" for number in range(200))
LOCATION = "WH-1"
PLENTY = 1_000_000
PRICE, DELIVERY = 1_000, 500
SOURCE = "/bench/checkout"


@dataclass(frozen=True, slots=True)
class Shape:
    """What an order consists of: `lines` products of one piece each, drawn from `skus`."""

    lines: int = 2
    skus: Sequence[str] = SKUS


class Orders:
    """Order records, made from one template by the order's number."""

    def __init__(self, run: str, shape: Shape | None = None) -> None:
        self.run, self.shape = run, shape or Shape()
        self._body = _template(self.shape)
        self._headers = _headers()

    def id(self, number: int) -> str:
        """The order's id."""
        return f"{self.run}-{number:07}"

    def record(self, number: int) -> Raw:
        """The order as a Kafka record."""
        shape, order_id = self.shape, self.id(number)
        body = self._body.replace("@id", order_id).replace("@at", envelope.rfc3339(datetime.now(UTC)))
        for line in range(shape.lines):
            sku = shape.skus[(number * shape.lines + line) % len(shape.skus)]
            body = body.replace(f"@sku{line}@", sku)
        own = {"@id": order_id.encode(), "@event": str(uuid.uuid4()).encode()}
        headers = tuple((name, own.get(value.decode(), value)) for name, value in self._headers)
        return Raw("checkout.orders", order_id.encode(), body.encode(), headers)


def _template(shape: Shape) -> str:
    goods = PRICE * shape.lines
    order = {
        "order_id": "@id",
        "placed_at": "@at",
        "channel": "web",
        "currency": "GBP",
        "customer": {
            "customer_id": "c-1",
            "name": "Emma Clarke",
            "email": "emma@shop.test",
            "locale": "en-GB",
        },
        "ship_to": {
            "name": "Emma Clarke",
            "lines": ["1 High Street"],
            "city": "York",
            "postal_code": "YO1 7HH",
            "country": "GB",
        },
        "lines": [
            {"line_id": str(line + 1), "sku": f"@sku{line}@", "quantity": 1, "unit_price": PRICE}
            for line in range(shape.lines)
        ],
        "delivery": {"mode": "ship", "service": "standard", "price": DELIVERY},
        "payments": [{"method": "card", "amount": goods + DELIVERY, "token": "tok_ok"}],
        "totals": {
            "goods": goods,
            "discount": 0,
            "delivery": DELIVERY,
            "tax": 0,
            "grand_total": goods + DELIVERY,
        },
    }
    return json.dumps(order)


def _headers() -> tuple[tuple[str, bytes], ...]:
    attributes = Envelope(
        id="@event",
        source=SOURCE,
        type=OrderPlaced.TYPE,
        subject="@id",
        time=datetime.now(UTC),
        correlation_id="@id",
    )
    return tuple(envelope.headers(attributes, "@id"))


def catalogue(skus: Sequence[str] = SKUS) -> list[Raw]:
    """The location and the products."""
    place = LocationChanged(
        location=LOCATION, kind="warehouse", name="Warehouse", country="GB", active=True, timezone="UTC"
    )
    products = [
        ProductChanged(sku=sku, title=f"Product {sku}", weight=300, length=9, width=9, height=9) for sku in skus
    ]
    return [_record(fact) for fact in (place, *products)]


def stock(skus: Sequence[str] = SKUS, quantity: int = PLENTY) -> list[Raw]:
    """So many pieces of each; the catalogue must be known by then."""
    receipts = [
        StockReceived(
            receipt_id=f"RC-{uuid.uuid4()}",
            location=LOCATION,
            lines=tuple(ReceivedLine(sku=sku, quantity=quantity) for sku in skus[start : start + 50]),
        )
        for start in range(0, len(skus), 50)
    ]
    return [_record(fact) for fact in receipts]


def _record(fact: Fact) -> Raw:
    return render(Saying(fact, str(uuid.uuid4()), datetime.now(UTC)), "/bench/catalogue")
