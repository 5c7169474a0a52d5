"""The counterparties as processes on a real broker."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from packhorse_contracts import ids
from packhorse_contracts.base import Fact
from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.shipping import (
    PickLine,
    ShippingDispatched,
    ShippingPickListIssued,
    ShippingPickListWithdrawn,
)
from packhorse_contracts.topics import CARRIER_TRACKING, CHECKOUT_ORDERS, CUSTOMER_REQUESTS, WAREHOUSE_EVENTS, Topic
from packhorse_contracts.warehouse import (
    HandedOver,
    Packed,
    PickCompleted,
    PickListAccepted,
    WithdrawalAccepted,
    WithdrawalRejected,
)
from packhorse_devstack.counterparties.process import now
from packhorse_devstack.counterparties.voice import Heard, Saying, Voice, ear
from packhorse_devstack.data import convert, records

from .conftest import Start

WAY = [PickListAccepted, PickCompleted, Packed, HandedOver]
AT = datetime.now(UTC)


def pick_list(identifier: str) -> ShippingPickListIssued:
    lines = (PickLine(line_id="1", sku="A", quantity=3),)
    return ShippingPickListIssued(
        pick_list_id=identifier, order_id="OR1", shipment_id="S1", location="WH-GB", priority=5, ship_by=AT,
        service="standard", lines=lines,
    )  # fmt: skip


def withdrawal(identifier: str) -> ShippingPickListWithdrawn:
    return ShippingPickListWithdrawn(pick_list_id=identifier, order_id="OR1", location="WH-GB", reason="cancelled")


async def say(kafka: str, *facts: Fact) -> None:
    async with Voice(kafka, "/packhorse/shipping") as voice:
        await voice.say([Saying(fact, uuid4().hex, now()) for fact in facts])


async def said(kafka: str, topic: Topic, about: set[str], enough: Callable[[list[Heard]], bool]) -> list[Heard]:
    """All that a topic says of these subjects, once it is enough; on time-out it tells what was there."""
    found: list[Heard] = []
    try:
        async with asyncio.timeout(30), ear(kafka, topic.name) as listening:
            while not enough(found):
                found += [heard for heard in await listening.listen() if heard.envelope.subject in about]
    except TimeoutError:
        seen = [(one.envelope.subject, type(one.fact).__name__) for one in found]
        raise AssertionError(f"not enough came: {len(seen)} {seen[:50]}") from None
    return found


def by_subject(heard: list[Heard]) -> dict[str, list[type[Fact]]]:
    stories: dict[str, list[type[Fact]]] = defaultdict(list)
    for one in heard:
        stories[one.envelope.subject].append(type(one.fact))
    return stories


async def test_a_warehouse_answers_pick_lists_and_withdrawals(start: Start, kafka_bootstrap: str) -> None:
    """Many pick lists at once, each in order; one withdrawn in time, one too late."""
    everybody = {ids.derive(AT, "many", number, uuid4().hex) for number in range(300)}
    early, late = ids.derive(AT, uuid4().hex), ids.derive(AT, uuid4().hex)
    await start("warehouse", "--kafka", kafka_bootstrap, "--pace", "0.3", "--reject-rate", "0", "--short-rate", "0")
    await say(kafka_bootstrap, pick_list(early), pick_list(late), withdrawal(early), *map(pick_list, everybody))
    await said(kafka_bootstrap, WAREHOUSE_EVENTS, {late}, lambda all_: len(all_) == 4)
    await say(kafka_bootstrap, withdrawal(late))
    heard = await said(
        kafka_bootstrap, WAREHOUSE_EVENTS, {*everybody, early, late}, lambda all_: len(all_) >= 4 * 300 + 1 + 5
    )
    stories = by_subject(heard)
    assert all(stories[identifier] == WAY for identifier in everybody)
    assert stories[early] == [WithdrawalAccepted]
    assert stories[late] == [*WAY, WithdrawalRejected]


async def test_a_killed_warehouse_says_the_rest_and_nothing_twice(start: Start, kafka_bootstrap: str) -> None:
    """`kill -9` in the middle of the work; started again it reads what it had said."""
    everybody = {ids.derive(AT, "killed", number, uuid4().hex) for number in range(100)}
    arguments = ("warehouse", "--kafka", kafka_bootstrap, "--pace", "0.4", "--reject-rate", "0", "--short-rate", "0")
    first = await start(*arguments)
    await say(kafka_bootstrap, *map(pick_list, everybody))
    before = await said(kafka_bootstrap, WAREHOUSE_EVENTS, everybody, lambda all_: len(all_) > 150)
    await first.kill()
    assert len(before) < 400
    second = await start(*arguments)
    heard = await said(kafka_bootstrap, WAREHOUSE_EVENTS, everybody, lambda all_: len(all_) >= 400)
    assert all(story == WAY for story in by_subject(heard).values())
    assert len({one.envelope.id for one in heard}) == 400
    assert await second.stop() == 0


async def test_a_carrier_delivers_what_was_dispatched(start: Start, kafka_bootstrap: str) -> None:
    """Every parcel of a shipment comes to the door."""
    parcels = (f"PH{uuid4().hex}", f"PH{uuid4().hex}")
    running = await start("carrier", "--kafka", kafka_bootstrap, "--pace", "0.1", "--miss-rate", "0")
    shipment = ShippingDispatched(
        order_id="OR1", shipment_id="S1", pick_list_id="P1", location="WH-GB", at=AT, carrier="PARCELWAY",
        service="standard", tracking_numbers=parcels, lines=(), packages=(),
    )  # fmt: skip
    await say(kafka_bootstrap, shipment)
    heard = await said(kafka_bootstrap, CARRIER_TRACKING, set(parcels), lambda all_: len(all_) >= 8)
    for parcel in parcels:
        ways = [fact.status for one in heard if isinstance(fact := one.fact, TrackingUpdated) and fact.key == parcel]
        assert ways == ["picked_up", "in_transit", "out_for_delivery", "delivered"]
    assert await running.stop() == 0


async def test_a_checkout_replays_a_file_to_its_end(start: Start, kafka_bootstrap: str, tmp_path: Path) -> None:
    """Orders, requests and malformed records arrive; the process ends with 0 and says how many it sent."""
    lines = [record for record in convert.convert().orders if record.get("after_ms", 0) in range(500)][:120]
    records.write(tmp_path / "orders.jsonl.gz", lines)
    marker = int(uuid4().hex[:6], 16) + 1
    running = await start(
        "checkout", "--kafka", kafka_bootstrap, "--file", str(tmp_path / "orders.jsonl.gz"), "--rate", "500",
        "--round", str(marker),
    )  # fmt: skip
    assert running.process.stdout is not None
    async with asyncio.timeout(30):
        last = json.loads((await running.process.stdout.read()).splitlines()[-1])
        assert await running.process.wait() == 0
    good = {f"{line['order_id']}-R{marker}" for line in lines if "fact" in line and "note" not in line}
    asked = {f"{line['order_id']}-R{marker}" for line in lines if "after_ms" in line}
    assert last["event"] == "done"
    assert (last["request"], last["order"] + last["request"] + last["malformed"]) == (len(asked), len(lines))
    placed = await said(kafka_bootstrap, CHECKOUT_ORDERS, good, lambda all_: {one.fact.key for one in all_} == good)
    assert all(
        one.fact.key == one.envelope.subject == one.envelope.partition_key
        for one in placed
        if one.envelope.partition_key is not None
    )
    await said(kafka_bootstrap, CUSTOMER_REQUESTS, asked, lambda all_: {one.fact.key for one in all_} == asked)


async def test_a_catalogue_says_products_before_stock(start: Start, kafka_bootstrap: str, tmp_path: Path) -> None:
    """Each part can be said alone; the process ends with 0."""
    lines = convert.convert().catalogue
    few = [line for number, line in enumerate(lines) if number % 100 == 0]
    records.write(tmp_path / "catalogue.jsonl.gz", few)
    arguments = ("catalogue", "--kafka", kafka_bootstrap, "--file", str(tmp_path / "catalogue.jsonl.gz"))
    for part in ("catalogue", "stock"):
        running = await start(*arguments, "--part", part)
        async with asyncio.timeout(30):
            assert await running.process.wait() == 0
    receipts = {str(data["receipt_id"]) for line in few if "receipt_id" in (data := dict(line["data"]))}  # type: ignore[arg-type]
    heard = await said(kafka_bootstrap, WAREHOUSE_EVENTS, receipts, lambda all_: len(all_) >= len(receipts))
    assert {one.envelope.source for one in heard} == {"/catalogue/devstack"}
