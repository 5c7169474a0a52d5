"""The floor: moves the records and writes the rows that a traced order makes the real system move and write, in
batches and without any domain logic. What is left is what this hardware can do.

`python -m tests.bench.sides.floor SERVICE PLAN.json`
"""

import asyncio
import itertools
import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from packhorse_chassis.postgres.migrate import migrate

from tests.bench.orders import SKUS
from tests.bench.trace import Output, Plan, Rows

PREFIX: Final = "floor."
_CHASSIS: Final = frozenset({"inbox_outsiders", "outbox", "sequence"})
"""Written by statements of their own, as the chassis writes them."""

_INBOX = """
INSERT INTO inbox (day, source, id) SELECT '1970-01-01', * FROM unnest($1::text[], $2::text[])
ON CONFLICT DO NOTHING RETURNING id"""
_SEQUENCES = """
INSERT INTO sequence (key, last) SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (key) DO UPDATE SET last = sequence.last + excluded.last RETURNING key, last"""
_OUTBOX = """
INSERT INTO outbox (topic, key, headers, value)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bytea[])"""
_NEXT = "SELECT id, topic, key, headers, value FROM outbox ORDER BY id LIMIT 2000"
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"

Record = tuple[str, bytes, bytes, bytes]
"""Topic, key, packed headers, value."""


class Template:
    """A record of the plan, ready to become another order's."""

    def __init__(self, output: Output, plan: Plan) -> None:
        pads = "_" * (len(plan.pick_list) - len(plan.order))
        self._topic, self._key, self._order = PREFIX + output.topic, output.key, plan.order
        identifier = dict(output.headers)["ce_id"]
        self._before, self._after = json.dumps(output.headers).split(identifier, 1)
        # The warehouse answers by the pick list's id: let it be told by the order's.
        self._value = output.value.replace(plan.pick_list, plan.order + pads)

    def record(self, order: str) -> Record:
        """The record of this order."""
        key = {"order": order, "sku": SKUS[hash(order) % len(SKUS)]}.get(self._key, self._key)
        headers = f"{self._before}{uuid.uuid4()}{self._after}".replace(self._order, order)
        return self._topic, key.encode(), headers.encode(), self._value.replace(self._order, order).encode()


class Table:
    """One table of the plan, with as many inserts, updates and deletes an input as the real one has."""

    def __init__(self, name: str, rows: Rows, inputs: int) -> None:
        """`inputs`: how many of its service an order has."""
        self.name, self.rows = f"floor_{name}", rows
        self._body = "x" * rows.width
        self._due = [0.0, 0.0, 0.0]
        self._left: list[str] = []
        self._number = itertools.count()
        # A row that is updated and never deleted is a state: it is made when it is first asked for.
        by_order = bool(rows.updated) and not rows.deleted and not rows.shared
        self._inserted = max(0.0, rows.inserted - (1 / inputs if by_order else 0))

    async def create(self, db: asyncpg.Connection) -> None:
        """The table, and the rows that orders share."""
        await db.execute(f"CREATE TABLE IF NOT EXISTS {self.name} (id text PRIMARY KEY, body text NOT NULL)")
        shared = [str(number) for number in range(self.rows.shared)]
        await db.execute(
            f"INSERT INTO {self.name} SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING", shared, self._body
        )

    async def write(self, db: asyncpg.Connection, keys: Sequence[str]) -> None:
        """What so many inputs, about these orders, lead to."""
        inserted, updated, deleted = (
            self._count(which, len(keys) * rate)
            for which, rate in enumerate((self._inserted, self.rows.updated, self.rows.deleted))
        )
        while updated > 0:
            await self._update(db, keys, min(updated, len(keys)))
            updated -= len(keys)
        if inserted:
            new = [f"{keys[number % len(keys)]}/{next(self._number)}" for number in range(inserted)]
            await db.execute(f"INSERT INTO {self.name} SELECT unnest($1::text[]), $2", new, self._body)
            self._left += new if self.rows.deleted else []
        if deleted:
            gone, self._left = self._left[:deleted], self._left[deleted:]
            await db.execute(f"DELETE FROM {self.name} WHERE id = ANY($1::text[])", gone)

    async def _update(self, db: asyncpg.Connection, keys: Sequence[str], count: int) -> None:
        touched: list[str]
        if self.rows.shared:
            touched = [str(next(self._number) % self.rows.shared) for _ in range(count)]
        else:
            touched = [keys[number % len(keys)] for number in range(count)]
        ids = sorted(set(touched))
        found = await db.fetch(
            f"SELECT id, body FROM {self.name} WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE", ids
        )
        if len(found) < len(ids):
            await db.execute(f"INSERT INTO {self.name} SELECT unnest($1::text[]), '' ON CONFLICT DO NOTHING", ids)
        await db.execute(
            f"UPDATE {self.name} t SET body = new.body FROM unnest($1::text[], $2::text[]) AS new (id, body) "
            "WHERE t.id = new.id",
            ids,
            [self._body] * len(ids),
        )

    def _count(self, which: int, more: float) -> int:
        self._due[which] += more
        whole = int(self._due[which])
        self._due[which] -= whole
        return whole


