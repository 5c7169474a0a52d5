"""What was said and given up, as rows for the outbox: ids, sequence numbers, headers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from packhorse_contracts import envelope as ce
from packhorse_contracts import ids, topics

from packhorse_chassis.core.inputs import pack_headers
from packhorse_chassis.core.said import DeadLetter, Said, cause_time
from packhorse_chassis.telemetry.tracing import child_of

_MAX_HEADERS: Final = 65_536
"""Bytes of original headers, as the outbox keeps them. With these limits a dead letter always fits: into the outbox's
own limit, which is below the producer's, which is the broker's for dead-letter topics."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One record to publish."""

    topic: str
    key: bytes | None
    headers: list[tuple[str, bytes]]
    value: bytes


def rows(service: str, said: Sequence[Said], last: Mapping[str, int], now: datetime) -> list[OutboxRow]:
    """Outbox rows in order. `last` is each key's sequence number after this transaction."""
    keys = [item.fact.key for item in said]
    following = {key: last[key] - count for key, count in Counter(keys).items()}
    result = []
    for key, item in zip(keys, said, strict=True):
        following[key] += 1
        result.append(_row(service, item, key, following[key], now))
    return result


def unnumbered(service: str, said: Sequence[Said], now: datetime) -> list[OutboxRow]:
    """The same for what has no place among other things about its key: nobody misses one."""
    return [_row(service, item, item.fact.key, None, now) for item in said]


def _row(service: str, item: Said, key: str, sequence: int | None, now: datetime) -> OutboxRow:
    fact, cause = item.fact, item.cause
    envelope = ce.Envelope(
        id=ids.derive(cause_time(cause, now), *cause.identity, service, item.index),
        source=f"/packhorse/{service}",
        type=fact.TYPE,
        subject=fact.subject,
        time=now,
        correlation_id=fact.correlation or cause.correlation_id,
        causation_id=cause.id if cause.dry_run is None else cause.dry_run.id,
        sequence=sequence,
        partition_key=key,
        traceparent=child_of(item.traceparent),
        policy_version=item.under or None,
    )
    return OutboxRow(fact.TOPIC.name, key.encode(), ce.headers(envelope, key), item.body)


def dead_row(service: str, dead: DeadLetter) -> OutboxRow | None:
    """The record for `<topic>.<service>.dead`: original bytes and headers, with the reason in headers beside.

    None for timers and answers: they never were on a topic; their dead letter is in the database alone.
    """
    raw = dead.cause.raw
    if raw.origin != "record" or raw.topic not in topics.ALL:
        return None
    extra = {
        "dead-letter-id": dead.id,
        "dead-letter-code": dead.code,
        "dead-letter-reason": dead.reason,
        "dead-letter-field": dead.field,
        "dead-letter-parked": str(dead.parked).lower(),
        "dead-letter-origin": f"{raw.topic}-{raw.partition}@{raw.offset}",
        "dead-letter-traceback": dead.traceback,
    }
    original = list(raw.headers)
    if len(pack_headers(original)) > _MAX_HEADERS:
        original = [("dead-letter-headers", b"too large for here; they are in the database")]
    headers = [
        *original,
        *((name, text.encode("utf-8", "replace")) for name, text in extra.items() if text),
    ]
    return OutboxRow(topics.dead_letters(raw.topic, service), raw.key, headers, raw.value or b"")
