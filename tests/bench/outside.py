"""A gateway and a mail server that agree to everything: as cheap as a real protocol allows."""

import asyncio
import itertools
import json
from typing import ClassVar, Final, cast

EXPIRES: Final = "2099-01-01T00:00:00Z"


class Gateway(asyncio.Protocol):
    """HTTP/1.1 with keep-alive: says yes to every authorisation, capture and void, after `delay` seconds."""

    calls = 0
    _ids = itertools.count(1)
    _authorised: ClassVar[dict[str, int]] = {}
    """Amounts by authorisation: a void doesn't name its own."""

    def __init__(self, delay: float = 0) -> None:
        self._delay, self._buffer = delay, b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody called."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            path = head.split(b" ", 2)[1].decode()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]) if b"content-length:" in head else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(path, body)

    def _answer(self, path: str, body: bytes) -> None:
        asked = json.loads(body or b"{}")
        Gateway.calls += 1
        identifier = f"gw_{next(self._ids)}"
        if path.endswith("/authorisations"):
            self._authorised[identifier] = asked["amount"]
        elif path.endswith("/void"):
            asked["amount"] = self._authorised[path.split("/")[-2]]
        answer = json.dumps(
            {
                "id": identifier,
                "amount": asked["amount"],
                "currency": asked.get("currency", "GBP"),
                "status": "authorised",
                "expires_at": EXPIRES,
            }
        ).encode()
        head = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._write, head + answer)
        else:
            self._write(head + answer)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


class MailServer(asyncio.Protocol):
    """SMTP: takes every mail and forgets it."""

    mails = 0

    def __init__(self) -> None:
        self._buffer = b""
        self._in_data = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 bench\r\n")

    def data_received(self, data: bytes) -> None:
        """Commands, or a mail's text until the line with a dot."""
        assert self._transport is not None
        self._buffer += data
        while True:
            mark = b"\r\n.\r\n" if self._in_data else b"\r\n"
            end = self._buffer.find(mark)
            if end < 0:
                return
            line, self._buffer = self._buffer[:end], self._buffer[end + len(mark) :]
            self._transport.write(reply := self._reply(line))
            if reply.startswith(b"221"):
                self._transport.close()
                return

    def _reply(self, line: bytes) -> bytes:
        if self._in_data:
            self._in_data = False
            MailServer.mails += 1
            return b"250 2.0.0 Ok: queued as %d\r\n" % MailServer.mails
        match line[:4].upper():
            case b"EHLO":
                return b"250-bench\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n"
            case b"DATA":
                self._in_data = True
                return b"354 go on\r\n"
            case b"QUIT":
                return b"221 bye\r\n"
            case _:
                return b"250 2.0.0 Ok\r\n"
