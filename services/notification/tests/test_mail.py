"""Hostile text never breaks a header, never becomes HTML, and never turns the reading direction."""

import email
import re
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packhorse_notification.content import DispatchedContent, Item
from packhorse_notification.mail import ID_HEADER, compose
from packhorse_notification.messages import Recipient, SendMail
from packhorse_notification.preview import SHOP
from packhorse_notification.render import Shop, render
from packhorse_notification.samples import MORNING, mails
from packhorse_notification.text import MAX_CHARS, person, plain

ONCE = mails("en")[1][1]
HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Content-Language",
    "Auto-Submitted",
    ID_HEADER,
    "MIME-Version",
    "Content-Type",
}
_EVIL = "\r\n\t :<>\"'&,;@=?_\\()[]{}%\x00\x0b\u2028\u2029\u202e\u2066\u200fAё中😀"
HOSTILE = st.one_of(
    st.text(max_size=300),
    st.text(
        alphabet=st.sampled_from("\r\n\t :<>\"'&,;@=?_\\()[]{}%\x00\x0b\u2028\u2029\u202e\u2066\u200fAё中😀"),
        max_size=300,
    ),
)


def _dispatched(name: str, title: str, carrier: str, number: str) -> SendMail:
    return ONCE.model_copy(
        update={
            "contact": Recipient(name=name, email="customer@example.com"),
            "content": DispatchedContent(
                at=MORNING,
                shipment_id="s-1",
                carrier=carrier,
                tracking_numbers=(number,),
                items=(Item(line_id="1", title=title, quantity=1),),
            ),
        }
    )


def _parsed(mail: SendMail, shop: Shop = SHOP) -> EmailMessage:
    message = email.message_from_bytes(compose(mail, render(mail, shop), shop), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    content = part.get_content()
    assert isinstance(content, str)
    return content


@settings(max_examples=200, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
@example("N", "T", "C", "1", "=?utf-8?b?DQpCY2M6IGFsbEBleGFtcGxlLmNvbQ==?=")
@example("A\r\nBcc: all@example.com", "<script>alert(1)</script>", "x\n\nHello", "\u202e321", "S\r\n\r\nbody")
@example("=?utf-8?q?=0D=0ABcc:_all@example.com?=", "{{ 7 * 7 }} {order}", "{0.__class__}", "%s", "a" * 300)
@example('"', "</bdi></td></table><h1>", "&lt;", "'", "Ünïcödé " * 20)
def test_hostile_text_stays_where_it_was_put(name: str, title: str, carrier: str, number: str, shop_name: str) -> None:
    """Header injection, HTML, encoded words, template syntax: all of it arrives as mere text."""
    mail = _dispatched(name, title, carrier, number)
    shop = Shop(shop_name, "orders@packhorse.example")
    message = _parsed(mail, shop)
    assert set(message.keys()) == HEADERS
    assert len(message.keys()) == len(HEADERS)
    assert [a.addr_spec for a in message["To"].addresses] == ["customer@example.com"]
    assert [a.addr_spec for a in message["From"].addresses] == ["orders@packhorse.example"]
    assert message["Subject"] == "Your order PH-536365 is on its way"
    assert len(list(message.iter_parts())) == 2
    html, text = _part(message, "html"), _part(message, "plain")
    ours = set(re.findall(r"</?[a-z0-9]+", _part(_parsed(_dispatched("N", "T", "C", "1")), "html")))
    assert set(re.findall(r"<[^\s>]*", html)) - {"<!doctype"} <= ours
    assert f"  1 × {plain(title)}".rstrip() in text
    for body in (html, text):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\x00\x0b\u2028\u2029]", body)


@pytest.mark.parametrize("order_id", ["=?utf-8?q?=0D=0ABcc:_all@example.com?=", "<b>1</b>", "{order}", "x" * 64])
def test_an_order_id_is_a_strangers_text_too(order_id: str) -> None:
    """It stands in the subject, and the checkout may choose any printable characters for it."""
    message = _parsed(ONCE.model_copy(update={"order_id": order_id}))
    assert set(message.keys()) == HEADERS
    assert message["Subject"].strip() == f"Part of your order {order_id.replace('=?', '= ?')} is on its way"
    assert "<b>" not in _part(message, "html")


@settings(max_examples=300)
@given(HOSTILE)
def test_plain_text_is_one_short_visible_line(text: str) -> None:
    """And what is plain already stays as it is."""
    once = plain(text)
    assert len(once) <= MAX_CHARS
    assert once == " ".join(once.split())
    assert plain(once) == once


@pytest.mark.parametrize("name", ["Buy at https://evil.example now", "WWW.evil.example"])
def test_a_name_that_advertises_is_not_greeted(name: str) -> None:
    """Our mails are no carrier for other people's links."""
    assert person(name) == ""
    assert person("Zoë O’Neill 👩‍🚀") == "Zoë O’Neill 👩‍🚀"


def test_a_repeat_is_recognised_by_its_message_id() -> None:
    """The same notification is the same bytes, and names itself twice: in Message-ID and in our own header."""
    first, second = (compose(ONCE, render(ONCE, SHOP), SHOP) for _ in range(2))
    assert first == second
    message = _parsed(ONCE)
    assert message["Message-ID"] == f"<{ONCE.notification_id}@packhorse.example>"
    assert message[ID_HEADER] == ONCE.notification_id


def test_no_robot_answers_and_readers_know_the_language() -> None:
    """RFC 3834 and RFC 3282."""
    message = _parsed(mails("pl")[0][1])
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "pl"
    assert 'lang="pl"' in _part(message, "html")


def test_an_address_beyond_ascii_is_kept() -> None:
    """RFC 6531; whether the server can is the server's to say."""
    mail = ONCE.model_copy(update={"contact": Recipient(name="Jörg", email="jörg@example.com")})
    assert "jörg@example.com".encode() in compose(mail, render(mail, SHOP), SHOP)
