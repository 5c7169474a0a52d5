"""Whatever the schemas allow is read, and reads the same after it was said."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packhorse_contracts import envelope as ce
from packhorse_contracts import gs1, registry
from packhorse_contracts.attributes import STRUCTURED
from packhorse_contracts.base import Fact
from packhorse_contracts.export.schemas import Json, schema
from pydantic import JsonValue
from pydantic_core import to_json

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALL = sorted(registry.facts.items())

TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()).map(  # noqa: DTZ001
    lambda at: at.astimezone(UTC).isoformat()
)
DIGITS = st.text("0123456789", min_size=17, max_size=17)
FORMATS: dict[str, st.SearchStrategy[JsonValue]] = {
    "date-time": TIMES,
    "date": st.dates().map(lambda day: day.isoformat()),
    "gtin": DIGITS.map(lambda digits: digits[:12] + gs1.check_digit(digits[:12])),
    "sscc": DIGITS.map(lambda digits: digits + gs1.check_digit(digits)),
}


def values(root: Json, part: JsonValue) -> st.SearchStrategy[JsonValue]:
    """Values that a schema allows."""
    assert isinstance(part, dict)
    if isinstance(reference := part.get("$ref"), str):
        parts = root["$defs"]
        assert isinstance(parts, dict)
        return values(root, parts[reference.rpartition("/")[2]])
    if isinstance(choices := part.get("anyOf"), list):
        return st.one_of([values(root, choice) for choice in choices])
    if isinstance(members := part.get("enum"), list):
        return st.sampled_from(members)
    kind = part.get("type")
    if kind == "object":
        return objects(root, part)
    if kind == "array":
        return st.lists(values(root, part["items"]), max_size=3)
    if kind == "string":
        return texts(part)
    low, high = part.get("minimum"), part.get("maximum")
    if kind == "integer":
        assert low is None or isinstance(low, int)
        assert high is None or isinstance(high, int)
        return st.integers(low, high)
    if kind == "number":
        assert isinstance(low, int | float)
        assert isinstance(high, int | float)
        return st.floats(low, high)
    return {"boolean": st.booleans(), "null": st.none()}[str(kind)]


def objects(root: Json, part: Json) -> st.SearchStrategy[JsonValue]:
    """Objects with all required and any of the optional fields."""
    fields, required = part["properties"], part.get("required", [])
    assert isinstance(fields, dict)
    assert isinstance(required, list)
    needed = {name: values(root, field) for name, field in fields.items() if name in required}
    optional = {name: values(root, field) for name, field in fields.items() if name not in required}
    made: st.SearchStrategy[JsonValue] = st.fixed_dictionaries(needed, optional=optional)
    return made


def texts(part: Json) -> st.SearchStrategy[JsonValue]:
    """Texts of a format or a pattern, not longer than allowed."""
    if (format_ := str(part.get("format"))) in FORMATS:
        return FORMATS[format_]
    pattern, longest = str(part.get("pattern", "")), part.get("maxLength", 64)
    assert isinstance(longest, int)
    if pattern == r"^[^\u0000]*$":
        shortest = part.get("minLength", 0)
        assert isinstance(shortest, int)
        plain = st.characters(codec="utf-8", exclude_characters="\x00")
        return st.text(plain, min_size=shortest, max_size=min(longest, 50))
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= longest)


@pytest.mark.parametrize("fact", [fact for _, fact in ALL], ids=[wire for wire, _ in ALL])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_what_a_schema_allows_is_read_and_said_again(fact: type[Fact], data: st.DataObject) -> None:
    """In structured mode, then said in binary mode and heard once more: the same fact."""
    root = schema(fact)
    body = data.draw(values(root, root).filter(lambda made: not _about_nothing(fact, made)))
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": fact.TYPE, "time": "2026-03-02T12:00:00Z"}
    first = ce.decode(to_json(event | {"data": body}), [("content-type", STRUCTURED.encode())])
    assert isinstance(first, ce.Heard), first
    said = ce.Envelope("1", "/x", first.fact.TYPE, first.fact.subject, NOON, partition_key=first.fact.key)
    key, value, headers = ce.encode(said, first.fact)
    again = ce.decode(value, headers)
    assert again == ce.Heard(said, first.fact)
    assert key.decode() == first.fact.key


def _about_nothing(fact: type[Fact], made: JsonValue) -> bool:
    """A notification has an order or a SKU, which JSON Schema could say, but no reader would like to read there."""
    return "notification" in fact.TYPE and isinstance(made, dict) and not (made.get("order_id") or made.get("sku"))
