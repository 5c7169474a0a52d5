"""The performer against a real SMTP server: who is told what, and what happens when the server says no or goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from packhorse_chassis.core.effect import RetryError
from packhorse_notification import smtp
from packhorse_notification.effects import Mailer
from packhorse_notification.locales import LANGUAGES
from packhorse_notification.mail import ID_HEADER
from packhorse_notification.messages import MailFailed, MailSent, Recipient
from packhorse_notification.preview import SHOP
from packhorse_notification.samples import mails
from packhorse_notification.smtp import Connections, Server

from .mailserver import CUT, TAKE_AND_CUT, MailServer, mail_server

MAIL = mails("en")[1][1]
KEY = MAIL.notification_id


@asynccontextmanager
async def _mailer(port: int, connections: int = 1) -> AsyncIterator[Mailer]:
    mailer = Mailer(Connections(Server("127.0.0.1", port, timeout=2.0), connections), SHOP)
    try:
        yield mailer
    finally:
        await mailer.close()


@asynccontextmanager
async def _both(*, utf8: bool = True, connections: int = 1) -> AsyncIterator[tuple[MailServer, Mailer]]:
    async with mail_server(utf8) as server, _mailer(server.port, connections) as mailer:
        yield server, mailer


async def test_a_mail_arrives_with_both_parts_and_its_own_id() -> None:
    """And the answer holds what the server called it."""
    async with _both() as (server, mailer):
        answer = await mailer.perform(MAIL, KEY)
    assert isinstance(answer, MailSent)
    assert (answer.about, answer.language) == (MAIL.about, "en")
    assert answer.provider_reference == "2.0.0 Ok: queued as 4VxY"
    assert server.recipients == ["customer@example.com"]
    (mail,) = server.mails
    assert mail["Subject"] == "Part of your order PH-536365 is on its way"
    assert mail["Message-ID"] == f"<{KEY}@packhorse.example>"
    assert mail[ID_HEADER] == KEY
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


async def test_one_connection_carries_many_mails() -> None:
    """Greetings cost more than mails."""
    async with _both(connections=3) as (server, mailer):
        await asyncio.gather(*(mailer.perform(MAIL, KEY) for _ in range(30)))
        await asyncio.gather(*(mailer.perform(MAIL, KEY) for _ in range(30)))
    assert len(server.mails) == 60
    assert server.connections <= 3


async def test_a_server_that_does_not_hang_up_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it may take for a command: a service that stops has no time for it."""
    monkeypatch.setattr(smtp, "_GOODBYE", 0.01)
    async with mail_server() as server:
        mailer = Mailer(Connections(Server("127.0.0.1", server.port, timeout=300), 3), SHOP)
        await asyncio.gather(*(mailer.perform(MAIL, KEY) for _ in range(30)))
        assert server.connections == 3
        server.hangs_up = False
        async with asyncio.timeout(30):
            await mailer.close()


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
async def test_a_temporary_refusal_is_asked_again_on_the_same_connection(step: str) -> None:
    """4xx: greylisting, a full queue."""
    async with _both() as (server, mailer):
        server.answers[step] = ["451 4.7.1 try again, customer@example.com"]
        with pytest.raises(RetryError) as refused:
            await mailer.perform(MAIL, KEY)
        assert refused.value.reason == f"smtp 451 at {step}"
        assert isinstance(await mailer.perform(MAIL, KEY), MailSent)
    assert (len(server.mails), server.connections) == (1, 1)


@pytest.mark.parametrize("step", ["rcpt", "data"])
async def test_a_permanent_refusal_is_final(step: str) -> None:
    """5xx, told without the server's words, since those repeat the address."""
    async with _both() as (server, mailer):
        server.answers[step] = ["550 5.1.1 <customer@example.com> unknown"]
        answer = await mailer.perform(MAIL, KEY)
        assert isinstance(answer, MailFailed)
        assert answer.reason == f"smtp 550 at {step}"
        assert isinstance(await mailer.perform(MAIL, KEY), MailSent)
    assert (len(server.mails), server.connections) == (1, 1)


async def test_a_refused_sender_waits_for_the_operator() -> None:
    """It is the shop's set-up that is wrong, not this mail."""
    async with _both() as (server, mailer):
        server.answers["mail"] = ["553 5.7.1 you may not send as this"]
        with pytest.raises(RetryError, match="smtp 553 at mail"):
            await mailer.perform(MAIL, KEY)


