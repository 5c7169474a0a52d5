"""Real databases of the services whose promises a database keeps, and two processes to compete for them."""

from collections.abc import AsyncIterator

import pytest
from packhorse_inventory.service import build as inventory
from packhorse_order.service import build as order
from packhorse_payment.service import build as payment
from packhorse_payment.settings import PaymentSettings

from .owners import Database, Rivals, database
from .owners import rivals as started


@pytest.fixture(scope="session")
async def rivals() -> AsyncIterator[Rivals]:
    """Two processes for all tests."""
    async with started() as both:
        yield both


@pytest.fixture
async def inventory_database(fresh_database: str) -> AsyncIterator[Database]:
    """The inventory service's."""
    async with database(inventory(), fresh_database) as made:
        yield made


@pytest.fixture
async def payment_database(fresh_database: str) -> AsyncIterator[Database]:
    """The payment service's."""
    async with database(payment(PaymentSettings()), fresh_database) as made:
        yield made


@pytest.fixture
async def order_database(fresh_database: str) -> AsyncIterator[Database]:
    """The order service's."""
    async with database(order(), fresh_database) as made:
        yield made
