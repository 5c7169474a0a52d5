"""A policy as a file: YAML, of which JSON is a subset. Pure: text in, a policy out, or all that is wrong with it."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from packhorse_contracts.export.schemas import policies
from packhorse_contracts.policies import POLICIES, Policy
from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

MOST_CHARS: Final = 65_536
"""A policy has some ten lines; who names another file by mistake hears so at once."""

_TAG: Final = "tag:yaml.org,2002:"
_SHOWN: Final = 40
Path = tuple[str, ...]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong at a place of the file, both counted from 1, and what would be right there."""

    line: int
    column: int
    field: str
    wrong: str
    right: str


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What a file says: whose policy, and which; `policy` is None where there are faults."""

    service: str | None
    policy: Policy | None
    faults: tuple[Fault, ...] = ()


def read(text: str, service: str | None = None) -> PolicyFile:
    """Reads a policy file. `service` is whose it shall be; else the file says it itself, at its top."""
    reading = _Reading(service)
    try:
        root = reading.parsed(text)
    except _NoYamlError as error:
        return PolicyFile(service, None, (error.fault,))
    return reading.read(root)


def differing(policy: Policy) -> dict[str, JsonValue]:
    """What of a policy isn't as the code has it: what is published."""
    told, usual = policy.model_dump(mode="json"), type(policy)().model_dump(mode="json")
    return {name: value for name, value in told.items() if value != usual[name]}


class _NoYamlError(Exception):
    def __init__(self, line: int, column: int, wrong: str, right: str) -> None:
        super().__init__(wrong)
        self.fault = Fault(line, column, "", wrong, right)


