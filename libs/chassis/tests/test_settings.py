"""Settings from the environment."""

from datetime import timedelta

import pytest
from packhorse_chassis.settings import Duration, Settings
from pydantic import BaseModel, ValidationError


class Waits(BaseModel):
    """Something with a duration."""

    wait: Duration = timedelta(0)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("90", timedelta(seconds=90)), ("0.5", timedelta(seconds=0.5)), ("PT1M30S", timedelta(seconds=90))],
)
def test_a_duration_is_seconds_or_iso_8601(given: str, meant: timedelta) -> None:
    """As people write it in an environment variable."""
    assert Waits.model_validate({"wait": given}).wait == meant


@pytest.mark.parametrize("given", ["soon", "1e400", "nan", "0", "-90", "-PT1H", "1e10"])
def test_another_word_is_refused(given: str) -> None:
    """With the name of the setting. A length of time is more than nothing, and can be added to a date."""
    with pytest.raises(ValidationError, match="wait"):
        Waits.model_validate({"wait": given})


def test_the_database_password_is_not_shown() -> None:
    """Settings may be logged."""
    assert "hunter2" not in repr(Settings.model_validate({"postgres": "postgresql://u:hunter2@db/x"}))
