"""What this service says to the customer when it hears something, and the table of it. Pure.

Two steps: each fact becomes the content of a message (`from_facts`), and where the conversation stands decides whether
that is sent, waits, or is suppressed.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from packhorse_chassis.core.policy import Policies
from packhorse_chassis.core.reaction import Ignored, Reaction, Refused, Route, Routes, ignored, on, refused
from packhorse_chassis.core.turn import Turn
from packhorse_contracts import ids
from packhorse_contracts.base import Fact
from packhorse_contracts.notification import (
    NotificationFailed,
    NotificationSent,
    NotificationSuppressed,
    SuppressedWhy,
)
from packhorse_contracts.order import OrderAccepted, OrderCancellationDeclined, OrderCancelled, OrderConfirmed
from packhorse_contracts.payment import PaymentRefunded
from packhorse_contracts.pieces import by_line
from packhorse_contracts.policies import NotificationPolicy
from packhorse_contracts.shipping import ShippingDelivered, ShippingDispatched

from packhorse_notification import from_facts
from packhorse_notification.content import CancelledContent, Content, DispatchedContent, Item, RefundedContent, Sums
from packhorse_notification.locales import choose_language
from packhorse_notification.messages import MailFailed, MailSent, Recipient, SendMail
from packhorse_notification.policies import deliverable
from packhorse_notification.state import CONVERSATIONS, Contact, Conversation, Said, Sent, status
from packhorse_notification.text import person

Telling = Turn[NotificationPolicy]
F = TypeVar("F", bound=Fact)

_WITH_AN_ADDRESS: Final = ("reachable", "sending")
_ACCEPTED: Final = (*_WITH_AN_ADDRESS, "unreachable")
_ONE_CONTACT: Final = ignored("the order was accepted before; its first contact stays")
_NOT_UNDER_WAY: Final[Mapping[str | tuple[str, ...], Ignored | Refused]] = {
    "reachable": ignored("how this mail ended is on record already"),
    ("awaited", "unreachable"): refused("no_mail", "no mail was asked for about this order", "about"),
}


def keep_contact(turn: Telling, state: Conversation, fact: OrderAccepted) -> Conversation:
    """From now on we know whom to write to, and what the order's lines are called. Says what waited for that."""
    known = replace(
        state,
        contact=Contact(person(fact.customer.name), deliverable(fact.customer.email), fact.customer.locale),
        items={
            line.line_id: Item(
                line_id=line.line_id,
                title=line.title or line.sku,
                quantity=line.quantity,
                unit_price=line.unit_price,
            )
            for line in fact.lines
        },
        sums=Sums(
            currency=fact.currency,
            goods=fact.totals.goods,
            discount=fact.totals.discount,
            delivery=fact.totals.delivery,
            tax=fact.totals.tax,
            grand_total=fact.totals.grand_total,
        ),
        waiting=(),
    )
    say = suppress if status(known) == "unreachable" else send
    for content in state.waiting:
        known = say(turn, known, content)
    return known


def wait(_turn: Telling, state: Conversation, content: Content) -> Conversation:
    """Topics are not ordered: this one overtook the order that it belongs to."""
    return replace(state, waiting=(*state.waiting, content))


def send(turn: Telling, state: Conversation, content: Content) -> Conversation:
    """Asks for one mail, unless the same was said before."""
    contact, about = state.contact, _about(content)
    if about in state.said:
        return _suppressed(turn, state, content, "duplicate")
    assert contact is not None and contact.email is not None  # noqa: S101, PT018 -- its status says so
    notification_id = _notification_id(state, content)
    mail = SendMail(
        order_id=state.order_id,
        notification_id=notification_id,
        about=about,
        asked_at=turn.now,
        language=choose_language(contact.locale, turn.policy.fallback_language),
        locale=contact.locale,
        contact=Recipient(name=contact.name, email=contact.email),
        content=from_facts.completed(content, state),
    )
    turn.ask(mail, notification_id, turn.policy.patience)
    return _learnt(state, content).noting(about, Said(notification_id, content.kind, "sending"))


