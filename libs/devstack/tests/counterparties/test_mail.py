"""The mail server, given mails over real SMTP."""

import asyncio
import json
import smtplib
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp

from .conftest import Running, Start


def _mail(number: int, order_id: str = "OR1") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "shop@example.com", f"käufer{number}@example.com"
    message["Subject"] = f"Twoje zamówienie {order_id} – 已发货"
    message["Message-ID"], message["X-Packhorse-Notification"] = f"<{number}@example.com>", f"notification-{number}"
    message.set_content(f"Zażółć gęślą jaźń: {order_id}.\nBücher × {number}")
    message.add_alternative("<p>the same in HTML</p>", subtype="html")
    return message


async def _send(running: Running, *messages: EmailMessage) -> None:
    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", int(str(running.ready["smtp_port"]))) as smtp:
            for message in messages:
                smtp.send_message(message, "shop@example.com", ["buyer@example.com"])

    await asyncio.to_thread(deliver)


async def _mails(running: Running, query: str = "") -> Any:
    async with aiohttp.ClientSession() as http, http.get(f"{running.ready['url']}/mails{query}") as answer:
        return await answer.json()


def _arguments(tmp_path: Path) -> tuple[str, ...]:
    return ("mail", "--smtp-port", "0", "--http-port", "0", "--file", str(tmp_path / "mails.jsonl"))


async def test_a_mail_is_kept_with_its_headers_and_text(start: Start, tmp_path: Path) -> None:
    """Whatever its language; it is in the file when the sender hears 250."""
    running = await start(*_arguments(tmp_path))
    await _send(running, _mail(1))
    (kept,) = [json.loads(line) for line in (tmp_path / "mails.jsonl").read_text().splitlines()]
    assert kept["message_id"] == "<1@example.com>"
    assert kept["notification_id"] == "notification-1"
    assert kept["recipients"] == ["buyer@example.com"]
    assert kept["subject"] == "Twoje zamówienie OR1 – 已发货"
    assert "Zażółć gęślą jaźń" in kept["text"]
    assert "Bücher × 1" in kept["text"]
    assert await _mails(running) == {"count": 1, "mails": [kept]}


async def test_mails_are_found_by_order(start: Start, tmp_path: Path) -> None:
    """By the whole id: OR1 is not OR12."""
    running = await start(*_arguments(tmp_path))
    await _send(running, _mail(1, "OR1"), _mail(2, "OR12"), _mail(3, "OR1-R2"))
    assert [mail["message_id"] for mail in (await _mails(running, "?order_id=OR1"))["mails"]] == ["<1@example.com>"]
    assert await _mails(running, "?order_id=OR12&count=true") == {"count": 1}


async def test_a_killed_mail_server_keeps_what_it_took(start: Start, tmp_path: Path) -> None:
    """After `kill -9` all are there; a last line that the crash cut off goes."""
    first = await start(*_arguments(tmp_path))
    await asyncio.gather(*(_send(first, _mail(number), _mail(100 + number)) for number in range(10)))
    await first.kill()
    with (tmp_path / "mails.jsonl").open("ab") as file:
        file.write(b'{"at": "cut o')
    second = await start(*_arguments(tmp_path))
    await _send(second, _mail(999))
    assert (await _mails(second, "?count=true"))["count"] == 21
    assert await second.stop() == 0
