"""No text of any fact holds a NUL: PostgreSQL couldn't keep it, and would refuse it far away from whoever said it."""

import json
from collections.abc import Iterator

import pytest
from packhorse_contracts import registry
from packhorse_contracts.envelope import Heard, decode
from packhorse_contracts.export.samples import sample
from pydantic import JsonValue

Path = tuple[str | int, ...]


def texts(value: JsonValue, path: Path = ()) -> Iterator[Path]:
    """Where the texts stand."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from texts(inner, (*path, number))


def with_nul(data: JsonValue, path: Path) -> JsonValue:
    """The same, with a NUL at the end of one text."""
    changed: JsonValue = json.loads(json.dumps(data))
    place = changed
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    place[path[-1]] += "\x00"  # type: ignore[index, operator]
    return changed


@pytest.mark.parametrize("wire", sorted(registry.facts))
def test_a_nul_is_refused_in_every_field(wire: str) -> None:
    """With the name of the field that holds it; or left out with it, where it can be done without."""
    event = sample(registry.facts[wire])
    attributes = [(f"ce_{name}", str(text).encode()) for name, text in event.items() if name != "data"]
    assert isinstance(decode(json.dumps(event["data"]).encode(), attributes), Heard)
    for path in texts(event["data"]):
        heard = decode(json.dumps(with_nul(event["data"], path)).encode(), attributes)
        if isinstance(heard, Heard):
            assert [str(fault.field).split(".")[0] for fault in heard.spared] == [path[0]]
            assert "\\u0000" not in heard.fact.model_dump_json()
            continue
        assert heard.field is not None
        assert heard.field.split(".")[0] == path[0]
