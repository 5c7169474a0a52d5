"""The order service: its wiring, and the settings that a business tunes."""

from datetime import time
from pathlib import Path
from typing import Annotated

from packhorse_chassis.service import Service
from packhorse_chassis.settings import Duration
from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from packhorse_order.policies import Policy
from packhorse_order.promise import public_holidays
from packhorse_order.reactions import routes

_USUAL = Policy()


def _without_offset(time_of_day: time) -> time:
    if time_of_day.tzinfo is not None:
        raise ValueError("a time of day is wanted without an offset: it is on each location's own clock")
    return time_of_day


class OrderSettings(BaseSettings):
    """Environment variables with the prefix PACKHORSE_ORDER_. Durations are seconds (`90`) or ISO 8601 (`PT30M`)."""

    model_config = SettingsConfigDict(env_prefix="PACKHORSE_ORDER_", extra="ignore")

    payment_deadline: Duration = Field(_USUAL.payment_deadline, description="Paid and reserved by then, or cancelled")
    cut_off: Annotated[time, AfterValidator(_without_offset)] = Field(
        _USUAL.cut_off, description="Confirmed before, on the location's clock: leaves the same day"
    )
    grace: Duration = Field(_USUAL.grace, description="So long after the promise an order is overdue")


def build(settings: OrderSettings | None = None) -> Service:
    """The service with these settings; by default those of the environment."""
    public_holidays("GB", 2026)  # reads the library's tables (0.4 s) now, not while the first order waits
    tuned = settings or OrderSettings()
    policy = Policy(payment_deadline=tuned.payment_deadline, cut_off=tuned.cut_off, grace=tuned.grace)
    return Service(routes(policy), Path(__file__).parent / "migrations")


def main() -> None:
    """Runs one process of it."""
    from packhorse_chassis.run import run  # here, for it brings the clients of broker and database along

    run(build())


if __name__ == "__main__":
    main()
