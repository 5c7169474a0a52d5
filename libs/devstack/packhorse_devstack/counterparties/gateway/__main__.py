"""Runs the payment gateway."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from packhorse_devstack.counterparties import process
from packhorse_devstack.counterparties.gateway.book import Book
from packhorse_devstack.counterparties.gateway.desk import Desk, Settings
from packhorse_devstack.counterparties.gateway.http import Http


def main(arguments: list[str] | None = None) -> int:
    """Starts it with command line arguments; returns the exit code."""
    parser = process.parser(
        "gateway", "A payment gateway over HTTP with a book of its own.", "--port 8090 --book gateway.sqlite"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8090, help="port to listen on; 0 picks a free one")
    parser.add_argument("--book", type=Path, default=Path("gateway.sqlite"), help="the SQLite file to keep")
    parser.add_argument("--review-after", type=float, default=2.0, help="seconds until tok_review is decided")
    parser.add_argument("--review-outcome", choices=["approve", "decline"], default="approve", help="how it is decided")
    parser.add_argument("--expires-after", type=float, default=60.0, help="seconds until tok_expires lapses")
    given = parser.parse_args(arguments)
    settings = Settings(
        review_after=timedelta(seconds=given.review_after),
        review_outcome=given.review_outcome,
        expires_after=timedelta(seconds=given.expires_after),
    )

    async def body(stopping: asyncio.Event) -> None:
        book = Book(given.book)
        runner = web.AppRunner(
            Http(book, Desk(book, settings, process.now)).application(), access_log=None, shutdown_timeout=2.0
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, given.host, given.port).start()
            port = runner.addresses[0][1]
            process.log("ready", url=f"http://{given.host}:{port}", port=port, book=str(given.book))
            await stopping.wait()
        finally:
            await runner.cleanup()
            book.close()
            process.log("stopped")

    return process.run(body)


if __name__ == "__main__":
    sys.exit(main())
