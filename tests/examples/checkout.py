"""A checkout that speaks nothing but Kafka: `python checkout.py localhost:9092 < order.json` places an order."""

import asyncio
import json
import sys
import uuid
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer


async def place(kafka: str, order: dict[str, object]) -> str:
    """Places an order under a new id, and returns the id once the broker has it."""
    order_id, now = str(uuid.uuid4()), datetime.now(UTC).isoformat()
    headers = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_type": "packhorse.checkout.order_placed.v1",
        "ce_source": "/my-shop/checkout",
        "ce_id": order_id,  # the same fact sent again keeps its id, and is recognised by it
        "ce_time": now,
    }
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(
            "checkout.orders",
            key=order_id.encode(),
            value=json.dumps({**order, "order_id": order_id, "placed_at": now}).encode(),
            headers=[(name, text.encode()) for name, text in headers.items()],
        )
    return order_id


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(place(sys.argv[1], json.load(sys.stdin))) + "\n")
