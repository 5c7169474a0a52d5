"""What this service says to the customer when it hears something. Pure.

Two steps: each fact becomes the content of a message (`_about_…`), and `say` decides whether, to whom and when.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from packhorse_chassis.core.reaction import Decisions, Route, Routes, on
from packhorse_chassis.core.turn import Effect
from packhorse_contracts import ids
from packhorse_contracts.base import Fact
from packhorse_contracts.notification import NotificationFailed, NotificationSent, NotificationSuppressed
from packhorse_contracts.order import OrderAccepted, OrderCancellationDeclined, OrderCancelled, OrderConfirmed
from packhorse_contracts.payment import PaymentRefunded
from packhorse_contracts.shipping import ShippingDelivered, ShippingDispatched

from packhorse_notification import from_facts
from packhorse_notification.content import (
    CancelledContent,
    Content,
    DispatchedContent,
    Item,
    RefundedContent,
    Sums,
)
from packhorse_notification.locales import choose_language
from packhorse_notification.messages import MailFailed, MailSent, Recipient, SendMail
from packhorse_notification.policies import Policy, deliverable
from packhorse_notification.state import CONVERSATIONS, Contact, Conversation, Said, Sent
from packhorse_notification.text import person

Decided = Decisions[Conversation]


def keep_contact(policy: Policy, state: Conversation, fact: OrderAccepted, now: datetime) -> Decided:
    """From now on we know whom to write to, and what the order's lines are called. Says what waited for that."""
    if state.contact is not None:
        return Decisions(state)
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
    events: list[Fact] = []
    effects: list[Effect] = []
    for content in state.waiting:
        said = say(policy, known, content, now)
        known = said.state
        events.extend(said.events)
        effects.extend(said.effects)
    return Decisions(known, events=events, effects=effects)


def say(policy: Policy, state: Conversation, content: Content, now: datetime) -> Decided:
    """Asks for one mail, unless the same was said before, there is nowhere to send it, or it has to wait for the
    order that it belongs to."""
    if state.contact is None:
        return Decisions(replace(state, waiting=(*state.waiting, content)))
    about = f"{content.kind}:{content.cause}"
    notification_id = ids.derive(content.at, "notification", state.order_id, about)
    suppressed = partial(
        NotificationSuppressed,
        order_id=state.order_id,
        at=now,
        kind=content.kind,
        channel="email",
    )
    if about in state.said:
        return Decisions(state, events=[suppressed(why="duplicate")])
    now_known = _learnt(state, content)
    if state.contact.email is None:
        noted = now_known.noting(about, Said(notification_id, content.kind, "suppressed"))
        return Decisions(noted, events=[suppressed(why="no_address")])
    mail = SendMail(
        order_id=state.order_id,
        notification_id=notification_id,
        about=about,
        asked_at=now,
        language=choose_language(state.contact.locale, policy.fallback_language),
        locale=state.contact.locale,
        contact=Recipient(name=state.contact.name, email=state.contact.email),
        content=from_facts.completed(content, state),
    )
    return Decisions(
        now_known.noting(about, Said(notification_id, content.kind, "sending")),
        effects=[Effect(mail, idempotency_key=notification_id, deadline=policy.patience)],
    )


def _learnt(state: Conversation, content: Content) -> Conversation:
    """The same, knowing what later messages about the order refer to."""
    match content:
        case DispatchedContent():
            units: dict[str, int] = {}
            for item in content.items:
                units[item.line_id] = units.get(item.line_id, 0) + item.quantity
            return replace(state, sent={**state.sent, content.shipment_id: Sent(units, content.tracking_numbers)})
        case CancelledContent():
            return replace(state, cancelled=state.cancelled + sum(item.quantity for item in content.items))
        case RefundedContent():
            return replace(state, refunded=state.refunded + content.amount)
        case _:
            return state


def record_sent(state: Conversation, answer: MailSent, now: datetime) -> Decided:
    """The mail server has it."""
    said = state.said[answer.about]
    if said.outcome != "sending":
        return Decisions(state)
    sent = NotificationSent(
        notification_id=said.notification_id,
        order_id=state.order_id,
        kind=said.kind,
        channel="email",
        language=answer.language,
        at=now,
        provider_reference=answer.provider_reference,
    )
    return Decisions(state.noting(answer.about, replace(said, outcome="sent")), events=[sent])


def record_failed(state: Conversation, answer: MailFailed, now: datetime) -> Decided:
    """It was refused for good, or the server stayed away for too long: nobody will try again."""
    said = state.said[answer.about]
    if said.outcome != "sending":
        return Decisions(state)
    failed = NotificationFailed(
        order_id=state.order_id,
        at=now,
        kind=said.kind,
        channel="email",
        reason=answer.reason,
        final=True,
    )
    return Decisions(state.noting(answer.about, replace(said, outcome="failed")), events=[failed])


def _tell(policy: Policy, fact: type[Fact], name: str, content: Callable[..., Content]) -> Route:
    def tell(state: Conversation, heard: Fact, now: datetime) -> Decided:
        return say(policy, state, content(heard), now)

    tell.__name__ = name
    return on(fact, CONVERSATIONS, "order_id", tell)


def routes(policy: Policy) -> Routes:
    """What is heard, and what follows."""

    def keep(state: Conversation, fact: OrderAccepted, now: datetime) -> Decided:
        return keep_contact(policy, state, fact, now)

    keep.__name__ = "keep_contact"
    return Routes(
        "notification",
        on(OrderAccepted, CONVERSATIONS, "order_id", keep),
        _tell(policy, OrderConfirmed, "tell_confirmed", from_facts.confirmed),
        _tell(policy, OrderCancelled, "tell_cancelled", from_facts.cancelled),
        _tell(policy, OrderCancellationDeclined, "tell_declined", from_facts.cancellation_declined),
        _tell(policy, ShippingDispatched, "tell_dispatched", from_facts.dispatched),
        _tell(policy, ShippingDelivered, "tell_delivered", from_facts.delivered),
        _tell(policy, PaymentRefunded, "tell_refunded", from_facts.refunded),
        on(MailSent, CONVERSATIONS, "order_id", record_sent),
        on(MailFailed, CONVERSATIONS, "order_id", record_failed),
    )
