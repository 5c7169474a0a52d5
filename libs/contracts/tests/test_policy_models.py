"""What may be set: the models, their schemas, and that both say the same."""

from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from packhorse_contracts.export.schemas import policies
from packhorse_contracts.operations import OperationsPolicySet
from packhorse_contracts.policies import POLICIES, OrderPolicy
from packhorse_contracts.topic_settings import SERVICES
from pydantic import ValidationError

SCHEMAS: dict[str, Any] = policies()


def test_every_service_has_a_policy_and_a_schema() -> None:
    """By the same names; each field with its meaning and its default."""
    assert set(POLICIES) == set(SERVICES) == set(SCHEMAS)
    for service, model in POLICIES.items():
        fields = SCHEMAS[service]["properties"]
        assert list(fields) == list(model.model_fields)
        assert all({"description", "default"} <= field.keys() for field in fields.values())


WRONG: list[Any] = [
    *(0, -1, "PT0S", "-PT5M", 316_224_001, "P20Y", 1e300, float("inf"), float("nan")),
    *(True, None, "soon", "00:30", "30", "1 day", "", [], {}),
]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (1_800, timedelta(minutes=30)),
        (0.5, timedelta(seconds=0.5)),
        ("PT30M", timedelta(minutes=30)),
        ("P2D", timedelta(days=2)),
        (316_224_000, timedelta(days=3_660)),
        *[(wrong, None) for wrong in WRONG],
    ],
)
def test_a_length_of_time_is_seconds_or_iso_8601(given: Any, meant: timedelta | None) -> None:
    """More than nothing, ten years at most, and nothing that could mean two things. Whatever it is, it is a fault, and
    no exception that a service would take for a bug of its own."""
    if meant is None:
        with pytest.raises(ValidationError):
            OrderPolicy(grace=given)
    else:
        assert OrderPolicy(grace=given).grace == meant


CASES: list[tuple[str, dict[str, object], bool]] = [
    *((service, model().model_dump(mode="json"), True) for service, model in POLICIES.items()),
    *((service, dict[str, object](), True) for service in POLICIES),
    *((service, dict[str, object](no_such_field=1), False) for service in POLICIES),
    ("order", {"grace": 3_600}, True),
    ("order", {"grace": 0}, False),
    ("order", {"grace": "00:30"}, False),
    ("order", {"cut_off": "7:00"}, False),
    ("order", {"transit_days": {"economy": 7}}, True),
    ("order", {"transit_days": {"snail": 7}}, False),
    ("order", {"transit_days": {"economy": 367}}, False),
    ("payment", {"attempts": 0}, False),
    ("inventory", {"low_stock": -1}, False),
    ("shipping", {"express_priority": 10}, False),
    ("notification", {"fallback_language": "zh"}, True),
    ("notification", {"fallback_language": "de"}, False),
]


@pytest.mark.parametrize(("service", "policy", "sound"), CASES)
def test_the_schema_admits_what_the_model_admits(service: str, policy: dict[str, object], sound: bool) -> None:
    """So that an editor, or a program in another language, may check a policy before it is set."""
    validator = jsonschema.Draft202012Validator(SCHEMAS[service])
    assert validator.is_valid(policy) is sound
    if sound:
        POLICIES[service].model_validate(policy)
    else:
        with pytest.raises(ValidationError):
            POLICIES[service].model_validate(policy)


def test_what_is_not_named_among_the_days_is_as_by_default() -> None:
    """Who wants economy to be slower needn't know the others."""
    assert OrderPolicy(transit_days={"economy": 7}).transit_days == {"economy": 7, "standard": 3, "express": 1}


def test_a_policy_that_is_set_lies_under_its_service_and_a_dry_run_beside_it() -> None:
    """The topic keeps the latest of a key."""
    fact = OperationsPolicySet.model_validate(
        {"service": "order", "policy_version": 1, "at": "2026-11-23T12:00:00Z", "policy": {}, "by": "emma"}
    )
    assert (fact.key, fact.trial_key, fact.answerer) == ("order", "order.dry-run", "order")
    assert fact.TOPIC.compacted
