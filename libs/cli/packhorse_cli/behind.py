"""`packhorse lag`: how far each service is behind on each topic, how old that is, and what holds it up."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhorse_cli import system
from packhorse_cli.output import AsJson, Wide, remark, say_json, say_rows
from packhorse_cli.table import Column

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient

_TO_READ: Final = 5.0
"""Seconds for reading the oldest records of a service. One that isn't there by then has no age: only marks of
transactions are left."""

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Behind:
    """A service and a topic that it reads."""

    service: str
    topic: str
    behind: int
    """Records that its group hasn't taken yet, transactions' own marks among them."""

    held: int
    """Those of them that an open transaction holds back."""

    oldest_seconds: float | None
    """Age of the oldest of them, by its time stamp; None where there is none."""


def lag(
    service: Annotated[str | None, typer.Option(help="Only this service.", show_default="all")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also topics on which nobody is behind.")] = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Show how far each service is behind.

    How many records it still has to take, the age of the oldest, and what an open transaction holds back.

    \b
    Examples:
      packhorse lag
      packhorse lag --service order --all

    Behind a pipe a line is: service, topic, behind, oldest, held back, with tabs between them.
    """
    running = system.find()
    if service is not None and service not in system.SERVICES:
        raise system.fail(f"there is no service {service}{system.perhaps(service, system.SERVICES)}", system.USAGE)
    found = asyncio.run(look(running.kafka, [service] if service else system.SERVICES))
    shown = [row for row in found if everything or row.behind]
    if as_json:
        for row in shown:
            say_json(asdict(row))
        return
    if not shown:
        remark("Nobody is behind.")
        return
    say_rows(_COLUMNS, shown, wide=wide, colour=lambda row: "red" if row.held else None)
    if held := sorted({row.topic for row in shown if row.held}):
        remark(f"\nAn open transaction holds back {', '.join(held)}: the broker ends it after a minute.")


def age(seconds: float | None) -> str:
    """`3 min`: the largest unit that fits."""
    if seconds is None:
        return "–"
    size, unit = next((one for one in _UNITS if seconds >= one[0]), (1, "s"))
    return f"{seconds // size:.0f} {unit}"


_COLUMNS: Final[list[Column[Behind]]] = [
    Column("service", lambda row: row.service),
    Column("topic", lambda row: row.topic, least=12),
    Column("behind", lambda row: row.behind),
    Column("oldest", lambda row: age(row.oldest_seconds)),
    Column("held back", lambda row: row.held),
]


async def look(bootstrap: str, services: tuple[str, ...] | list[str]) -> list[Behind]:
    """Asks the broker for each of these services, topic by topic."""
    from aiokafka import AIOKafkaConsumer
    from aiokafka.admin import AIOKafkaAdminClient
    from packhorse_chassis.kafka import lenient

    lenient.install()
    async with AsyncExitStack() as stack:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        stack.push_async_callback(admin.close)
        await admin.start()
        every = await stack.enter_async_context(AIOKafkaConsumer(bootstrap_servers=bootstrap))
        stable = await stack.enter_async_context(
            AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
        )
        places = await _places(admin)
        return [row for service in services for row in await _of(service, admin, every, stable, places)]


async def _places(admin: "AIOKafkaAdminClient") -> "dict[str, list[TopicPartition]]":
    from aiokafka import TopicPartition
    from packhorse_contracts import topics

    known = set(await admin.list_topics()) & topics.ALL.keys()
    return {
        described["topic"]: [TopicPartition(described["topic"], one["partition"]) for one in described["partitions"]]
        for described in await admin.describe_topics(sorted(known))
    }


async def _of(
    service: str,
    admin: "AIOKafkaAdminClient",
    every: "AIOKafkaConsumer",
    stable: "AIOKafkaConsumer",
    places: "Mapping[str, list[TopicPartition]]",
) -> list[Behind]:
    from packhorse_contracts import topics

    taken = await admin.list_consumer_group_offsets(f"packhorse-{service}")
    # It needn't hear all that it may: only of what it ever took from it can be behind, once it has begun.
    begun = {place.topic for place in taken}
    may = sorted(name for name, topic in topics.ALL.items() if service in topic.readers and name in places)
    read = [name for name in may if name in begun or not begun]
    mine = [at for name in read for at in places[name]]
    if not mine:
        return []
    first, ends, firm = (
        await every.beginning_offsets(mine),
        await every.end_offsets(mine),
        await stable.end_offsets(mine),
    )
    # What has expired is no longer to be read; and a group that never took anything begins at the beginning.
    at = {place: max(first[place], taken[place].offset if place in taken else 0) for place in mine}
    left = {place: max(0, ends[place] - at[place]) for place in mine}
    held = {place: max(0, ends[place] - max(firm[place], at[place])) for place in mine}
    stamps = await _stamps(every, {place: at[place] for place in mine if left[place]})
    now = time.time()

    def oldest(name: str) -> float | None:
        ages = [now - stamps[place] for place in places[name] if place in stamps]
        return max(0.0, *ages) if ages else None

    def total(counts: "Mapping[TopicPartition, int]", name: str) -> int:
        return sum(counts[place] for place in places[name])

    return [Behind(service, name, total(left, name), total(held, name), oldest(name)) for name in read]


async def _stamps(
    consumer: "AIOKafkaConsumer", offsets: "Mapping[TopicPartition, int]"
) -> "dict[TopicPartition, float]":
    """The Unix time of the first record from each of these places on, committed or not."""
    found: dict[TopicPartition, float] = {}
    consumer.assign(list(offsets))
    for place, offset in offsets.items():
        consumer.seek(place, offset)
    deadline = time.monotonic() + _TO_READ
    while (missing := offsets.keys() - found.keys()) and (left := deadline - time.monotonic()) > 0:
        for place, records in (await consumer.getmany(*missing, timeout_ms=int(1_000 * left))).items():
            found[place] = records[0].timestamp / 1_000
            consumer.pause(place)
    return found
