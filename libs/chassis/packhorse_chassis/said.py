"""Turns what reactions decided into rows for the outbox: ids, sequence numbers, headers, dead letters."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from packhorse_contracts import envelope as ce
from packhorse_contracts import ids, topics
from packhorse_contracts.base import Fact

from packhorse_chassis.inputs import Arrival, pack_headers
from packhorse_chassis.reaction import Ref
from packhorse_chassis.tracing import child_of

MAX_EVENT_BYTES: Final = 900_000
"""Below the broker's 1 MiB a record, with room for headers."""

_TRUSTED_AGE: Final = timedelta(days=1)
"""So that an inbox, which forgets by the time inside an id, remembers it for longer than any topic keeps the record."""

_MAX_TRACEBACK: Final = 8_000
_MAX_REASON: Final = 4_000
_MAX_HEADERS: Final = 65_536
"""Bytes of original headers, as the outbox keeps them. With these limits a dead letter always fits: into the outbox's
own limit, which is below the producer's, which is the broker's for dead-letter topics."""


class TooLargeError(Exception):
    """A reaction said something that no broker would take."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One record to publish."""

    topic: str
    key: bytes | None
    headers: list[tuple[str, bytes]]
    value: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """A fact that a reaction said, with its body, its cause, and its place among what that cause led to."""

    fact: Fact
    body: bytes
    cause: Arrival
    index: int


def bodies(events: Sequence[Fact], cause: Arrival) -> list[Said]:
    """Serialises facts; raises TooLargeError for one that can't be published."""
    said = []
    for index, fact in enumerate(events):
        body = fact.model_dump_json(exclude_none=True, by_alias=True).encode()
        if len(body) > MAX_EVENT_BYTES:
            raise TooLargeError(f"{fact.TYPE} of {fact.key} has {len(body)} bytes; at most {MAX_EVENT_BYTES}")
        said.append(Said(fact, body, cause, index))
    return said


def without_superseded(said: Sequence[Said]) -> list[Said]:
    """Of several snapshots of one subject only the last, in its place."""
    last = {(item.fact.TYPE, item.fact.subject): position for position, item in enumerate(said) if item.fact.SNAPSHOT}
    return [
        item
        for position, item in enumerate(said)
        if not item.fact.SNAPSHOT or last[item.fact.TYPE, item.fact.subject] == position
    ]


def cause_time(cause: Arrival, now: datetime) -> datetime:
    """The time that goes into derived ids: the cause's, unless an outsider's clock is absurd."""
    at = cause.time
    return at if at is not None and now - _TRUSTED_AGE < at < now + timedelta(minutes=5) else now


def rows(service: str, said: Sequence[Said], last: Mapping[str, int], now: datetime) -> list[OutboxRow]:
    """Outbox rows in order. `last` is each key's sequence number after this transaction."""
    counts: dict[str, int] = {}
    for item in said:
        counts[item.fact.key] = counts.get(item.fact.key, 0) + 1
    following = {key: last[key] - count for key, count in counts.items()}
    result = []
    for item in said:
        fact, cause = item.fact, item.cause
        following[fact.key] += 1
        envelope = ce.Envelope(
            id=ids.derive(cause_time(cause, now), *cause.identity, service, item.index),
            source=f"/packhorse/{service}",
            type=fact.TYPE,
            subject=fact.subject,
            time=now,
            correlation_id=fact.correlation or cause.correlation_id,
            causation_id=cause.id,
            sequence=following[fact.key],
            partition_key=fact.key,
            traceparent=child_of(cause.traceparent),
        )
        result.append(OutboxRow(fact.TOPIC.name, fact.key.encode(), ce.headers(envelope, fact.key), item.body))
    return result


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An input that was given up, and why. `parked` says that its subject waits for an operator."""

    id: str
    cause: Arrival
    ref: Ref | None
    code: str
    reason: str
    field: str | None
    traceback: str | None
    retryable: bool
    parked: bool


def dead_letter(
    service: str,
    cause: Arrival,
    ref: Ref | None,
    now: datetime,
    *,
    code: str,
    reason: str,
    field: str | None = None,
    error: BaseException | None = None,
    retryable: bool = False,
) -> DeadLetter:
    """A dead letter; one with an `error` parks its subject."""
    trace = "".join(traceback.format_exception(error))[-_MAX_TRACEBACK:] if error else None
    identifier = ids.derive(now, *cause.identity, service, "dead", code)
    return DeadLetter(
        identifier,
        cause,
        ref,
        code,
        reason[:_MAX_REASON],
        field,
        trace,
        retryable or error is not None,
        error is not None,
    )


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
