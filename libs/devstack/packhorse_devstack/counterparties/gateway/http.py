"""The gateway's HTTP side: keys, faults of the test tokens, and RFC 9457 errors."""

import asyncio
import hashlib
import json
from collections import Counter

from aiohttp import web
from pydantic import ValidationError

from packhorse_devstack.counterparties.gateway import answers, rules
from packhorse_devstack.counterparties.gateway.book import Book, Json, Operation
from packhorse_devstack.counterparties.gateway.desk import Authorise, Capture, Desk, Refund, Request, Void
from packhorse_devstack.counterparties.gateway.rules import RefusalError
from packhorse_devstack.counterparties.process import log, now

SLOW_SECONDS = 2.0
SILENCE_SECONDS = 3600.0
"""How long `tok_timeout` keeps the connection open without a word."""


class Http:
    """The routes; the desk does the work."""

    def __init__(self, book: Book, desk: Desk) -> None:
        self._book, self._desk = book, desk
        self._under_way: set[str] = set()
        self._flaky: Counter[str] = Counter()
        self._stopping = asyncio.Event()

    def application(self) -> web.Application:
        """The application with all its routes."""
        app = web.Application(middlewares=[_problems])
        app.add_routes(
            [
                web.post("/v1/authorisations", self._post(Authorise)),
                web.post("/v1/authorisations/{id}/captures", self._post(Capture)),
                web.post("/v1/authorisations/{id}/void", self._post(Void)),
                web.post("/v1/authorisations/{id}/refunds", self._post(Refund)),
                web.post("/v1/captures/{id}/refunds", self._post(Refund)),
                web.get("/v1/authorisations/{id}", self._authorisation),
                web.get("/v1/operations/{key}", self._operation),
                web.get("/v1/book", self._whole_book),
                web.get("/health", self._health),
            ]
        )
        app.on_shutdown.append(self._shutdown)
        return app

    def _post(self, model: type[Request]) -> "web.Handler":  # type: ignore[name-defined]
        raise NotImplementedError
