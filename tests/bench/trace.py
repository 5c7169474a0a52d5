"""What one order makes the real system do: every record, and the rows that each service writes. The floor repeats it.

Orders are placed one after another in a system at rest, so that each record's cause is what its service heard last.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Self

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from packhorse_contracts.topics import ALL

from .driver import Driver
from .orders import SKUS, Orders
from .stage import Side

_ROWS = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del, n_live_tup FROM pg_stat_user_tables"
_FEW = 1_000


@dataclass
class Output:
    """A record that is said; its key is `order`, `sku`, or the same for all."""

    topic: str
    key: str
    headers: list[tuple[str, str]]
    value: str


@dataclass
class Rows:
    """What happens to a table for one input of its service, on average; `shared` counts rows that orders share."""

    inserted: float
    updated: float
    deleted: float
    width: int
    shared: int = 0


@dataclass
class Part:
    """One service's share."""

    topics: list[str]
    heard: list[str]
    """Types of facts."""

    outputs: dict[str, list[Output]] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    inputs: int = 0
    """An order's inputs that this service hears."""


@dataclass
class Plan:
    """The whole of it. `order` is the id that stands in the records, `pick_list` its pick list's."""

    order: str = ""
    pick_list: str = ""
    parts: dict[str, Part] = field(default_factory=dict)
    records: int = 0
    bytes: int = 0

    def save(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> Self:
        """What `save` wrote."""
        raw = json.loads(path.read_text())
        raw["parts"] = {
            name: Part(
                part["topics"],
                part["heard"],
                {kind: [Output(**one) for one in outputs] for kind, outputs in part["outputs"].items()},
                {table: Rows(**rows) for table, rows in part["rows"].items()},
                part["inputs"],
            )
            for name, part in raw["parts"].items()
        }
        return cls(**raw)


@dataclass(frozen=True)
class _Seen:
    topic: str
    at: int
    key: str
    headers: list[tuple[str, str]]
    value: str

    @property
    def kind(self) -> str:
        return dict(self.headers)["ce_type"]

    @property
    def source(self) -> str:
        return dict(self.headers)["ce_source"]


COUNTED: Final = 60
"""Orders whose rows are counted, one after another."""

Statistics = Mapping[str, Mapping[str, tuple[int, int, int, int]]]


async def statistics(databases: Mapping[str, str]) -> Statistics:
    """What was done to every table so far, by service. Sessions hand in their counts when they end: ask at rest."""
    return {service: await _statistics(dsn) for service, dsn in databases.items()}


async def trace(side: Side, driver: Driver, hears: Mapping[str, set[str]]) -> Plan:
    """Watches one order after `COUNTED - 1` others. `hears` names the types of facts that each service reacts to."""
    await driver.steadily(Orders("trace"), (5, (COUNTED - 1) / 5))
    await side.until_quiet()
    kafka = side.running.system.kafka
    consumer, ends = await _at_ends(kafka)
    try:
        order = Orders("tracx")
        await driver.saturate(order, 1, 1)
        await side.until_quiet()
        seen = await _since(consumer, ends)
    finally:
        await consumer.stop()
    return _outputs(seen, hears, order.id(0))


async def count_rows(plan: Plan, databases: Mapping[str, str], before: Statistics) -> None:
    """Adds to the plan what happened to each table for an input, from the counts before the trace and now."""
    for service, part in plan.parts.items():
        part.rows = await _rows(databases[service], before[service], part.inputs * COUNTED)


def _outputs(seen: list[_Seen], hears: Mapping[str, set[str]], order: str) -> Plan:
    plan = Plan(order, records=len(seen), bytes=sum(len(one.value) + _size(one.headers) for one in seen))
    for service, kinds in hears.items():
        heard = sorted((one for one in seen if one.kind in kinds), key=lambda one: one.at)
        part = plan.parts[service] = Part(
            sorted({one.topic for one in heard}), sorted({one.kind for one in heard}), inputs=len(heard)
        )
        outputs: dict[str, list[Output]] = defaultdict(list)
        for said in sorted(seen, key=lambda one: one.at):
            if said.source != f"/packhorse/{service}":
                continue
            cause = [one for one in heard if one.at <= said.at and one is not said][-1]
            outputs[cause.kind].append(Output(said.topic, _key(said, order), said.headers, said.value))
            if said.topic == "shipping.pick-lists":
                plan.pick_list = json.loads(said.value)["pick_list_id"]
        part.outputs = dict(outputs)
    return plan


def _key(said: _Seen, order: str) -> str:
    if said.key == order:
        return "order"
    return "sku" if said.key in SKUS else said.key


def _size(headers: list[tuple[str, str]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


async def _statistics(dsn: str) -> dict[str, tuple[int, int, int, int]]:
    db = await asyncpg.connect(dsn)
    try:
        rows = await db.fetch(_ROWS)
    finally:
        await db.close()
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


async def _rows(dsn: str, before: Mapping[str, tuple[int, int, int, int]], inputs: int) -> dict[str, Rows]:
    after, result = await _statistics(dsn), {}
    db = await asyncpg.connect(dsn)
    try:
        for table, (inserted, updated, deleted, live) in sorted(after.items()):
            old = before.get(table, (0, 0, 0, 0))
            counts = [(new - was) / inputs for new, was in zip((inserted, updated, deleted), old, strict=False)]
            if max(counts) < 0.01 or table in {"migration"}:
                continue
            width = await db.fetchval(f"SELECT avg(pg_column_size(t.*)) FROM (SELECT * FROM {table} LIMIT 500) t")
            shared = live if live <= _FEW and not counts[0] else 0
            result[table] = Rows(counts[0], counts[1], counts[2], int(width or 200), shared)
    finally:
        await db.close()
    return result


async def _at_ends(kafka: str) -> tuple[AIOKafkaConsumer, dict[TopicPartition, int]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    await consumer._client.force_metadata_update()
    places = [TopicPartition(name, number) for name in ALL for number in consumer.partitions_for_topic(name) or ()]
    consumer.assign(places)
    await consumer.seek_to_end(*places)
    return consumer, {place: await consumer.position(place) for place in places}


async def _since(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> list[_Seen]:
    last = await consumer.end_offsets(list(ends))
    seen: list[_Seen] = []
    while any([await consumer.position(place) < last[place] for place in ends]):
        for records in (await consumer.getmany(timeout_ms=500)).values():
            for one in records:
                headers = [(name, value.decode()) for name, value in one.headers]
                seen.append(_Seen(one.topic, one.timestamp, one.key.decode(), headers, one.value.decode()))
    return seen
