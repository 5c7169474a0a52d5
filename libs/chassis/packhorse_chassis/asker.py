"""Who takes the effects on that a transaction stores."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import asyncpg


class Asker(Protocol):
    """Who performs effects in this process, and may take some on as they are stored."""

    lease: float
    """Seconds for which what it takes is its own."""

    def take(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """How many of these it takes, by type; they count as under way from now on."""

    def begin(self, taken: Mapping[str, int], rows: Sequence[asyncpg.Record]) -> None:
        """These were stored; what was taken beyond them wasn't."""


class Nobody:
    """Takes nothing: what is stored waits until somebody leases it."""

    lease = 0.0

    def take(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """None."""
        return {}

    def begin(self, taken: Mapping[str, int], rows: Sequence[asyncpg.Record]) -> None:
        """Nothing was taken."""
