"""Each fact that customers are told of, as the content of a message."""

from collections.abc import Mapping

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
    Sums,
)


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
        ship_by=fact.promise.ship_by,
        deliver_by=fact.promise.deliver_by,
    )


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
    return DeliveredContent(at=fact.at, shipment_id=fact.shipment_id, tracking_number=fact.tracking_number)


def refunded(fact: PaymentRefunded) -> RefundedContent:
    """Money on its way back."""
    return RefundedContent(
        at=fact.at, payment_id=fact.payment_id, amount=fact.amount, currency=fact.currency, why=fact.cause
    )


def completed(content: Content, items: Mapping[str, Item], sums: Sums | None) -> Content:
    """The same with what only the accepted order tells: how its lines are called, and what all costs."""
    match content:
        case OrderConfirmedContent():
            return content.model_copy(update={"items": _named(content.items, items), "sums": sums})
        case DispatchedContent() | CancelledContent():
            return content.model_copy(update={"items": _named(content.items, items)})
        case _:
            return content


def _named(some: tuple[Item, ...], items: Mapping[str, Item]) -> tuple[Item, ...]:
    return tuple(
        item.model_copy(update={"title": items[item.line_id].title}) if item.line_id in items else item for item in some
    )
