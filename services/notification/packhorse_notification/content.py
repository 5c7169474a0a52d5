"""What a message says, before it is put into words: one class a kind, with no personal data in any.

`cause` is what tells two messages of one kind about one order apart. It comes from the content, never from an event's
id, so that a fact that is said again under another id leads to no second mail.
"""

from datetime import date, datetime
from hashlib import blake2b
from typing import Annotated, Final, Literal

from packhorse_contracts import ids
from packhorse_contracts.order import DeclineCode
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from packhorse_notification.text import Plain

PART_NOT_OFFERED: Final[DeclineCode] = "part_cancellation_not_offered"
"""Why a cancellation is declined that doesn't come too late."""

_CHECKED: Final = ConfigDict(hide_input_in_errors=True)
"""These dataclasses are checked as they are made, and as they are changed: foreign text comes in by no other way than
through `plain`."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class Item:
    """Some units of an order's line. `title` is the SKU until it is known; `unit_price` in minor units."""

    line_id: str
    title: Plain = ""
    quantity: int
    unit_price: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class Sums:
    """What an order costs, in minor units of its currency."""

    currency: str
    goods: int
    discount: int
    delivery: int
    tax: int
    grand_total: int


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class _Content:
    at: datetime
    """When it became true, UTC."""

    @property
    def cause(self) -> str:
        """What makes this message another one than the others of its kind about the same order."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class OrderConfirmedContent(_Content):
    """Paid and reserved: what comes, what it costs, when it comes."""

    kind: Literal["order_confirmed"] = "order_confirmed"
    items: tuple[Item, ...]
    sums: Sums | None = None
    ship_on: date | None = None
    deliver_on: date | None = None
    """Days as the customer is told them: on the calendars of the places where they happen, never converted."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class DispatchedContent(_Content):
    """A shipment has left."""

    kind: Literal["dispatched"] = "dispatched"
    shipment_id: str
    carrier: Plain
    tracking_numbers: tuple[Plain, ...]
    items: tuple[Item, ...]
    part: bool = False
    """The order has more than this."""

    @property
    def cause(self) -> str:
        """One mail a shipment."""
        return self.shipment_id


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class DeliveredContent(_Content):
    """A shipment has arrived, or one parcel of it. `items`: none where nobody knows what was in it."""

    kind: Literal["delivered"] = "delivered"
    shipment_id: str
    tracking_numbers: tuple[Plain, ...] = ()
    items: tuple[Item, ...] = ()
    part: bool = False

    @property
    def cause(self) -> str:
        """One mail a parcel, or a shipment where it is about all of it."""
        return "/".join((self.shipment_id, *sorted(self.tracking_numbers)))


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class CancelledContent(_Content):
    """The order, or some of its lines, won't come; `by` says whose doing it is, `code` why. `before`: units that were
    cancelled earlier."""

    kind: Literal["cancelled"] = "cancelled"
    whole: bool
    by: str
    code: str
    items: tuple[Item, ...]
    before: int = 0

    @property
    def cause(self) -> str:
        """An order ends once; of its lines, one may fall short in two shipments by the same quantity, so that
        their cancellations differ by nothing but their time."""
        if self.whole:
            return "whole"
        lines = (f"{item.line_id}*{item.quantity}" for item in self.items)
        return _digest(self.at.isoformat(), *sorted(lines))


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class CancellationDeclinedContent(_Content):
    """What the customer wanted cancelled can't be, or not any more."""

    kind: Literal["cancellation_declined"] = "cancellation_declined"
    codes: tuple[str, ...]

    @property
    def cause(self) -> str:
        """Who asks three times for the same reason gets one answer."""
        return _digest(*sorted(set(self.codes)))


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class RefundedContent(_Content):
    """Money is on its way back; `amount`, and what was given back `before`, in minor units."""

    kind: Literal["refunded"] = "refunded"
    payment_id: str
    amount: int
    currency: str
    why: str
    before: int = 0

    @property
    def cause(self) -> str:
        """One mail a refund."""
        return _digest(self.payment_id, self.why, str(self.amount), self.at.isoformat())


Content = Annotated[
    OrderConfirmedContent
    | DispatchedContent
    | DeliveredContent
    | CancelledContent
    | CancellationDeclinedContent
    | RefundedContent,
    Field(discriminator="kind"),
]


def _digest(*parts: str) -> str:
    return blake2b(ids.joint(*parts).encode(), digest_size=8).hexdigest()
