"""CloudEvents 1.0 over Kafka: binary mode out, binary and structured mode in.

`decode` is a total function: whatever bytes come in, it returns either what was heard or why it can't be read.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from pydantic import ValidationError

from packhorse_contracts import registry
from packhorse_contracts.attributes import JSON, STRUCTURED, Headers, UnreadableError, attributes_and_data
from packhorse_contracts.base import RFC3339, Fact, dated, to_utc
from packhorse_contracts.topics import OUTSIDERS

__all__ = [
    "JSON",
    "MAX_OUTSIDER_BYTES",
    "MAX_VALUE_BYTES",
    "STRUCTURED",
    "Envelope",
    "Headers",
    "Heard",
    "Unreadable",
    "decode",
    "decode_tombstone",
    "encode",
    "headers",
    "rfc3339",
]

MAX_VALUE_BYTES: Final = 1_048_576
MAX_OUTSIDER_BYTES: Final = 393_216
"""An outsider's fact is smaller, for what we say about it must fit into a record too.

A confirmed order names each line twice, once with its price and once with its location.
"""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_SEQUENCE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The context attributes of one event: who said it, when, about what, and because of what."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    correlation_id: str | None = None
    causation_id: str | None = None
    sequence: int | None = None
    partition_key: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A record that could be read: its envelope, and its fact in the newest known major."""

    envelope: Envelope
    fact: Fact


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that can't be read: a short code, and a sentence that names the header or field at fault."""

    code: str
    message: str
    field: str | None = None


def encode(envelope: Envelope, fact: Fact) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of a fact in binary mode."""
    key = envelope.partition_key or fact.key
    return key.encode(), fact.model_dump_json(exclude_none=True).encode(), headers(envelope, key)


def headers(envelope: Envelope, key: str) -> list[tuple[str, bytes]]:
    """The Kafka headers of an event in binary mode."""
    attributes = [
        ("content-type", JSON),
        ("ce_specversion", "1.0"),
        ("ce_id", envelope.id),
        ("ce_source", envelope.source),
        ("ce_type", envelope.type),
        ("ce_subject", envelope.subject or None),
        ("ce_time", rfc3339(envelope.time)),
        ("ce_correlationid", envelope.correlation_id),
        ("ce_causationid", envelope.causation_id),
        ("ce_sequence", None if envelope.sequence is None else str(envelope.sequence)),
        ("ce_partitionkey", key),
        ("traceparent", envelope.traceparent),
    ]
    return [(name, value.encode()) for name, value in attributes if value is not None]


@lru_cache(maxsize=256)
def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def decode(value: bytes | None, raw_headers: Headers | None) -> Heard | Unreadable:
    """Reads a record of any origin. Never raises."""
    try:
        return _decode(value, raw_headers or ())
    except UnreadableError as fault:
        # Both are stored, and PostgreSQL keeps no NUL.
        return Unreadable(fault.code, _without_nul(fault.message), fault.field and _without_nul(fault.field))
    except Exception as error:  # total by promise: one record never harms the batch that it came in
        return Unreadable("unreadable", f"the record can't be read: {type(error).__name__}")


def decode_tombstone(topic: str, key: bytes) -> Fact | None:
    """What a record without a value takes back, on a topic whose contract declares that; None elsewhere, and where the
    key is none that the topic knows. Never raises."""
    fact = registry.tombstones.get(topic)
    if fact is None:
        return None
    try:
        return fact.model_validate({fact.KEY: key.decode()})
    except ValueError:
        return None


def _without_nul(text: str) -> str:
    return text.replace("\x00", "\ufffd")


def _decode(value: bytes | None, raw_headers: Headers) -> Heard:
    if not value:
        raise UnreadableError("empty_value", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise UnreadableError("too_large", f"the value has {len(value)} bytes; at most {MAX_VALUE_BYTES} are read")
    attributes, data = attributes_and_data(value, raw_headers)
    envelope = _envelope(attributes)
    return Heard(envelope, dated(_fact(envelope.type, data), envelope.time))


def _envelope(attributes: dict[str, str]) -> Envelope:
    def required(name: str) -> str:
        text = attributes.get(name, "")
        if not text:
            raise UnreadableError("missing_attribute", f"CloudEvents attribute {name} is missing", f"ce_{name}")
        return text

    if required("specversion") != "1.0":
        raise UnreadableError("specversion", "only CloudEvents 1.0 is read", "ce_specversion")
    sequence, trace = attributes.get("sequence", ""), attributes.get("traceparent", "")
    return Envelope(
        id=required("id"),
        source=required("source"),
        type=required("type"),
        subject=attributes.get("subject", ""),
        time=_time(required("time")),
        correlation_id=attributes.get("correlationid"),
        causation_id=attributes.get("causationid"),
        sequence=int(sequence) if _SEQUENCE.fullmatch(sequence) else None,
        partition_key=attributes.get("partitionkey"),
        traceparent=trace if _TRACEPARENT.fullmatch(trace) else None,
    )


@lru_cache(maxsize=1024)  # what one transaction said has one time
def _time(text: str) -> datetime:
    try:
        if RFC3339.fullmatch(text):
            return to_utc(datetime.fromisoformat(text.upper()))
    except ValueError:
        pass
    raise UnreadableError("time", f"time {text[:100]!r} is not RFC 3339 with an offset", "ce_time")


def _fact(ce_type: str, data: bytes) -> Fact:
    fact = registry.facts.get(ce_type)
    if fact is None:
        raise _unknown(ce_type)
    if len(data) > MAX_OUTSIDER_BYTES and registry.name_of(fact).sayer in OUTSIDERS:
        message = f"the data have {len(data)} bytes; of an outsider at most {MAX_OUTSIDER_BYTES} are read"
        raise UnreadableError("too_large", message)
    try:
        # By alias alone: the names that Python needs (`from_`) are not the contract's.
        return registry.upcast(fact.model_validate_json(data, by_alias=True, by_name=False))
    except ValidationError as error:
        raise _invalid(error) from None


def _unknown(ce_type: str) -> UnreadableError:
    wanted = registry.parse_type(ce_type)
    if wanted is not None:
        known = [known for known in registry.facts if (name := registry.parse_type(known)) and name[:2] == wanted[:2]]
        if known:
            message = f"{ce_type[:200]} is not read here; known: {', '.join(sorted(known))}"
            return UnreadableError("unknown_version", message, "ce_type")
    return UnreadableError("unknown_type", f"nobody says {ce_type[:200]!r}", "ce_type")


def _invalid(error: ValidationError) -> UnreadableError:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if faults[0]["type"] == "json_invalid":
        return UnreadableError("not_json", f"the value is not JSON: {faults[0]['msg']}")
    places = [".".join(str(part) for part in fault["loc"])[:200] for fault in faults]
    told = [f"{place or 'value'}: {fault['msg']}" for place, fault in zip(places, faults, strict=True)]
    more = f"; and {len(told) - 5} more" if len(told) > 5 else ""
    return UnreadableError("invalid", "; ".join(told[:5]) + more, places[0] or None)
