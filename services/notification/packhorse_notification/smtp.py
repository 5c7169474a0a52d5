"""A few open SMTP connections, used again for mail after mail."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass, field

import aiosmtplib

_GOODBYE = 1.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the mail server is and how to come in. `timeout` (seconds) is for each single command."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = False
    timeout: float = 10.0


class RefusedMailError(Exception):
    """The server said no: `code` is SMTP's reply code, `step` the command that it answered.

    The server's own words are left out: they often repeat the address.
    """

    def __init__(self, step: str, code: int) -> None:
        super().__init__(f"smtp {code} at {step}")
        self.step, self.code = step, code

    @property
    def final(self) -> bool:
        """5xx on this recipient or this mail. On MAIL FROM it's our own set-up that is refused, which an operator can
        mend while the mail waits."""
        return self.code >= 500 and self.step != "mail"


class AwayError(Exception):
    """The server can't be reached, or was lost in the middle; whether the mail got through may be unknown."""


class _StaleError(Exception):
    """The connection was gone before the mail was begun."""


class Connections:
    """At most `size` connections, opened when needed, kept open, replaced when lost."""

    def __init__(self, server: Server, size: int) -> None:
        self._server = server
        self._places = asyncio.Semaphore(size)
        self._idle: list[aiosmtplib.SMTP] = []

    async def send(self, sender: str, recipient: str, message: bytes, *, utf8: bool) -> str:
        """Hands one mail over and returns what the server said when it took it."""
        async with self._places:
            while self._idle:
                # One that the server closed while it was idle is dropped for the next: nothing was handed over.
                with suppress(_StaleError):
                    return await self._use(self._idle.pop(), sender, recipient, message, utf8)
            try:
                return await self._use(await self._open(), sender, recipient, message, utf8)
            except _StaleError as error:
                raise AwayError(str(error)) from None

    async def close(self) -> None:
        """Says goodbye on all idle connections. A server that doesn't hang up is left without waiting for it."""
        idle, self._idle = self._idle, []
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await asyncio.gather(*(client.quit() for client in idle), return_exceptions=True)
        for client in idle:
            client.close()

    async def _open(self) -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            local_hostname=socket.gethostname(),  # the library's own default asks a name server
            start_tls=server.starttls,
            use_tls=False,
            timeout=server.timeout,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise AwayError(f"can't connect: {type(error).__name__}") from None
        return client

    async def _use(self, client: aiosmtplib.SMTP, sender: str, recipient: str, message: bytes, utf8: bool) -> str:
        """One mail over one connection, which is kept unless it was lost or left in doubt."""
        keep = False
        try:
            answer = await _transact(client, sender, recipient, message, utf8)
            keep = True
        except RefusedMailError:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.rset()
                keep = True
            raise
        finally:
            if keep and client.is_connected:
                self._idle.append(client)
            else:
                client.close()
        return answer


async def _transact(client: aiosmtplib.SMTP, sender: str, recipient: str, message: bytes, utf8: bool) -> str:
    if utf8 and not client.supports_extension("smtputf8"):
        raise RefusedMailError("rcpt", 553)
    encoding = "utf-8" if utf8 else "ascii"
    step = "mail"
    try:
        await client.mail(sender, options=["SMTPUTF8"] if utf8 else None, encoding=encoding)
        step = "rcpt"
        await client.rcpt(recipient, encoding=encoding)
        step = "data"
        answer = await client.data(message)
    except aiosmtplib.SMTPResponseException as error:
        if error.code in (421, -1):  # the server says goodbye, or nonsense
            raise AwayError(f"smtp {error.code} at {step}") from None
        raise RefusedMailError(step, error.code) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        if step == "mail" and not isinstance(error, TimeoutError):
            raise _StaleError(f"lost at {step}: {type(error).__name__}") from None
        raise AwayError(f"lost at {step}: {type(error).__name__}") from None
    return answer.message
