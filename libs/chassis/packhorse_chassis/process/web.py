"""Health and metrics over HTTP."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], Awaitable[dict[str, str]]]
"""What is wrong, by part; empty where all is well."""


async def start(
    host: str, port: int, live: Check, ready: Check, look: Callable[[], Awaitable[None]]
) -> tuple[web.AppRunner, int]:
    """Serves /health/live, /health/ready and /metrics; returns the runner and the port that it got. `look` brings the
    metrics up to date."""

    def health(check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_request: web.Request) -> web.Response:
            wrong = await check()
            body = {"status": "failing" if wrong else "ok", "wrong": wrong}
            return web.Response(text=json.dumps(body), status=503 if wrong else 200, content_type="application/json")

        return answer

    async def metrics(_request: web.Request) -> web.Response:
        await look()
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/health/live", health(live))
    app.router.add_get("/health/ready", health(ready))
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    return runner, runner.addresses[0][1]
