"""The audit can fail: for each of its invariants one tampered row, and the audit names that invariant.

Last in this folder, for some of it can't be undone.
"""

import json
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiohttp
import aiosmtplib
import asyncpg
import pytest
from packhorse_audit.run import INVARIANTS, audit_system
from packhorse_cli import stream
from packhorse_contracts.order import OrderCompleted, OrderConfirmed
from packhorse_contracts.shipping import ShippingPickListIssued
from packhorse_devstack.counterparties.voice import Raw

from .outsiders import Outsiders

TESTED: set[str] = set()


@dataclass(frozen=True)
class Scene:
    """One order that has ended, one that the warehouse is asked to pick, and everything at rest."""

    outsiders: Outsiders
    sku: str
    ended: str
    open: str

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[asyncpg.Connection]:
        """A service's database, as its owner."""
        db = await asyncpg.connect(self.outsiders.running.system.databases[service])
        try:
            yield db
        finally:
            await db.close()

    async def names(self, invariant: str) -> None:
        """The audit names this invariant, and `packhorse audit` would end with 1."""
        found = await audit_system(self.outsiders.running.system)
        assert invariant in {violation.invariant for violation in found}, found
        TESTED.add(invariant)

    async def tampered(self, service: str, spoil: str, mend: str, invariant: str, *args: object) -> None:
        """Spoils a row, sees that the audit names the invariant, and mends it."""
        async with self.database(service) as db:
            await db.execute(spoil, *args)
            try:
                await self.names(invariant)
            finally:
                await db.execute(mend, *args)
        assert await audit_system(self.outsiders.running.system) == []

    async def state_spoiled(
        self, service: str, table: str, key: str, change: Callable[[dict[str, object]], object], invariant: str
    ) -> None:
        """The same for a change within the state of one key, whatever constraints stand in its way."""
        async with self.database(service) as db:
            dropped = await db.fetch(
                "SELECT conname, pg_get_constraintdef(oid) AS rule FROM pg_constraint "
                "WHERE conrelid = $1::regclass AND contype = 'c'",
                table,
            )
            for row in dropped:
                await db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {row['conname']}")
            before = await db.fetchval(f"SELECT state::text FROM {table} WHERE id = $1", key)
            state = json.loads(before)
            change(state)
            await db.execute(f"UPDATE {table} SET state = $2::jsonb WHERE id = $1", key, json.dumps(state))
            try:
                await self.names(invariant)
            finally:
                looked_at = json.loads(await db.fetchval(f"SELECT state::text FROM {table} WHERE id = $1", key))
                await db.execute(f"UPDATE {table} SET state = $2::jsonb WHERE id = $1", key, before)
                for row in dropped:
                    await db.execute(f"ALTER TABLE {table} ADD CONSTRAINT {row['conname']} {row['rule']}")
            assert looked_at == state, "the service wrote it meanwhile: it wasn't at rest"
        assert await audit_system(self.outsiders.running.system) == []

    async def copy(self, topic: str, key: str, change: Callable[[dict[str, bytes]], object]) -> None:
        """Publishes the first record of a key once more, with other headers."""
        async for event in stream.read(self.outsiders.kafka, [topic], follow=False):
            if event.key == key:
                headers = dict(event.raw_headers)
                change(headers)
                again = Raw(topic, key.encode(), event.value, tuple(headers.items()))
                await self.outsiders.voice.say([again])
                return
        raise LookupError(f"{topic} has nothing about {key}")


@pytest.fixture(scope="module")
async def scene(outsiders: Outsiders) -> Scene:
    """Sets it up, and sees that the audit has nothing to say before anything is spoiled."""
    sku = await outsiders.product(50)
    ended, unpicked = outsiders.order({sku: 3}), outsiders.order({sku: 2})
    await outsiders.say(ended, unpicked)
    await outsiders.pick(ended.order_id)
    await outsiders.track(await outsiders.hand_over(ended.order_id), "delivered")
    await outsiders.fact(OrderCompleted, ended.order_id)
    await outsiders.fact(ShippingPickListIssued, unpicked.order_id)
    await outsiders.fact(OrderConfirmed, unpicked.order_id)
    await outsiders.quiet()
    assert await audit_system(outsiders.running.system) == []
    return Scene(outsiders, sku, ended.order_id, unpicked.order_id)


Level = dict[str, object]


def level_of(state: dict[str, object]) -> Level:
    """The one level of a SKU's stock."""
    levels = state["levels"]
    assert isinstance(levels, dict)
    level = next(iter(levels.values()))
    assert isinstance(level, dict)
    return level


