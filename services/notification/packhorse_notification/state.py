"""What this service keeps about an order: whom to write to, what was said, and what waits to be said."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from packhorse_chassis.core.kinds import Kind

from packhorse_notification.content import Content, Item, Sums
from packhorse_notification.text import PersonName

Outcome = Literal["sending", "sent", "failed", "suppressed"]
Status = Literal["reachable", "sending", "awaited", "unreachable"]
"""Of a conversation, the usual one first. Awaited: its order isn't known yet. Reachable: there is an address, and every
mail so far has ended. Sending: a mail is on its way. Unreachable: the order names no address that can be written to."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Personal data, and the only place of it here. `email` is None where there is none that could be written to."""

    name: PersonName
    email: str | None
    locale: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that the customer was told, or would have been, and how that went."""

    notification_id: str
    kind: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Sent:
    """What left as one shipment: units by line id, and the parcels' numbers."""

    units: dict[str, int]
    tracking_numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that one customer hears from us about one order.

    `items` (by line id) and `sums` come with the accepted order: later facts name lines only by their ids. `said` is
    by kind and cause: what is in it is never said again. `sent` is what left, by shipment; `cancelled` counts units,
    `refunded` minor units: with them two mails of a kind can be told apart. `waiting` holds the early birds, facts of
    other topics that overtook the order itself, in the order they came.
    """

    order_id: str
    contact: Contact | None = None
    items: dict[str, Item] = field(default_factory=dict)
    sums: Sums | None = None
    said: dict[str, Said] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)
    cancelled: int = 0
    refunded: int = 0
    waiting: tuple[Content, ...] = ()

    @staticmethod
    def empty(order_id: str) -> "Conversation":
        """An order that nothing is known of yet."""
        return Conversation(order_id)

    def noting(self, about: str, said: Said) -> "Conversation":
        """The same conversation, with this said."""
        return replace(self, said={**self.said, about: said})


def status(conversation: Conversation) -> Status:
    """Where it stands."""
    if conversation.contact is None:
        return "awaited"
    if conversation.contact.email is None:
        return "unreachable"
    under_way = any(said.outcome == "sending" for said in conversation.said.values())
    return "sending" if under_way else "reachable"


CONVERSATIONS = Kind("conversations", Conversation, Conversation.empty, statuses=get_args(Status), status=status)
