"""Sound records, one of each fact that somebody says, as the ground that hostile ones grow on."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import packhorse_contracts.facts  # noqa: F401 -- registers every fact
from packhorse_contracts import ids, registry
from packhorse_contracts.base import Fact
from packhorse_contracts.export.samples import sample
from packhorse_contracts.export.schemas import Json

Headers = list[tuple[str, bytes]]

IDS = ("order-536365", "85123A", "warehouse-porto", "RR123456785PT", "store-lisboa")
"""What the golden samples call things. A variant of a sample calls them otherwise, the same in every fact."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One fact as somebody would say it: its class, its attributes without `ce_`, and its data."""

    fact: type[Fact]
    attributes: dict[str, str]
    data: Json

    @property
    def topic(self) -> str:
        """Where it belongs."""
        return self.fact.TOPIC.name

    @property
    def key(self) -> bytes:
        """Its Kafka key."""
        parts = [str(self.data[name]) for name in self.fact.KEY_FIELDS]
        return (parts[0] if len(parts) == 1 else ids.joint(*parts)).encode()

    @property
    def headers(self) -> Headers:
        """The headers of binary mode."""
        named = [(f"ce_{name}", text.encode()) for name, text in self.attributes.items()]
        return [("content-type", b"application/json"), *named]

    @property
    def body(self) -> bytes:
        """The value in binary mode."""
        return json.dumps(self.data, ensure_ascii=False).encode()

    @property
    def event(self) -> Json:
        """The value in structured mode."""
        return {**self.attributes, "datacontenttype": "application/json", "data": self.data}


def sound(fact: type[Fact], variant: str, event_id: str) -> Sound:
    """A golden sample under other names: `variant` is appended to the ids of its order, SKU, location and parcel."""
    text = json.dumps(sample(fact))
    for name in (*IDS, *_derived(text)):
        text = text.replace(f'"{name}"', f'"{name}-{variant}"')
    event = json.loads(text)
    data = event.pop("data")
    attributes = {
        name: str(event[name])
        for name in ("specversion", "source", "type", "subject", "time", "correlationid", "partitionkey")
        if name in event
    }
    return Sound(fact, {**attributes, "id": event_id}, data)


def _derived(text: str) -> Iterable[str]:
    """Ids that the samples derive: of pick lists, shipments and the like."""
    found = json.loads(text)["data"]
    return sorted({str(value) for name, value in found.items() if name.endswith("_id") and value not in IDS})


def inbound(topics: Sequence[str]) -> list[type[Fact]]:
    """Every wire type, old majors included, that belongs on one of these topics."""
    return [fact for _, fact in sorted(registry.facts.items()) if fact.TOPIC.name in topics]
