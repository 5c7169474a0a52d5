"""Few bytes never cost much: counted in faults and in memory, not in seconds."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest
from packhorse_contracts import envelope as ce
from packhorse_contracts import registry
from packhorse_contracts.base import Fact
from packhorse_contracts.export.samples import sample
from pydantic import JsonValue, ValidationError

INBOUND = [fact for _, fact in sorted(registry.facts.items()) if fact.ANSWERED_BY]
MOST_FAULTS = 40
"""Of the largest fact without any of its fields."""

Path = tuple[str | int, ...]


def lists(value: JsonValue, at: Path = ()) -> Iterator[Path]:
    """Every list inside."""
    if isinstance(value, list) and at:
        yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, held in inside:
        yield from lists(held, (*at, name))


def crowded(value: JsonValue, path: Path, crowd: JsonValue) -> JsonValue:
    """The same with a crowd in one place."""
    if not path:
        return crowd
    if isinstance(value, dict):
        return {name: crowded(held, path[1:], crowd) if name == path[0] else held for name, held in value.items()}
    assert isinstance(value, list)
    return [crowded(held, path[1:], crowd) if n == path[0] else held for n, held in enumerate(value)]


@pytest.mark.parametrize("fact", registry.facts.values(), ids=list(registry.facts))
@pytest.mark.parametrize("member", ["{}", "[]", "1", "null", '{"a":[{}]}'])
def test_no_list_is_looked_at_beyond_its_first_wrong_member(fact: type[Fact], member: str) -> None:
    """At any depth of any fact: half a million faults took seconds, and hundreds of megabytes."""
    body = sample(fact)["data"]
    for path in lists(body):
        crowd = [json.loads(member)] * 3_000
        for hostile in (crowded(body, path, crowd), crowded({}, (), {str(path[0]): crowd})):
            with pytest.raises(ValidationError) as wrong:
                fact.model_validate_json(json.dumps(hostile))
            assert wrong.value.error_count() <= MOST_FAULTS, path


@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize("fact", INBOUND, ids=[fact.TYPE for fact in INBOUND])
def test_what_has_too_many_parts_is_not_parsed(fact: type[Fact], mode: str) -> None:
    """In fields that are known or not, side by side or within each other."""
    event = sample(fact)
    parts = {
        "objects": "[" + ",".join(["{}"] * 120_000) + "]",
        "numbers": "[" + ",".join(["1"] * 180_000) + "]",
        "lists": "[" + ",".join(["[" * 100 + "]" * 100] * 1_900) + "]",
        "the same name": "{" + ",".join(['"a":{}'] * 40_000) + "}" if mode == "binary" else "[" * 150_001,
    }
    for what, text in parts.items():
        body = json.dumps(event["data"])[:-1] + f',"unknown":{text}}}'
        heads = {name: str(held) for name, held in event.items() if name != "data"}
        if mode == "binary":
            heard = ce.decode(body.encode(), [(f"ce_{name}", held.encode()) for name, held in heads.items()])
        else:
            whole = json.dumps(heads)[:-1] + f',"data":{body}}}'
            heard = ce.decode(whole.encode(), [("content-type", ce.STRUCTURED.encode())])
        assert isinstance(heard, ce.Unreadable), what
        assert heard.code == "too_large", what
        assert "parts" in heard.message


def test_the_largest_sound_order_has_far_fewer_parts_than_are_read() -> None:
    """2,000 lines with every field."""
    event = sample(registry.facts["packhorse.checkout.order_placed.v1"])
    order = event["data"]
    assert isinstance(order, dict)
    assert isinstance(order["lines"], list)
    large = json.dumps({**order, "lines": order["lines"][:1] * 2_000})
    assert large.count(",") + large.count("{") + large.count("[") < ce.MAX_OUTSIDER_PARTS


ATTACK = """
import resource, sys
from packhorse_contracts import envelope as ce
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
body = b'{"lines":[' + b",".join([b"{}"] * 130_000) + b"]}"
heads = {"specversion": "1.0", "id": "1", "source": "/x", "type": "packhorse.checkout.order_placed.v1"}
headers = [(f"ce_{n}", t.encode()) for n, t in {**heads, "time": "2026-03-02T12:00:00Z"}.items()]
for _ in range(40):
    assert isinstance(ce.decode(body, headers), ce.Unreadable)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_SELF"), reason="no such measure here")
def test_forty_attacks_take_no_memory() -> None:
    """It was 700 megabytes for one."""
    done = subprocess.run([sys.executable, "-c", ATTACK], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 60_000, "kilobytes"
