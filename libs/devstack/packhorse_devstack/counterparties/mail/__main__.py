"""Runs the mail server: SMTP to give it mails, HTTP to look at them."""

import asyncio
import sys
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from packhorse_devstack.counterparties import process
from packhorse_devstack.counterparties.mail.box import Box, read_mail


class Reception:
    """What aiosmtpd calls for each mail."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Takes a mail; 250 is said when it is on the disk."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        recipients = [str(recipient) for recipient in envelope.rcpt_tos]
        await self._box.keep(read_mail(str(envelope.mail_from or ""), recipients, raw))
        return "250 OK"


def application(box: Box) -> web.Application:
    """`GET /mails?order_id=…` gives {"count", "mails"}; `count=true` leaves the mails out. `GET /health`."""

    async def mails(request: web.Request) -> web.StreamResponse:
        found = box.find(request.query.get("order_id"))
        short = request.query.get("count") == "true"
        return web.json_response({"count": len(found)} if short else {"count": len(found), "mails": found})

    async def health(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.add_routes([web.get("/mails", mails), web.get("/health", health)])
    return app


def main(arguments: list[str] | None = None) -> int:
    """Starts it with command line arguments; returns the exit code."""
    parser = process.parser("mail", "A mail server that keeps what it gets.", "--smtp-port 2525 --file mails.jsonl")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--smtp-port", type=int, default=2525, help="port for mails; 0 picks a free one")
    parser.add_argument("--http-port", type=int, default=8025, help="port for looking; 0 picks a free one")
    parser.add_argument("--file", type=Path, default=Path("mails.jsonl"), help="where mails are appended")
    given = parser.parse_args(arguments)

    async def body(stopping: asyncio.Event) -> None:
        box = Box(given.file)
        loop = asyncio.get_running_loop()
        reception = Reception(box)
        smtp = await loop.create_server(
            lambda: SMTP(reception, enable_SMTPUTF8=True, loop=loop, ident="packhorse devstack"),
            given.host,
            given.smtp_port,
        )
        runner = web.AppRunner(application(box), access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, given.host, given.http_port).start()
            port, http = smtp.sockets[0].getsockname()[1], runner.addresses[0][1]
            process.log("ready", smtp=f"{given.host}:{port}", smtp_port=port, url=f"http://{given.host}:{http}")
            await stopping.wait()
        finally:
            smtp.close()
            await runner.cleanup()
            box.close()
            process.log("stopped", mails=len(box.mails))

    return process.run(body)


if __name__ == "__main__":
    sys.exit(main())
