"""The check that a schema only grows within a major: each kind of break is found, with the field's path."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from packhorse_contracts import compat
from packhorse_contracts.export.schemas import Json

WIRE = "packhorse.toy.sold.v1"
AT: Json = {"type": "string", "format": "date-time"}
SOLD: Json = {
    "x-kafka-topic": "toy.events",
    "x-kafka-key": "id",
    "x-subject": "id",
    "type": "object",
    "required": ["id", "lines"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^a"},
        "note": {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]},
        "at": AT,
        "kind": {"enum": ["a", "b"], "type": "string"},
        "open": {"enum": ["a"], "type": "string", "x-expect-more": ["a"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "maxItems": 5},
    },
    "$defs": {
        "Line": {
            "type": "object",
            "required": ["quantity"],
            "properties": {
                "quantity": {"type": "integer", "minimum": 1, "maximum": 10},
                "price": {"anyOf": [{"$ref": "#/$defs/Money"}, {"type": "null"}]},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
            },
        },
        "Money": {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer"}}},
    },
}

Change = Callable[[Json], None]


def breaks(change: Change) -> list[tuple[str, str]]:
    """Path and message of every break that a change of the toy's schema makes."""
    new = copy.deepcopy(SOLD)
    change(new)
    return [(found.path, found.message) for found in compat.compare({WIRE: SOLD}, {WIRE: new})]


def put(*path: str, value: object) -> Change:
    """Puts a value at a path of the schema."""

    def change(schema: Json) -> None:
        place: dict[str, object] = schema  # type: ignore[assignment]
        for step in path[:-1]:
            place = place[step]  # type: ignore[assignment]
        place[path[-1]] = value

    return change


def drop(*path: str) -> Change:
    """Takes away what stands at a path of the schema."""

    def change(schema: Json) -> None:
        place: dict[str, object] = schema  # type: ignore[assignment]
        for step in path[:-1]:
            place = place[step]  # type: ignore[assignment]
        del place[path[-1]]

    return change


LINE = ("$defs", "Line", "properties")


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (drop("properties", "at"), "at", "the field is gone"),
        (drop("properties", "id"), "id", "the field is gone: an old reader"),
        (drop(*LINE, "price"), "lines[].price", "the field is gone"),
        (put("required", value=["id", "lines", "at"]), "at", "required now: an old record"),
        (put("required", value=["lines"]), "id", "optional now: an old reader"),
        (put("$defs", "Line", "required", value=["quantity", "parts"]), "lines[].parts", "required now: an old record"),
        (put("properties", "id", "type", value="integer"), "id", "type string became integer"),
        (put("properties", "id", "pattern", value="^ab"), "id", "pattern ^a became ^ab: an old record"),
        (drop("properties", "id", "pattern"), "id", "pattern ^a became None: an old reader"),
        (put("properties", "id", "maxLength", value=63), "id", "maxLength 64 became 63: an old record"),
        (put("properties", "id", "maxLength", value=65), "id", "maxLength 64 became 65: an old reader"),
        (drop("properties", "id", "maxLength"), "id", "maxLength 64 became None: an old reader"),
        (put("properties", "id", "minLength", value=2), "id", "minLength 1 became 2: an old record"),
        (put("properties", "at", "maxLength", value=20), "at", "maxLength None became 20: an old record"),
        (put("properties", "at", "minLength", value=20), "at", "minLength None became 20: an old record"),
        (put("properties", "at", "format", value="date"), "at", "format date-time became date: an old record"),
        (put("properties", "lines", "maxItems", value=4), "lines", "maxItems 5 became 4: an old record"),
        (put(*LINE, "quantity", "minimum", value=2), "lines[].quantity", "minimum 1 became 2: an old record"),
        (put(*LINE, "quantity", "minimum", value=0), "lines[].quantity", "minimum 1 became 0: an old reader"),
        (put(*LINE, "quantity", "maximum", value=9), "lines[].quantity", "maximum 10 became 9: an old record"),
        (put(*LINE, "quantity", "maximum", value=11), "lines[].quantity", "maximum 10 became 11: an old reader"),
        (put("properties", "kind", "enum", value=["a"]), "kind", "member b is gone: an old record"),
        (put("properties", "kind", "enum", value=["a", "b", "c"]), "kind", "member c is new: an old reader"),
        (drop("properties", "kind", "enum"), "kind", "the list of values is open now: an old reader"),
        (put("properties", "id", "enum", value=["a"]), "id", "the list of values is closed now: an old record"),
        (put("properties", "open", "enum", value=[]), "open", "member a is gone: an old record"),
        (drop("properties", "open", "x-expect-more"), "open", "no longer told to expect more"),
        (put("properties", "note", value={"type": "string", "maxLength": 9}), "note", "null is refused now"),
        (
            put("properties", "at", value={"anyOf": [AT, {"type": "null"}]}),
            "at",
            "null is allowed",
        ),
        (
            put("properties", "note", "anyOf", value=[{"type": "string", "maxLength": 8}, {"type": "null"}]),
            "note",
            "maxLength 9 became 8: an old record",
        ),
        (
            put("properties", "note", "anyOf", value=[{"type": "string"}, {"type": "integer"}, {"type": "null"}]),
            "note",
            "type string became None",
        ),
        (put("$defs", "Money", "properties", "amount", "type", value="string"), "lines[].price.amount", "type integer"),
        (put("x-kafka-topic", value="other"), "-", "topic toy.events became other"),
        (put("x-kafka-key", value="at"), "-", "key id became at"),
        (put("x-subject", value="at"), "-", "subject id became at"),
    ],
)
def test_a_break_is_found(change: Change, path: str, message: str) -> None:
    """Exactly one, at the field that was changed, and who suffers."""
    [(where, what)] = breaks(change)
    assert where == path
    assert message in what


