"""Reads a fact that breaks its contract, field by field: what is wrong with it, and what of it is sound all the same.

Two kinds of facts are read so. Of one with `spares` (a product's GTIN) the fields that are wrong are left out, where a
reader can do without them. One with a twin (an order) is handed to its reader as that: every fault, and the sound part,
so that whoever sent it can be answered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast, get_args, get_origin

from pydantic import Field, JsonValue, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import from_json, to_json

from packhorse_contracts.base import MAX_ITEMS, NO_NUL, Fact, Model
from packhorse_contracts.blocks import Fault

MAX_FAULTS: Final = 50
"""So many are told of one fact. Then the rest isn't looked at: reading what is wrong costs more than what isn't."""

MORE_FAULTS: Final = Fault(code="more_faults", message="there are more faults, which are not told")
_NUL: Final = "the text holds a NUL character"

M = TypeVar("M", bound=Model)
F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Reading(Generic[M]):
    """`part` lacks each field that is at fault: reading one raises UnsoundFieldError. None where there was too much."""

    part: M | None
    faults: tuple[Fault, ...]
    content: dict[str, JsonValue]
    """What it says in the fields that the contract knows."""


class Unsound(Fact):
    """A fact that breaks its contract, but of which the key can be read. Its twin is the sound one."""

    faults: tuple[Fault, ...] = Field(description="What breaks the contract; of very many only the first")
    content: str = Field(description="What it says, as JSON, to recognise it by; never kept", repr=False, exclude=True)


_twins: dict[str, type[Unsound]] = {}


def twin(sound: type[Fact], unsound: type[Unsound]) -> None:
    """Has what breaks the contract of `sound` read as `unsound`, whose field `part` takes what of it is sound."""
    unsound.TYPE, unsound.TOPIC, unsound.KEY, unsound.SUBJECT = sound.TYPE, sound.TOPIC, sound.KEY, sound.SUBJECT
    unsound.KEY_FIELDS = sound.KEY_FIELDS
    _twins[sound.TYPE] = unsound


def unsound(fact: type[Fact], data: bytes) -> Unsound | None:
    """What breaks the contract of `fact`; None where it has no twin, or where not even its key can be read."""
    if (kind := _twins.get(fact.TYPE)) is None or (reading := read(fact, data)) is None:
        return None
    key = reading.content.get(fact.KEY)
    content = to_json(reading.content).decode()
    try:
        return kind.model_validate({fact.KEY: key, "faults": reading.faults, "content": content, "part": reading.part})
    except ValidationError:
        return None


def without_spares(fact: type[F], data: bytes) -> tuple[F, tuple[Fault, ...]] | None:
    """The fact without those of its spares that are wrong, and what is wrong; None where that doesn't mend it. A null
    is nobody's fault: it says that the field is absent."""
    if not (fact.SPARES or fact.TYPE in _twins) or (reading := read(fact, data)) is None or reading.part is None:
        return None
    wrong = {(fault.field or "").partition(".")[0] for fault in reading.faults}
    if not wrong <= fact.SPARES:
        return None
    kept = {name: value for name, value in reading.content.items() if name not in wrong}
    try:
        return fact.model_validate_json(to_json(kept), by_alias=True, by_name=False), reading.faults
    except ValidationError:
        return None


def read(model: type[M], data: bytes) -> Reading[M] | None:
    """Every fault of these data; None where they are no JSON object. They hold no more items than a contract allows."""
    try:
        raw = from_json(data, allow_inf_nan=False)
    except ValueError:
        return None
    if not isinstance(raw, dict):
        return None
    faults: list[Fault] = []
    part: M | None = None
    try:
        part = _part(model, raw, "", faults)
    except _TooManyError:
        faults.append(MORE_FAULTS)
    return Reading(part, tuple(faults), _known(model, raw))


class _TooManyError(Exception):
    pass


