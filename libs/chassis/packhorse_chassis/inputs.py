"""The one kind of thing that a service reacts to: a record, a timer that is due, an effect's answer.

Each remembers the bytes it came from, so that it can be given up, kept, and tried again as it was.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import Final, Literal

import structlog
from packhorse_contracts import envelope as ce
from packhorse_contracts import ids, registry
from packhorse_contracts.base import Fact

from packhorse_chassis import metrics
from packhorse_chassis.reaction import Input, Internal, Routes

Context = tuple[str | None, str | None]
"""Correlation id and traceparent."""

Origin = Literal["record", "timer", "answer"]
MAX_HEADER_BYTES: Final = 1_048_576
MAX_KEY_BYTES: Final = 65_536
_MOST_NEWER: Final = 100
"""Types that are counted and told of by name: each name is a time series."""

_HEADER_OVERHEAD: Final = 32
"""Bytes that an empty header costs where it is kept."""

OUTSIDERS_DAY: Final = date(1970, 1, 1)
"""The inbox partition for ids that we didn't derive."""

_KEYED_BY_OTHERS: Final = frozenset({"StockReceived", "StockCounted", "StockMoved", "ReturnReceived"})
"""Stock facts may cover several SKUs; they are ordered by nothing that their key could tell."""

log = structlog.get_logger(__name__)


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
    `source` and `id` name it for the inbox and as the cause of what follows; `time` goes into derived ids.
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

    day: date = OUTSIDERS_DAY
    """The inbox partition that guards it, chosen by `Inbox.place`."""

    @property
    def day_in_id(self) -> date:
        """The day inside an id that one of our services derived; anybody else's has none."""
        if self.source.startswith("/packhorse/") and (at := ids.time_of(self.id)) is not None:
            return at.date()
        return OUTSIDERS_DAY


