"""From the bytes of a record, a timer or an answer to an input. What can't be read is at fault, and never raises."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final

import structlog
from packhorse_contracts import envelope as ce
from packhorse_contracts import ids, registry, topics
from packhorse_contracts.base import Fact
from pydantic import ValidationError

from packhorse_chassis.core.documents import unknown_field
from packhorse_chassis.core.inputs import Arrival, Context, Origin, Raw, Unread, internal, unheard
from packhorse_chassis.core.kinds import Internal, NewerError
from packhorse_chassis.core.reaction import Routes
from packhorse_chassis.kafka.screen import screened, tell_spared
from packhorse_chassis.telemetry import metrics

MAX_HEADER_BYTES: Final = 1_048_576
MAX_KEY_BYTES: Final = 65_536
_MOST_NEWER: Final = 100
"""Types that are counted and told of by name: each name is a time series."""

_HEADER_OVERHEAD: Final = 32
"""Bytes that an empty header costs where it is kept."""

_OPEN: Final = frozenset(
    topic.name
    for topic in topics.ALL.values()
    if topics.OUTSIDERS.intersection(topic.writers) or topic is topics.OPERATIONS_POLICIES
)
"""Topics that outsiders write, and what people set at the console: there requests come in. Ours say what came from
there, and so was screened."""
_KEYED_BY_OTHERS: Final = frozenset({"StockReceived", "StockCounted", "StockMoved", "ReturnReceived"})
"""Stock facts may cover several SKUs; they are ordered by nothing that their key could tell."""

_WRITTEN_WITH_BLANKS: Final = frozenset({"TrackingUpdated"})
"""Carriers write their numbers with blanks or without. Whatever the order of a parcel's news, the outcome is one."""


def _keyed_otherwise(key: bytes | None, fact: Fact) -> bool:
    """Whether this key will do, though it isn't the fact's own."""
    name = type(fact).__name__
    if name in _KEYED_BY_OTHERS:
        return True
    return key is not None and name in _WRITTEN_WITH_BLANKS and key.replace(b" ", b"") == fact.key.encode()


def _wrong_key(key: bytes | None, fact: Fact, *, dry_run: bool) -> str | None:
    """What is wrong with a record's key; None where nothing is, or where `tried` will say so."""
    wanted = fact.trial_key if dry_run else fact.key
    if wanted is None or key == wanted.encode() or _keyed_otherwise(key, fact):
        return None
    if dry_run and wanted != fact.key:
        return f"the key of its dry run is {wanted}, beside what was said before: under its own it would take its place"
    return f"the record's key is not its {fact.KEY}, so its order can't be kept"


