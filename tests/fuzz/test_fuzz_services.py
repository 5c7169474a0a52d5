"""The five real services, on a real broker and a real database, with hostile records on every topic they read."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from packhorse_cli import runner
from packhorse_cli.lag import Lag
from packhorse_cli.system import SERVICES
from packhorse_contracts import topics
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.envelope import Heard, Unreadable, decode
from packhorse_contracts.order import OrderAccepted, OrderCompleted, OrderConfirmed
from packhorse_contracts.payment import PaymentCaptured
from packhorse_contracts.registry import versions
from packhorse_contracts.shipping import ShippingDelivered
from packhorse_devstack.places import data_folder

from ..endtoend.outsiders import DELIVERY, PRICE, Outsiders  # noqa: TID252 -- not on the path
from . import budget
from .hostile import COMPRESSED, hostile, sized
from .record import Record
from .services import raw, tables, topics_heard
from .sound import inbound, sound
from .stories import stories

TABLES = tables()
HEARD = {(name, wire) for name, routes in TABLES.items() for fact in routes.facts for wire in versions(fact)}
DECODER_CODES = {"empty_value", "invalid", "not_json", "missing_attribute", "wrong_key", "wrong_topic", "too_large"}
WHOLE = {"empty_value", "not_json", "not_an_object", "too_large"}
"""What is wrong with a value that has no fields, or none that anybody looks at."""

PIECES = 2
GOOD = 12
Place = tuple[str, int | None, int | None]
"""Topic, partition and offset; of what never was on a topic its type alone."""


@pytest.fixture(scope="module")
def running() -> Iterator[runner.Running]:
    """A whole system for these tests alone, whose processes nobody starts again."""
    with tempfile.TemporaryDirectory(prefix="packhorse-fuzz-") as name, ThreadPoolExecutor(1) as beside:
        folder = Path(name)
        folder.chmod(0o755)
        (data_folder() / "cache").mkdir(parents=True, exist_ok=True)
        (folder / "cache").symlink_to((data_folder() / "cache").resolve())
        whole = runner.run(folder, fresh=True, parties=())
        yield beside.submit(whole.__enter__).result()
        beside.submit(whole.__exit__, None, None, None).result()


@pytest.fixture(scope="module")
async def outsiders(running: runner.Running) -> AsyncIterator[Outsiders]:
    """Honest people."""
    async with Outsiders(running) as everybody:
        yield everybody


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as a service's database has it."""

    service: str
    id: str
    place: Place
    code: str
    reason: str
    field: str | None
    parked: bool


async def letters(running: runner.Running) -> list[Letter]:
    """All dead letters of all services."""
    found = []
    for service, dsn in running.system.databases.items():
        db = await asyncpg.connect(dsn)
        for row in await db.fetch('SELECT *, "offset" AS at_offset FROM dead_letter'):
            place = row["topic"], row["partition"], row["at_offset"]
            found.append(Letter(service, row["id"], place, row["code"], row["reason"], row["field"], row["parked"]))
        # News of parcels that nobody hands over wait for that.
        held = "SELECT (SELECT count(*) FROM parked) + (SELECT count(*) FROM waiting WHERE subject_kind <> 'parcel')"
        assert not await db.fetchval(held)
        await db.close()
    return found


async def send(producer: AIOKafkaProducer, records: list[Record]) -> list[tuple[Place, Record]]:
    """Sends them in order; says where each of them lies."""
    # A broker itself refuses a record without a key on a compacted topic.
    taken = [record for record in records if record.key is not None or not topics.ALL[record.topic].compacted]
    futures = [await producer.send(r.topic, r.value, key=r.key, headers=list(r.headers)) for r in taken]
    told = await asyncio.gather(*futures)
    return [((at.topic, at.partition, at.offset), record) for at, record in zip(told, taken, strict=True)]


def repeats(order: OrderPlaced) -> list[Record]:
    """What else comes of a good order: itself, under the same id and under another, and another in its name."""
    body, falsified = (
        some.model_dump_json(exclude_none=True).encode()
        for some in (order, order.model_copy(update={"channel": "phone"}))
    )

    def record(kind: str, event_id: str, value: bytes) -> Record:
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": event_id,
            "ce_source": "/fuzz",
            "ce_type": order.TYPE,
            "ce_time": "2026-03-02T12:00:00Z",
        }
        headers = [(name, text.encode()) for name, text in attributes.items()]
        return Record(kind, order.TOPIC.name, order.key.encode(), headers, value, "alive", fact=OrderPlaced)

    first, other = f"first-{order.order_id}", f"other-{order.order_id}"
    return [
        record("the good order", first, body),
        record("the same under the same id", first, body),
        replace(record("other content under the same id", first, falsified), fate="dead"),
        record("the same under another id", other, body),
        replace(record("other content under another id", f"third-{order.order_id}", falsified), fate="dead"),
    ]


def unreadable(record: Record) -> bool:
    """True for what may bear a good order's key, and so come between its facts."""
    return isinstance(decode(record.value, raw(record, 0).headers), Unreadable)


def answered(record: Record) -> bool:
    """True for an order that is rejected though it breaks its contract, and for what is taken without a wrong field."""
    read = decode(record.value, raw(record, 0).headers)
    return bool(read.spared) if isinstance(read, Heard) else read.unsound is not None


