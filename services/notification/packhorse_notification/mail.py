"""A rendered mail as RFC 5322 bytes: the same notification gives the same bytes each time it is tried."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Final

from packhorse_notification.messages import SendMail
from packhorse_notification.render import Rendered, Shop
from packhorse_notification.text import plain

ID_HEADER: Final = "X-Packhorse-Notification"
"""The notification's id: a receiver that has seen it drops the repeat."""


def message_id(notification_id: str, sender: str) -> str:
    """Derived, never drawn, so that a mail tried twice is one mail to whoever looks at its Message-ID."""
    return f"<{notification_id}@{sender.rpartition('@')[2]}>"


def _unstructured(text: str) -> str:
    """Text for a header that means nothing but itself.

    The email package decodes RFC 2047's encoded words in what it is given, and writes the result out: a customer
    called "=?utf-8?q?=0D=0ABcc:_…?=" would add a recipient. So no encoded word may begin in foreign text.
    """
    return plain(text).replace("=?", "= ?")


def needs_utf8(address: str) -> bool:
    """Whether the server has to speak SMTPUTF8 (RFC 6531) for this address."""
    return not address.isascii()


def compose(mail: SendMail, rendered: Rendered, shop: Shop) -> bytes:
    """Text and HTML side by side. Only values that went through `plain` or a validator stand in headers, and the
    email package's policy refuses a line break in any of them."""
    policy = SMTPUTF8 if needs_utf8(mail.contact.email) else SMTP
    message = EmailMessage(policy)
    message["From"] = Address(_unstructured(shop.name), addr_spec=shop.sender)
    message["To"] = Address(_unstructured(mail.contact.name), *mail.contact.email.rsplit("@", 1))
    message["Subject"] = _unstructured(rendered.subject)
    message["Date"] = mail.asked_at
    message["Message-ID"] = message_id(mail.notification_id, shop.sender)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies, please
    message[ID_HEADER] = mail.notification_id
    message.set_content(rendered.text, cte="base64")
    message.add_alternative(rendered.html, subtype="html", cte="base64")
    message["Content-Language"] = "fil" if mail.language == "tl" else mail.language
    # "_" is in no line of base64, so the boundary can't occur inside of a part.
    message.set_boundary(f"=_{mail.notification_id}")
    return message.as_bytes()
