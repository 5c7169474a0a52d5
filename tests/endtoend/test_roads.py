"""The roads that an order can take, through five real services."""

import asyncio
from functools import partial

import aiohttp
from packhorse_audit.run import audit_system
from packhorse_cli.stream import Event, read
from packhorse_contracts import ids
from packhorse_contracts.catalogue import LocationChanged
from packhorse_contracts.envelope import Heard, decode
from packhorse_contracts.inventory import (
    InventoryLevelChanged,
    InventoryLowStock,
    InventoryReservationRefused,
    InventoryReservationReleased,
    InventoryReserved,
)
from packhorse_contracts.notification import NotificationSent
from packhorse_contracts.order import (
    OrderAccepted,
    OrderCancellationDeclined,
    OrderCancelled,
    OrderCompleted,
    OrderConfirmed,
    OrderRejected,
)
from packhorse_contracts.payment import PaymentAuthorised, PaymentCaptured, PaymentDeclined, PaymentVoided
from packhorse_contracts.shipping import ShippingDelivered, ShippingDispatched, ShippingPickListWithdrawn
from packhorse_contracts.warehouse import StockCounted, StockReceived, WithdrawalAccepted, WithdrawalRejected

from .outsiders import DELIVERY, LOCATION, PRICE, Outsiders


async def mails(outsiders: Outsiders, order_id: str) -> list[str]:
    """Subjects of the mails that the customer got about an order, oldest first."""
    url = f"{outsiders.running.system.mail}/mails?order_id={order_id}"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return [mail["subject"] for mail in (await answer.json())["mails"]]


async def test_from_checkout_to_doorstep(outsiders: Outsiders) -> None:
    """Charged once what was shipped, told once about each step, completed."""
    sku = await outsiders.product(10)
    order = outsiders.order({sku: 3})
    await outsiders.say(order)
    await outsiders.pick(order.order_id)
    number = await outsiders.hand_over(order.order_id)
    captured = await outsiders.fact(PaymentCaptured, order.order_id)
    assert captured.amount == 3 * PRICE + DELIVERY
    await outsiders.track(number, "in_transit")
    await outsiders.track(number, "out_for_delivery")
    await outsiders.track(number, "delivered")
    completed = await outsiders.fact(OrderCompleted, order.order_id)
    assert completed.outcome == "delivered"
    await outsiders.quiet()
    for once in (OrderAccepted, OrderConfirmed, ShippingDispatched, ShippingDelivered, PaymentCaptured):
        assert len(outsiders.facts(once, order.order_id)) == 1
    said = outsiders.facts(NotificationSent, order.order_id)
    assert len(said) == len(await mails(outsiders, order.order_id)) == 3


async def test_a_topic_of_levels_that_is_read_from_its_start_has_each_of_them(outsiders: Outsiders) -> None:
    """500 at one location, 700 at another, and an alert for each of them: a reader who keeps the latest record of each
    key, as compaction does, knows both levels."""
    sku = await outsiders.product(500)
    other = LocationChanged(location="WH-ALSO", kind="warehouse", name="Also", country="GB", active=False)
    await outsiders.say(other)
    receipt = {"receipt_id": f"RC-{sku}-2", "location": other.location, "lines": [{"sku": sku, "quantity": 700}]}
    key = ids.joint(sku, other.location)
    while not any(event.topic == "inventory.stock" and event.key == key for event, _ in outsiders.heard):
        await outsiders.say(StockReceived.model_validate(receipt))
        await asyncio.sleep(0.3)
    for location in (LOCATION, other.location):
        counted = StockCounted(count_id=f"C-{sku}", location=location, sku=sku, counted=3)
        await outsiders.say(counted)
    for location in (LOCATION, other.location):
        await outsiders.until(partial(_low, outsiders, sku, location))
    kept: dict[str, Event] = {}
    async for event in read(outsiders.kafka, ["inventory.stock"], follow=False):
        kept[event.key] = event
    levels = [decode(event.value, event.raw_headers) for event in kept.values()]
    facts = [heard.fact for heard in levels if isinstance(heard, Heard)]
    assert len(facts) == len(kept)
    assert {
        (fact.location, fact.on_hand) for fact in facts if isinstance(fact, InventoryLevelChanged) and fact.sku == sku
    } == {(LOCATION, 3), (other.location, 3)}


