"""The worlds that keep one contract; and which seed a run has, so that any failure can be repeated."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
import toy
from _pytest.terminal import TerminalReporter
from packhorse_chassis.postgres.migrate import migrate

from .budget import LIVES, SEED
from .contract import ToyWorld
from .real import RealWorld
from .simulated import SimulatedWorld


@pytest.fixture(params=["simulated", "simulated with bytes", "real"])
async def world(request: pytest.FixtureRequest, kafka_bootstrap: str, fresh_database: str) -> AsyncIterator[ToyWorld]:
    """Each world in turn."""
    toy.poisoned.clear()
    if request.param != "real":
        yield SimulatedWorld(1, wire=request.param != "simulated")
        return
    async with asyncpg.create_pool(fresh_database, min_size=1, max_size=8) as pool:
        async with pool.acquire() as db:
            await migrate(db, toy.ROUTES.service, toy.service().migrations)
        real = RealWorld(kafka_bootstrap, fresh_database, pool)
        await real.open()
        try:
            yield real
        finally:
            await real.close()


@pytest.fixture
def order() -> str:
    """An order that nobody else speaks of."""
    return f"order-{uuid.uuid4().hex[:12]}"


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """One line behind the tests."""
    terminalreporter.write_line(f"simulation: repeat with SIMULATION_SEED={SEED} SIMULATION_LIVES={LIVES}")