async def test_a_timer_that_is_gone(scene: Scene) -> None:
    """An open order that nothing will look at any more."""
    async with scene.database("order") as db:
        rows = await db.fetch("DELETE FROM timer WHERE key = $1 RETURNING *", scene.open)
        try:
            await scene.names("every order ends or has a live timer")
        finally:
            columns = list(rows[0].keys())
            places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
            for row in rows:
                await db.execute(f"INSERT INTO timer ({', '.join(columns)}) VALUES ({places})", *row.values())
    assert await audit_system(scene.outsiders.running.system) == []


@pytest.mark.parametrize(
    ("field", "value", "invariant"),
    [
        ("reserved", 1_000_000, "stock is never oversold"),
        ("on_hand", 46, "stock is the sum of its movements"),
        ("reserved", 1, "what is reserved is some order's"),
    ],
)
async def test_a_level_of_stock(scene: Scene, field: str, value: int, invariant: str) -> None:
    """Levels are held against their movements, their reservations, and themselves."""
    await scene.state_spoiled(
        "inventory", "stock", scene.sku, lambda state: level_of(state).update({field: value}), invariant
    )


async def test_stock_that_only_the_books_know(scene: Scene) -> None:
    """Levels and movements agree with each other, and not with what the warehouse says: two pieces were taken off
    twice. That is what a count looks like that is heard before what it has seen, and isn't told apart from it."""
    booked = """
        INSERT INTO movement (sku, location, number, moved, moment, on_hand_change, reserved_change, picked_change,
            on_hand, reserved, cause, reference, at)
        SELECT sku, location, version + 1, -2, now(), -2, 0, 0, on_hand - 2, reserved, 'dispatched', 'x', now()
        FROM stock_level WHERE sku = $1"""
    move = """
        UPDATE stock SET state = jsonb_set(jsonb_set(jsonb_set(state,
            array['levels', l.location, 'on_hand'], to_jsonb(l.on_hand + $2::bigint)),
            array['levels', l.location, 'shelf'], to_jsonb(l.shelf + $2::bigint)),
            array['levels', l.location, 'version'], to_jsonb(l.version + sign($2::bigint) * -1))
        FROM stock_level l WHERE l.sku = id AND id = $1"""
    async with scene.database("inventory") as db:
        await db.execute(booked, scene.sku)
        await db.execute(move, scene.sku, -2)
        try:
            found = await audit_system(scene.outsiders.running.system)
            assert {violation.invariant for violation in found} == {"the books are what the warehouse says"}
            TESTED.add("the books are what the warehouse says")
        finally:
            await db.execute(move, scene.sku, 2)
            await db.execute("ALTER TABLE movement DISABLE TRIGGER USER")
            await db.execute("DELETE FROM movement WHERE sku = $1 AND reference = 'x'", scene.sku)
            await db.execute("ALTER TABLE movement ENABLE TRIGGER USER")
    assert await audit_system(scene.outsiders.running.system) == []


async def test_a_movement_that_is_gone(scene: Scene) -> None:
    """The journal has no gaps."""
    async with scene.database("inventory") as db:
        await db.execute("ALTER TABLE movement DISABLE TRIGGER USER")
        row = await db.fetchrow("DELETE FROM movement WHERE sku = $1 AND number = 2 RETURNING *", scene.sku)
        assert row is not None
        try:
            await scene.names("the journal of movements is gapless")
        finally:
            places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
            await db.execute(f"INSERT INTO movement ({', '.join(row.keys())}) VALUES ({places})", *row.values())
            await db.execute("ALTER TABLE movement ENABLE TRIGGER USER")
    assert await audit_system(scene.outsiders.running.system) == []


async def test_a_reservation_that_is_gone(scene: Scene) -> None:
    """What is reserved is some order's."""
    await scene.state_spoiled(
        "inventory",
        "reservation",
        scene.open,
        lambda state: state.update(allocated=[]),
        "what is reserved is some order's",
    )


async def test_a_reservation_that_outlives_its_order(scene: Scene) -> None:
    """An order that has ended holds no stock."""
    kept = {"line_id": "1", "sku": scene.sku, "quantity": 1, "location": "anywhere"}
    await scene.state_spoiled(
        "inventory",
        "reservation",
        scene.ended,
        lambda state: state.update(allocated=[kept]),
        "an order that has ended holds no stock",
    )


async def test_a_ledger_entry_that_was_changed(scene: Scene) -> None:
    """The ledger makes the payment's sums."""
    lock, free = "ALTER TABLE ledger_entry ENABLE TRIGGER USER", "ALTER TABLE ledger_entry DISABLE TRIGGER USER"
    change = "UPDATE ledger_entry SET amount = amount {} 1 WHERE movement = 'captured' AND order_id = '{}'"
    await scene.tampered(
        "payment",
        f"{free}; {change.format('+', scene.ended)}",
        f"{change.format('-', scene.ended)}; {lock}",
        "the ledger makes the payment's sums",
    )


