"""A checkout that speaks nothing but Kafka: places one order. `python checkout.py localhost:9092 85123A`"""

import asyncio
import json
import sys
import uuid
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer


def order(order_id: str, sku: str, now: str) -> dict[str, object]:
    """Two pieces at 2.95 and delivery at 4.95: amounts are whole pennies, and every sum has to add up."""
    return {
        "order_id": order_id,
        "placed_at": now,
        "channel": "web",
        "currency": "GBP",
        "customer": {"customer_id": "c-1", "name": "Emma Clarke", "email": "emma@shop.test", "locale": "en-GB"},
        "ship_to": {
            "name": "Emma Clarke",
            "lines": ["1 High Street"],
            "city": "York",
            "postal_code": "YO1 7HH",
            "country": "GB",
        },
        "lines": [{"line_id": "1", "sku": sku, "quantity": 2, "unit_price": 295}],
        "delivery": {"mode": "ship", "service": "standard", "price": 495},
        "payments": [{"method": "card", "amount": 1085, "token": "tok_ok"}],
        "promotions": [],
        "totals": {"goods": 590, "discount": 0, "delivery": 495, "tax": 0, "grand_total": 1085},
    }


async def main(kafka: str, sku: str) -> str:
    """Places it, and returns its id once the broker has it."""
    order_id, now = str(uuid.uuid4()), datetime.now(UTC).isoformat()
    headers = {
        "ce_specversion": "1.0",
        "ce_type": "packhorse.checkout.order_placed.v1",
        "ce_source": "/my-shop/checkout",
        "ce_id": order_id,  # the same order sent again under the same id is recognised
        "ce_subject": order_id,
        "ce_time": now,
        "content-type": "application/json",
    }
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(
            "checkout.orders",
            key=order_id.encode(),
            value=json.dumps(order(order_id, sku, now)).encode(),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )
    return order_id


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(main(*sys.argv[1:3])) + "\n")
