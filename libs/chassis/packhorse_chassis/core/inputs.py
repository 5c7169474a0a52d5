"""The one kind of thing that a service reacts to: a record, a timer that is due, an effect's answer.

Each remembers the bytes it came from, so that it can be given up, kept, and tried again as it was. They are made by
`reading`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from packhorse_contracts import envelope as ce
from packhorse_contracts import ids, topics
from packhorse_contracts.base import Fact

from packhorse_chassis.core.content import content_hash
from packhorse_chassis.core.kinds import Input, Internal

Context = tuple[str | None, str | None]
"""Correlation id and traceparent."""

Origin = Literal["record", "timer", "answer"]
MOST_WAITING: Final = 1_000
MOST_WAITING_BYTES: Final = 16 * 1_048_576
"""Inputs that may wait behind one parked subject. Those beyond are dead letters as well, to be tried again later."""

_PORTION: Final = 16 * 1_048_576
"""Bytes that one transaction takes in. A poll may bring hundreds of records of a megabyte: stored in one statement,
they would run into its time limit again and again."""

OUTSIDERS_DAY: Final = date(1970, 1, 1)
"""The inbox partition for ids that we didn't derive."""

_OURS: Final = {
    topic.name: f"/packhorse/{writer}"
    for topic in topics.ALL.values()
    for writer in topic.writers
    if len(topic.writers) == 1 and writer not in topics.OUTSIDERS
}
"""The source that is believed on a topic which one service of ours alone writes."""

_REUSED: Final = ce.Unreadable(
    "id_reused", "this id was used before, for other content: what is said anew needs an id of its own", "ce_id"
)


class Unread(bytes):
    """A batch of records that can't be read, in place of them: as it was sent, packed."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of an input: a Kafka record, or what a timer or answer was stored as."""

    origin: Origin
    topic: str
    partition: int | None
    offset: int | None
    key: bytes | None
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None


@dataclass(slots=True)
class Arrival:
    """An input on its way through a batch.

    `heard` is what the reaction gets; None where the bytes can't be read, with the `fault` that says why.
    `source` and `id` are the sayer's words for it, `identity` is ours; `time` goes into derived ids.
    """

    raw: Raw
    source: str
    id: str
    time: datetime | None
    heard: Input | None
    fault: ce.Unreadable | None = None
    correlation_id: str | None = None
    traceparent: str | None = None
    broken: BaseException | None = None
    """Set when the database refused what this input alone leads to."""

    row: tuple[str, ...] | None = None
    """The primary key of the row that a timer or an answer lies in."""

    waiting: int | None = None
    """The place in the queue behind a parked subject."""

    overdue: bool = False
    """It has waited for its subject's name for as long as that may take."""

    day: date = OUTSIDERS_DAY
    """The inbox partition that guards it, chosen by `Inbox.place`."""

    dry_run: ce.DryRun | None = None
    """Who asked what would follow from it. Then nothing does."""

    reused: bool = False
    """Its id was used before, for other content. Each claim finds that out anew."""

    _identity: tuple[str, ...] | None = None
    _content: bytes | None = None

    @property
    def ours(self) -> bool:
        """One of our services said it where nobody else writes, or to itself. Its id is derived from its cause, so that
        it names one content only."""
        return self.raw.origin != "record" or self.source == _OURS.get(self.raw.topic)

    @property
    def identity(self) -> tuple[str, ...]:
        """What names it for the inbox (the first two) and as the cause of what follows (all).

        Outsiders choose their ids freely, so the topic belongs to theirs: who writes one can't take the place of what
        is said on another. And what follows from two contents under one id, where an operator has the second one tried
        as well, must not have one id either.
        """
        if self._identity is None:
            self._identity = self.source, self.id
            if self.heard is not None and not self.ours:
                # Who sends a dry run, and then the same for good under the same id, doesn't repeat himself.
                where = self.raw.topic if self.dry_run is None else f"dry run {self.raw.topic}"
                self._identity = f"{where} {self.source}", self.id, (self.content or b"").hex()
        return self._identity

    @property
    def content(self) -> bytes | None:
        """The hash of what an outsider said; None for what is ours or can't be read."""
        if self._content is None and isinstance(self.heard, Fact) and not self.ours:
            self._content = content_hash(self.heard, self.raw.value)
        return self._content

    @property
    def wrong(self) -> ce.Unreadable | None:
        """Why no reaction may hear it."""
        return _REUSED if self.reused else self.fault

    @property
    def day_in_id(self) -> date:
        """The day inside an id that one of our services derived; anybody else's has none."""
        if self.ours and (at := ids.time_of(self.id)) is not None:
            return at.date()
        return OUTSIDERS_DAY


def weight(raw: Raw) -> int:
    """Bytes that it takes at most where it is kept: packed, a byte of a header may become six."""
    headers = sum([len(name) + len(value) for name, value in raw.headers])
    return len(raw.key or b"") + len(raw.value or b"") + 6 * headers


def portions(arrivals: Sequence[Arrival], most: int) -> Iterator[Sequence[Arrival]]:
    """The arrivals in order, cut where they get too large or too many for one transaction."""
    start, size = 0, 0
    for position, arrival in enumerate(arrivals):
        own = weight(arrival.raw)
        if position > start and (size + own > _PORTION or position - start >= most):
            yield arrivals[start:position]
            start, size = position, 0
        size += own
    yield arrivals[start:]


def unheard(
    origin: Origin,
    type_name: str,
    payload: bytes,
    event_id: str,
    time: datetime,
    service: str,
    more: Context,
    fault: ce.Unreadable,
) -> Arrival:
    """A timer or an effect that comes to nothing, and why."""
    raw = Raw(origin, type_name, None, None, None, _stamp(event_id, time, *more), payload)
    return Arrival(raw, f"/packhorse/{service}", event_id, time, None, fault, *more)


def internal(
    origin: Origin,
    payload: Internal,
    event_id: str,
    time: datetime,
    service: str,
    more: Context,
) -> Arrival:
    """A timer that is due, or an effect's answer."""
    stamp = _stamp(event_id, time, *more)
    raw = Raw(origin, payload.type_name(), None, None, None, stamp, payload.model_dump_json().encode())
    return Arrival(raw, f"/packhorse/{service}", event_id, time, payload, None, *more)


def _stamp(
    event_id: str, time: datetime, correlation_id: str | None, traceparent: str | None
) -> list[tuple[str, bytes]]:
    texts = {
        "id": event_id,
        "time": time.isoformat(),
        "correlationid": correlation_id,
        "traceparent": traceparent,
    }
    return [(name, text.encode()) for name, text in texts.items() if text]


def pack_headers(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Headers as bytes for a column; any byte survives."""
    return json.dumps([[name, value.decode("latin-1")] for name, value in headers]).encode()


def unpack_headers(packed: bytes) -> list[tuple[str, bytes]]:
    """The inverse of `pack_headers`."""
    return [(name, value.encode("latin-1")) for name, value in json.loads(packed)]
