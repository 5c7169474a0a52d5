"""`packhorse`, the command, as an operator uses it: against the whole system, over a pipe."""

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path

from aiokafka import AIOKafkaProducer
from packhorse_cli.testing import terminal
from packhorse_contracts import ids
from packhorse_contracts.catalogue import ProductChanged
from packhorse_contracts.order import OrderCompleted, OrderConfirmed
from packhorse_contracts.shipping import ShippingPickListIssued
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


async def at_a_terminal(outsiders: Outsiders, *arguments: str, columns: int = 80) -> tuple[int, str]:
    """Exit code, and what stands on a terminal so wide."""
    env = {**os.environ, "PACKHORSE_DATA": str(outsiders.running.folder), "TERM": "xterm", "NO_COLOR": "1"}
    env.pop("COLUMNS", None)
    return await asyncio.to_thread(terminal, [str(COMMAND), *arguments], env, columns)


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
    steps = [
        "ordered 1 piece for 15.00 £ by card",
        "accepted:",
        "confirmed: 1 piece from WH-TEST",
        "asked to pick 1 piece",
    ]
    steps += ["picked 1 piece", "DHL has the parcel TN-", "complete: delivered"]
    places = [out.index(step) for step in steps]
    assert (code, places) == (0, sorted(places))
    for step in (
        "authorised 15.00 £ on card",
        "captured 15.00 £ on card",
        "complete: delivered",
        "customer told: your",
    ):
        assert step in out
    assert all(len(line.split("\t")) == 5 for line in out.splitlines()), "rows alone, with tabs between their fields"
    assert "emma@shop.test" not in out
    assert "High St" not in out
    code, out, _ = await packhorse(outsiders, "order", order_id, "--json")
    told = json.loads(out)
    assert (code, told["status"], told["waits_for"], told["wrong"]) == (0, "complete: delivered", [], [])
    assert len([step for step in told["steps"] if step["type"] == "packhorse.payment.captured.v1"]) == 1
    assert "emma@shop.test" not in out
    _, out, _ = await packhorse(outsiders, "order", order_id, "--json", "--personal")
    assert "emma@shop.test" in out


async def test_order_says_what_it_waits_for_and_what_is_wrong(outsiders: Outsiders) -> None:
    """Live timers, and what was given up."""
    order = outsiders.order({await outsiders.product(5): 1})
    await outsiders.say(order)
    await outsiders.fact(ShippingPickListIssued, order.order_id)
    reused = order.model_copy(update={"channel": "phone"})
    await outsiders.say(reused)
    await outsiders.dead_letter(order.order_id)
    await outsiders.quiet()
    code, out = await at_a_terminal(outsiders, "order", order.order_id)
    assert code == 0
    assert "stands     WH-TEST picks it" in out
    assert "the warehouse's answer, else somebody is told" in out
    assert "its end, else it counts as overdue" in out
    assert "order_id_reused" in out
    assert "packhorse dead show" in out


async def test_an_order_that_nobody_knows(outsiders: Outsiders) -> None:
    """Exit code 4, and a sentence on standard error with the ids that come near."""
    order = outsiders.order({await outsiders.product(5): 1})
    await outsiders.say(order)
    await outsiders.fact(OrderConfirmed, order.order_id)
    code, out, err = await packhorse(outsiders, "order", order.order_id[:-1])
    assert (code, out) == (4, "")
    assert f"did you mean {order.order_id}?" in err


async def test_watch_is_one_time_line(outsiders: Outsiders) -> None:
    """Over all topics and partitions, from the beginning."""
    await delivered(outsiders)
    _, out, _ = await packhorse(outsiders, "watch", "--from-beginning", "--no-follow", "--json")
    seen = [json.loads(line) for line in out.splitlines()]
    times = [event["at"] for event in seen if event["at"]]
    assert len({event["topic"] for event in seen}) > 5
    assert times == sorted(times)


async def test_an_absurd_time_stamp_ends_neither_watch_nor_order(outsiders: Outsiders) -> None:
    """A producer writes what it likes: here the year -29719."""
    order_id = await delivered(outsiders)
    async with AIOKafkaProducer(bootstrap_servers=outsiders.kafka) as producer:
        await producer.send_and_wait("customer.requests", b"{", key=order_id.encode(), timestamp_ms=-(10**15))
    code, out, err = await packhorse(outsiders, "watch", "--from-beginning", "--no-follow", "--order", order_id)
    assert (code, err) == (0, "")
    assert out.count("complete: delivered") == 1
    code, out, err = await packhorse(outsiders, "order", order_id)
    assert (code, err) == (0, "")
    assert "complete: delivered" in out
    assert "gave up a record" in out, "the absurd one, by the order service"


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

    _, out, _ = await packhorse(outsiders, *everything, "--order", order_id, "--topic", "warehouse.events")
    assert out == "", "the pick list's id is said on another topic"
    _, out, _ = await packhorse(outsiders, *everything, "--order", order_id, "--service", "warehouse")
    assert len(out.splitlines()) == 4
    code, _, err = await packhorse(outsiders, "watch", "--topic", "order.event")
    assert code == 2
    assert "order.events" in err


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
        assert (await packhorse(outsiders, "dead", "discard", identifier))[0] == 2, "it must be said why"
        decided = ("--why", "no order\x1b[2J", "--by", "anna")
        assert (await packhorse(outsiders, "dead", "discard", identifier, *decided))[0] == 0
    await outsiders.quiet()
    _, out, err = await packhorse(outsiders, "dead", "list", "--service", "order")
    assert (out, err) == ("", "No dead letters.\n"), "behind a pipe are rows alone"
    _, out, _ = await packhorse(outsiders, "dead", "list", "--service", "order", "--all", "--json")
    decided_on = [row for row in map(json.loads, out.splitlines()) if row["id"] in unread]
    assert {(row["status"], row["decided_by"], row["why"]) for row in decided_on} == {
        ("discarded", "anna", "no order\x1b[2J")
    }
    assert all(row["decided_at"] for row in decided_on)
    _, out, _ = await packhorse(outsiders, "dead", "list", "--groups", "--all")
    assert "unknown_sku" in out
    _, out, err = await packhorse(outsiders, "dead", "list", "--all", "--limit", "1")
    assert "oldest 1: --limit shows more" in err
    assert "\x1b" not in out


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


async def test_tables_are_a_line_a_row_at_a_terminal(outsiders: Outsiders) -> None:
    """Of 80 columns and of 40; and what the list shows of an id is enough to show the letter."""
    sku = f"SKU-{uuid.uuid4().hex[:8]}"
    receipt = {"receipt_id": f"RC-{sku}", "location": LOCATION, "lines": [{"sku": sku, "quantity": 7}]}
    await outsiders.say(StockReceived.model_validate(receipt))
    await outsiders.dead_letter(f"RC-{sku}")
    _, out, _ = await packhorse(outsiders, "dead", "list")
    for columns in (80, 40):
        code, shown = await at_a_terminal(outsiders, "dead", "list", columns=columns)
        lines = shown.splitlines()
        assert code == 0
        assert max(map(len, lines)) <= columns
        assert sum("unknown_sku" in line for line in lines) == out.count("unknown_sku")
    (mine,) = [line for line in out.splitlines() if sku in line]
    identifier = mine.split("\t")[0]
    code, out, _ = await packhorse(outsiders, "dead", "show", f"{identifier[:10]}…{identifier[-8:]}")
    assert code == 0
    assert sku in out
    assert (await packhorse(outsiders, "dead", "discard", identifier, "--why", "a test"))[0] == 0