@dataclass(slots=True)
class _Reading:
    """One file as it is read: its faults so far, and where each name and each value stands."""

    service: str | None
    faults: list[Fault] = field(default_factory=list)
    names: dict[Path, Node] = field(default_factory=dict)
    values: dict[Path, Node] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def parsed(self, text: str) -> Node:
        """The document; raises _NoYamlError where it is none."""
        if len(text) > MOST_CHARS:
            raise _NoYamlError(1, 1, f"the file has {len(text):,} characters", "a policy has some ten lines")
        try:
            root = YAML(typ="safe", pure=True).compose(_without_tabs(text.removeprefix("\ufeff")))
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            told = " ".join(filter(None, (error.context, error.problem)))
            raise _NoYamlError(line, column, f"this is no YAML: {told}", "a line such as `service: order`") from None
        except ReaderError as error:
            before = text[: int(error.position)]
            line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
            raise _NoYamlError(line, column, "a character that YAML doesn't know", "text") from None
        except (YAMLError, RecursionError, ValueError) as error:
            raise _NoYamlError(1, 1, f"this is no YAML: {type(error).__name__}", "lines `name: value`") from None
        if root is None:
            raise _NoYamlError(
                1, 1, "the file says nothing", "a line `service: order`; alone it means that all is as by default"
            )
        if not isinstance(root, MappingNode):
            raise _NoYamlError(*_place(root), "this is no list of names and values", "lines `name: value`")
        return root

    def read(self, root: Node) -> PolicyFile:
        """The policy, or every fault in the order of the file."""
        found = self._members(root, ())
        service = self._whose(root, found)
        if service is None:
            return self._ended(None, None)
        try:
            policy = POLICIES[service].model_validate(found)
        except ValidationError as error:
            for wrong in error.errors(include_url=False, include_context=False):
                self._add(service, wrong)
            policy = None
        return self._ended(service, policy)

    def _ended(self, service: str | None, policy: Policy | None) -> PolicyFile:
        return PolicyFile(service, None if self.faults else policy, tuple(sorted(set(self.faults))))

    def _whose(self, root: Node, found: dict[str, Any]) -> str | None:
        known = ", ".join(POLICIES)
        said = found.pop("service", None)
        node = self.values.get(("service",))
        if node is None:
            if self.service is None:
                self._fault(root, "service", "it isn't said whose policy this is", f"`service: ` and one of {known}")
            return self.service
        if not isinstance(said, str) or said not in POLICIES:
            self._fault(node, "service", f"there is no service {_shown(said)}", _perhaps(said, POLICIES))
            return None
        if self.service not in {None, said}:
            self._fault(node, "service", f"this is the policy of {said}", f"{self.service}, which was asked for")
            return None
        return said

    def _members(self, node: Node, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in node.value:
            if not isinstance(name, ScalarNode):
                self._fault(name, ".".join(path), "a name is text", "`name: value`")
                continue
            here = (*path, str(name.value))
            if here in self.names:
                first = self.names[here].start_mark.line + 1
                self._fault(name, ".".join(here), f"it stands in line {first} already", "one of both")
                continue
            self.names[here], self.values[here] = name, value
            found[here[-1]] = self._value(value, here)
        return found

    def _value(self, node: Node, path: Path) -> Any:
        """As JSON has it. By YAML 1.2: `no` is text, and so is 15:00."""
        if id(node) in self.seen:
            self._fault(node, ".".join(path), "a reference to another place of the file", "the value itself")
            return None
        self.seen.add(id(node))
        if isinstance(node, MappingNode):
            return self._members(node, path)
        if not isinstance(node, ScalarNode):
            return [self._value(each, (*path, str(number))) for number, each in enumerate(node.value)]
        tag = str(node.tag).removeprefix(_TAG)
        if tag not in {"str", "int", "float", "bool", "null", "timestamp"}:
            self._fault(node, ".".join(path), f"{_shown(str(node.tag))} means nothing here", "the value alone")
            return None
        return _scalar(tag, str(node.value))

    def _add(self, service: str, wrong: ErrorDetails) -> None:
        path = tuple(str(part) for part in wrong["loc"])
        schema = _schemas()[service]
        if wrong["type"] == "extra_forbidden":
            told = f"the policy of {service} has no such field"
            self._fault(self.names[path], path[0], told, _perhaps(path[0], schema["properties"]))
            return
        by_name = path[-1] == "[key]"
        path = path[:-1] if by_name else path
        told, value = ".".join(path), self.values[path]
        if any(fault.field == told for fault in self.faults):
            return  # there is nothing to be seen of what it was meant to be
        wanted = _wanted(_schema_of(schema, path, by_name=by_name))
        if by_name:
            self._fault(self.names[path], told, "there is no such name", wanted)
        elif wrong["input"] is None and not value.value:
            self._fault(self.names[path], told, "nothing stands behind it", wanted)
        else:
            self._fault(value, told, f"{_written(value)} {_WORDS.get(wrong['type'], _OTHERWISE)}", wanted)

    def _fault(self, node: Node, name: str, wrong: str, right: str) -> None:
        self.faults.append(Fault(*_place(node), name, wrong, right))


@cache
def _schemas() -> Mapping[str, Schema]:
    return policies()


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _without_tabs(text: str) -> str:
    """JSON may be indented with tabs, which YAML doesn't take; in JSON they stand nowhere else."""
    if "\t" not in text:
        return text
    try:
        json.loads(text)
    except ValueError:
        return text
    return text.replace("\t", " ")


def _scalar(tag: str, text: str) -> Any:
    if tag == "bool":
        return text.lower() == "true"
    if tag == "null":
        return None
    try:
        if tag == "int":
            digits = text.replace("_", "")
            return int(digits, 0 if digits.lstrip("+-").lower().startswith(("0x", "0o")) else 10)
        if tag == "float":
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:  # more digits than anybody sets
        pass
    return text


def _shown(value: object, most: int = _SHOWN) -> str:
    """A value as it would stand in a file, its end cut off where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else text[: most - 1] + "…"


def _written(node: Node) -> str:
    """A value as it does stand there."""
    if not isinstance(node, ScalarNode):
        return "this"
    return _shown(str(node.value)) if node.tag == f"{_TAG}str" else str(node.value)[:_SHOWN]


_WORDS: Final = {
    "greater_than": "is too little",
    "greater_than_equal": "is too little",
    "less_than_equal": "is too much",
    "int_type": "is no whole number",
    "int_from_float": "is no whole number",
    "float_type": "is no whole number",  # as which JSON has 3.0, and so it is read as one first
    "string_type": "is no text",
    "dict_type": "is no list of names and values",
    "literal_error": "isn't one of those that there are",
    "string_pattern_mismatch": "isn't of that form",
    "time_delta_parsing": "is no length of time",
    "time_delta_type": "is no length of time",
    "value_error": "is no length of time that can be set",
}
_OTHERWISE: Final = "can't be set"


def _schema_of(schema: Schema, path: Path, *, by_name: bool) -> Schema:
    """Of one field, and what usually stands there."""
    found: Schema = schema["properties"][path[0]]
    for _ in path[1:]:
        found = found.get("propertyNames" if by_name else "additionalProperties") or {}
    return found


def _wanted(schema: Schema) -> str:
    """What would be right, in words."""
    usual = f", such as {_shown(schema['default'], 80)}" if "default" in schema else ""
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if any(choice.get("format") == "duration" for choice in schema.get("anyOf", ())):
        return "more than nothing and ten years at most: seconds, or ISO 8601" + (usual or ", such as PT30M")
    if schema.get("type") == "integer":
        return f"a whole number from {schema['minimum']:,} to {schema['maximum']:,}{usual}"
    if schema.get("type") == "object":
        names = ", ".join(schema["propertyNames"]["enum"])
        return f"for {names}: {_wanted(schema['additionalProperties'])}{usual}"
    return f"text{usual}"


def _perhaps(name: object, names: Iterable[str]) -> str:
    """Those that come near; all where none does."""
    known = list(names)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    return f"{near[0]}, perhaps" if near else f"one of {', '.join(known)}"