@pytest.mark.parametrize(
    ("change", "invariant"),
    [
        ({"captured": 1_000_000}, "never captured above authorised, never refunded above captured"),
        ({"captured": 100}, "captured is what was dispatched"),
        ({"refunded": 1}, "the gateway's book agrees"),
    ],
)
async def test_a_payment_that_was_changed(scene: Scene, change: dict[str, int], invariant: str) -> None:
    """A payment is held against its ledger, the gateway, and what was dispatched."""
    await scene.state_spoiled("payment", "payments", scene.ended, lambda state: state.update(change), invariant)


async def test_a_hold_that_never_ends(scene: Scene) -> None:
    """Every authorisation ends in captures, a void, or both."""

    def hold(state: dict[str, object]) -> None:
        authorisation = state["authorisation"]
        assert isinstance(authorisation, dict)
        authorisation["ended"] = None

    await scene.state_spoiled("payment", "payments", scene.ended, hold, "every authorisation ends")


@contextmanager
def gateway_book(scene: Scene) -> Iterator[sqlite3.Connection]:
    """The gateway's own database."""
    path = Path(scene.outsiders.running.folder) / "servers" / "gateway.sqlite"
    book = sqlite3.connect(path, isolation_level=None)
    try:
        yield book
    finally:
        book.close()


async def test_a_gateway_that_kept_more(scene: Scene) -> None:
    """The gateway's book agrees with ours."""
    with gateway_book(scene) as book:
        book.execute("UPDATE authorisation SET refunded = refunded + 1 WHERE reference = ?", (scene.ended,))
        try:
            await scene.names("the gateway's book agrees")
        finally:
            book.execute("UPDATE authorisation SET refunded = refunded - 1 WHERE reference = ?", (scene.ended,))
    assert await audit_system(scene.outsiders.running.system) == []


async def test_a_pick_list_that_nobody_issued(scene: Scene) -> None:
    """An open shipment has the one pick list that the warehouse got."""

    def exchange(state: dict[str, object]) -> None:
        shipments = state["shipments"]
        assert isinstance(shipments, list)
        shipments[0]["pick_list_id"] = "another"

    await scene.state_spoiled(
        "shipping", "order_shipments", scene.open, exchange, "one live pick list per open shipment"
    )


async def test_a_message_that_is_on_no_book(scene: Scene) -> None:
    """What was said is on the books."""
    await scene.state_spoiled(
        "notification",
        "conversations",
        scene.ended,
        lambda state: state.update(said={}),
        "what was said is on the books",
    )


async def test_a_counter_that_was_moved(scene: Scene) -> None:
    """A number that was given and never published is a lost event."""
    await scene.tampered(
        "order",
        f"UPDATE sequence SET last = last + 1 WHERE key = '{scene.ended}'",
        f"UPDATE sequence SET last = last - 1 WHERE key = '{scene.ended}'",
        "streams are gapless",
    )


async def test_the_same_mail_twice(scene: Scene) -> None:
    """Nobody is told the same thing twice. (This and what follows can't be undone.)"""
    system = scene.outsiders.running.system
    async with aiohttp.ClientSession() as http, http.get(f"{system.mail}/mails?order_id={scene.ended}") as answer:
        mail = (await answer.json())["mails"][0]
    again = EmailMessage()
    again["From"], again["To"], again["Subject"] = mail["sender"], mail["recipients"][0], mail["subject"]
    again["Message-ID"] = f"<{uuid.uuid4()}@shop.test>"
    again["X-Packhorse-Notification"] = "another"
    if mail["order_id"]:
        again["X-Packhorse-Order"] = mail["order_id"]
    again.set_content(mail["text"], cte="base64")
    command = list(scene.outsiders.running.supervisor.children["mail"].command)
    port = int(command[command.index("--smtp-port") + 1])
    await aiosmtplib.send(again, hostname="127.0.0.1", port=port)
    await scene.names("nobody is told the same thing twice")


@pytest.mark.parametrize(
    ("invariant", "headers"),
    [
        ("event ids are unique", {"ce_sequence": b"77"}),
        ("streams are in order", {"ce_id": b"forged"}),
    ],
)
async def test_a_forged_event(scene: Scene, invariant: str, headers: dict[str, bytes]) -> None:
    """Ids are given once, and a key's numbers never go back."""
    await scene.copy("order.events", scene.ended, lambda own: own.update(headers))
    await scene.names(invariant)


async def test_every_invariant_was_seen_to_fail() -> None:
    """None that nobody has seen red."""
    assert set(INVARIANTS) == TESTED