def _part(model: type[M], raw: Mapping[str, JsonValue], at: str, faults: list[Fault]) -> M:
    sound: dict[str, Any] = {}
    for field in _fields(model):
        value, place = raw.get(field.wire), f"{at}{field.wire}"
        if value is None:
            if field.info.is_required():
                _tell(faults, "missing", place, "the field is missing")
            else:
                sound[field.name] = field.info.get_default()
        elif field.many and isinstance(value, list) and len(value) > MAX_ITEMS:
            _tell(faults, "out_of_range", place, f"{len(value)} items, at most {MAX_ITEMS} are read")
        elif field.inner is not None and not field.many and isinstance(value, dict):
            sound[field.name] = _part(field.inner, value, f"{place}.", faults)
        elif field.inner is not None and field.many and isinstance(value, list):
            items = [_item(field.inner, item, f"{place}.{number}", faults) for number, item in enumerate(value)]
            sound[field.name] = tuple(items)
        else:
            sound.update(_leaf(field, value, place, faults))
    return _partial(model, sound)


def _item(model: type[M], raw: JsonValue, at: str, faults: list[Fault]) -> M:
    try:
        return model.model_validate_json(to_json(raw), by_alias=True, by_name=False)
    except ValidationError:
        if isinstance(raw, dict):
            return _part(model, raw, f"{at}.", faults)
    _tell(faults, "wrong_type", at, "Input should be an object")
    return _partial(model, {})


def _leaf(field: "_Field", value: JsonValue, at: str, faults: list[Fault]) -> dict[str, object]:
    try:
        return {field.name: field.adapter.validate_json(to_json(value), by_alias=True, by_name=False)}
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join((at, *(str(step) for step in first["loc"] if isinstance(step, int))))
    message = _NUL if first.get("ctx", {}).get("pattern") == NO_NUL else first["msg"].removeprefix("Value error, ")
    meaning = field.info.description
    _tell(faults, _code(first["type"]), place, f"{message}: {meaning}" if meaning else message)
    return {}


def _partial(model: type[M], sound: Mapping[str, Any]) -> M:
    """With these fields and no others, not even those that have a default."""
    part = cast("M", model.model_construct(**sound))
    for name in model.model_fields.keys() - sound.keys():
        part.__dict__.pop(name, None)
    return part


def _tell(faults: list[Fault], code: str, place: str, message: str) -> None:
    if len(faults) == MAX_FAULTS:
        raise _TooManyError
    faults.append(Fault(code=code, field=place, message=message[:500]))


def _code(error: str) -> str:
    """Our name for what pydantic calls so."""
    if error in {"literal_error", "enum"}:
        return "unknown_value"
    if error.startswith(("greater_than", "less_than", "too_", "string_too_")):
        return "out_of_range"
    if error.endswith(("_type", "_from_float", "_parsing")) or error == "finite_number":
        return "wrong_type"
    return "malformed"


CODES: Final = {
    "missing": "a field is not there that has to be",
    "unknown_value": "not one of the values that the field may have",
    "out_of_range": "too small or too large, too short or too long, or too many",
    "wrong_type": "a text in place of a number, a fraction in place of an integer, and the like",
    "malformed": "not of the form that the contract wants: `gb` for a country, an id with a blank",
    "more_faults": "there are more faults than these",
}
"""Every code that this module gives, and what it means."""


def _known(model: type[Model], raw: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What stands in the fields that the model knows, in their order. A whole number is written one way."""
    said = ((field, raw.get(field.wire)) for field in _fields(model))
    return {field.wire: _known_value(field.inner, value) for field, value in said if value is not None}


def _known_value(model: type[Model] | None, value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_known_value(model, item) for item in value]
    if isinstance(value, dict) and model is not None:
        return _known(model, value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a model. `inner` is the model that it holds, or holds `many` of."""

    name: str
    wire: str
    info: FieldInfo
    inner: type[Model] | None
    many: bool
    adapter: TypeAdapter[Any]


@cache
def _fields(model: type[Model]) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            name,
            info.alias or name,
            info,
            next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Model)), None),
            any(get_origin(kind) is tuple for kind in kinds),
            TypeAdapter(info.rebuild_annotation()),
        )
        for name, info in model.model_fields.items()
        for kinds in [list(parts(info.annotation))]
    )


def parts(annotation: object) -> Iterator[object]:
    """All that an annotation is made of, itself included."""
    yield annotation
    for inner in get_args(annotation):
        yield from parts(inner)


def optional_fields(model: type[Model], kind: type) -> Iterator[str]:
    """The names of what a fact may leave out that is of this kind, wherever in it, as the wire has them."""
    for field in _fields(model):
        if not field.info.is_required() and kind in parts(field.info.annotation):
            yield field.wire
        if field.inner is not None:
            yield from optional_fields(field.inner, kind)
