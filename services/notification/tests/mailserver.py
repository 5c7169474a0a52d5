"""A real SMTP server in the test's own event loop, that says what it is told to say."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import AnyStr

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class MailServer:
    """`answers` are given one by one instead of "250": to MAIL, RCPT or DATA, by the step's name. `CUT` drops the
    connection without a word, `TAKE_AND_CUT` takes the mail first."""

    port: int = 0
    connections: int = 0
    commands: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    open: list[SMTP] = field(default_factory=list)
    hangs_up: bool = True
    """Whether it answers to QUIT."""

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """MAIL FROM."""
        envelope.mail_from = address
        return self._answer("mail", server)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RCPT TO."""
        envelope.rcpt_tos.append(address)
        return self._answer("rcpt", server)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The mail itself."""
        answer = self._answer("data", server)
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
            self.recipients.extend(envelope.rcpt_tos)
        return answer

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Goodbye."""
        if not self.hangs_up:
            await asyncio.Event().wait()
        return "221 Bye"

    def cut_all(self) -> None:
        """Drops every connection, as a server that restarts does."""
        for protocol in self.open:
            if protocol.transport is not None:
                protocol.transport.close()
        self.open.clear()

    def _answer(self, step: str, server: SMTP) -> str:
        planned = self.answers.get(step, [])
        answer = planned.pop(0) if planned else "250 2.0.0 Ok: queued as 4VxY"
        if answer in (CUT, TAKE_AND_CUT):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()  # what is answered now, nobody hears
        return answer


CUT = "451 cut"
TAKE_AND_CUT = "250 taken and cut"


@asynccontextmanager
async def mail_server(utf8: bool = True) -> AsyncIterator[MailServer]:
    """Listens on a free port as long as the block runs."""
    kept = MailServer()
    factory: Callable[[], SMTP] = lambda: _protocol(kept, utf8)  # noqa: E731
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
        kept.cut_all()


class _Counting(SMTP):
    """Counts the commands of its clients."""

    kept: MailServer

    async def push(self, status: AnyStr) -> None:
        """Each command is answered once; 354 is the middle of DATA, 220 the greeting."""
        text = status.decode() if isinstance(status, bytes) else status
        self.kept.commands += text[:4] in ("250 ", "451 ", "550 ")
        await super().push(status)


def _protocol(kept: MailServer, utf8: bool) -> SMTP:
    kept.connections += 1
    protocol = _Counting(kept, enable_SMTPUTF8=utf8, hostname="mail.test", ident="test")
    protocol.kept = kept
    kept.open.append(protocol)
    return protocol