async def test_a_server_that_says_goodbye_is_asked_again_on_a_new_connection() -> None:
    """421 closes the channel (RFC 5321, 3.8)."""
    async with _both() as (server, mailer):
        server.answers["rcpt"] = ["421 4.3.2 shutting down"]
        with pytest.raises(RetryError, match="smtp 421 at rcpt"):
            await mailer.perform(MAIL, KEY)
        assert isinstance(await mailer.perform(MAIL, KEY), MailSent)
    assert (len(server.mails), server.connections) == (1, 2)


async def test_an_idle_connection_that_was_closed_costs_nothing() -> None:
    """Servers close idle connections after minutes; the next mail takes a new one without a retry."""
    async with _both() as (server, mailer):
        await mailer.perform(MAIL, KEY)
        server.cut_all()
        await asyncio.sleep(0)
        assert isinstance(await mailer.perform(MAIL, KEY), MailSent)
    assert (len(server.mails), server.connections) == (2, 2)


@pytest.mark.parametrize("step", ["rcpt", "data"])
async def test_a_connection_lost_in_the_middle_is_asked_again(step: str) -> None:
    """Nothing was taken: the second try is the only mail."""
    async with _both() as (server, mailer):
        server.answers[step] = [CUT]
        with pytest.raises(RetryError, match=f"lost at {step}"):
            await mailer.perform(MAIL, KEY)
        assert isinstance(await mailer.perform(MAIL, KEY), MailSent)
    assert len(server.mails) == 1


async def test_a_mail_whose_answer_got_lost_is_repeated_under_the_same_id() -> None:
    """What SMTP can't prevent: the server took it, and died before it said so. The repeat can be told by its id."""
    async with _both() as (server, mailer):
        server.answers["data"] = [TAKE_AND_CUT]
        with pytest.raises(RetryError, match="lost at data"):
            await mailer.perform(MAIL, KEY)
        await mailer.perform(MAIL, KEY)
    assert len(server.mails) == 2
    assert len({mail["Message-ID"] for mail in server.mails}) == 1
    assert server.mails[0].as_bytes() == server.mails[1].as_bytes()


async def test_no_server_is_no_reason_to_fail() -> None:
    """Connection refused: later."""
    async with mail_server() as server:
        port = server.port
    async with _mailer(port) as mailer:
        with pytest.raises(RetryError, match="can't connect"):
            await mailer.perform(MAIL, KEY)


async def test_an_address_that_the_server_cannot_write_fails() -> None:
    """Without SMTPUTF8 there is no way to address jörg@; with it there is."""
    mail = MAIL.model_copy(update={"contact": Recipient(name="Jörg", email="jörg@example.com")})
    async with _both(utf8=False) as (_, mailer):
        assert isinstance(await mailer.perform(mail, KEY), MailFailed)
    async with _both(utf8=True) as (server, mailer):
        assert isinstance(await mailer.perform(mail, KEY), MailSent)
    assert server.recipients == ["jörg@example.com"]


@pytest.mark.parametrize("reason", ["deadline passed: smtp 451 at rcpt", "unexpected: customer@example.com"])
async def test_giving_up_is_a_failure_without_an_address(reason: str) -> None:
    """Reasons are published; addresses never are."""
    async with _mailer(1) as mailer:
        answer = mailer.give_up(MAIL, reason)
    assert answer.reason.startswith("gave up")
    assert "@" not in answer.reason


async def test_a_reference_that_repeats_the_address_is_not_kept() -> None:
    """Some servers answer with the address; our own id stands in for it."""
    async with _both() as (server, mailer):
        server.answers["data"] = ["250 2.0.0 sent to Customer@Example.com"]
        answer = await mailer.perform(MAIL, KEY)
    assert isinstance(answer, MailSent)
    assert answer.provider_reference == KEY


async def test_a_mail_costs_three_commands() -> None:
    """Counted, since seconds vary: a greeting for each connection, then MAIL, RCPT and DATA for each mail."""
    requests = [mails(language)[0][1] for language in LANGUAGES for _ in range(10)]
    async with _both(connections=2) as (server, mailer):
        await asyncio.gather(*(mailer.perform(mail, KEY) for mail in requests))
        assert server.commands == server.connections + 3 * len(requests)
    assert server.connections <= 2
    assert len(server.mails) == 60