class Floor:
    """One service's share, in one process."""

    def __init__(self, service: str, plan: Plan) -> None:
        self.service, self.plan = service, plan
        self.part = plan.parts[service]
        self._kinds = frozenset(kind.encode() for kind in self.part.heard)
        self._templates = {
            kind.encode(): [Template(one, plan) for one in outputs] for kind, outputs in self.part.outputs.items()
        }
        self.tables = [
            Table(name, rows, self.part.inputs)
            for name, rows in self.part.rows.items()
            if name not in _CHASSIS and not name.startswith("inbox_")
        ]
        self._more = asyncio.Event()

    async def run(self) -> None:
        """Until it is killed."""
        kafka, dsn = os.environ["PACKHORSE_KAFKA"], os.environ["PACKHORSE_POSTGRES"]
        db, relaying = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
        await migrate(db, "floor", Path(__file__).with_name("no_migrations"))
        for table in self.tables:
            await table.create(db)
        producer = AIOKafkaProducer(
            bootstrap_servers=kafka,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=131_072,
            compression_type="lz4",
        )
        consumer = AIOKafkaConsumer(
            *[PREFIX + topic for topic in self.part.topics],
            bootstrap_servers=kafka,
            group_id=f"floor-{self.service}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=500,
        )
        await producer.start()
        await consumer.start()
        print("ready", flush=True)  # noqa: T201
        await asyncio.gather(self._consume(consumer, db), self._relay(relaying, producer))

    async def _consume(self, consumer: AIOKafkaConsumer, db: asyncpg.Connection) -> None:
        while True:
            batches: dict[TopicPartition, list[object]] = await consumer.getmany(timeout_ms=200, max_records=500)
            records = [record for one in batches.values() for record in one]
            if not records:
                continue
            await self._batch(db, records)
            await consumer.commit()

    async def _batch(self, db: asyncpg.Connection, records: Sequence[object]) -> None:
        heard = [(dict(record.headers), record.key.decode().rstrip("_")) for record in records]  # type: ignore[attr-defined]
        ours = [(said, key) for said, key in heard if said["ce_type"] in self._kinds]
        if not ours:
            return
        async with db.transaction():
            await db.fetch(
                _INBOX,
                [said["ce_source"].decode() for said, _ in ours],
                [said["ce_id"].decode() for said, _ in ours],
            )
            keys = [key for _, key in ours]
            for table in self.tables:
                await table.write(db, keys)
            rows = [template.record(key) for said, key in ours for template in self._templates.get(said["ce_type"], ())]
            if rows:
                counts = sorted(Counter(row[1].decode() for row in rows).items())
                await db.fetch(_SEQUENCES, [key for key, _ in counts], [count for _, count in counts])
                await db.execute(_OUTBOX, *map(list, zip(*rows, strict=True)))
        self._more.set()

    async def _relay(self, db: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
        while True:
            self._more.clear()
            rows = await db.fetch(_NEXT)
            if not rows:
                await self._more.wait()
                continue
            sent = [
                await producer.send(
                    row["topic"],
                    row["value"],
                    key=row["key"],
                    headers=[(name, value.encode()) for name, value in json.loads(row["headers"])],
                )
                for row in rows
            ]
            await asyncio.gather(*sent)
            await db.execute(_DELETE, [row["id"] for row in rows])


def main() -> None:
    """One service's share of the floor."""
    service, path = sys.argv[1:]
    plan = Plan.load(Path(path))
    uvloop.run(Floor(service, plan).run())


if __name__ == "__main__":
    main()
