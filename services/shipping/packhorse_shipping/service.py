"""The shipping service: its wiring."""

from pathlib import Path

from packhorse_chassis.service import Service

from packhorse_shipping.reactions import routes
from packhorse_shipping.settings import ShippingSettings


def build(settings: ShippingSettings | None = None) -> Service:
    """The service with these settings; by default those of the environment."""
    policy = (settings or ShippingSettings()).policy()
    return Service(routes(policy), Path(__file__).parent / "migrations")


def main() -> None:
    """Runs one process of it."""
    from packhorse_chassis.run import run  # here, for it brings the clients of broker and database along

    run(build())


if __name__ == "__main__":
    main()
