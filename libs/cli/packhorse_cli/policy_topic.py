"""The topic of policies, from the console's side: what was set, setting the next, asking what would come of it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from packhorse_contracts import envelope as ce
from packhorse_contracts import ids, topics
from packhorse_contracts.operations import OperationsPolicySet, OperationsPreviewed

from packhorse_cli import stream
from packhorse_cli.policy_versions import Version, versions

_TOPIC: Final = topics.OPERATIONS_POLICIES.name
_CONSOLE: Final = "/packhorse/console"
_OFTEN: Final = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies, and when the broker took it."""

    partition: int
    offset: int
    at: datetime

    def __str__(self) -> str:
        return f"{self.partition}@{self.offset}"


async def all_versions(bootstrap: str, services: Sequence[str]) -> dict[str, list[Version]]:
    """What was set for each of these services, in order."""
    events = [event async for event in stream.read(bootstrap, [_TOPIC], follow=False)]
    return {service: versions(service, events) for service in services}


async def publish(bootstrap: str, fact: OperationsPolicySet) -> Place:
    """Sets it: returns when the brokers have it."""
    _, place = await _send(bootstrap, fact, dry_run=False)
    return place


async def ask(bootstrap: str, fact: OperationsPolicySet, seconds: float) -> OperationsPreviewed | None:
    """What its service says would come of it; None where it says nothing in time."""
    async with stream.consuming(bootstrap, [topics.OPERATIONS_PREVIEWS.name], from_beginning=False) as consumer:
        for partition in consumer.assignment():
            await consumer.position(partition)  # its end is looked up now, and not after the question
        asked, _ = await _send(bootstrap, fact, dry_run=True)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for records in (await consumer.getmany(timeout_ms=int(1_000 * min(left, 1)))).values():
                for answer in map(stream.event, records):
                    if answer.key == asked:
                        return OperationsPreviewed.model_validate_json(answer.value)
    return None


async def taken(bootstrap: str, service: str, place: Place, seconds: float) -> bool:
    """Whether the service has handled the record in time; it says so once a second."""
    admin, at = AIOKafkaAdminClient(bootstrap_servers=bootstrap), TopicPartition(_TOPIC, place.partition)
    deadline = time.monotonic() + seconds
    await admin.start()
    try:
        while time.monotonic() < deadline:
            offsets = await admin.list_consumer_group_offsets(f"packhorse-{service}", partitions=[at])
            if at in offsets and offsets[at].offset > place.offset:
                return True
            await asyncio.sleep(_OFTEN)
    finally:
        await admin.close()
    return False


async def refused(bootstrap: str, service: str, place: Place) -> str | None:
    """Why the service has given the record up, where it has; it may know other fields than this console."""
    dead = topics.dead_letters(_TOPIC, service)
    try:
        letters = [letter async for letter in stream.read(bootstrap, [dead], follow=False)]
    except stream.NothingThereError:
        return None
    about = [letter for letter in letters if letter.headers.get("dead-letter-origin") == f"{_TOPIC}-{place}"]
    return next((letter.headers.get("dead-letter-reason", "") for letter in about), None)


async def _send(bootstrap: str, fact: OperationsPolicySet, *, dry_run: bool) -> tuple[str, Place]:
    now = datetime.now(UTC)
    name = ids.derive(now, "policy", fact.model_dump_json(), now.isoformat(), str(dry_run))
    envelope = ce.Envelope(name, _CONSOLE, fact.TYPE, fact.subject, now, dry_run=dry_run)
    key, value, headers = ce.encode(envelope, fact)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        told = await producer.send_and_wait(_TOPIC, value, key=key, headers=headers)
    return name, Place(told.partition, told.offset, stream.moment(told.timestamp))
