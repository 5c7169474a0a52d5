"""Whatever stands in a fact, the mail about it has the headers that we wrote, one recipient, and text that is text."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from itertools import count

from packhorse_chassis.core.memory import Memory
from packhorse_chassis.kafka.reading import Reader
from packhorse_contracts.order import OrderAccepted, OrderCancelled, OrderConfirmed
from packhorse_contracts.shipping import ShippingDelivered, ShippingDispatched
from packhorse_notification.mail import ID_HEADER, compose
from packhorse_notification.messages import SendMail
from packhorse_notification.render import Shop, render

from . import budget
from .hostile import TEXT
from .record import Record, plain
from .services import raw, tables
from .sound import sound

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHOP = Shop("The shop", "shop@example.com")
OURS = {
    *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", ID_HEADER),
    *("MIME-Version", "Content-Type", "Content-Language"),
}
STORY = (OrderAccepted, OrderConfirmed, ShippingDispatched, ShippingDelivered, OrderCancelled)


class Tags(HTMLParser):
    """The elements and the attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes them."""
        self.found |= {tag, *(name for name, _ in attrs)}


def mails(records: list[Record]) -> list[SendMail]:
    """What the notification service wants sent after these."""
    routes = tables()["notification"]
    memory, reader = Memory(routes), Reader(routes)
    for offset, record in enumerate(records):
        arrival = reader.record(raw(record, offset))
        if arrival is not None and arrival.heard is not None:
            memory.hear(arrival.heard, NOW)
    return [effect.request for effect in memory.effects.values() if isinstance(effect.request, SendMail)]


def test_foreign_text_stays_text() -> None:
    """Injections of headers, templates, markup and control characters, in each field that a mail may come from."""
    random, sent, harmless = budget.drawn("mail"), 0, Tags("")
    for mail in mails([plain(sound(fact, "sound", f"s-{fact.TYPE}")) for fact in STORY]):
        harmless.feed(render(mail, SHOP).html)
    for number in range(budget.records(120)):
        names = count()
        grounds = [sound(fact, f"m-{number}", f"m-{number}-{next(names)}") for fact in STORY]
        records = [TEXT(random, ground) if random.random() < 0.4 else plain(ground) for ground in grounds]
        for mail in mails(records):
            check(mail, harmless.found)
            sent += 1
    assert sent > budget.records(120)


def check(mail: SendMail, harmless: set[str]) -> None:
    """Reads the mail as its receiver does."""
    rendered = render(mail, SHOP)
    received = message_from_bytes(compose(mail, rendered, SHOP), policy=policy.default)
    assert isinstance(received, EmailMessage)
    assert sorted(received.keys()) == sorted(OURS)
    assert [address.addr_spec for address in received["To"].addresses] == [mail.contact.email]
    assert len(received["From"].addresses) == 1
    assert Tags(rendered.html).found <= harmless
    for text in (received["Subject"], rendered.text, rendered.html):
        line = str(text).replace("\n", "")
        assert not any(char < " " or char in "\u202e\u2066\u200f\x7f\x85\u2028" for char in line)
