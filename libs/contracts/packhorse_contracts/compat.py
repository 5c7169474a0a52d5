"""Compares exported schemas with those committed: within a major a schema may only grow.

Both ways must hold, for readers and writers are never updated at the same moment: a new reader reads old records,
and an old reader reads what a new writer says. So a constraint may be neither tightened (an old record no longer
reads) nor loosened (an old reader meets what it can't read). What may be added is a new optional field, or a member
of a list whose readers were told to expect more (`x-expect-more`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import JsonValue

Schema = Mapping[str, JsonValue]
Node = Schema | JsonValue

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT: Final = ("pattern", "format", "const", "multipleOf", "uniqueItems", "additionalProperties", "not")
_WIRE: Final = {"x-kafka-topic": "topic", "x-kafka-key": "key", "x-subject": "subject"}

OLD_RECORD: Final = "an old record no longer reads"
OLD_READER: Final = "an old reader can't read what is said now"


@dataclass(frozen=True, slots=True)
class Break:
    """One change that breaks somebody: where, and how."""

    type: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.type}: {self.path}: {self.message}"


def read(folder: Path) -> dict[str, Schema]:
    """The committed schemas by wire type; none where there is no such folder yet."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def compare(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[Break]:
    """Every change from `old` to `new` that breaks an old reader or an old record. A new wire type breaks nobody."""
    breaks = []
    for wire, before in old.items():
        after = new.get(wire)
        if after is None:
            breaks.append(Break(wire, "-", f"the type is gone: {OLD_RECORD}"))
            continue
        breaks += [Break(wire, path or "-", message) for path, message in _Comparison(before, after).run()]
    return breaks


class _Comparison:
    """Two versions of one schema, walked together from the root along fields, items and references."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str]] = set()

    def run(self) -> Iterator[tuple[str, str]]:
        for word, meaning in _WIRE.items():
            if self._old.get(word) != self._new.get(word):
                yield "", f"{meaning} {self._old.get(word)} became {self._new.get(word)}"
        yield from self._value("", self._old, self._new)

    def _value(self, path: str, before: Node, after: Node) -> Iterator[tuple[str, str]]:
        references = (_reference(before), _reference(after))
        if all(references):
            if references in self._seen:
                return
            self._seen.add(references)
        old, old_null = _without_null(_resolve(self._old, before))
        new, new_null = _without_null(_resolve(self._new, after))
        if old_null != new_null:
            yield path, f"null is {'allowed' if new_null else 'refused'} now: {OLD_READER if new_null else OLD_RECORD}"
        old, new = _resolve(self._old, old), _resolve(self._new, new)
        if old.get("type") != new.get("type"):
            yield path, f"type {old.get('type')} became {new.get('type')}: {OLD_RECORD}"
            return
        yield from _constraints(path, old, new)
        yield from _members(path, old, new)
        yield from self._fields(path, old, new)
        if "items" in old or "items" in new:
            yield from self._value(f"{path}[]", old.get("items", {}), new.get("items", {}))
        yield from self._choices(path, old, new)

    def _fields(self, path: str, old: Schema, new: Schema) -> Iterator[tuple[str, str]]:
        before, after = _table(old.get("properties")), _table(new.get("properties"))
        needed, needs = _list(old.get("required")), _list(new.get("required"))
        for name, field in before.items():
            place = f"{path}.{name}" if path else name
            if name not in after:
                yield place, f"the field is gone: {OLD_READER if name in needed else 'its name could be used anew'}"
                continue
            if (name in needed) != (name in needs):
                became, broken = ("required", OLD_RECORD) if name in needs else ("optional", OLD_READER)
                yield place, f"the field is {became} now: {broken}"
            yield from self._value(place, field, after[name])
        for name in after.keys() - before.keys():
            if name in needs:
                yield f"{path}.{name}" if path else name, f"the new field is required: {OLD_RECORD}"

    def _choices(self, path: str, old: Schema, new: Schema) -> Iterator[tuple[str, str]]:
        before, after = _list(old.get("anyOf")), _list(new.get("anyOf"))
        if len(before) != len(after):
            broken = OLD_RECORD if len(after) < len(before) else OLD_READER
            yield path, f"{len(before)} alternatives became {len(after)}: {broken}"
            return
        for one, other in zip(before, after, strict=True):
            yield from self._value(path, one, other)


def _constraints(path: str, old: Schema, new: Schema) -> Iterator[tuple[str, str]]:
    for word in (*_LOWER, *_UPPER):
        before, after = _number(old.get(word)), _number(new.get(word))
        if before != after:
            higher = before is None or (after is not None and after > before)
            tightened = after is not None and (before is None or higher == (word in _LOWER))
            yield path, f"{word} {before} became {after}: {OLD_RECORD if tightened else OLD_READER}"
    for word in _EXACT:
        if old.get(word) != new.get(word):
            broken = OLD_READER if word not in new else OLD_RECORD
            yield path, f"{word} {old.get(word)} became {new.get(word)}: {broken}"


def _members(path: str, old: Schema, new: Schema) -> Iterator[tuple[str, str]]:
    if ("enum" in old) != ("enum" in new):
        yield (
            path,
            f"the list of values is {'closed' if 'enum' in new else 'open'} now: "
            + (OLD_RECORD if "enum" in new else OLD_READER),
        )
        return
    if "x-expect-more" in old and "x-expect-more" not in new:
        yield path, f"readers are no longer told to expect more: {OLD_READER}"
    before, after = _list(old.get("enum")), _list(new.get("enum"))
    for member in before:
        if member not in after:
            yield path, f"member {member} is gone: {OLD_RECORD}"
    if "x-expect-more" not in old:
        for member in after:
            if member not in before:
                yield path, f"member {member} is new: {OLD_READER}"


def _reference(schema: Node) -> str:
    return str(schema.get("$ref", "")) if isinstance(schema, Mapping) else ""


def _resolve(root: Schema, schema: Node) -> Schema:
    if not isinstance(schema, Mapping):
        return {}
    reference = _reference(schema)
    if not reference:
        return schema
    return _resolve(root, _table(root.get("$defs")).get(reference.rpartition("/")[2]))


def _without_null(schema: Schema) -> tuple[Schema, bool]:
    """The one other alternative of `X | null`, and whether null was among them."""
    choices = _list(schema.get("anyOf"))
    others = [choice for choice in choices if choice != {"type": "null"}]
    if len(others) == len(choices):
        return schema, False
    if len(others) == 1 and isinstance(others[0], Mapping):
        return others[0], True
    return {**schema, "anyOf": others}, True


def _table(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _number(value: JsonValue) -> float | None:
    return value if isinstance(value, int | float) else None