log = structlog.get_logger(__name__)


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
        if isinstance(raw.value, Unread):
            return _unreadable(_beginning(raw), ce.Unreadable(raw.value.code, raw.value.reason))
        if (beyond := _beyond_limits(raw)) is not None:
            return _unreadable(_beginning(raw), beyond)
        if not raw.value and raw.key is not None and raw.topic in registry.tombstones:
            return self._tombstone(raw, raw.key)
        types = [value for name, value in raw.headers if name.lower() == "ce_type"]
        if len(types) == 1 and (raw.topic, types[0]) in self._not_for_us:
            return None
        if raw.topic in _OPEN:
            raw = screened(raw)
        read = ce.decode(raw.value, raw.headers, raw.topic)
        if isinstance(read, ce.Unreadable):
            if self._is_skipped(read):
                return None
            if read.unsound is None or type(read.unsound.fact) not in self.routes.by_input:
                return _answered(_unreadable(raw, read), read.dry_run)
            read = read.unsound
        arrival = self._heard(raw, read)
        if not read.envelope.dry_run:
            return arrival
        asked = ce.DryRun(read.envelope.id, read.envelope.source, read.envelope.type)
        return tried(arrival, raw, read.fact, asked, self.routes.service)

    def _heard(self, raw: Raw, read: ce.Heard) -> Arrival | None:
        fact, envelope = read.fact, read.envelope
        if type(fact) not in self.routes.by_input:
            return passed_over(raw, fact, self.routes.service)
        if (wrong := _wrong_key(raw.key, fact, dry_run=envelope.dry_run)) is not None:
            return _unreadable(raw, ce.Unreadable("wrong_key", wrong, fact.KEY))
        if read.spared:
            tell_spared(raw, read)
        return Arrival(
            raw,
            envelope.source,
            envelope.id,
            ids.time_of(envelope.id) or envelope.time,
            fact,
            correlation_id=fact.correlation or envelope.correlation_id,
            traceparent=envelope.traceparent,
        )

    def _tombstone(self, raw: Raw, key: bytes) -> Arrival | None:
        """It has no attributes that anybody would have to give it: its place in the log is its id."""
        place, asked = (f"{raw.partition}-{raw.offset}", f"kafka:{raw.topic}"), ce.asked_of_tombstone(raw.headers)
        if isinstance(asked, ce.Unreadable):
            return _unreadable(raw, asked)
        if asked is not None:
            asked = ce.DryRun(asked.id or place[0], asked.source or place[1], asked.type)
        fact = ce.decode_tombstone(raw.topic, key)
        if fact is None:
            wrong = ce.Unreadable("wrong_key", f"{raw.topic} has no such key: its id isn't one")
            return _answered(_unreadable(raw, wrong), asked)
        if type(fact) not in self.routes.by_input:
            return None
        arrival = Arrival(raw, place[1], place[0], None, fact)
        if asked is None:
            return arrival
        return tried(arrival, raw, fact, replace(asked, type=fact.TYPE), self.routes.service)

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
        """A timer or an answer as its row has it. One that can't be read is at fault, not fatal; raises NewerError for
        what is left to a newer release: a type, or a field, that isn't known here."""
        if (known := self._internals.get(type_name)) is None:
            raise NewerError(f"{origin} {type_name} is of a type that this release doesn't know")
        try:
            heard = known.model_validate_json(payload, extra="forbid")
        except ValidationError as error:
            if (field := unknown_field(error)) is not None:
                raise NewerError(f"{origin} {type_name} holds {field!r}, which this release doesn't know") from None
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


def tried(arrival: Arrival | None, raw: Raw, fact: Fact, asked: ce.DryRun, service: str) -> Arrival | None:
    """What becomes of a dry run: the service that answers for the request says what would follow, and nobody else hears
    of it. What isn't asked of anybody can't be tried, and neither is it taken."""
    if not fact.answerer:
        told = f"{fact.TYPE} has happened, and can't be tried: a dry run is of a request"
        return _unreadable(raw, ce.Unreadable("no_request", told, "ce_dryrun"))
    if arrival is None or service != fact.answerer:
        return None
    if fact.trial_key is None:
        told = f"on {fact.TOPIC.name} it takes the place of what was said before, for all who read it later"
        return _answered(_unreadable(raw, ce.Unreadable("no_dry_run", told, "ce_dryrun")), asked)
    return _answered(arrival, asked)


def _answered(arrival: Arrival, asked: ce.DryRun | None) -> Arrival:
    """Only where requests come in: elsewhere what can't be read is for an operator, whoever says that he only asks."""
    if asked is not None and arrival.raw.topic in _OPEN:
        arrival.dry_run = asked
    return arrival


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


def _size(headers: Sequence[tuple[str, bytes]]) -> int:
    return sum(len(name.encode()) + len(value) + _HEADER_OVERHEAD for name, value in headers)


def _beginning(raw: Raw) -> Raw:
    room = iter(accumulate(_size([header]) for header in raw.headers))
    kept = [header for header in raw.headers if next(room) <= MAX_HEADER_BYTES]
    value, key = raw.value and bytes(raw.value[: ce.MAX_VALUE_BYTES]), raw.key and raw.key[:MAX_KEY_BYTES]
    return replace(raw, headers=kept, value=value, key=key)


def _unreadable(raw: Raw, fault: ce.Unreadable) -> Arrival:
    """It has no id that can be trusted: its place in the log is what tells a repeat."""
    return Arrival(screened(raw), f"kafka:{raw.topic}", f"{raw.partition}-{raw.offset}", None, None, fault)
