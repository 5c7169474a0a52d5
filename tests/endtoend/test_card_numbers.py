"""An attack: a card number in every place that an outsider can write to, then a search for it in all that is kept."""

import json
import uuid
from typing import Any

import asyncpg
from packhorse_cli import stream
from packhorse_contracts import topics
from packhorse_contracts.cards import MASK
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.order import OrderAccepted, OrderConfirmed, OrderRejected
from packhorse_contracts.shipping import ShippingPickListIssued

from .outsiders import Outsiders

PAN = "4539578763621486"
WRITTEN = f"{PAN[:4]} {PAN[4:8]}-{PAN[8:12]} {PAN[12:]}"
HEADERS = {"ce_specversion": b"1.0", "ce_source": b"/attack", "ce_time": b"2026-11-23T12:00:00Z"}


def everywhere(order: dict[str, Any]) -> dict[str, Any]:
    """The order with the number in each of its texts, and in a field that nobody knows."""
    order["customer"] |= {"name": f"Emma {WRITTEN}", "email": f"{PAN}@shop.test"}
    order["ship_to"] |= {"name": PAN, "lines": ["1 High St", WRITTEN], "region": PAN}
    order["lines"][0] |= {"title": f"Mug {PAN}", "gift_message": f"Put it on {WRITTEN}, love"}
    return order | {"card": {"number": int(PAN), "cvc": "123"}}


async def place(outsiders: Outsiders, body: bytes, key: str) -> None:
    """Writes an order's record."""
    named = {"ce_type": b"packhorse.checkout.order_placed.v1", "ce_id": uuid.uuid4().hex.encode()}
    await outsiders.raw("checkout.orders", key, body, HEADERS | named | {"x-card": WRITTEN.encode()})


async def test_a_card_number_is_kept_nowhere(outsiders: Outsiders) -> None:
    """Neither in a database, nor in a topic that is ours, nor in a log; whatever becomes of the record."""
    sku = await outsiders.product(10)

    def order() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(outsiders.order({sku: 1}).model_dump_json(exclude_none=True))
        return everywhere(found)

    taken, rejected, unsound, astray = order(), order(), order(), order()
    rejected["payments"][0]["token"] = WRITTEN
    unsound["channel"] = PAN
    for body in (taken, rejected, unsound):
        await place(outsiders, json.dumps(body).encode(), body["order_id"])
    stray = f"T-{uuid.uuid4().hex[:12]}"
    await place(outsiders, json.dumps(astray).encode(), stray)
    torn = f"T-{uuid.uuid4().hex[:12]}"
    await place(outsiders, json.dumps(order()).encode()[:-40], torn)
    again = order() | {"order_id": taken["order_id"], "channel": "phone"}

    accepted = await outsiders.fact(OrderAccepted, taken["order_id"])
    assert accepted.customer.name == f"Emma {MASK}"
    await outsiders.fact(OrderConfirmed, taken["order_id"])
    await outsiders.fact(ShippingPickListIssued, taken["order_id"])
    answer = await outsiders.fact(OrderRejected, rejected["order_id"])
    assert [(fault.code, fault.field) for fault in answer.reasons] == [("card_number_in_token", "payments.0.token")]
    answer = await outsiders.fact(OrderRejected, unsound["order_id"])
    assert [(fault.code, fault.field) for fault in answer.reasons] == [("unknown_value", "channel")]
    await place(outsiders, json.dumps(again).encode(), again["order_id"])
    await outsiders.say(CancellationRequested(order_id=f"T-{uuid.uuid4().hex}", reason=f"wrong card: {WRITTEN}"))
    await outsiders.raw("catalogue.products", sku, f"title: {PAN}".encode(), {})
    for key in (stray, torn, again["order_id"], sku):
        await outsiders.dead_letter(key)
    await outsiders.quiet()

    assert await in_databases(outsiders) == []
    assert await in_topics(outsiders) == []
    assert in_logs(outsiders) == []


async def in_databases(outsiders: Outsiders) -> list[str]:
    """The tables that hold the number, as text or as bytes."""
    found = []
    for service, dsn in outsiders.running.system.databases.items():
        db = await asyncpg.connect(dsn)
        try:
            names = "SELECT schemaname || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
            for table in [row[0] for row in await db.fetch(names)]:
                for wanted in (PAN, WRITTEN, PAN.encode().hex(), WRITTEN.encode().hex()):
                    holds = f"SELECT count(*) FROM {table} AS kept WHERE position($1 IN kept::text) > 0"
                    if await db.fetchval(holds, wanted):
                        found.append(f"{service} {table}")
        finally:
            await db.close()
    return found


async def in_topics(outsiders: Outsiders) -> list[str]:
    """The records that hold it, on all topics but those that the attack itself wrote to."""
    own = {"checkout.orders", "customer.requests", "catalogue.products"}
    read = [topic for topic in stream.all_topics(dead=True) if topic not in own]
    assert topics.dead_letters("checkout.orders", "order") in read
    return [
        f"{event.topic} {event.key}"
        async for event in stream.read(outsiders.kafka, read, follow=False)
        for text in (event.value or b"", *(value for _, value in event.raw_headers))
        if PAN.encode() in text or WRITTEN.encode() in text
    ]


def in_logs(outsiders: Outsiders) -> list[str]:
    """The processes that wrote it."""
    children = outsiders.running.supervisor.children.items()
    return [
        name for name, child in children if PAN in (log := child.log.read_text("utf-8", "replace")) or WRITTEN in log
    ]
