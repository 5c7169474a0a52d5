"""The shipping service: its wiring."""

from pathlib import Path

from packhorse_chassis.service import Service

from packhorse_shipping.reactions import routes


def build() -> Service:
    """The service. It has no settings of its own: what a business tunes is its policy."""
    return Service(routes(), Path(__file__).parent / "migrations")


def main() -> None:
    """Runs one process of it."""
    from packhorse_chassis.run import run  # here, for it brings the clients of broker and database along

    run(build())


if __name__ == "__main__":
    main()
