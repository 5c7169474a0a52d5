"""The shipping service: its wiring, and the settings that a business tunes."""

from datetime import timedelta
from pathlib import Path

from packhorse_chassis.service import Service, run
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from packhorse_shipping.policies import Policy
from packhorse_shipping.reactions import routes

_USUAL = Policy()


class ShippingSettings(BaseSettings):
    """Environment variables with the prefix PACKHORSE_SHIPPING_. Durations are ISO 8601 (`PT2H`) or seconds."""

    model_config = SettingsConfigDict(env_prefix="PACKHORSE_SHIPPING_", extra="ignore")

    silence: timedelta = Field(_USUAL.silence, description="A pick list without an answer is overdue after this")


def build(settings: ShippingSettings | None = None) -> Service:
    """The service with these settings; by default those of the environment."""
    tuned = settings or ShippingSettings()
    return Service(routes(Policy(silence=tuned.silence)), Path(__file__).parent / "migrations")


def main() -> None:
    """Runs one process of it."""
    run(build())


if __name__ == "__main__":
    main()
