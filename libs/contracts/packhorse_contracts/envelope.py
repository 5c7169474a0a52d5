"""CloudEvents 1.0 over Kafka: binary mode out, binary and structured mode in.

`decode` is a total function: whatever bytes come in, it returns either what was heard or why it can't be read.
Source: the CloudEvents specification 1.0.2 and its Kafka protocol binding.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from packhorse_contracts import registry
from packhorse_contracts.base import Fact

JSON: Final = b"application/json"
STRUCTURED: Final = "application/cloudevents+json"
MAX_VALUE_BYTES: Final = 1_048_576
MAX_ATTRIBUTE_CHARS: Final = 1_024

Headers = Sequence[tuple[str, bytes]]

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


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
        ("ce_specversion", "1.0"),
        ("ce_id", envelope.id),
        ("ce_source", envelope.source),
        ("ce_type", envelope.type),
        ("ce_subject", envelope.subject),
        ("ce_time", rfc3339(envelope.time)),
        ("ce_correlationid", envelope.correlation_id),
        ("ce_causationid", envelope.causation_id),
        ("ce_sequence", None if envelope.sequence is None else str(envelope.sequence)),
        ("ce_partitionkey", key),
        ("traceparent", envelope.traceparent),
    ]
    return [
        ("content-type", JSON),
        *((name, value.encode()) for name, value in attributes if value is not None),
    ]


def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def decode(value: bytes | None, raw_headers: Headers | None) -> Heard | Unreadable:
    """Reads a record of any origin. Never raises."""
    try:
        return _decode(value, raw_headers or ())
    except _UnreadableError as fault:
        return fault.fault
    except (ValueError, RecursionError, OverflowError, TypeError) as error:
        return Unreadable("unreadable", f"the record can't be read: {type(error).__name__}")


class _UnreadableError(Exception):
    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.fault = Unreadable(code, message, field)


def _decode(value: bytes | None, raw_headers: Headers) -> Heard | Unreadable:
    if not value:
        raise _UnreadableError("empty_value", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise _UnreadableError("too_large", f"the value has {len(value)} bytes; at most {MAX_VALUE_BYTES} are read")
    attributes = _text_headers(raw_headers)
    content_type = attributes.get("content-type", "").split(";")[0].strip().lower()
    if content_type == STRUCTURED:
        attributes, data = _structured(value, attributes)
    else:
        if content_type and content_type != JSON.decode():
            raise _UnreadableError(
                "content_type", f"content-type {content_type[:100]!r} is not application/json", "content-type"
            )
        data = value
        attributes = {name[3:]: text for name, text in attributes.items() if name.startswith("ce_")} | {
            name: attributes[name] for name in ("traceparent",) if name in attributes
        }
    envelope = _envelope(attributes)
    return Heard(envelope, _fact(envelope.type, data))


def _text_headers(raw_headers: Headers) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, raw in raw_headers:
        lower = name.lower()
        if lower != "content-type" and not lower.startswith("ce_") and lower != "traceparent":
            continue
        try:
            text = raw.decode()
        except (UnicodeDecodeError, AttributeError):
            raise _UnreadableError("header_encoding", f"header {name[:100]} is not UTF-8", name[:100]) from None
        if lower in texts and texts[lower] != text:
            raise _UnreadableError("header_conflict", f"header {lower[:100]} comes twice and differs", lower[:100])
        texts[lower] = text
    return texts


def _structured(value: bytes, kafka_headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    try:
        body = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise _UnreadableError("not_json", f"the value is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise _UnreadableError("not_an_object", "a structured CloudEvent is a JSON object")
    data = body.pop("data", None)
    if data is None:
        raise _UnreadableError("no_data", "a structured CloudEvent needs data", "data")
    attributes = {str(name): str(text) for name, text in body.items() if text is not None}
    for name in ("id", "source", "type"):
        outside = kafka_headers.get(f"ce_{name}")
        if outside is not None and outside != attributes.get(name):
            raise _UnreadableError("header_conflict", f"ce_{name} differs from the event's {name}", f"ce_{name}")
    if "traceparent" not in attributes and "traceparent" in kafka_headers:
        attributes["traceparent"] = kafka_headers["traceparent"]
    return attributes, to_json(data)


def _envelope(attributes: dict[str, str]) -> Envelope:
    def required(name: str) -> str:
        text = attributes.get(name, "")
        if not text:
            raise _UnreadableError("missing_attribute", f"CloudEvents attribute {name} is missing", f"ce_{name}")
        return text

    for name, text in attributes.items():
        if len(text) > MAX_ATTRIBUTE_CHARS or "\x00" in text:
            raise _UnreadableError(
                "attribute",
                f"attribute {name[:100]} is longer than {MAX_ATTRIBUTE_CHARS} or holds NUL",
                f"ce_{name[:100]}",
            )
    if required("specversion") != "1.0":
        raise _UnreadableError("specversion", "only CloudEvents 1.0 is read", "ce_specversion")
    time, sequence, trace = required("time"), attributes.get("sequence"), attributes.get("traceparent", "")
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _UnreadableError("time", f"time {time[:100]!r} is not RFC 3339 with an offset", "ce_time")
    return Envelope(
        id=required("id"),
        source=required("source"),
        type=required("type"),
        subject=attributes.get("subject", ""),
        time=at,
        correlation_id=attributes.get("correlationid"),
        causation_id=attributes.get("causationid"),
        sequence=int(sequence) if sequence is not None and sequence.isascii() and sequence.isdigit() else None,
        partition_key=attributes.get("partitionkey"),
        traceparent=trace if _TRACEPARENT.match(trace) else None,
    )


def _fact(ce_type: str, data: bytes) -> Fact:
    fact = registry.facts.get(ce_type)
    if fact is None:
        known = registry.parse_type(ce_type)
        others = [t for t in registry.facts if known and (p := registry.parse_type(t)) and p[:2] == known[:2]]
        if others:
            raise _UnreadableError(
                "unknown_version", f"{ce_type[:200]} is not read here; known: {sorted(others)}", "ce_type"
            )
        raise _UnreadableError("unknown_type", f"nobody says {ce_type[:200]!r}", "ce_type")
    try:
        return registry.upcast(fact.__pydantic_validator__.validate_json(data))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise _UnreadableError("not_json", f"the value is not JSON: {first['msg']}") from None
        where = ".".join(str(part) for part in first["loc"])[:200]
        raise _UnreadableError("invalid", f"{where or 'value'}: {first['msg']}", where or None) from None
