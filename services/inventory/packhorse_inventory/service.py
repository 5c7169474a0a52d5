"""The inventory service: its wiring. What a business tunes is its policy, not a setting."""

from pathlib import Path

from packhorse_chassis.postgres.store import Journal, named_queries
from packhorse_chassis.service import Service

from packhorse_inventory.reactions import routes
from packhorse_inventory.state import Movement

_HERE = Path(__file__).parent


def build() -> Service:
    """The service as the chassis runs it."""
    queries = named_queries(_HERE / "queries.sql")
    journal = Journal(Movement, queries["append_movements"])
    return Service(routes(), _HERE / "migrations", [journal], queries)


def main() -> None:
    """Runs one process of it."""
    from packhorse_chassis.run import run  # here, for it brings the clients of broker and database along

    run(build())


if __name__ == "__main__":
    main()
