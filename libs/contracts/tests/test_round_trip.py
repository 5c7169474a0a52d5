"""Whatever the schemas allow is read, and reads the same after it was said."""

from datetime import UTC, datetime

import pytest
from admitted import values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packhorse_contracts import envelope as ce
from packhorse_contracts import registry
from packhorse_contracts.attributes import STRUCTURED
from packhorse_contracts.base import Fact
from packhorse_contracts.export.schemas import schema
from pydantic import JsonValue
from pydantic_core import to_json

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALL = sorted(registry.facts.items())


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
