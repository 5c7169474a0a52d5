"""What a business may tune about payments, and the rules that go with it. Pure."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """How long and how often.

    `gateway`: its name in the facts. `ask_for`: one asking of the gateway is repeated for so long before its outcome
    counts as unknown; `ask_again_after`: it is then asked again after this, doubled each time up to `ask_again_cap`.
    `review_poll`: the same for an authorisation under review, up to the same cap. `reauthorisations`: how often,
    between two captures, an authorisation that expired may be renewed with the same token, without the customer.
    `repeat_after` and `attempts`: a refund or void that the gateway refused is asked anew after a while, so many
    times in all.
    """

    gateway: str = "gateway"
    ask_for: timedelta = timedelta(minutes=5)
    ask_again_after: timedelta = timedelta(minutes=1)
    ask_again_cap: timedelta = timedelta(hours=1)
    review_poll: timedelta = timedelta(seconds=2)
    reauthorisations: int = 1
    repeat_after: timedelta = timedelta(days=1)
    attempts: int = 3


def pause(first: timedelta, before: int, cap: timedelta) -> timedelta:
    """How long to wait after `before` earlier waits: doubles each time."""
    return min(first * (1 << min(before, 20)), cap)
