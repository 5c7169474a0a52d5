"""The toy on the real chassis, with a real broker and a real database, step by step.

The steps are the chassis's own: `Consumer.handle`, `Pump.step`, `Executor.step`, `Relay.step`. Only the loops around
them are the test's, so that a process can die exactly where a test wants it to.
"""

import asyncio
import json
import uuid
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import asyncpg
import toy
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from packhorse_chassis.batch import Processor
from packhorse_chassis.effects.executor import Executor
from packhorse_chassis.kafka.consume import Consumer
from packhorse_chassis.kafka.relay import Relay
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.process.pump import Pump
from packhorse_chassis.settings import Settings
from packhorse_contracts import envelope as ce
from packhorse_contracts.base import Fact
from packhorse_contracts.operations import OperationsPreviewed
from pydantic import SecretStr
from rig import PARTITIONS

from .contract import Dead, Death, Said, answer

_HEARD, _SAID = toy.WIDER.topics, ("order.events", "inventory.stock", "operations.previews")
_PATIENCE = 30.0


class _Dying:
    """The relay's connection, which breaks instead of deleting when it is told to."""

    def __init__(self, db: Any, deaths: set[Death]) -> None:
        self._db, self._deaths = db, deaths

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def execute(self, statement: str, *args: object) -> Any:
        if Death.BEFORE_DELETE in self._deaths:
            self._deaths.remove(Death.BEFORE_DELETE)
            raise ConnectionResetError
        return await self._db.execute(statement, *args)