def _low(outsiders: Outsiders, sku: str, location: str) -> InventoryLowStock | None:
    """The alert for a SKU at a location."""
    alerts = [fact for _, fact in outsiders.heard if isinstance(fact, InventoryLowStock)]
    return next((alert for alert in alerts if (alert.sku, alert.location) == (sku, location)), None)


async def test_a_declined_card(outsiders: Outsiders) -> None:
    """The order is cancelled, the reservation released, nothing is shipped."""
    sku = await outsiders.product(10)
    order = outsiders.order({sku: 2}, token="tok_declined")
    await outsiders.say(order)
    assert (await outsiders.fact(PaymentDeclined, order.order_id)).reason.code == "card_declined"
    cancelled = await outsiders.fact(OrderCancelled, order.order_id)
    assert (cancelled.by, cancelled.whole) == ("payment", True)
    await outsiders.quiet()
    reserved = outsiders.facts(InventoryReserved, order.order_id)
    assert len(outsiders.facts(InventoryReservationReleased, order.order_id)) == len(reserved)
    assert not outsiders.facts(OrderConfirmed, order.order_id)


async def test_out_of_stock(outsiders: Outsiders) -> None:
    """All or nothing: the order is cancelled, what was authorised is voided."""
    plenty, scarce = await outsiders.product(10), await outsiders.product(1)
    order = outsiders.order({plenty: 2, scarce: 2})
    await outsiders.say(order)
    refused = await outsiders.fact(InventoryReservationRefused, order.order_id)
    assert [(line.sku, line.wanted, line.available) for line in refused.short] == [(scarce, 2, 1)]
    assert (await outsiders.fact(OrderCancelled, order.order_id)).by == "stock"
    await outsiders.quiet()
    assert len(outsiders.facts(PaymentVoided, order.order_id)) == len(
        outsiders.facts(PaymentAuthorised, order.order_id)
    )


async def test_cancelled_before_picking(outsiders: Outsiders) -> None:
    """The warehouse agrees to stop: the order is cancelled, the authorisation voided, the stock free again."""
    sku = await outsiders.product(5)
    order = outsiders.order({sku: 5})
    await outsiders.say(order)
    await outsiders.fact(OrderConfirmed, order.order_id)
    await outsiders.cancel(order.order_id)
    asked = await outsiders.fact(ShippingPickListWithdrawn, order.order_id)
    await outsiders.say(WithdrawalAccepted(pick_list_id=asked.pick_list_id))
    cancelled = await outsiders.fact(OrderCancelled, order.order_id)
    assert (cancelled.by, cancelled.whole) == ("customer", True)
    await outsiders.fact(PaymentVoided, order.order_id)
    again = outsiders.order({sku: 5})
    await outsiders.fact(InventoryReservationReleased, order.order_id)
    await outsiders.say(again)
    await outsiders.fact(InventoryReserved, again.order_id)


async def test_cancelled_after_picking(outsiders: Outsiders) -> None:
    """The warehouse declines: the customer is told that it comes too late, and the order goes out."""
    sku = await outsiders.product(5)
    order = outsiders.order({sku: 1})
    await outsiders.say(order)
    await outsiders.pick(order.order_id)
    await outsiders.cancel(order.order_id)
    asked = await outsiders.fact(ShippingPickListWithdrawn, order.order_id)
    await outsiders.say(WithdrawalRejected(pick_list_id=asked.pick_list_id, reason="packed"))
    await outsiders.fact(OrderCancellationDeclined, order.order_id)
    await outsiders.track(await outsiders.hand_over(order.order_id), "delivered")
    assert (await outsiders.fact(OrderCompleted, order.order_id)).outcome == "delivered"
    assert not outsiders.facts(OrderCancelled, order.order_id)


