"""What customers ask for, through the storefront, customer service or the console."""

from typing import Literal

from pydantic import Field

from packhorse_contracts import blocks, topics
from packhorse_contracts.base import Fact, Given, Id, Many, Model, Text
from packhorse_contracts.fields import LineId, Note, OrderId, Pieces

ReturnReason = Literal["damaged", "wrong_item", "not_as_described", "no_longer_wanted", "late"]
ReturnWish = Literal["refund", "exchange", "store_credit"]
ClaimReason = Literal["lost", "damaged", "wrong_item", "missing_item"]
ClaimWish = Literal["refund", "replacement"]


class ReturnLine(Model):
    """A line that shall come back."""

    line_id: LineId
    quantity: Pieces
    reason: ReturnReason = Field(description="Why it comes back")
    wish: ReturnWish = Field(description="What the customer wants for it")


class ClaimLine(Model):
    """A line that something was wrong with."""

    line_id: LineId
    quantity: Pieces
    reason: ClaimReason = Field(description="What was wrong")
    wish: ClaimWish = Field(description="What the customer wants for it")


class CancellationRequested(
    Fact, type="packhorse.customer.cancellation_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """The customer wants the order, or some of its lines, not to be sent."""

    order_id: OrderId
    lines: Many[blocks.LineQuantity] | None = Field(None, description="These pieces; absent for the whole order")
    reason: Text = Field(description="In the customer's words")


class AddressChangeRequested(
    Fact, type="packhorse.customer.address_change_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """The customer wants it sent elsewhere."""

    order_id: OrderId
    ship_to: blocks.Address = Field(description="Where to send it now")


class ReturnRequested(
    Fact, type="packhorse.customer.return_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """The customer wants to send something back."""

    order_id: OrderId
    lines: Many[ReturnLine] = Field(description="What shall come back")


class ClaimRequested(
    Fact, type="packhorse.customer.claim_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """Something went wrong with a delivery."""

    order_id: OrderId
    lines: Many[ClaimLine] = Field(description="What was wrong")


class HoldRequested(Fact, type="packhorse.customer.hold_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"):
    """Somebody wants the order to wait."""

    order_id: OrderId
    hold: blocks.Hold
    note: Given[Note] = None
    holder: Id = Field(description="Who holds it, and alone may release it")


class ReleaseRequested(
    Fact, type="packhorse.customer.release_requested.v1", topic=topics.CUSTOMER_REQUESTS, key="order_id"
):
    """The holder of a hold lets it go."""

    order_id: OrderId
    hold: blocks.Hold
    note: Given[Note] = None
    holder: Id = Field(description="Who held it")
