"""The usual way: mails. The mail server is called between two transactions: the intent, and the outcome."""

import asyncio
import os
import socket
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final

import aiosmtplib
import asyncpg
from faststream.kafka.annotations import KafkaMessage
from jinja2 import Environment, StrictUndefined
from packhorse_contracts import ids
from packhorse_contracts.blocks import OrderLine
from packhorse_contracts.notification import NotificationSent
from packhorse_contracts.order import OrderAccepted, OrderConfirmed
from packhorse_contracts.shipping import ShippingDispatched
from pydantic import TypeAdapter

from .usual_work import Work

TABLES: Final = """
CREATE TABLE IF NOT EXISTS contact (
    order_id text PRIMARY KEY, name text NOT NULL, email text NOT NULL, locale text NOT NULL, lines jsonb NOT NULL);
CREATE TABLE IF NOT EXISTS mail (
    id text PRIMARY KEY, order_id text NOT NULL, kind text NOT NULL, status text NOT NULL, reference text,
    asked_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz);
"""
_CONTACT: Final = "SELECT * FROM contact WHERE order_id = $1"
_NEW: Final = "INSERT INTO contact VALUES ($1, $2, $3, $4, $5)"
_INTEND: Final = "INSERT INTO mail (id, order_id, kind, status) VALUES ($1, $2, $3, 'sending') ON CONFLICT DO NOTHING"
_LOCK: Final = "SELECT status FROM mail WHERE id = $1 FOR UPDATE"
_SENT: Final = "UPDATE mail SET status = 'sent', reference = $2, sent_at = $3 WHERE id = $1"
_LINES: Final = TypeAdapter(tuple[OrderLine, ...])
_SENDER: Final = "orders@packhorse.example"

_TEMPLATE: Final = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=True).from_string("""\
<p>Dear {{ name }},</p>
{% if kind == "order_confirmed" %}
<p>Thank you for your order {{ order_id }}. It will be with you by {{ fact.promise.deliver_by.strftime("%d %B") }}.</p>
{% else %}
<p>Your order {{ order_id }} is on its way with {{ fact.carrier }}: {{ fact.tracking_numbers | join(", ") }}.</p>
{% endif %}
<ul>
{% for line in lines %}
<li>{{ line.quantity }} × {{ line.title or line.sku }}</li>
{% endfor %}
</ul>
""")
_SUBJECTS: Final = {"order_confirmed": "Your order is confirmed", "dispatched": "Your order is on its way"}


class _Post:
    """One connection, kept open; aiosmtplib sends one mail after another over it."""

    def __init__(self) -> None:
        port = int(os.environ["PACKHORSE_NOTIFICATION_SMTP_PORT"])
        self._client = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=port, start_tls=False, local_hostname=socket.gethostname()
        )
        self._opening = asyncio.Lock()

    async def send(self, mail: EmailMessage) -> str:
        async with self._opening:
            if not self._client.is_connected:
                await self._client.connect()
        _, answer = await self._client.send_message(mail)
        return answer


def subscribe(work: Work) -> None:
    """The handlers, with the mail server's connection."""
    post = _Post()

    @work.on(OrderAccepted)
    async def keep_contact(order: OrderAccepted, message: KafkaMessage) -> None:
        async with work.once(message) as turn:
            who, lines = order.customer, _LINES.dump_json(order.lines).decode()
            await turn.db.execute(_NEW, order.order_id, who.name, who.email, who.locale or "en", lines)

    @work.on(OrderConfirmed)
    async def tell_confirmed(fact: OrderConfirmed, message: KafkaMessage) -> None:
        await tell("order_confirmed", fact, message)

    @work.on(ShippingDispatched)
    async def tell_dispatched(fact: ShippingDispatched, message: KafkaMessage) -> None:
        await tell("dispatched", fact, message)

    async def tell(kind: str, fact: OrderConfirmed | ShippingDispatched, message: KafkaMessage) -> None:
        identifier = ids.derive(fact.at, "notification", fact.order_id, kind)
        contact = await known(fact.order_id)
        await work.pool.execute(_INTEND, identifier, fact.order_id, kind)
        reference = await post.send(_compose(kind, fact, contact, identifier))
        async with work.once(message) as turn:
            await turn.row(_LOCK, identifier)
            await turn.db.execute(_SENT, identifier, reference, turn.now)
            about = {"order_id": fact.order_id, "kind": kind, "channel": "email", "language": "en", "at": turn.now}
            told = {"notification_id": identifier, "provider_reference": reference}
            turn.say(NotificationSent.model_validate(about | told))

    async def known(order_id: str) -> asyncpg.Record:
        """The contact; it comes by another topic than a dispatch does, and may be behind."""
        for _ in range(100):
            if (found := await work.pool.fetchrow(_CONTACT, order_id)) is not None:
                return found
            await asyncio.sleep(0.1)
        raise LookupError(f"nobody is known for {order_id}")


def _compose(
    kind: str, fact: OrderConfirmed | ShippingDispatched, contact: asyncpg.Record, identifier: str
) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = _SENDER, contact["email"], _SUBJECTS[kind]
    mail["Message-ID"] = f"<{identifier}@packhorse.example>"
    mail["Date"] = datetime.now(UTC)
    lines = _LINES.validate_json(contact["lines"])
    mail.set_content(
        _TEMPLATE.render(kind=kind, order_id=fact.order_id, name=contact["name"], fact=fact, lines=lines), "html"
    )
    return mail
