"""The devstack's payment gateway, in this process."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from packhorse_devstack.counterparties.gateway.book import Book
from packhorse_devstack.counterparties.gateway.desk import Desk, Settings
from packhorse_devstack.counterparties.gateway.http import Http


@pytest.fixture
async def gateway_url(tmp_path: Path) -> AsyncIterator[str]:
    """The gateway, with a book of its own. Run as its process does: a caller who leaves doesn't stop the work."""
    book = Book(tmp_path / "book.sqlite")
    settings = Settings(review_after=timedelta(milliseconds=100), expires_after=timedelta(milliseconds=100))
    runner = web.AppRunner(Http(book, Desk(book, settings, lambda: datetime.now(UTC))).application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
    book.close()
