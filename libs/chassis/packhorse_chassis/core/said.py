"""What reactions said, and what was given up instead. Pure."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from packhorse_contracts import ids
from packhorse_contracts.base import Fact

from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Ref

MAX_EVENT_BYTES: Final = 900_000
"""Below the broker's 1 MiB a record, with room for headers."""

_TRUSTED_AGE: Final = timedelta(days=1)
"""So that an inbox, which forgets by the time inside an id, remembers it for longer than any topic keeps the record."""

_MAX_TRACEBACK: Final = 8_000
_MAX_REASON: Final = 4_000


class TooLargeError(Exception):
    """A reaction said something that no broker would take."""


@dataclass(frozen=True, slots=True)
class Said:
    """A fact that a reaction said, with its body, its cause, its place among what that cause led to, the `traceparent`
    of the reaction, and the version of the policy that it looked at."""

    fact: Fact
    body: bytes
    cause: Arrival
    index: int
    traceparent: str | None = None
    under: int | None = None


def bodies(
    events: Sequence[Fact], cause: Arrival, traceparent: str | None = None, under: int | None = None
) -> list[Said]:
    """Serialises facts; raises TooLargeError for one that can't be published."""
    said = []
    for index, fact in enumerate(events):
        body = fact.model_dump_json(exclude_none=True, by_alias=True).encode()
        if len(body) > MAX_EVENT_BYTES:
            raise TooLargeError(f"{fact.TYPE} of {fact.key} has {len(body)} bytes; at most {MAX_EVENT_BYTES}")
        said.append(Said(fact, body, cause, index, traceparent, under))
    return said


def without_superseded(said: Sequence[Said]) -> list[Said]:
    """Of several snapshots of one subject only the last, in its place."""
    last = {(item.fact.TYPE, item.fact.subject): position for position, item in enumerate(said) if item.fact.SNAPSHOT}
    if not last:
        return list(said)
    return [
        item
        for position, item in enumerate(said)
        if not item.fact.SNAPSHOT or last[item.fact.TYPE, item.fact.subject] == position
    ]


def cause_time(cause: Arrival, now: datetime) -> datetime:
    """The time that goes into derived ids: the cause's, unless an outsider's clock is absurd."""
    at = cause.time
    return at if at is not None and now - _TRUSTED_AGE < at < now + timedelta(minutes=5) else now


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
