"""The mail server: keeps what it got, and doesn't always say so."""

from typing import Final

from packhorse_audit.books import MailBook
from packhorse_chassis.core.effect import RetryError
from packhorse_chassis.core.kinds import Internal
from packhorse_notification.content import Content
from packhorse_notification.messages import MailFailed, MailSent, SendMail
from pydantic import TypeAdapter

from packhorse_simulation.faults import Chance

_CONTENT: Final[TypeAdapter[Content]] = TypeAdapter(Content)


class MailServer:
    """Takes mails over. A mail whose answer is lost comes again, under the same id."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self.mails: list[SendMail] = []

    def perform(self, request: SendMail, key: str) -> Internal:
        """Takes it, refuses it, or isn't there."""
        chance = self._chance
        if chance.strikes("the mail server is away"):
            raise RetryError("421")
        if chance.strikes("a mail is refused"):
            return self.give_up(request, "550")
        self.mails.append(request)
        if chance.strikes("a mail's answer is lost"):
            raise RetryError("the connection broke")
        return MailSent(
            order_id=request.order_id, about=request.about, language=request.language, provider_reference=key
        )

    def give_up(self, request: SendMail, reason: str) -> Internal:
        """It won't be sent."""
        return MailFailed(order_id=request.order_id, about=request.about, language=request.language, reason=reason)

    def books(self) -> list[MailBook]:
        """As the audit reads them."""
        return [
            MailBook(
                mail.order_id,
                mail.contact.email,
                mail.notification_id,
                mail.notification_id,
                _CONTENT.dump_json(mail.content, exclude={"at"}).decode(),
            )
            for mail in self.mails
        ]