def suppress(turn: Telling, state: Conversation, content: Content) -> Conversation:
    """There is nowhere to send it; said once."""
    about = _about(content)
    if about in state.said:
        return _suppressed(turn, state, content, "duplicate")
    noted = _learnt(state, content).noting(about, Said(_notification_id(state, content), content.kind, "suppressed"))
    return _suppressed(turn, noted, content, "no_address")


def _about(content: Content) -> str:
    return f"{content.kind}:{content.cause}"


def _notification_id(state: Conversation, content: Content) -> str:
    return ids.derive(content.at, "notification", state.order_id, _about(content))


def _suppressed(turn: Telling, state: Conversation, content: Content, why: SuppressedWhy) -> Conversation:
    turn.say(NotificationSuppressed(order_id=state.order_id, at=turn.now, kind=content.kind, channel="email", why=why))
    return state


def _learnt(state: Conversation, content: Content) -> Conversation:
    """The same, knowing what later messages about the order refer to."""
    match content:
        case DispatchedContent():
            units = by_line((item.line_id, item.quantity) for item in content.items)
            return replace(state, sent={**state.sent, content.shipment_id: Sent(units, content.tracking_numbers)})
        case CancelledContent():
            return replace(state, cancelled=state.cancelled + sum(item.quantity for item in content.items))
        case RefundedContent():
            return replace(state, refunded=state.refunded + content.amount)
        case _:
            return state


def record_sent(turn: Telling, state: Conversation, answer: MailSent) -> Conversation:
    """The mail server has it."""
    said = state.said[answer.about]
    if said.outcome != "sending":
        return state
    turn.say(
        NotificationSent(
            notification_id=said.notification_id,
            order_id=state.order_id,
            kind=said.kind,
            channel="email",
            language=answer.language,
            at=turn.now,
            provider_reference=answer.provider_reference,
        )
    )
    return state.noting(answer.about, replace(said, outcome="sent"))


def record_failed(turn: Telling, state: Conversation, answer: MailFailed) -> Conversation:
    """It was refused for good, or the server stayed away for too long: nobody will try again."""
    said = state.said[answer.about]
    if said.outcome != "sending":
        return state
    turn.say(
        NotificationFailed(
            order_id=state.order_id,
            at=turn.now,
            kind=said.kind,
            channel="email",
            reason=answer.reason,
            final=True,
        )
    )
    return state.noting(answer.about, replace(said, outcome="failed"))


def routes(usual: NotificationPolicy | None = None) -> Routes:
    """What is heard, and what follows; `usual` is the policy while nobody has set one."""
    return Routes(
        "notification",
        on(OrderAccepted, CONVERSATIONS, "order_id", {"awaited": keep_contact, _ACCEPTED: _ONE_CONTACT}),
        _told(OrderConfirmed, "confirmed", from_facts.confirmed),
        _told(OrderCancelled, "cancelled", from_facts.cancelled),
        _told(OrderCancellationDeclined, "declined", from_facts.cancellation_declined),
        _told(ShippingDispatched, "dispatched", from_facts.dispatched),
        _told(ShippingDelivered, "delivered", from_facts.delivered),
        _told(PaymentRefunded, "refunded", from_facts.refunded),
        on(MailSent, CONVERSATIONS, "order_id", {"sending": record_sent, **_NOT_UNDER_WAY}),
        on(MailFailed, CONVERSATIONS, "order_id", {"sending": record_failed, **_NOT_UNDER_WAY}),
        policies=Policies("notification", usual or NotificationPolicy()),
    )


def _told(fact: type[F], name: str, content: Callable[[F], Content]) -> Route:
    """The row of a fact that customers are told of."""

    def cell(does: str, say: Callable[[Telling, Conversation, Content], Conversation]) -> Reaction[Conversation, F]:
        def reaction(turn: Telling, state: Conversation, heard: F) -> Conversation:
            return say(turn, state, content(heard))

        reaction.__name__, reaction.__doc__ = f"{does}_{name}", say.__doc__
        return reaction

    return on(
        fact,
        CONVERSATIONS,
        "order_id",
        {
            "awaited": cell("hold", wait),
            _WITH_AN_ADDRESS: cell("tell", send),
            "unreachable": cell("suppress", suppress),
        },
    )
