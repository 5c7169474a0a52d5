"""The audit of a running system: gathers everything, and holds it to every invariant."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import aiohttp
import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from packhorse_chassis.kafka import lenient
from packhorse_contracts import envelope as ce
from packhorse_contracts import topics

from packhorse_audit import books, gather
from packhorse_audit.shelves import STOCK_FACTS
from packhorse_audit.streams import Spoken, streams_are_whole
from packhorse_audit.told import StockFact, Told
from packhorse_audit.verdict import Violation

INVARIANTS = (
    "every order ends or has a live timer",
    "stock is never oversold",
    "stock is the sum of its movements",
    "the journal of movements is gapless",
    "what is reserved is some order's",
    "the books are what the warehouse says",
    "an order that has ended holds no stock",
    "the ledger makes the payment's sums",
    "never captured above authorised, never refunded above captured",
    "the gateway's book agrees",
    "captured is what was dispatched",
    "every authorisation ends",
    "one live pick list per open shipment",
    "nobody is told the same thing twice",
    "what was said is on the books",
    "event ids are unique",
    "streams are gapless",
    "streams are in order",
)


_STOCK_TOPICS = {fact.TOPIC.name for fact in STOCK_FACTS}


class Target(Protocol):
    """Where the system is."""

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""

    @property
    def databases(self) -> Mapping[str, str]:
        """DSN by service."""

    @property
    def gateway(self) -> str | None:
        """The gateway's address, where its book can be read."""

    @property
    def mail(self) -> str | None:
        """The mail server's address, where its mails can be read."""


async def audit_system(target: Target) -> list[Violation]:
    """Everything that doesn't hold; empty where all does. Looks at a system at rest."""
    told = await _listen(target.kafka)
    book = await _gateway(target.gateway)
    mails = await _mails(target.mail)
    found: list[Violation] = []
    open_: dict[str, asyncpg.Connection] = {}
    try:
        for service, dsn in target.databases.items():
            open_[service] = await asyncpg.connect(dsn, timeout=5)
        counters: dict[tuple[str, str], int] = {}
        for service, db in open_.items():
            counters |= await gather.counters(db, service)
        orders = await gather.orders(open_["order"])
        found += books.orders_end_or_wait(orders.values())
        found += books.stock_is_conserved(await gather.stock(open_["inventory"]))
        shelves = told.shelves(await gather.given_up(open_["inventory"]))
        found += shelves.hold(await gather.levels(open_["inventory"]), whole=told.whole)
        found += books.ended_orders_hold_nothing(orders, await gather.held(open_["inventory"]))
        found += books.money_is_conserved(await gather.payments(open_["payment"], book), orders, told.sales())
        found += books.one_pick_list_per_shipment(
            await gather.shipments(open_["shipping"]), told.issued, told.withdrawn
        )
        found += books.nobody_is_told_twice(
            mails, told.sent.values(), await gather.said(open_["notification"]), told.causes
        )
        found += streams_are_whole(told.spoken, counters)
    finally:
        for db in open_.values():
            await db.close()
    return found


async def _listen(kafka: str) -> Told:
    told = Told()
    lenient.install()
    # A consumer without a group is given all partitions of its topics at the start.
    consumer = AIOKafkaConsumer(
        *(topics.ALL.keys() - {topics.OPERATIONS_PREVIEWS.name}),  # nothing of it has happened, nor is it kept
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        left: set[TopicPartition] = consumer.assignment()
        told.whole = not any((await consumer.beginning_offsets(left)).values())
        ends = await consumer.end_offsets(left)
        while left := {partition for partition in left if await consumer.position(partition) < ends[partition]}:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if (spoken := _spoken(record)) is not None:
                        told.take(spoken, record.value)
                    if (stock := _of_stock(record)) is not None:
                        told.stock.append(stock)
    finally:
        await consumer.stop()
    return told


def _spoken(record: Any) -> Spoken | None:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    source = headers.get("ce_source", "")
    topic = topics.ALL[record.topic]
    if source.removeprefix("/packhorse/") not in topic.writers or not source.startswith("/packhorse/"):
        return None
    sequence = headers.get("ce_sequence", "")
    return Spoken(
        record.topic,
        record.partition,
        record.offset,
        (record.key or b"").decode("utf-8", "replace"),
        source,
        headers.get("ce_id", ""),
        headers.get("ce_type", ""),
        int(sequence) if sequence.isdigit() else None,
    )


def _of_stock(record: Any) -> StockFact | None:
    if record.topic not in _STOCK_TOPICS:
        return None
    heard = ce.decode(record.value, record.headers)
    if isinstance(heard, ce.Unreadable) or heard.envelope.dry_run or not isinstance(heard.fact, STOCK_FACTS):
        return None
    place = record.topic, f"{record.partition}-{record.offset}"
    came = datetime.fromtimestamp(record.timestamp / 1_000, tz=UTC)
    return StockFact(heard.envelope.source, heard.envelope.id, place, heard.fact, came)


async def _gateway(url: str | None) -> dict[str, dict[str, int]] | None:
    if url is None:
        return None
    async with aiohttp.ClientSession() as http, http.get(f"{url}/v1/book", allow_redirects=False) as answer:
        totals: dict[str, dict[str, int]] = (await answer.json())["totals"]
        return totals


async def _mails(url: str | None) -> Iterable[books.MailBook]:
    if url is None:
        return []
    async with aiohttp.ClientSession() as http, http.get(f"{url}/mails", allow_redirects=False) as answer:
        body = await answer.json()
    return [
        books.MailBook(
            mail["order_id"],
            ", ".join(mail["recipients"]),
            mail["notification_id"] or mail["message_id"],
            mail["message_id"],
            hashlib.sha256(f"{mail['subject']}\n{mail['text']}".encode()).hexdigest(),
        )
        for mail in body["mails"]
    ]
