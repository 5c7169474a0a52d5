"""Sends mails: the one thing that this service does to the world."""

from packhorse_chassis.core.effect import RetryError

from packhorse_notification.mail import compose, needs_utf8
from packhorse_notification.messages import MailFailed, MailSent, SendMail
from packhorse_notification.render import Shop, render
from packhorse_notification.smtp import AwayError, Connections, RefusedMailError
from packhorse_notification.text import plain


class Mailer:
    """Renders a mail and hands it to the mail server.

    SMTP knows no idempotency key. A try whose answer got lost is tried again, as the very same bytes with the
    same Message-ID: the README tells what that means for the one who gets it.
    """

    def __init__(self, connections: Connections, shop: Shop) -> None:
        self._connections = connections
        self._shop = shop

    async def perform(self, request: SendMail, idempotency_key: str) -> MailSent | MailFailed:
        """Sends it; 4xx and a server that is away are asked again, 5xx is the end."""
        message = compose(request, render(request, self._shop), self._shop)
        recipient = request.contact.email
        try:
            answer = await self._connections.send(self._shop.sender, recipient, message, utf8=needs_utf8(recipient))
        except RefusedMailError as error:
            if error.final:
                return _failed(request, str(error))
            raise RetryError(str(error)) from None
        except AwayError as error:
            raise RetryError(str(error)) from None
        return MailSent(
            order_id=request.order_id,
            about=request.about,
            language=request.language,
            provider_reference=_reference(answer, recipient) or idempotency_key,
        )

    def give_up(self, request: SendMail, reason: str) -> MailFailed:
        """The customer may have got it, if a server took it and was lost before it could say so; we don't know."""
        return _failed(request, "gave up" if "@" in reason else f"gave up: {plain(reason)}")

    async def close(self) -> None:
        """Closes the connections."""
        await self._connections.close()


def _failed(request: SendMail, reason: str) -> MailFailed:
    return MailFailed(order_id=request.order_id, about=request.about, language=request.language, reason=reason)


def _reference(answer: str, recipient: str) -> str:
    """What the server called the mail ("2.0.0 Ok: queued as 4VxY…"), unless it repeats the address."""
    return "" if recipient.lower() in answer.lower() or "@" in answer else plain(answer)