async def test_a_gateway_that_does_the_work_and_never_answers(outsiders: Outsiders) -> None:
    """The unknown outcome is settled by asking with the same key: authorised once."""
    sku = await outsiders.product(5)
    order = outsiders.order({sku: 1}, token="tok_timeout")
    await outsiders.say(order)
    await outsiders.fact(OrderConfirmed, order.order_id)
    url = f"{outsiders.running.system.gateway}/v1/book?reference={order.order_id}"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        book = await answer.json()
    assert len(book["authorisations"]) == 1
    assert book["totals"][order.order_id]["authorised"] == PRICE + DELIVERY


async def test_a_malformed_order(outsiders: Outsiders) -> None:
    """With an id it is rejected, with every fault; without one it becomes a dead letter with the reason and the field.
    The orders around it go their way."""
    sku = await outsiders.product(5)
    before, after = outsiders.order({sku: 1}), outsiders.order({sku: 1})
    key = f"{before.order_id}-x"
    headers = {
        "content-type": b"application/json",
        "ce_specversion": b"1.0",
        "ce_type": b"packhorse.checkout.order_placed.v1",
        "ce_source": b"/tests/outsiders",
        "ce_id": key.encode(),
        "ce_time": b"2026-01-01T00:00:00Z",
    }
    await outsiders.say(before)
    await outsiders.raw("checkout.orders", key, b'{"order_id": "' + key.encode() + b'", "lines": "none"}', headers)
    await outsiders.raw("checkout.orders", f"{key}-json", b"{", headers | {"ce_id": key.encode() + b"-json"})
    await outsiders.raw(
        "checkout.orders", f"{key}-id", b'{"lines": "none"}', headers | {"ce_id": key.encode() + b"-id"}
    )
    await outsiders.say(after)
    rejected = await outsiders.fact(OrderRejected, key)
    assert {("missing", "customer"), ("wrong_type", "lines")} <= {(one.code, one.field) for one in rejected.reasons}
    letter = await outsiders.dead_letter(f"{key}-id")
    assert letter.topic == "checkout.orders.order.dead"
    assert letter.headers["dead-letter-code"] == "invalid"
    assert "order_id" in letter.headers["dead-letter-reason"]
    assert (await outsiders.dead_letter(f"{key}-json")).headers["dead-letter-code"] == "not_json"
    for order in (before, after):
        await outsiders.fact(OrderConfirmed, order.order_id)


async def test_an_order_that_can_be_read_and_is_wrong(outsiders: Outsiders) -> None:
    """Every fault is answered at once, not only the first."""
    order = outsiders.order({"NO-MATTER": 2})
    wrong = order.model_copy(update={"totals": order.totals.model_copy(update={"goods": 1}), "ship_to": None})
    await outsiders.say(wrong)
    rejected = await outsiders.fact(OrderRejected, order.order_id)
    assert len(rejected.reasons) >= 2


async def test_a_repeated_order_event(outsiders: Outsiders) -> None:
    """The same event again, and the same order under a new event id: one order, one authorisation."""
    sku = await outsiders.product(5)
    order = outsiders.order({sku: 1})
    for event_id in (order.order_id, order.order_id, f"{order.order_id}-again"):
        await outsiders.say(order, event_id=event_id)
    await outsiders.fact(OrderConfirmed, order.order_id)
    await outsiders.quiet()
    for once in (OrderAccepted, InventoryReserved, PaymentAuthorised, OrderConfirmed):
        assert len(outsiders.facts(once, order.order_id)) == 1


async def test_the_same_id_with_other_content(outsiders: Outsiders) -> None:
    """The first one counts; the second is a dead letter that says why."""
    sku = await outsiders.product(5)
    order = outsiders.order({sku: 1})
    other = outsiders.order({sku: 2}).model_copy(update={"order_id": order.order_id})
    await outsiders.say(order)
    await outsiders.say(other)
    assert (await outsiders.dead_letter(order.order_id)).headers["dead-letter-code"] == "order_id_reused"
    accepted = await outsiders.fact(OrderAccepted, order.order_id)
    assert accepted.totals.grand_total == PRICE + DELIVERY


async def test_afterwards_the_books_are_in_order(outsiders: Outsiders) -> None:
    """Whatever was tried here, every invariant holds."""
    await outsiders.quiet()
    assert await audit_system(outsiders.running.system) == []
