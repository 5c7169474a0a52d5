"""`packhorse`, the command, as an operator uses it: against the whole system, over a pipe."""

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path

from packhorse_contracts import ids
from packhorse_contracts.catalogue import ProductChanged
from packhorse_contracts.order import OrderCompleted, OrderConfirmed
from packhorse_contracts.warehouse import StockReceived

from .outsiders import LOCATION, Outsiders

COMMAND = Path(sys.executable).with_name("packhorse")


async def packhorse(outsiders: Outsiders, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    child = await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PACKHORSE_DATA": str(outsiders.running.folder), "COLUMNS": "160"},
    )
    out, err = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


async def delivered(outsiders: Outsiders) -> str:
    """The id of an order that went all the way."""
    order = outsiders.order({await outsiders.product(5): 1})
    await outsiders.say(order)
    await outsiders.pick(order.order_id)
    await outsiders.track(await outsiders.hand_over(order.order_id), "delivered")
    await outsiders.fact(OrderCompleted, order.order_id)
    await outsiders.quiet()
    return order.order_id


async def test_order_tells_the_whole_story(outsiders: Outsiders) -> None:
    """Every service's part of it in the order of time, the warehouse's and the carrier's too, without personal data."""
    order_id = await delivered(outsiders)
    code, out, _ = await packhorse(outsiders, "order", order_id)
    steps = ["checkout.order_placed", "order.accepted", "order.confirmed", "shipping.pick_list_issued"]
    steps += ["warehouse.pick_completed", "shipping.dispatched", "shipping.delivered"]
    places = [out.index(step) for step in steps]
    assert (code, places) == (0, sorted(places))
    for step in ("carrier.tracking_updated", "payment.captured", "order.completed", "notification.sent"):
        assert step in out
    assert "emma@shop.test" not in out
    assert "High St" not in out
    code, out, _ = await packhorse(outsiders, "order", order_id, "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert len([event for event in told if event["type"] == "packhorse.payment.captured.v1"]) == 1


async def test_an_order_that_nobody_knows(outsiders: Outsiders) -> None:
    """Exit code 4, and a sentence on standard error."""
    code, out, err = await packhorse(outsiders, "order", "no-such-order")
    assert (code, out) == (4, "")
    assert "no-such-order" in err


async def test_watch_filters(outsiders: Outsiders) -> None:
    """By order, by service and by type; as JSON for programs, as lines for people."""
    order_id = await delivered(outsiders)
    everything = ("watch", "--from-beginning", "--no-follow")
    _, out, _ = await packhorse(outsiders, *everything, "--order", order_id, "--service", "payment", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["type"] for event in events] == ["packhorse.payment.authorised.v1", "packhorse.payment.captured.v1"]
    code, out, _ = await packhorse(outsiders, *everything, "--order", order_id, "--type", "dispatched")
    # Dispatched, and nothing else; the mail about it is another type.
    assert (code, len(out.splitlines())) == (0, 1)


async def test_text_that_would_steer_a_terminal(outsiders: Outsiders) -> None:
    """Is shown, and does nothing: no escape code of other people's reaches the operator's screen."""
    key = f"\x1b[31m{uuid.uuid4().hex}"
    await outsiders.raw("checkout.orders", key, b"\x1b]0;owned\x07", {"ce_type": b"[red]\x1b[2J[/nonsense]"})
    await outsiders.dead_letter(key)
    for arguments in (("watch", "--from-beginning", "--no-follow", "--order", key), ("dead", "list")):
        code, out, err = await packhorse(outsiders, *arguments)
        assert (code, err) == (0, "")
        assert "\x1b" not in out


async def test_dead_letters_are_listed_shown_retried_and_discarded(outsiders: Outsiders) -> None:
    """Stock of an unknown product is refused; when the catalogue knows it, a retry books it, once."""
    sku = f"SKU-{uuid.uuid4().hex[:8]}"
    lines = [{"sku": sku, "quantity": 7}]
    receipt = {"receipt_id": f"RC-{sku}", "location": LOCATION, "lines": lines}
    await outsiders.say(StockReceived.model_validate(receipt))
    await outsiders.dead_letter(f"RC-{sku}")
    code, out, _ = await packhorse(outsiders, "dead", "list", "--service", "inventory", "--json")
    (letter,) = [row for row in map(json.loads, out.splitlines()) if sku in row["reason"]]
    assert (code, letter["code"], letter["field"]) == (0, "unknown_sku", "lines.0.sku")
    code, out, _ = await packhorse(outsiders, "dead", "show", letter["id"])
    assert code == 0
    assert "unknown_sku" in out
    assert sku in out
    await outsiders.say(ProductChanged(sku=sku, title="Late", weight=1, length=1, width=1, height=1))
    await outsiders.quiet()
    code, _, _ = await packhorse(outsiders, "dead", "retry", letter["id"])
    assert code == 0
    order = outsiders.order({sku: 7})
    while not any(
        event.topic == "inventory.stock" and event.key == ids.joint(sku, LOCATION) for event, _ in outsiders.heard
    ):
        await asyncio.sleep(0.05)
    await outsiders.say(order)
    await outsiders.fact(OrderConfirmed, order.order_id)
    code, _, err = await packhorse(outsiders, "dead", "retry", letter["id"])
    assert code == 4, "it isn't open any more"
    assert "dead list" in err
    await outsiders.raw("checkout.orders", f"x-{sku}", b"{", {})
    await outsiders.dead_letter(f"x-{sku}")
    _, out, _ = await packhorse(outsiders, "dead", "list", "--service", "order", "--json")
    unread = [row["id"] for row in map(json.loads, out.splitlines())]
    for identifier in unread:
        assert (await packhorse(outsiders, "dead", "discard", identifier))[0] == 0
    await outsiders.quiet()
    _, out, _ = await packhorse(outsiders, "dead", "list", "--service", "order")
    assert "No dead letters." in out


async def test_topics_are_as_they_should_be(outsiders: Outsiders) -> None:
    """Exit code 0 and one line."""
    assert (await packhorse(outsiders, "topics"))[0] == 0


async def test_without_a_system(tmp_path: Path, outsiders: Outsiders) -> None:
    """Exit code 3, and what to do about it."""
    child = await asyncio.create_subprocess_exec(
        COMMAND, "audit", stderr=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"]}, cwd=tmp_path
    )
    _, err = await child.communicate()
    assert child.returncode == 3
    assert b"packhorse up" in err


async def test_every_command_explains_itself(outsiders: Outsiders) -> None:
    """With an example, where it has arguments."""
    for command in ("demo", "up", "down", "replay", "watch", "order", "audit", "topics", "dead"):
        code, out, _ = await packhorse(outsiders, command, "--help")
        assert (code, "Usage" in out) == (0, True), command
