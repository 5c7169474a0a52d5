"""A golden sample of each fact: a structured CloudEvent with every field filled, the same on every run."""

from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Final, Literal, Union, get_args, get_origin

from pydantic import JsonValue

from packhorse_contracts import ids, registry
from packhorse_contracts.attributes import JSON
from packhorse_contracts.base import Fact, Model
from packhorse_contracts.envelope import rfc3339
from packhorse_contracts.export.sample_values import VALUES
from packhorse_contracts.export.schemas import Json
from packhorse_contracts.topics import OUTSIDERS

NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATER: Final = "2026-03-04T17:00:00Z"


def sample(fact: type[Fact]) -> Json:
    """A whole event of this type, as somebody would say it in structured mode."""
    data = _model(fact)
    read = fact.model_validate(data, by_alias=True, by_name=False)
    sayer = registry.name_of(fact).sayer
    attributes: Json = {
        "specversion": "1.0",
        "id": ids.derive(NOON, "sample", fact.TYPE),
        "source": f"/{sayer}" if sayer in OUTSIDERS else f"/packhorse/{_voice(fact, sayer)}",
        "type": fact.TYPE,
        "subject": read.subject,
        "time": rfc3339(NOON),
        "datacontenttype": JSON,
        "partitionkey": read.key,
    }
    if read.correlation is not None:
        attributes["correlationid"] = read.correlation
    if sayer not in OUTSIDERS:
        attributes["causationid"] = ids.derive(NOON, "cause", fact.TYPE)
    if sayer not in OUTSIDERS and fact.NUMBERED:
        attributes["sequence"] = 1
    return attributes | {"data": data}


def _voice(fact: type[Fact], sayer: str) -> str:
    """The service that says it; any of them, where it is theirs alike."""
    return sayer if sayer in fact.TOPIC.writers else fact.TOPIC.writers[0]


def samples() -> dict[str, Json]:
    """A golden sample of every wire type, old majors included."""
    return {wire: sample(fact) for wire, fact in sorted(registry.facts.items())}


def _model(model: type[Model]) -> Json:
    return {
        (wire := field.alias or name): _field(model.__name__, wire, field.annotation)
        for name, field in model.model_fields.items()
    }


def _field(owner: str, name: str, annotation: object) -> JsonValue:
    if f"{owner}.{name}" in VALUES:
        return VALUES[f"{owner}.{name}"]
    if name in VALUES and not _is_model(annotation) and get_origin(_plain(annotation)) is not Literal:
        return VALUES[name]
    return _value(name, annotation)


def _is_model(annotation: object) -> bool:
    plain = _plain(annotation)
    if get_origin(plain) is tuple:
        return _is_model(get_args(plain)[0])
    return isinstance(plain, type) and issubclass(plain, Model)


def _plain(annotation: object) -> object:
    """The type itself, without `Annotated` and without `| None`."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return _plain(next(choice for choice in get_args(annotation) if choice is not NoneType))
    return annotation


def _value(name: str, annotation: object) -> JsonValue:
    plain = _plain(annotation)
    if get_origin(plain) is Literal:
        first: JsonValue = get_args(plain)[0]
        return first
    if get_origin(plain) is tuple:
        return [_value(name, get_args(plain)[0])]
    if isinstance(plain, type) and issubclass(plain, Model):
        return _model(plain)
    if plain is bool:
        return True
    if plain is datetime:
        return LATER
    if plain is str and name.endswith("_id"):
        return ids.derive(NOON, "sample", name)
    raise LookupError(f"no golden value for {name} ({plain}): add one to VALUES")