class Reader:
    """Reads records for one service; decodes only what it listens to."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        heard = {wire for fact in routes.facts for wire in registry.versions(fact)}
        self._heard_names = {registry.name_of(fact)[:2] for fact in routes.facts}
        self._not_for_us = frozenset(
            (fact.TOPIC.name, wire.encode())
            for wire, fact in registry.facts.items()
            if wire not in heard and routes.service != fact.ANSWERED_BY
        )
        self._newer: set[str] = set()
        self._internals = {heard.__name__: heard for heard in routes.by_input if issubclass(heard, Internal)}

    def record(self, raw: Raw) -> Arrival | None:
        """An arrival, readable or not; None for a sound fact that is for others to hear. Never raises."""
        if (beyond := _beyond_limits(raw)) is not None:
            return _unreadable(_beginning(raw), beyond)
        types = [value for name, value in raw.headers if name.lower() == "ce_type"]
        if len(types) == 1 and (raw.topic, types[0]) in self._not_for_us:
            return None
        read = ce.decode(raw.value, raw.headers, raw.topic)
        if isinstance(read, ce.Unreadable):
            return None if self._is_skipped(read) else _unreadable(raw, read)
        fact, envelope = read.fact, read.envelope
        if type(fact) not in self.routes.by_input:
            return passed_over(raw, fact, self.routes.service)
        if raw.key != fact.key.encode() and type(fact).__name__ not in _KEYED_BY_OTHERS:
            message = f"the record's key is not its {fact.KEY}, so its order can't be kept"
            return _unreadable(raw, ce.Unreadable("wrong_key", message, fact.KEY))
        return Arrival(
            raw,
            envelope.source,
            envelope.id,
            ids.time_of(envelope.id) or envelope.time,
            fact,
            correlation_id=fact.correlation or envelope.correlation_id,
            traceparent=envelope.traceparent,
        )

    def _is_skipped(self, read: ce.Unreadable) -> bool:
        """While releases live side by side, a newer one says what this one doesn't know, and so can't have heard. What
        is a newer major of something that it does hear is another matter: that was meant for it."""
        if not isinstance(read, ce.Newer) or read.name is None or read.name[:2] in self._heard_names:
            return False
        wire = f"packhorse.{read.name.sayer}.{read.name.fact}.v{read.name.major}"
        if wire not in self._newer and len(self._newer) < _MOST_NEWER:
            self._newer.add(wire)
            log.warning("a newer release says what this one doesn't know; it is skipped", type=wire)
        metrics.skipped.labels(wire if wire in self._newer else "others").inc()
        return True

    def again(self, raw: Raw) -> Arrival | None:
        """The input that these kept bytes were."""
        if raw.origin == "record":
            return self.record(raw)
        texts = {name: value.decode() for name, value in raw.headers}
        time = datetime.fromisoformat(texts["time"]).astimezone(UTC)
        more = texts.get("correlationid"), texts.get("traceparent")
        return self.stored(raw.origin, raw.topic, raw.value or b"", texts["id"], time, more)

    def stored(
        self,
        origin: Origin,
        type_name: str,
        payload: bytes | str,
        event_id: str,
        time: datetime,
        more: Context,
    ) -> Arrival:
        """A timer or an answer as its row has it. One that no release knows any more is at fault, not fatal."""
        try:
            heard = self._internals[type_name].model_validate_json(payload)
        except (KeyError, ValueError) as error:
            value = payload.encode() if isinstance(payload, str) else payload
            fault = ce.Unreadable("unreadable", f"{type_name} can't be read by this release: {error!r}"[:500])
            return unheard(origin, type_name, value, event_id, time, self.routes.service, more, fault)
        return internal(origin, heard, event_id, time, self.routes.service, more)


def passed_over(raw: Raw, fact: Fact, service: str) -> Arrival | None:
    """What becomes of a sound fact that no route of a service takes: a dead letter if it is that one that answers."""
    if service != fact.ANSWERED_BY:
        return None
    message = f"{fact.TYPE} is well said, but nothing here acts on it yet"
    return _unreadable(raw, ce.Unreadable("not_offered", message, "ce_type", retryable=True))


def _beyond_limits(raw: Raw) -> ce.Unreadable | None:
    """Compressed, a record of any size fits through a broker; unpacked it must still fit into a dead letter."""
    value, headers, key = len(raw.value or b""), _size(raw.headers), len(raw.key or b"")
    if value > ce.MAX_VALUE_BYTES:
        told = f"the value has {value} bytes, at most {ce.MAX_VALUE_BYTES} are read"
    elif headers > MAX_HEADER_BYTES:
        told = f"the {len(raw.headers)} headers take {headers} bytes, at most {MAX_HEADER_BYTES} are read"
    elif key > MAX_KEY_BYTES:
        told = f"the key has {key} bytes, at most {MAX_KEY_BYTES} are read"
    else:
        return None
    return ce.Unreadable("too_large", f"{told}; only its beginning is kept")


def weight(raw: Raw) -> int:
    """Bytes that it takes at most where it is kept: packed, a byte of a header may become six."""
    headers = sum([len(name) + len(value) for name, value in raw.headers])
    return len(raw.key or b"") + len(raw.value or b"") + 6 * headers


def _size(headers: Sequence[tuple[str, bytes]]) -> int:
    return sum(len(name.encode()) + len(value) + _HEADER_OVERHEAD for name, value in headers)


def _beginning(raw: Raw) -> Raw:
    room = iter(accumulate(_size([header]) for header in raw.headers))
    kept = [header for header in raw.headers if next(room) <= MAX_HEADER_BYTES]
    value, key = raw.value and raw.value[: ce.MAX_VALUE_BYTES], raw.key and raw.key[:MAX_KEY_BYTES]
    return replace(raw, headers=kept, value=value, key=key)


def _unreadable(raw: Raw, fault: ce.Unreadable) -> Arrival:
    """It has no id that can be trusted: its place in the log is what tells a repeat."""
    return Arrival(raw, f"kafka:{raw.topic}", f"{raw.partition}-{raw.offset}", None, None, fault)


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