class RealWorld:
    """The contract's world on real servers. Use it with `open` and `close`."""

    def __init__(self, kafka: str, dsn: str, pool: Pool) -> None:
        self._kafka, self._dsn, self._pool = kafka, dsn, pool
        self.rivals = False
        self.asked: list[str] = []
        self.failures = 0
        self._deaths: set[Death] = set()
        self._settings = Settings.model_validate({"kafka": kafka, "postgres": SecretStr(dsn), "batch_records": 100})

    async def open(self) -> None:
        """Connects, and begins at the end of the topics: tests share them."""
        self._producer = AIOKafkaProducer(bootstrap_servers=self._kafka, acks="all", enable_idempotence=True)
        await self._producer.start()
        self._requests, self._events = await self._reader(*_HEARD), await self._reader(*_SAID)
        oracle = toy.Oracle()
        service = toy.service(oracle, toy.WIDER)
        self._processors = [Processor(service, self._pool, Inbox(self._pool)) for _ in range(2)]
        self._consumers = [Consumer(processor, self._settings, lambda: None) for processor in self._processors]
        self._oracle = oracle
        self._start_executor()
        self._pumps = [Pump(processor, self._pool, 100, lambda: None) for processor in self._processors]
        self._relay = Relay(self._connect, self._producer, 100)
        self._heard: list[Said] = []
        self._keys: list[str] = []

    async def close(self) -> None:
        """Disconnects."""
        await self._relay.resign()
        await self._executor.close()
        await self._requests.stop()
        await self._events.stop()
        await self._producer.stop()

    async def say(
        self, fact: Fact, event_id: str | None = None, sequence: int | None = None, source: str = "/test"
    ) -> str:
        """Sends a record."""
        event_id = event_id or str(uuid.uuid4())
        envelope = ce.Envelope(event_id, source, fact.TYPE, fact.subject, toy.NOON, sequence=sequence)
        key, value, headers = ce.encode(envelope, fact)
        await self._producer.send_and_wait(fact.TOPIC.name, value, key=key, headers=headers)
        return event_id

    async def try_out(self, fact: Fact, event_id: str) -> None:
        """Sends a record."""
        envelope = ce.Envelope(event_id, "/test", fact.TYPE, fact.subject, toy.NOON, dry_run=True)
        key, value, headers = ce.encode(envelope, fact)
        await self._producer.send_and_wait(fact.TOPIC.name, value, key=key, headers=headers)

    async def say_garbage(self, key: str) -> None:
        """Sends a record."""
        headers = [("ce_id", b"\xff")]
        await self._producer.send_and_wait("customer.requests", b"{not json", key=key.encode(), headers=headers)

    async def rest(self) -> None:
        """Steps until no step finds anything to do."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                self._oracle.failures, self._oracle.asked = self.failures, self.asked
                await self._hear_all()
                await asyncio.gather(*(pump.step() for pump in self._pumps[: 2 if self.rivals else 1]))
                if Death.UNDER_WAY in self._deaths and self._executor._ours():
                    await self._lose_the_answers()
                await self._executor.step()
                await self._executor.drain()
                await self._relay_all()
                if not await self._pool.fetchval(_BUSY):
                    break
                await asyncio.sleep(0.01)
        await self._listen()

    def die(self, where: Death) -> None:
        """Once."""
        self._deaths.add(where)
        if where is not Death.BEFORE_COMMIT:
            return
        rows = self._processors[0].rows
        outbox = rows.outbox

        async def break_down(*_: object) -> None:
            rows.outbox = outbox  # type: ignore[method-assign]
            raise ConnectionResetError

        rows.outbox = break_down  # type: ignore[method-assign, assignment]

    async def notes(self, order: str) -> list[str]:
        """From the state."""
        state = await self._pool.fetchval("SELECT state -> 'notes' FROM tally WHERE id = $1", order)
        return [] if state is None else list(json.loads(state))

    async def shelf(self, shelf: str) -> list[str]:
        """From the state."""
        state = await self._pool.fetchval("SELECT state -> 'orders' FROM shelf WHERE id = $1", shelf)
        return [] if state is None else list(json.loads(state))

    async def journal(self, order: str) -> list[str]:
        """From the database."""
        rows = await self._pool.fetch("SELECT shelf FROM put WHERE order_id = $1 ORDER BY number", order)
        return [row["shelf"] for row in rows]

    async def said(self, key: str) -> list[Said]:
        """From the topics."""
        return [said for found, said in zip(self._keys, self._heard, strict=True) if found == key]

    async def dead(self, order: str) -> list[Dead]:
        """From the database."""
        rows = await self._pool.fetch(
            "SELECT code, field, parked, retryable FROM dead_letter WHERE subject_key = $1 OR key = $2 ORDER BY at",
            order,
            order.encode(),
        )
        return [Dead(row["code"], row["field"], row["parked"], row["retryable"]) for row in rows]

    async def waiting(self, order: str) -> int:
        """From the database."""
        return int(await self._pool.fetchval("SELECT count(*) FROM waiting WHERE subject_key = $1", order))

    async def parked(self, order: str) -> bool:
        """From the database."""
        return bool(await self._pool.fetchval("SELECT count(*) FROM parked WHERE key = $1", order))

    async def timers(self, order: str) -> int:
        """From the database."""
        return int(await self._pool.fetchval("SELECT count(*) FROM timer WHERE key = $1", order))

    async def grow_old(self) -> None:
        """In the database."""
        await self._pool.execute("UPDATE waiting SET at = at - interval '2 hours'")
        await self.rest()

    async def ask_again(self, order: str) -> None:
        """As `packhorse dead retry` does."""
        await self._mark(order, "retry")

    async def discard(self, order: str) -> None:
        """As `packhorse dead discard` does."""
        await self._mark(order, "discard")

    async def _mark(self, order: str, status: str) -> None:
        mark = "UPDATE dead_letter SET status = $2 WHERE status = 'open' AND subject_key = $1"
        await self._pool.execute(mark, order, status)

    async def _reader(self, *topics: str) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, enable_auto_commit=False)
        await consumer.start()
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        for partition in partitions:
            await consumer.position(partition)
        return consumer

    async def _records(self, consumer: AIOKafkaConsumer) -> list[Any]:
        """All that is there, partition by partition."""
        records: list[Any] = []
        ends = await consumer.end_offsets(list(consumer.assignment()))
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for found in (await consumer.getmany(timeout_ms=200)).values():
                records.extend(found)
        return sorted(records, key=lambda record: (record.topic, record.partition))

    async def _hear_all(self) -> None:
        before = {partition: await self._requests.position(partition) for partition in self._requests.assignment()}
        records = tuple(await self._records(self._requests))
        if not records:
            return
        if self.rivals:
            await self._hear_side_by_side(records)
        else:
            await self._consumers[0].handle(records)
        if Death.BEFORE_OFFSETS in self._deaths:
            self._deaths.remove(Death.BEFORE_OFFSETS)
            for partition, offset in before.items():
                self._requests.seek(partition, offset)

    async def _hear_side_by_side(self, records: Sequence[Any]) -> None:
        """Two owners, a batch a partition, each from another end. Neither commits before both have come as far as they
        can."""
        lanes = [tuple(lane) for _, lane in groupby(records, lambda record: record.partition)]
        async with self._pool.acquire() as db, db.transaction():
            await db.execute("LOCK TABLE put, outbox IN EXCLUSIVE MODE")
            hearing = [
                asyncio.create_task(_hear(owner, order))
                for owner, order in zip(self._consumers, (lanes, lanes[::-1]), strict=True)
            ]
            while await self._pool.fetchval(_WAITING) < sum(not task.done() for task in hearing):
                await asyncio.sleep(0.01)
        await asyncio.gather(*hearing)

    def _start_executor(self) -> None:
        self._executor = Executor(self._processors[0], {toy.Ask: self._oracle}, self._settings)
        self._processors[0].connect(lambda: None, self._executor)

    async def _lose_the_answers(self) -> None:
        """They die with their process; the lease that it leaves behind runs out."""
        self._deaths.remove(Death.UNDER_WAY)
        if under_way := self._executor._under_way:
            await asyncio.wait(under_way)
        self._start_executor()
        await self._executor.step()
        assert not self._executor._ours(), "asked in spite of the lease"
        await self._pool.execute("UPDATE effect SET leased_until = now() WHERE done_at IS NULL")

    async def _relay_all(self) -> None:
        more = True
        while more:
            try:
                more = await self._relay.step()
            except ConnectionResetError:
                more = True  # started again, it begins with what is still there

    async def _connect(self) -> Any:
        return _Dying(await asyncpg.connect(self._dsn), self._deaths)

    async def _listen(self) -> None:
        for record in await self._records(self._events):
            headers = {name: value.decode() for name, value in record.headers}
            value = json.loads(record.value)
            if "request_id" in value:
                note = answer(OperationsPreviewed.model_validate(value))
            else:
                note = value["note"] if "note" in value else str(value["on_hand"])
            number = int(headers.get("ce_sequence", 0))
            self._keys.append(record.key.decode())
            self._heard.append(Said(note, headers["ce_id"], number, headers["ce_causationid"]))


async def _hear(owner: Consumer, lanes: Sequence[tuple[Any, ...]]) -> None:
    """A batch a partition."""
    for lane in lanes:
        await owner.handle(lane)


_WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""

_BUSY = """
SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM timer)
    + (SELECT count(*) FROM effect WHERE done_at IS NULL)
    + (SELECT count(*) FROM dead_letter WHERE status IN ('retry', 'discard'))
    + (SELECT count(*) FROM parked p JOIN dead_letter d ON d.id = p.dead_letter_id
        WHERE d.status IN ('retried', 'discarded'))
    + (SELECT count(*) FROM waiting w LEFT JOIN ticket t ON t.id = w.subject_key WHERE w.subject_kind = 'ticket'
        AND (t.state->>'subject' <> '' OR w.at < now() - interval '1 hour'))
    + (SELECT count(*) FROM dead_letter d JOIN ticket t ON t.id = d.subject_key AND d.subject_kind = 'ticket'
        WHERE d.status = 'open' AND t.state->>'subject' <> '')"""
