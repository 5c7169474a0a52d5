"""The mail to be sent, and how that ended: what passes between the reactions and the world."""

from datetime import datetime

from packhorse_chassis.core.kinds import Internal
from packhorse_contracts.base import Model
from packhorse_contracts.policies import Language

from packhorse_notification.content import Content
from packhorse_notification.text import PersonName


class Recipient(Model):
    """Personal data: who gets the mail. Its own block, so that it can be masked or erased as one."""

    name: PersonName
    email: str


class SendMail(Internal):
    """Send this mail. It carries all that its text needs; what is rendered from it is the same every time."""

    order_id: str
    notification_id: str
    about: str
    """The key in `Conversation.said`."""
    asked_at: datetime
    language: Language
    locale: str | None
    """The customer's BCP 47 tag: decides how dates and money are written."""
    contact: Recipient
    content: Content


class MailSent(Internal):
    """The mail server took the mail over. `provider_reference` is what it said the mail is called there."""

    order_id: str
    about: str
    language: Language
    provider_reference: str


class MailFailed(Internal):
    """It won't be sent. `reason` is a code with no address in it."""

    order_id: str
    about: str
    language: Language
    reason: str