def test_a_new_required_field_is_found() -> None:
    """Old records don't have it."""

    def change(schema: Json) -> None:
        put("properties", "extra", value={"type": "string"})(schema)
        put("required", value=["id", "lines", "extra"])(schema)

    assert breaks(change) == [("extra", "the new field is required: an old record no longer reads")]


def test_alternatives_are_compared_one_by_one() -> None:
    """Their number, and each of them."""
    two: Json = {"type": "object", "properties": {"id": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}}
    narrower = copy.deepcopy(two)
    put("properties", "id", "anyOf", value=[{"type": "string", "maxLength": 3}, {"type": "integer"}])(narrower)
    [found] = compat.compare({WIRE: two}, {WIRE: narrower})
    assert str(found) == f"{WIRE}: id: maxLength None became 3: an old record no longer reads"
    fewer = copy.deepcopy(two)
    put("properties", "id", "anyOf", value=[{"type": "string"}])(fewer)
    [found] = compat.compare({WIRE: two}, {WIRE: fewer})
    assert "2 alternatives became 1: an old record" in str(found)


def test_a_type_that_is_gone_is_found() -> None:
    """A topic may retain records of it."""
    [found] = compat.compare({WIRE: SOLD}, {})
    assert "the type is gone" in found.message


@pytest.mark.parametrize(
    "change",
    [
        put("properties", "more", value={"type": "string"}),
        put(*LINE, "more", value={"$ref": "#/$defs/Money"}),
        put("properties", "open", "enum", value=["a", "b"]),
        put("properties", "id", "description", value="Something else"),
        put("description", value="Something else"),
        put("properties", "kind", "enum", value=["b", "a"]),
        lambda schema: None,
    ],
)
def test_growth_is_allowed(change: Change) -> None:
    """New optional fields, new members that readers were told to expect, and better words."""
    assert breaks(change) == []


def test_a_new_type_breaks_nobody() -> None:
    """Nobody can have read it yet."""
    assert compat.compare({}, {WIRE: SOLD}) == []


def test_the_baseline_is_read_from_a_folder(tmp_path: Path) -> None:
    """One file a wire type; a folder that isn't there yet is an empty baseline."""
    assert compat.read(tmp_path / "none") == {}
    (tmp_path / f"{WIRE}.json").write_text(json.dumps(SOLD))
    assert compat.read(tmp_path) == {WIRE: SOLD}