async def live(outsiders: Outsiders, order_id: str) -> None:
    """An order's way from the warehouse to the door."""
    await outsiders.pick(order_id)
    await outsiders.track(await outsiders.hand_over(order_id), "delivered")
    await outsiders.fact(OrderCompleted, order_id)


async def heard_all(running: runner.Running) -> None:
    """Returns when every service has taken every record, and has published what followed."""
    async with Lag(running.system.kafka, SERVICES) as lag, asyncio.timeout(120):
        while any((await lag.by_service()).values()):
            await asyncio.sleep(0.2)
        for dsn in running.system.databases.values():
            db = await asyncpg.connect(dsn)
            while await db.fetchval("SELECT count(*) FROM outbox"):
                await asyncio.sleep(0.1)
            await db.close()


def judge(record: Record, service: str, letter: Letter | None) -> str | None:
    """What is wrong with what became of a record in one of its readers; None where all is well."""
    theirs = record.fact is None or (service, record.fact.TYPE) in HEARD
    if letter is None:
        return "it left no dead letter" if record.fate == "dead" and theirs and not answered(record) else None
    if letter.parked or letter.code in {"reaction", "database", "unreadable"}:
        return "it made something fall over"
    if not letter.reason:
        return "there is no reason"
    whole = letter.code in WHOLE or (letter.code == "invalid" and record.field is None)
    if not letter.field and not whole:
        return "the reason names no field"
    if record.fate == "alive" and letter.code in DECODER_CODES:
        return "it was not read"
    return None


async def test_hostile_records_harm_nobody(running: runner.Running, outsiders: Outsiders) -> None:
    """Every record is taken or lies in the dead letters; good orders among them go their way; nothing restarts."""
    random, names = budget.drawn("services"), count()
    sources = [hostile(random, topic, lambda: f"fuzz-{next(names)}") for topic in topics_heard()]
    sources += [stories(random, routes.facts, f"{name}-story") for name, routes in sorted(TABLES.items())] * 2
    sku = await outsiders.product(GOOD * PIECES)
    before = {letter.id for letter in await letters(running)}
    orders = [outsiders.order({sku: PIECES}) for _ in range(GOOD)]
    sent: list[tuple[Place, Record]] = []
    async with (
        AIOKafkaProducer(
            bootstrap_servers=running.system.kafka, linger_ms=5, compression_type="gzip", max_request_size=20_000_000
        ) as producer,
        asyncio.TaskGroup() as lives,
    ):
        largest = [sound(random.choice(inbound([topic])), "large", f"large-{topic}") for topic in topics_heard()]
        sent += await send(producer, [sized(ground, COMPRESSED) for ground in largest])
        for order in orders:
            some = [next(random.choice(sources)) for _ in range(budget.records(2_000) // GOOD)]
            some = [replace(r, key=order.key.encode()) if unreadable(r) and random.random() < 0.3 else r for r in some]
            middle = len(some) // 2
            sent += await send(producer, some[:middle] + repeats(order) + some[middle:])
            lives.create_task(live(outsiders, order.order_id))
    await heard_all(running)
    everything = await letters(running)
    kept = [letter for letter in everything if letter.place[1] is not None]
    check_records([letter for letter in kept if letter.id not in before], sent)
    assert {letter.id for letter in kept} == {event.headers["dead-letter-id"] for event in outsiders.dead}
    later = [(one.place[0], one.code, one.field) for one in everything if one.place[1] is None]
    assert set(later) <= {("Overtook", "unknown_line", "lines")}
    check_orders(outsiders, [order.order_id for order in orders])
    assert running.tend() == []


def check_records(kept: list[Letter], sent: list[tuple[Place, Record]]) -> None:
    """Each record became what it had to."""
    by_place = {(letter.service, letter.place): letter for letter in kept}
    assert len(by_place) == len(kept)
    for place, record in sent:
        for service, routes in TABLES.items():
            if record.topic not in routes.topics:
                continue
            letter = by_place.pop((service, place), None)
            if wrong := judge(record, service, letter):
                pytest.fail(f"{service}, {place}, {record.kind}: {wrong}: {letter}\n{record!r:.3000}")
    assert not by_place, "dead letters of what is none of ours"


def check_orders(outsiders: Outsiders, orders: list[str]) -> None:
    """Each went its way once, and what each service said of it is in order and complete."""
    for order_id in orders:
        for once in (OrderAccepted, OrderConfirmed, PaymentCaptured, ShippingDelivered, OrderCompleted):
            assert len(outsiders.facts(once, order_id)) == 1
        assert outsiders.facts(PaymentCaptured, order_id)[0].amount == PIECES * PRICE + DELIVERY
        numbers: dict[tuple[str, str], list[int]] = {}
        for event, _ in outsiders.heard:
            if event.key == order_id and "ce_sequence" in event.headers:
                numbers.setdefault((event.topic, event.headers["ce_source"]), []).append(
                    int(event.headers["ce_sequence"])
                )
        assert numbers
        for found in numbers.values():
            assert found == list(range(found[0], found[0] + len(found)))
