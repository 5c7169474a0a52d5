"""A warehouse that speaks nothing but Kafka: `python warehouse.py localhost:9092` does at once what it is asked."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


def facts(ask: str, asked: dict[str, Any]) -> dict[str, dict[str, object]]:
    """What becomes true, in order: a pick list is picked, packed and handed over; a withdrawal comes too late."""
    if ask == "packhorse.shipping.pick_list_withdrawn.v1":
        return {"withdrawal_rejected.v1": {"reason": "it has left"}}
    lines = asked["lines"]
    packed = [{"line_id": line["line_id"], "quantity": line["quantity"]} for line in lines]
    size = {"carton": "M", "weight": 900, "length": 300, "width": 200, "height": 150}
    return {
        "pick_list_accepted.v1": {},
        "pick_completed.v1": {"lines": [{"line_id": line["line_id"], "picked": line["quantity"]} for line in lines]},
        "packed.v1": {"packages": [{"package_id": "1", **size, "lines": packed}]},
        "handed_over.v2": {"carrier": "dhl", "parcels": [{"tracking_number": f"T{asked['pick_list_id']}"}]},
    }


async def work(kafka: str) -> None:
    """Until it is stopped. Committed after the answers: what is answered twice keeps its ids, and is recognised."""
    asks = AIOKafkaConsumer(
        "shipping.pick-lists",
        bootstrap_servers=kafka,
        group_id="my-warehouse",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with asks, AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as says:
        async for record in asks:
            asked = json.loads(record.value)
            pick_list = asked["pick_list_id"]
            for fact, data in facts(dict(record.headers)["ce_type"].decode(), asked).items():
                headers = {
                    "content-type": "application/json",
                    "ce_specversion": "1.0",
                    "ce_type": f"packhorse.warehouse.{fact}",
                    "ce_source": "/my-warehouse",
                    "ce_id": f"{pick_list}-{fact}",
                    "ce_time": datetime.now(UTC).isoformat(),
                }
                await says.send_and_wait(
                    "warehouse.events",
                    key=pick_list.encode(),
                    value=json.dumps({"pick_list_id": pick_list, **data}).encode(),
                    headers=[(name, text.encode()) for name, text in headers.items()],
                )
            await asks.commit()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
