"""A warehouse that speaks nothing but Kafka: does whatever it is asked, at once. `python warehouse.py localhost:9092`"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

ISSUED, WITHDRAWN = b"packhorse.shipping.pick_list_issued.v1", b"packhorse.shipping.pick_list_withdrawn.v1"


def facts(ask: bytes, asked: dict[str, Any]) -> dict[str, dict[str, object]]:
    """What becomes true, in order: a pick list is picked, packed and handed over; a withdrawal comes too late."""
    if ask == WITHDRAWN:
        return {"withdrawal_rejected.v1": {"reason": "it has left"}}
    lines = asked["lines"]
    size = {"carton": "M", "weight": 900, "length": 300, "width": 200, "height": 150}
    packed = [{"line_id": line["line_id"], "sku": line["sku"], "quantity": line["quantity"]} for line in lines]
    picked = [{"line_id": line["line_id"], "picked": line["quantity"]} for line in lines]
    parcel = {"tracking_number": f"T{asked['pick_list_id']}"}
    return {
        "pick_list_accepted.v1": {},
        "pick_completed.v1": {"lines": picked},
        "packed.v1": {"packages": [{"package_id": "1", **size, "lines": packed}]},
        "handed_over.v2": {"carrier": "dhl", "parcels": [parcel]},
    }


async def main(kafka: str) -> None:
    """Works until it is stopped. The offset is committed after the answers: what is answered twice has the same ids."""
    async with (
        AIOKafkaConsumer(
            "shipping.pick-lists",
            bootstrap_servers=kafka,
            group_id="my-warehouse",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        ) as asks,
        AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as says,
    ):
        async for record in asks:
            ask = dict(record.headers).get("ce_type", b"")
            if ask in (ISSUED, WITHDRAWN):
                asked = json.loads(record.value)
                pick_list = asked["pick_list_id"]
                for fact, data in facts(ask, asked).items():
                    headers = {
                        "ce_specversion": "1.0",
                        "ce_type": f"packhorse.warehouse.{fact}",
                        "ce_source": "/my-warehouse",
                        "ce_id": f"{pick_list}-{fact}",
                        "ce_subject": pick_list,
                        "ce_time": datetime.now(UTC).isoformat(),
                        "content-type": "application/json",
                    }
                    await says.send_and_wait(
                        "warehouse.events",
                        key=pick_list.encode(),
                        value=json.dumps({"pick_list_id": pick_list, **data}).encode(),
                        headers=[(name, value.encode()) for name, value in headers.items()],
                    )
            await asks.commit()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
