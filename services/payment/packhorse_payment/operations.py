"""What the gateway is asked, how it may end, and the timers. Amounts are in the currency's minor unit.

How it may end is in types that are valid for facts and for the database, so that no adapter can pass on what isn't.
"""

from typing import Annotated, Literal

from packhorse_chassis.core.kinds import Internal
from packhorse_contracts.base import Code, Currency, Id, Model, Text, Utc
from packhorse_contracts.blocks import PaymentMethod
from pydantic import AfterValidator, Field, StringConstraints


def _no_way_up(name: str) -> str:
    if name in (".", ".."):
        raise ValueError("a path would lead elsewhere")
    return name


GatewayId = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$"), AfterValidator(_no_way_up)
]
"""What a gateway calls a thing: visible ASCII, as goes into a URL's path, a fact, a row."""


class Authorise(Model):
    """Hold `amount` on the customer's means of payment."""

    kind: Literal["authorise"] = "authorise"
    amount: int
    currency: Currency
    method: PaymentMethod
    token: str | None = None


class Capture(Model):
    """Take `amount` of what is held, for a shipment."""

    kind: Literal["capture"] = "capture"
    authorisation: str
    shipment_id: Id
    amount: int
    currency: Currency


class Void(Model):
    """Give up what is still held: `amount`."""

    kind: Literal["void"] = "void"
    authorisation: str
    amount: int
    currency: Currency


class Refund(Model):
    """Give back `amount` of what was taken by a capture."""

    kind: Literal["refund"] = "refund"
    authorisation: str
    capture: str
    amount: int
    currency: Currency
    cause: str


Operation = Annotated[Authorise | Capture | Void | Refund, Field(discriminator="kind")]


class Done(Model):
    """The gateway did it. `reference` is its own id of the authorisation, capture, void or refund."""

    outcome: Literal["done"] = "done"
    reference: GatewayId
    expires_at: Utc | None = Field(None, description="Of an authorisation: the gateway holds it no longer")


class Refused(Model):
    """The gateway won't do it, and asking again changes nothing."""

    outcome: Literal["refused"] = "refused"
    code: Code
    message: Text
    may_retry: bool = Field(False, description="Another means of payment, or another day, may succeed")


class UnderReview(Model):
    """Somebody at the gateway looks at it first; it has to be asked again."""

    outcome: Literal["under_review"] = "under_review"
    reference: GatewayId


class Unknown(Model):
    """Nobody knows whether it was done. Never taken for either; it has to be asked again."""

    outcome: Literal["unknown"] = "unknown"
    reason: Text


Outcome = Annotated[Done | Refused | UnderReview | Unknown, Field(discriminator="outcome")]


class AskGateway(Internal):
    """An effect: have this operation done.

    `key` is the gateway's idempotency key. It stays the same however often this is asked, while each effect's own key
    is unique. `again`: it was asked before, so what is known about it comes first.
    """

    order_id: Id
    key: str
    operation: Operation
    again: bool = False
    reference: str | None = Field(None, description="The gateway's id of what it reviews")


class GatewayAnswered(Internal):
    """How the operation with this key ended, as far as is known for certain."""

    order_id: Id
    key: str
    outcome: Outcome


class AskAgain(Internal):
    """A timer: the operation with this key was unknown or under review."""

    order_id: Id
    key: str


class AuthorisationLapses(Internal):
    """A timer: this authorisation has come to its end."""

    order_id: Id
    authorisation: str


class TryAgain(Internal):
    """A timer: the gateway refused a refund or a void; perhaps it does it now."""

    order_id: Id


class Overtook(Internal):
    """A timer, due at once: this dispatch or cancellation overtook its order, and names a line that the order doesn't
    have. Heard as an input of its own it becomes a dead letter, and doesn't make one of the order."""

    order_id: Id
    kind: Literal["dispatched", "cancelled"]
    reference: str
    lines: dict[str, int]
    whole: bool = False
