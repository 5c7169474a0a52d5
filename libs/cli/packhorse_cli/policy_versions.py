"""The versions of a service's policy, by what its topic holds: taken as the service takes them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from packhorse_chassis.core.inputs import Raw
from packhorse_chassis.core.kinds import RefusedError
from packhorse_chassis.core.memory import Memory
from packhorse_chassis.core.policy import POLICY, Policies
from packhorse_chassis.core.reaction import Routes
from packhorse_chassis.kafka.reading import Reader
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.policies import POLICIES, Policy
from pydantic import JsonValue, ValidationError

from packhorse_cli.stream import Event

Values = Mapping[str, JsonValue]
Fate = Literal["in force", "was in force", "repeated", "out of date", "refused"]
NAMES: Final[tuple[str, ...]] = tuple(POLICIES)


@dataclass(frozen=True, slots=True)
class Version:
    """One that was set, and what came of it; version 0 is that of the code, and nobody has set it."""

    service: str
    number: int = 0
    at: datetime | None = None
    by: str = ""
    why: str = ""
    policy: Values | None = None
    """What differs from the defaults, as the fact says it."""

    fate: Fate = "in force"
    refusal: str = ""
    place: str = ""
    """Its record: partition and offset."""

    @property
    def values(self) -> Values:
        """Every field. As the fact has it where this release couldn't read it."""
        return every_value(self.service, self.policy or {})


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs between two policies. `usual` is its default."""

    field: str
    before: JsonValue
    after: JsonValue
    usual: JsonValue


def versions(service: str, events: Iterable[Event]) -> list[Version]:
    """All that were set, in the order of the topic. Dry runs were only asked about."""
    routes = Routes(service, policies=Policies(service, POLICIES[service]()))
    reader, memory = Reader(routes), Memory(routes)
    found: list[Version] = []
    for event in events:
        raw = Raw(
            "record", event.topic, event.partition, event.offset, event.key.encode(), event.raw_headers, event.value
        )
        arrival = reader.record(raw)
        if arrival is None or arrival.dry_run is not None:
            continue
        fact = arrival.heard
        if isinstance(fact, OperationsPolicySet) and fact.service == service:
            fate, refusal = _taken(memory, fact)
            found = _with(found, _version(fact, fate, refusal, event))
    return found


def in_force(service: str, found: Iterable[Version]) -> Version:
    """The one that the service goes by; the defaults where none was set."""
    return next((each for each in found if each.fate == "in force"), Version(service))


def every_value(service: str, policy: Values) -> Values:
    """What a policy comes to, with the defaults for what it doesn't name."""
    model: Policy = POLICIES[service]()
    usual: Values = model.model_dump(mode="json")
    try:
        return POLICIES[service].model_validate({**usual, **policy}).model_dump(mode="json")
    except ValidationError:
        return {**usual, **policy}


def changes(service: str, before: Values, after: Values) -> list[Change]:
    """The fields that differ, in the order of the model."""
    usual = every_value(service, {})
    names = [*usual, *sorted({*before, *after} - usual.keys())]
    return [
        Change(name, before.get(name), after.get(name), usual.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def told(value: JsonValue) -> str:
    """A value in a cell: as it stands in a file."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {told(inner)}" for name, inner in value.items())
    return "" if value is None else str(value)


def stories(found: list[Version]) -> Iterator[tuple[Version, list[Change]]]:
    """Each version, and what changed with it against the one in force before."""
    before: Values | None = None
    for each in found:
        before = every_value(each.service, {}) if before is None else before
        if each.fate in {"in force", "was in force"}:
            yield each, changes(each.service, before, each.values)
            before = each.values
        else:
            yield each, []


def _taken(memory: Memory, fact: OperationsPolicySet) -> tuple[Fate, str]:
    before = memory.state(POLICY, fact.service)
    try:
        memory.hear(fact, fact.at)
    except RefusedError as refused:
        return "refused", f"{refused.code}: {refused.message}"
    if memory.state(POLICY, fact.service) is not before:
        return "in force", ""
    return ("repeated" if fact.policy_version == before.version else "out of date"), ""


def _version(fact: OperationsPolicySet, fate: Fate, refusal: str, event: Event) -> Version:
    return Version(
        fact.service,
        fact.policy_version,
        fact.at,
        fact.by,
        fact.why,
        fact.policy,
        fate,
        refusal,
        f"{event.partition}@{event.offset}",
    )


def _with(found: list[Version], new: Version) -> list[Version]:
    if new.fate == "in force":
        found = [replace(each, fate="was in force") if each.fate == "in force" else each for each in found]
    return [*found, new]
