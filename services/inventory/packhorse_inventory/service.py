"""The inventory service: its wiring, and the settings that a business tunes."""

from pathlib import Path

from packhorse_chassis.postgres.store import Journal, named_queries
from packhorse_chassis.service import Service
from packhorse_chassis.settings import Duration
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from packhorse_inventory.policies import Policy
from packhorse_inventory.reactions import routes
from packhorse_inventory.state import Movement

_HERE = Path(__file__).parent
_USUAL = Policy()


class InventorySettings(BaseSettings):
    """Environment variables with the prefix PACKHORSE_INVENTORY_."""

    model_config = SettingsConfigDict(env_prefix="PACKHORSE_INVENTORY_", extra="ignore")

    low_stock: int = Field(_USUAL.low_stock, ge=0, description="Alert at this many pieces available, or fewer")
    safety_stock: int = Field(_USUAL.safety_stock, ge=0, description="Pieces held back where a SKU is new")
    explain_within: Duration = Field(
        _USUAL.explain_within, description="Pieces that are reserved and not there are reported then, unless explained"
    )


def build(settings: InventorySettings | None = None) -> Service:
    """The service with these settings; by default those of the environment."""
    tuned = settings or InventorySettings()
    policy = Policy(**tuned.model_dump())
    queries = named_queries(_HERE / "queries.sql")
    journal = Journal(Movement, queries["append_movements"])
    return Service(routes(policy), _HERE / "migrations", [journal], queries)


def main() -> None:
    """Runs one process of it."""
    from packhorse_chassis.run import run  # here, for it brings the clients of broker and database along

    run(build())


if __name__ == "__main__":
    main()
