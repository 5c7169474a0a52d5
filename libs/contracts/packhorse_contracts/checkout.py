"""What the upstream checkout says."""

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import (
    Currency,
    Fact,
    Id,
    Utc,
)


class OrderPlaced(Fact, type="packhorse.checkout.order_placed.v1", topic=topics.CHECKOUT_ORDERS, key="order_id"):
    """A customer placed an order. Its sums are judged by the order service, which lists every fault."""

    order_id: Id
    placed_at: Utc
    channel: blocks.Channel
    currency: Currency
    customer: blocks.Customer
    ship_to: blocks.Address | None = None
    bill_to: blocks.Address | None = None
    lines: tuple[blocks.OrderLine, ...]
    delivery: blocks.Delivery
    payments: tuple[blocks.PaymentTender, ...]
    promotions: tuple[blocks.Promotion, ...] = ()
    totals: blocks.Totals
