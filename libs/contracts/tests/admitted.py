"""Values that an exported JSON Schema admits, for property tests."""

from datetime import UTC, datetime

from hypothesis import strategies as st
from packhorse_contracts import gs1
from packhorse_contracts.export.schemas import Json
from pydantic import JsonValue

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
        least = part.get("minItems", 0)
        assert isinstance(least, int)
        return st.lists(values(root, part["items"]), min_size=least, max_size=max(least, 3))
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
    if "properties" not in part:
        return st.dictionaries(st.text("abc", max_size=3), st.integers(0, 9) | st.text("xyz", max_size=3))
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
    if pattern == r"^[^\x00]*$":
        shortest = part.get("minLength", 0)
        assert isinstance(shortest, int)
        plain = st.characters(codec="utf-8", exclude_characters="\x00")
        return st.text(plain, min_size=shortest, max_size=min(longest, 50))
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= longest)
