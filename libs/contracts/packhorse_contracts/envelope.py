"""CloudEvents 1.0 over Kafka: binary mode out, binary and structured mode in.

`decode` is a total function: whatever bytes come in, it returns either what was heard or why it can't be read.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from pydantic import ValidationError

from packhorse_contracts import lenient, registry, topics
from packhorse_contracts.attributes import JSON, STRUCTURED, Headers, UnreadableError, attributes_and_data
from packhorse_contracts.base import Fact, dated
from packhorse_contracts.blocks import Fault
from packhorse_contracts.times import moment

__all__ = [
    "JSON",
    "MAX_OUTSIDER_BYTES",
    "MAX_VALUE_BYTES",
    "STRUCTURED",
    "DryRun",
    "Envelope",
    "Headers",
    "Heard",
    "Newer",
    "Unreadable",
    "asked_of_tombstone",
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
MAX_PARTS: Final = 150_000
MAX_OUTSIDER_PARTS: Final = 50_000
"""Objects, lists and their members. An order of 2,000 lines, each with every field, has half as many."""

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
    policy_version: int | None = None
    """Of the policy that it was decided under; None where none was looked at, or nobody has set one."""

    dry_run: bool = False
    """Nothing shall follow from it; whoever owns what it is about says on `operations.previews` what would."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """Who asked what would follow from a request: the request's id, source and type."""

    id: str
    source: str
    type: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A record that could be read: its envelope, and its fact in the newest known major.

    `spared` is what was wrong in fields that could be done without; the fact lacks them.
    """

    envelope: Envelope
    fact: Fact
    spared: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that can't be read: a short code, and a sentence that names the header or field at fault.

    `unsound` is the same for a reader who answers the sender of what breaks its contract: with every fault.
    """

    code: str
    message: str
    field: str | None = None
    retryable: bool = False
    """Whether it may be taken later, as it is."""

    unsound: Heard | None = None
    """What it is where it breaks its contract, and its reader can answer that."""

    dry_run: DryRun | None = None
    """Who asked, where no more than that was wanted to be known."""


@dataclass(frozen=True, slots=True)
class Newer(Unreadable):
    """What one of our own services says in a newer release than this one."""

    name: registry.WireType | None = None


class _BrokenContractError(UnreadableError):
    unsound: Heard | None = None


def encode(envelope: Envelope, fact: Fact) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of a fact in binary mode."""
    key = envelope.partition_key or (fact.trial_key if envelope.dry_run else None) or fact.key
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
    if envelope.policy_version is not None:
        attributes.append(("ce_policyversion", str(envelope.policy_version)))
    if envelope.dry_run:
        attributes.append(("ce_dryrun", "true"))
    return [(name, value.encode()) for name, value in attributes if value is not None]


@lru_cache(maxsize=256)
def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def decode(value: bytes | None, raw_headers: Headers | None, topic: str | None = None) -> Heard | Unreadable:
    """Reads a record of any origin. Never raises.

    With the topic that it came on, it is also a fault if it doesn't belong there, or if its source may not write there.
    """
    try:
        return _decode(value, raw_headers or (), topic)
    except UnreadableError as fault:
        # Both are stored, and PostgreSQL keeps no NUL.
        unsound = fault.unsound if isinstance(fault, _BrokenContractError) else None
        at = fault.field and _without_nul(fault.field)
        return Unreadable(fault.code, _without_nul(fault.message), at, unsound=unsound, dry_run=_asked(fault))
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


def asked_of_tombstone(raw_headers: Headers | None) -> DryRun | Unreadable | None:
    """Who asks what a record without a value would take back. It needs no other attribute, so id, source and type may
    be empty; one that may be a question is never carried out, however it is written. Never raises."""
    if not any(name.lower() == "ce_dryrun" for name, _ in raw_headers or ()):
        return None
    try:
        attributes, _ = attributes_and_data(
            b"", [head for head in raw_headers or () if head[0].lower() != "content-type"]
        )
        if not _flag(attributes["dryrun"]):
            return None
    except UnreadableError as fault:
        return Unreadable(fault.code, _without_nul(fault.message), fault.field)
    return DryRun(*(attributes.get(name, "") for name in ("id", "source", "type")))


def _without_nul(text: str) -> str:
    return text.replace("\x00", "\ufffd")


def _decode(value: bytes | None, raw_headers: Headers, topic: str | None) -> Heard | Unreadable:
    if not value:
        raise UnreadableError("empty_value", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise UnreadableError("too_large", f"the value has {len(value)} bytes; at most {MAX_VALUE_BYTES} are read")
    _count_parts(value, MAX_PARTS)
    attributes, data = attributes_and_data(value, raw_headers)
    try:
        return _read(attributes, data, topic)
    except UnreadableError as fault:
        fault.attributes = attributes
        raise


def _asked(fault: UnreadableError) -> DryRun | None:
    """Of what can't be read, where its attributes can be: a dry run that is wrong is answered like any other."""
    told = fault.attributes
    if told.get("dryrun", "").lower() != "true" or not told.get("id") or "\x00" in told["id"]:
        return None
    return DryRun(told["id"], told.get("source", ""), told.get("type", ""))


