"""The event catalogue: one page for people, topic by topic, fact by fact."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from packhorse_contracts import registry, topics
from packhorse_contracts.base import Fact
from packhorse_contracts.export.asyncapi import facts_on
from packhorse_contracts.export.schemas import Json, components
from packhorse_contracts.topic_settings import SERVICES, TopicSettings, dead_letter_topics

_HEADER = """\
# Event catalogue

Generated from the contracts by `make contracts`; don't edit it.

Everything that crosses between services, and in and out of the system, is a CloudEvent 1.0 on a Kafka topic. Money is
an integer in minor units, weights are grams, lengths millimetres, times RFC 3339 with an offset. A field with `?` is
optional. Readers ignore fields they don't know. A list of values is closed unless it says that it may grow.
A JSON Schema for each fact lies in `schemas/`, a whole example in `samples/`.
"""


def page(settings: Iterable[TopicSettings]) -> str:
    """The catalogue in Markdown."""
    held = {topic.name: topic for topic in settings}
    parts = components(registry.facts.values(), "{model}")
    lines = [_HEADER, *_overview(), "## Topics", ""]
    for topic in topics.ALL.values():
        lines += _topic(topic, held[topic.name], parts)
    lines += ["## Parts", "", "What several facts share.", ""]
    own = {fact.__name__ for fact in registry.facts.values()}
    for name, part in parts.items():
        if name not in own:
            lines += [f"### {name}", "", *_described(part), *_fields(part)]
    return "\n".join(lines).rstrip() + "\n"


def _overview() -> Iterator[str]:
    yield "| topic | key | said by | heard by |"
    yield "| --- | --- | --- | --- |"
    for topic in topics.ALL.values():
        link = f"[`{topic.name}`](#{_anchor(topic.name)})"
        yield f"| {link} | {topic.key} | {_names(topic.writers)} | {_names(topic.readers)} |"
    yield ""
    yield f"Our services are {_names(SERVICES)}; all others are outsiders."
    yield ""


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)


def _anchor(heading: str) -> str:
    return "".join(sign for sign in heading.lower() if sign.isalnum() or sign in "-_")


def _topic(topic: topics.Topic, held: TopicSettings, parts: dict[str, Json]) -> Iterator[str]:
    keeps = "compacted: the latest record of each key stays" if topic.compacted else _days(held.retention_hours)
    yield f"### {topic.name}"
    yield ""
    yield f"Key: {topic.key}. Said by {_names(topic.writers)}; heard by {_names(topic.readers)}."
    yield f"{held.partitions} partitions; {keeps}."
    if dead := dead_letter_topics(topic):
        yield f"Dead letters: {', '.join(f'`{name}`' for name in dead)}."
    yield ""
    for fact in facts_on(topic):
        yield from _fact(fact, parts[fact.__name__])


def _days(hours: int) -> str:
    if hours % 24 == 0:
        return f"kept for {hours // 24} days"
    return f"kept for {hours} hours" if hours > 1 else "kept for an hour"


def _fact(fact: type[Fact], schema: Json) -> Iterator[str]:
    yield f"#### `{fact.TYPE}`"
    yield ""
    yield from _described(schema)
    if fact.PLANNED:
        yield "Planned: no service says it yet."
        yield ""
    newest = registry.newest(fact)
    if newest is not fact:
        yield f"Old: our services read it as `{newest.TYPE}`. Say that one."
        yield ""
    subject = "" if fact.SUBJECT == fact.KEY else f", subject `{fact.SUBJECT}`"
    yield f"Class `{fact.__module__}.{fact.__name__}`, key `{fact.KEY}`{subject}."
    yield ""
    yield from _fields(schema)


def _described(schema: Json) -> Iterator[str]:
    if text := schema.get("description"):
        yield " ".join(str(text).split())
        yield ""


def _fields(schema: Json) -> Iterator[str]:
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    fields = schema.get("properties")
    yield "| field | type | meaning |"
    yield "| --- | --- | --- |"
    for name, field in fields.items() if isinstance(fields, dict) else ():
        if isinstance(field, dict):
            mark = "" if name in needed else "?"
            meaning = str(field.get("description", "")).replace("|", "\\|")
            yield f"| `{name}`{mark} | {_type(field)} | {meaning} |"
    yield ""


def _type(field: JsonValue) -> str:
    if not isinstance(field, dict):
        return ""
    if isinstance(choices := field.get("anyOf"), list):
        return " or ".join(_type(choice) for choice in choices if choice != {"type": "null"})
    if reference := field.get("$ref"):
        return f"[{reference}](#{_anchor(str(reference))})"
    if isinstance(values := field.get("enum"), list):
        return ", ".join(f"`{value}`" for value in values)
    if isinstance(known := field.get("x-expect-more"), list):
        return ", ".join(f"`{value}`" for value in known) + ", …"
    if field.get("type") == "array":
        return f"list of {_type(field.get('items'))}"
    return _scalar(field)


def _scalar(field: Json) -> str:
    kind = str(field.get("format") or field.get("type", ""))
    low, high = field.get("minimum"), field.get("maximum")
    bounds = "" if low is None else f", from {low}" if high is None else f", {low} to {high}"
    if field.get("type") == "string" and not field.get("format"):
        pattern, longest = field.get("pattern"), field.get("maxLength")
        kind = "id" if longest == 64 and pattern == r"^[\x21-\x7e]+$" else "text"
        if pattern and kind == "text" and "u0000" not in str(pattern):
            return f"text `{pattern}`".replace("|", "\\|")
        return kind if kind == "id" else f"text, at most {longest}"
    return kind + bounds
