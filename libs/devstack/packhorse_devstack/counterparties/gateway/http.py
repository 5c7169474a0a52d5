"""The gateway's HTTP side: idempotency keys, the faults of the test tokens, RFC 9457 errors."""

import asyncio
import hashlib
import json
from collections import Counter

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from packhorse_devstack.counterparties.gateway import answers, rules
from packhorse_devstack.counterparties.gateway.book import Book, Json, Operation
from packhorse_devstack.counterparties.gateway.desk import Authorise, Capture, Desk, Refund, Request, Void
from packhorse_devstack.counterparties.gateway.rules import RefusalError
from packhorse_devstack.counterparties.process import log, now, wait

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
        app = web.Application(middlewares=[problems])
        app.add_routes(
            [
                web.post("/v1/authorisations", self._asking(Authorise)),
                web.post("/v1/authorisations/{id}/captures", self._asking(Capture)),
                web.post("/v1/authorisations/{id}/void", self._asking(Void)),
                web.post("/v1/authorisations/{id}/refunds", self._asking(Refund)),
                web.post("/v1/captures/{id}/refunds", self._asking(Refund)),
                web.get("/v1/authorisations/{id}", self._authorisation),
                web.get("/v1/operations/{key}", self._operation),
                web.get("/v1/book", self._whole_book),
                web.get("/health", self._health),
            ]
        )
        app.on_shutdown.append(self._shutdown)
        return app

    def _asking(self, model: type[Request]) -> Handler:
        async def handle(http: web.Request) -> web.StreamResponse:
            key = http.headers.get("Idempotency-Key", "")
            if not (1 <= len(key) <= 255 and key.isprintable()):
                raise RefusalError(400, "idempotency_key_missing", "Idempotency-Key: 1 to 255 printable characters.")
            raw = await http.read()
            fingerprint = hashlib.blake2b(http.path.encode() + b"\0" + _canonical(raw)).hexdigest()
            if stored := self._desk.answered(key, fingerprint):
                return _respond(stored, replayed=True)
            if key in self._under_way:
                raise RefusalError(409, "in_progress", "This request is being worked on: ask again.")
            request = _read(model, raw)
            self._under_way.add(key)
            try:
                return await self._work(http, key, fingerprint, request)
            finally:
                self._under_way.discard(key)

        return handle

    async def _work(self, http: web.Request, key: str, fingerprint: str, request: Request) -> web.StreamResponse:
        token = request.token if isinstance(request, Authorise) else None
        if token == "tok_flaky" and self._flaky[key] < rules.FLAKY_FAILURES:  # noqa: S105  (a test token, not a secret)
            self._flaky[key] += 1
            raise RefusalError(503, "unavailable", "Try again.")
        if token == "tok_slow":  # noqa: S105
            await asyncio.sleep(SLOW_SECONDS)
        done = self._desk.perform(key, fingerprint, http.match_info.get("id"), request)
        log("operation", key=key, operation=done.operation, status_code=done.status_code, token=token)
        if token == "tok_timeout":  # noqa: S105
            self._under_way.discard(key)  # it is done, so a repeat is answered; only this answer never comes
            await wait(self._stopping, SILENCE_SECONDS)
            raise RefusalError(504, "unavailable", "No answer.")
        return _respond(done, replayed=False)

    async def _authorisation(self, http: web.Request) -> web.StreamResponse:
        found = self._book.authorisation(http.match_info["id"])
        if found is None:
            raise RefusalError(404, "not_found", "There is no such authorisation.")
        return web.json_response(answers.authorisation(found, now()))

    async def _operation(self, http: web.Request) -> web.StreamResponse:
        key = http.match_info["key"]
        if stored := self._book.operation(key):
            return web.json_response(answers.operation(stored))
        if key in self._under_way:
            return web.json_response({"idempotency_key": key, "state": "in_progress"})
        raise RefusalError(404, "not_found", "No operation with this key was ever done.")

    async def _whole_book(self, http: web.Request) -> web.StreamResponse:
        return web.json_response(answers.book(self._book, http.query.get("reference"), now()))

    async def _health(self, _http: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})

    async def _shutdown(self, _app: web.Application) -> None:
        self._stopping.set()


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns a refusal into problem details; it leaves aiohttp's own 404 and 405 alone."""
    try:
        return await handler(request)
    except RefusalError as refusal:
        headers = {"Retry-After": "1"} if refusal.code in {"in_progress", "unavailable"} else None
        return _json(refusal.status, answers.problem(refusal, None, now()), headers)


def _canonical(raw: bytes) -> bytes:
    """The same JSON gives the same bytes, whatever its blanks and order of keys."""
    try:
        return json.dumps(json.loads(raw), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return raw


def _read(model: type[Request], raw: bytes) -> Request:
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise RefusalError(400, "invalid_request", f"{where}: {first['msg']}") from None


def _respond(operation: Operation, *, replayed: bool) -> web.Response:
    headers = {"Idempotency-Replayed": "true"} if replayed else None
    return _json(operation.status_code, operation.answer, headers)


def _json(status: int, body: Json, headers: dict[str, str] | None) -> web.Response:
    content_type = "application/problem+json" if status >= 400 else "application/json"
    return web.json_response(body, status=status, content_type=content_type, headers=headers)
