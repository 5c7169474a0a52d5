"""Each fact that customers are told of, as the content of a message."""

from dataclasses import replace
from datetime import date, datetime

from packhorse_contracts.order import OrderCancellationDeclined, OrderCancelled, OrderConfirmed
from packhorse_contracts.payment import PaymentRefunded
from packhorse_contracts.shipping import ShippingDelivered, ShippingDispatched

from packhorse_notification.content import (
    CancellationDeclinedContent,
    CancelledContent,
    Content,
    DeliveredContent,
    DispatchedContent,
    Item,
    OrderConfirmedContent,
    RefundedContent,
)
from packhorse_notification.state import Conversation


def confirmed(fact: OrderConfirmed) -> OrderConfirmedContent:
    """Paid and reserved."""
    return OrderConfirmedContent(
        at=fact.at,
        items=tuple(
            Item(
                line_id=line.line_id,
                title=line.title or line.sku,
                quantity=line.quantity,
                unit_price=line.unit_price,
            )
            for line in fact.lines
        ),
        ship_on=_day(fact.promise.ship_on, fact.promise.ship_by),
        deliver_on=_day(fact.promise.deliver_on, fact.promise.deliver_by),
    )


def _day(day: str | None, end: datetime) -> date:
    """A promised day; of one that isn't named, but only its end, the day in UTC, in which it was reckoned."""
    return end.date() if day is None else date.fromisoformat(day)


def cancelled(fact: OrderCancelled) -> CancelledContent:
    """All of it or some lines. A whole one needs no list: the customer knows what was ordered."""
    return CancelledContent(
        at=fact.at,
        whole=fact.whole,
        by=fact.by,
        code=fact.reason.code,
        items=tuple(Item(line_id=line.line_id, quantity=line.quantity) for line in fact.lines),
    )


def cancellation_declined(fact: OrderCancellationDeclined) -> CancellationDeclinedContent:
    """Not any more, or not like this."""
    return CancellationDeclinedContent(at=fact.at, codes=tuple(reason.code for reason in fact.reasons))


def dispatched(fact: ShippingDispatched) -> DispatchedContent:
    """On its way."""
    return DispatchedContent(
        at=fact.at,
        shipment_id=fact.shipment_id,
        carrier=fact.carrier,
        tracking_numbers=fact.tracking_numbers,
        items=tuple(Item(line_id=line.line_id, title=line.sku, quantity=line.quantity) for line in fact.lines),
    )


def delivered(fact: ShippingDelivered) -> DeliveredContent:
    """There."""
    return DeliveredContent(
        at=fact.at,
        shipment_id=fact.shipment_id,
        tracking_numbers=() if fact.tracking_number is None else (fact.tracking_number,),
        items=tuple(Item(line_id=line.line_id, title=line.sku, quantity=line.quantity) for line in fact.lines or ()),
    )


def refunded(fact: PaymentRefunded) -> RefundedContent:
    """Money on its way back."""
    return RefundedContent(
        at=fact.at, payment_id=fact.payment_id, amount=fact.amount, currency=fact.currency, why=fact.cause
    )


def completed(content: Content, known: Conversation) -> Content:
    """The same with what only other facts tell: how lines are called, what all costs, what was in a parcel, and what
    was said before."""
    match content:
        case OrderConfirmedContent():
            return replace(content, items=_named(content.items, known), sums=known.sums)
        case DispatchedContent():
            items = _named(content.items, known)
            return replace(content, items=items, part=_part(items, known))
        case DeliveredContent():
            return _unpacked(content, known)
        case CancelledContent():
            return replace(content, items=_named(content.items, known), before=known.cancelled)
        case RefundedContent():
            return replace(content, before=known.refunded)
        case CancellationDeclinedContent():
            return content


def _unpacked(content: DeliveredContent, known: Conversation) -> DeliveredContent:
    """What came: as the fact says, else what left, where all of that came."""
    items, numbers = content.items, content.tracking_numbers
    left = known.sent.get(content.shipment_id)
    if left is not None and not items and numbers in ((), left.tracking_numbers):
        items = tuple(Item(line_id=line_id, quantity=units) for line_id, units in left.units.items())
    if left is not None and not numbers:
        numbers = left.tracking_numbers
    items = _named(items, known)
    return replace(content, items=items, tracking_numbers=numbers, part=_part(items, known))


def _part(items: tuple[Item, ...], known: Conversation) -> bool:
    """The order has more than these."""
    here: dict[str, int] = {}
    for item in items:
        here[item.line_id] = here.get(item.line_id, 0) + item.quantity
    return bool(here) and any(here.get(line_id, 0) < item.quantity for line_id, item in known.items.items())


def _named(some: tuple[Item, ...], known: Conversation) -> tuple[Item, ...]:
    return tuple(
        replace(item, title=known.items[item.line_id].title) if item.line_id in known.items else item for item in some
    )