def _read(attributes: dict[str, str], data: bytes, topic: str | None) -> Heard | Unreadable:
    envelope = _envelope(attributes)
    known = registry.facts.get(envelope.type)
    if topic is not None:
        _check_place(envelope, known, topic)
    if known is None:
        return _unknown(envelope, topic)
    return _heard(envelope, known, data)


def _check_place(envelope: Envelope, known: type[Fact] | None, topic: str) -> None:
    """Before the data are looked at, which may be large."""
    if known is not None and known.TOPIC.name != topic:
        raise UnreadableError("wrong_topic", f"{envelope.type} belongs on {known.TOPIC.name}", "ce_type")
    if topic in topics.ALL and not topics.ALL[topic].admits(envelope.source):
        writers = " and ".join(topics.ALL[topic].writers)
        message = f"{topic} is written by {writers}, and not by {envelope.source[:200]!r}"
        raise UnreadableError("wrong_source", message, "ce_source")


def _count_parts(value: bytes, most: int) -> None:
    """Small things cost much more to read than their bytes tell. Counted by the marks that separate them."""
    if len(value) > most and (parts := value.count(b",") + value.count(b"{") + value.count(b"[")) > most:
        raise UnreadableError("too_large", f"the value has {parts} parts; at most {most} are read")


def _envelope(attributes: dict[str, str]) -> Envelope:
    def required(name: str) -> str:
        text = attributes.get(name, "")
        if not text:
            raise UnreadableError("missing_attribute", f"CloudEvents attribute {name} is missing", f"ce_{name}")
        return text

    if required("specversion") != "1.0":
        raise UnreadableError("specversion", "only CloudEvents 1.0 is read", "ce_specversion")
    sequence, trace = attributes.get("sequence", ""), attributes.get("traceparent", "")
    policy = attributes.get("policyversion", "")
    dry_run = "dryrun" in attributes and _flag(attributes["dryrun"])
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
        policy_version=int(policy) if _SEQUENCE.fullmatch(policy) else None,
        dry_run=dry_run,
    )


def _flag(text: str) -> bool:
    """Neither true nor false is a fault: to take for an order what was a question would be worse than no answer."""
    if (flag := {"true": True, "false": False}.get(text.lower())) is None:
        raise UnreadableError("dry_run", f"dryrun {text[:100]!r} is neither true nor false", "ce_dryrun")
    return flag


@lru_cache(maxsize=1024)  # what one transaction said has one time
def _time(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError:
        raise UnreadableError("time", f"time {text[:100]!r} is not RFC 3339 with an offset", "ce_time") from None


def _heard(envelope: Envelope, fact: type[Fact], data: bytes) -> Heard:
    if fact.ANSWERED_BY:
        if len(data) > MAX_OUTSIDER_BYTES:
            message = f"the data have {len(data)} bytes; of an outsider at most {MAX_OUTSIDER_BYTES} are read"
            raise UnreadableError("too_large", message)
        _count_parts(data, MAX_OUTSIDER_PARTS)
    try:
        # By alias alone: the names that Python needs (`from_`) are not the contract's.
        return Heard(envelope, _dated(fact.model_validate_json(data, by_alias=True, by_name=False), envelope))
    except ValidationError as error:
        broken = _invalid(error)
    if (mended := lenient.without_spares(fact, data)) is not None:
        return Heard(envelope, _dated(mended[0], envelope), mended[1])
    if (unsound := lenient.unsound(fact, data)) is not None:
        broken.unsound = Heard(envelope, unsound)
    raise broken


def _dated(fact: Fact, envelope: Envelope) -> Fact:
    return dated(registry.upcast(fact), envelope.time)


def _unknown(envelope: Envelope, topic: str | None) -> Unreadable:
    told, wanted = envelope.type[:200], registry.parse_type(envelope.type)
    code, message = "unknown_type", f"nobody says {told!r}"
    if wanted is not None:
        known = [known for known in registry.facts if (name := registry.parse_type(known)) and name[:2] == wanted[:2]]
        if known:
            code, message = "unknown_version", f"{told} is not read here; known: {', '.join(sorted(known))}"
        if (
            topic is not None and envelope.source == topics.OURS + wanted.sayer
        ):  # which may write here, or we weren't here
            return Newer(code, message, "ce_type", name=wanted)
    return Unreadable(code, _without_nul(message), "ce_type")


def _invalid(error: ValidationError) -> _BrokenContractError:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if faults[0]["type"] == "json_invalid":
        return _BrokenContractError("not_json", f"the value is not JSON: {faults[0]['msg']}")
    places = [".".join(str(part) for part in fault["loc"])[:200] for fault in faults]
    told = [f"{place or 'value'}: {fault['msg']}" for place, fault in zip(places, faults, strict=True)]
    more = f"; and {len(told) - 5} more" if len(told) > 5 else ""
    return _BrokenContractError("invalid", "; ".join(told[:5]) + more, places[0] or None)
