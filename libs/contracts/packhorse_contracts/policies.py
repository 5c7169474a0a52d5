"""What a business tunes, a model for each service: what may be set, within which limits, and what holds until then.

A policy is set by a fact, `OperationsPolicySet`: it names only what shall differ from the defaults here. It is in force
once its service has taken it, without a restart; every fact that was decided under it says so (`ce_policyversion`).
"""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from packhorse_contracts.base import Count, Model, Quantity
from packhorse_contracts.blocks import ServiceLevel
from packhorse_contracts.catalogue import TimeOfDay

_LONGEST: Final = timedelta(days=3_660)


def _length(given: object) -> object:
    """A number of seconds; else ISO 8601. Pydantic reads other forms as well, such as 00:30, which could mean two."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        if abs(given) <= _LONGEST.total_seconds():
            return timedelta(seconds=given)
        raise ValueError("a length of time is ten years at most")
    if isinstance(given, timedelta) or (isinstance(given, str) and given.startswith("P")):
        return given
    raise ValueError("a length of time is a number of seconds, or ISO 8601 such as PT30M")


Duration = Annotated[
    timedelta,
    BeforeValidator(_length),
    Field(gt=timedelta(0), le=_LONGEST),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "duration", "pattern": "^P"},
                {"type": "number", "exclusiveMinimum": 0, "maximum": int(_LONGEST.total_seconds())},
            ]
        }
    ),
]
"""A length of time: ISO 8601 (`PT30M`, `P2D`), or a number of seconds. More than nothing, and ten years at most."""

Days = Annotated[int, Field(strict=True, ge=0, le=366)]
Language = Literal["en", "pt", "pl", "ru", "zh", "tl"]
"""That customers are written to in: English, Portuguese, Polish, Russian, Chinese, Tagalog."""

Priority = Annotated[int, Field(strict=True, ge=0, le=9)]


class Policy(Model):
    """What a service goes by. A name that it doesn't know is a mistake, not a newer writer's."""

    model_config = ConfigDict(extra="forbid")


def _every_service(days: dict[ServiceLevel, int]) -> dict[ServiceLevel, int]:
    return {**_TRANSIT_DAYS, **days}


_TRANSIT_DAYS: Final[dict[ServiceLevel, int]] = {"economy": 5, "standard": 3, "express": 1}


class OrderPolicy(Policy):
    """Of the order service."""

    payment_deadline: Duration = Field(timedelta(minutes=30), description="Paid and reserved by then, or cancelled")
    cut_off: TimeOfDay = Field(
        "15:00",
        description="Confirmed before, on the clock of the location: leaves the same day. For locations that name no "
        "cut-off of their own",
    )
    transit_days: Annotated[dict[ServiceLevel, Days], AfterValidator(_every_service)] = Field(
        _TRANSIT_DAYS, description="Days from hand-over to the door, by delivery service; those not named as before"
    )
    grace: Duration = Field(
        timedelta(days=1), description="So long after its promise an order counts as overdue; looked at again as often"
    )


class PaymentPolicy(Policy):
    """Of the payment service."""

    ask_for: Duration = Field(
        timedelta(minutes=5),
        description="One asking of the gateway is repeated for so long, then its outcome is unknown",
    )
    ask_again_after: Duration = Field(
        timedelta(minutes=1), description="What is unknown is asked again after this, doubled each time"
    )
    ask_again_cap: Duration = Field(timedelta(hours=1), description="But never later than this")
    review_poll: Duration = Field(
        timedelta(seconds=2), description="An authorisation under review is looked at after this, then less often"
    )
    reauthorisations: Count = Field(
        1, description="Renewals of an expired authorisation between two captures, without the customer"
    )
    repeat_after: Duration = Field(timedelta(days=1), description="A refused refund or void is asked anew after this")
    attempts: Quantity = Field(3, description="So many tries of refused refunds and voids in all")


class InventoryPolicy(Policy):
    """Of the inventory service."""

    low_stock: Count = Field(5, description="Alert at so many pieces available to promise, or fewer")
    safety_stock: Count = Field(0, description="Pieces held back at each location that is new to a SKU")
    explain_within: Duration = Field(
        timedelta(hours=1),
        description="Pieces that are reserved and not there by a count are reported after this, unless explained",
    )


class ShippingPolicy(Policy):
    """Of the shipping service. Priorities go from 0 to 9, the most urgent."""

    answer_within: Duration = Field(
        timedelta(hours=4), description="A warehouse that owes an answer for longer is overdue"
    )
    economy_priority: Priority = Field(2, description="Of pick lists for economy")
    standard_priority: Priority = Field(5, description="Of pick lists for standard")
    express_priority: Priority = Field(8, description="Of pick lists for express")


class NotificationPolicy(Policy):
    """Of the notification service."""

    fallback_language: Language = Field("en", description="For customers whose language we don't write")
    patience: Duration = Field(
        timedelta(days=1),
        description='A mail is tried for so long while the mail server is away: a day-old "on its way" still helps',
    )


POLICIES: Final[dict[str, type[Policy]]] = {
    "order": OrderPolicy,
    "payment": PaymentPolicy,
    "inventory": InventoryPolicy,
    "shipping": ShippingPolicy,
    "notification": NotificationPolicy,
}
"""By service."""
