"""What the upstream checkout says."""

from pydantic import Field

from packhorse_contracts import blocks, lenient, topics
from packhorse_contracts.base import Fact, Many, Perhaps, Utc
from packhorse_contracts.fields import CurrencyCode, OrderId


class OrderPlaced(Fact, type="packhorse.checkout.order_placed.v1", topic=topics.CHECKOUT_ORDERS, key="order_id"):
    """A customer placed an order. What can be read may still be wrong: the order service lists every fault."""

    order_id: OrderId
    placed_at: Utc = Field(description="When the customer placed it")
    channel: blocks.Channel
    currency: CurrencyCode
    customer: blocks.Customer = Field(description="Who ordered")
    ship_to: blocks.Address | None = Field(None, description="Where to send it; needed for mode ship")
    bill_to: blocks.Address | None = Field(None, description="Where the bill goes, if elsewhere")
    lines: Many[blocks.OrderLine] = Field(description="What was ordered")
    delivery: blocks.Delivery = Field(description="How it shall arrive")
    payments: Many[blocks.PaymentTender] = Field(description="How it is paid; together the grand total")
    promotions: Perhaps[blocks.Promotion] = Field((), description="Discounts on the whole order")
    totals: blocks.Totals = Field(description="Sums, as the checkout reckoned them")


class UnsoundOrder(lenient.Unsound):
    """An order that breaks the contract, but has an id: the order service rejects it with every fault."""

    order_id: OrderId
    part: OrderPlaced | None = Field(
        description="What of it is sound; nothing of one with too many faults", exclude=True
    )


lenient.twin(OrderPlaced, UnsoundOrder)
