"""A rendered mail as RFC 5322 bytes: the same notification gives the same bytes each time it is tried."""

import base64
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final

from packhorse_notification.messages import SendMail
from packhorse_notification.render import Rendered, Shop
from packhorse_notification.text import plain

ID_HEADER: Final = "X-Packhorse-Notification"
"""The notification's id: a receiver that has seen it drops the repeat."""

_LINE: Final = 78
"""RFC 5322, 2.1.1: no line should be longer."""

_ATOMS: Final = re.compile(r"(?:[A-Za-z0-9]+(?: [A-Za-z0-9]+)*)?")
_PLAIN_ADDRESS: Final = re.compile(r"[A-Za-z0-9]+(?:[.+_-][A-Za-z0-9]+)*@[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*")
_WORDS: Final = re.compile(r"[A-Za-z0-9,.:!'-]+(?: [A-Za-z0-9,.:!'-]+)*")
"""What stands in a header as it is: nothing to quote, to encode, or to fold."""


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
    """Text and HTML side by side.

    The email package encodes and folds the headers that foreign text stands in, and refuses a line break in any of
    them. The rest is of our own making and needs no parser, which would take nearly all of the time.
    """
    utf8 = needs_utf8(mail.contact.email)
    foreign = (
        _mailbox("From", shop.name, shop.sender, utf8),
        _mailbox("To", mail.contact.name, mail.contact.email, utf8),
        _subject(rendered.subject, utf8),
    )
    # "_" is in no line of base64, so the boundary can't occur inside of a part.
    boundary = f"=_{mail.notification_id}"
    ours = {
        "Date": format_datetime(mail.asked_at),
        "Message-ID": message_id(mail.notification_id, shop.sender),
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office replies, please
        ID_HEADER: mail.notification_id,
        "Content-Language": "fil" if mail.language == "tl" else mail.language,
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="{boundary}"',
    }
    return b"".join(
        (
            *foreign,
            *(_line(name, value) for name, value in ours.items()),
            *(_part(boundary, form, text) for form, text in (("plain", rendered.text), ("html", rendered.html))),
            b"--%s--\r\n" % boundary.encode(),
        )
    )


def _mailbox(header: str, name: str, address: str, utf8: bool) -> bytes:
    if _ATOMS.fullmatch(name) and _PLAIN_ADDRESS.fullmatch(address):
        line = f"{header}: {name} <{address}>\r\n" if name else f"{header}: {address}\r\n"
        if len(line) <= _LINE:
            return line.encode()
    return _header(header, Address(_unstructured(name), *address.rsplit("@", 1)), utf8)


def _subject(text: str, utf8: bool) -> bytes:
    if _WORDS.fullmatch(text) and len(text) <= _LINE - len("Subject: \r\n"):
        return f"Subject: {text}\r\n".encode()
    return _header("Subject", _unstructured(text), utf8)


def _header(name: str, value: str | Address, utf8: bool) -> bytes:
    head = EmailMessage(SMTPUTF8 if utf8 else SMTP)
    head[name] = value
    return head.as_bytes().removesuffix(b"\r\n")


def _line(name: str, value: str) -> bytes:
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"{name} can't hold {value!r}")
    return f"{name}: {value}\r\n".encode()


def _part(boundary: str, form: str, text: str) -> bytes:
    head = f'--{boundary}\r\nContent-Type: text/{form}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    body = base64.encodebytes(text.replace("\n", "\r\n").encode()).replace(b"\n", b"\r\n")
    return (b"" if form != "plain" else b"\r\n") + head.encode() + body
