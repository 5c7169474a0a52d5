"""What happened, in a sentence: of any record, whatever it holds, for people who look at a terminal.

A new fact gets its sentence beside its kin in this package, under `@tells(TheFact)`.
"""

from packhorse_contracts import envelope as ce
from packhorse_contracts import registry, topics
from packhorse_contracts.base import Fact

from packhorse_cli.sentences import ours, outsiders, shipped
from packhorse_cli.sentences.table import SENTENCES
from packhorse_cli.sentences.words import Known, Scene, worded
from packhorse_cli.stream import Event
from packhorse_cli.table import visible

__all__ = ["SENTENCES", "Known", "fact_of", "tell", "who"]

_TABLES = (ours, outsiders, shipped)
"""Importing them fills the table."""

_PERSONAL = frozenset({"customer", "ship_to", "bill_to", "email", "phone", "recipient", "contact"})
_SAID_ANYWAY = frozenset({"order_id", "at"})
_MOST = 400
"""Characters of what nobody has a sentence for."""


def who(event: Event) -> str:
    """Who says it: a service or an outsider; of a dead letter whoever gave up."""
    if event.topic.endswith(".dead"):
        return visible(event.topic.split(".")[-2])
    wire = registry.parse_type(event.type)
    if wire is not None and wire.sayer == "operations":  # any of our services, in the same words
        return visible(event.headers.get("ce_source", "?").removeprefix(topics.OURS))[:20]
    return wire.sayer if wire else "?"


def fact_of(event: Event) -> Fact | None:
    """The fact in its newest major; None where it can't be read, or was given up."""
    if event.topic.endswith(".dead"):
        return None
    read = ce.decode(event.value, event.raw_headers)
    return read.fact if isinstance(read, ce.Heard) else None


def tell(event: Event, fact: Fact | None, known: Known, *, personal: bool = False) -> str:
    """One line about a record, fit for a terminal. Never raises: what nobody has a sentence for is named."""
    sentence = SENTENCES.get(type(fact)) if fact is not None else None
    if sentence is None or fact is None:
        return visible(_given_up(event) if event.topic.endswith(".dead") else _unknown(event))
    asked = "dry run: " if event.dry_run else ""
    try:
        return visible(asked + sentence(fact, Scene(known, event.at, personal)))
    except (ValueError, ArithmeticError, LookupError):  # readable, and yet absurd; a table of people's clocks, say
        return visible(_unknown(event))


def _given_up(event: Event) -> str:
    text = event.headers
    what = worded(event.short) if event.type != "?" else "a record"
    parked = "; the key waits" if text.get("dead-letter-parked") == "true" else ""
    code, reason = text.get("dead-letter-code", "?"), text.get("dead-letter-reason", "")
    return f"gave up {what}: {reason[:_MOST]} ({code}){parked}"


def _unknown(event: Event) -> str:
    if not event.value:
        return f"{event.key[:100]} is taken off the topic"
    read = ce.decode(event.value, event.raw_headers)
    if isinstance(read, ce.Unreadable) and read.code != "unknown_type":
        return f"can't be read: {read.message[:_MOST]}"
    wire = registry.parse_type(event.type)
    parts = [
        f"{worded(name)} {_short(value)}"
        for name, value in event.data.items()
        if name not in _PERSONAL and name not in _SAID_ANYWAY
    ]
    return f"{worded(wire.fact) if wire else event.type}: {', '.join(parts)}"[:_MOST]


def _short(value: object) -> str:
    if isinstance(value, list):
        return f"({len(value)})"
    if isinstance(value, dict):
        inner = value.get("code") or value.get("amount")
        return str(inner) if isinstance(inner, str | int) else "(…)"
    return str(value)[:100]
