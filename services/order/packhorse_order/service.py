"""The order service: its wiring. What a business tunes is its policy; there is nothing to set from outside."""

from pathlib import Path

from packhorse_chassis.service import Service

from packhorse_order.promise import public_holidays
from packhorse_order.reactions import routes


def build() -> Service:
    """The service."""
    public_holidays("GB", 2026)  # reads the library's tables (0.4 s) now, not while the first order waits
    return Service(routes(), Path(__file__).parent / "migrations")


def main() -> None:
    """Runs one process of it."""
    from packhorse_chassis.run import run  # here, for it brings the clients of broker and database along

    run(build())


if __name__ == "__main__":
    main()
