"""JSON Schema 2020-12 of each fact, as a reader in any language needs it."""

from collections.abc import Iterable
from typing import Final

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from packhorse_contracts import registry
from packhorse_contracts.base import Fact
from packhorse_contracts.policies import POLICIES

Json = dict[str, JsonValue]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Without a title on each field: it would only repeat the name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def schema(fact: type[Fact]) -> Json:
    """The schema of a fact's data. What Kafka must know stands in `x-` words, so that it can be compared too."""
    found = fact.model_json_schema(schema_generator=_Generator)
    about: Json = {
        "$schema": DIALECT,
        "$id": f"urn:packhorse:schema:{fact.TYPE}",
        "x-kafka-topic": fact.TOPIC.name,
        "x-kafka-key": fact.KEY,
        "x-subject": fact.SUBJECT,
        **({"x-answered-by": fact.ANSWERED_BY} if fact.ANSWERED_BY else {}),
        **({"x-planned": True} if fact.PLANNED else {}),
    }
    return about | _tidied(found)


def schemas() -> dict[str, Json]:
    """The schema of every wire type, old majors included."""
    return {wire: schema(fact) for wire, fact in sorted(registry.facts.items())}


def policies() -> dict[str, Json]:
    """The schema of each service's policy, by service: of what a fact's `policy` and a file below `service` may say."""
    return {
        service: {
            "$schema": DIALECT,
            "$id": f"urn:packhorse:policy:{service}",
            **_tidied(model.model_json_schema(schema_generator=_Generator)),
        }
        for service, model in POLICIES.items()
    }


def components(facts: Iterable[type[Fact]], template: str) -> dict[str, Json]:
    """All facts and their parts by class name, each once, with references of the form `template`."""
    wanted: list[tuple[type[BaseModel], str]] = [(fact, "validation") for fact in facts]
    _, together = models_json_schema(
        [(model, "validation") for model, _ in wanted], ref_template=template, schema_generator=_Generator
    )
    return {name: _tidied(part) for name, part in sorted(together["$defs"].items())}


def _tidied(found: Json) -> Json:
    """With each field's meaning beside its name, and without `default: null`, which an optional field means anyway."""
    parts = found.get("$defs")
    for part in (found, *(parts.values() if isinstance(parts, dict) else ())):
        fields = part.get("properties") if isinstance(part, dict) else None
        for field in fields.values() if isinstance(fields, dict) else ():
            if isinstance(field, dict):
                _tidy_field(field)
    return found


def _tidy_field(field: Json) -> None:
    if field.get("default", ...) is None:
        del field["default"]
    choices = field.get("anyOf")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and "description" in choice:
            meaning = choice.pop("description")
            field.setdefault("description", meaning)
