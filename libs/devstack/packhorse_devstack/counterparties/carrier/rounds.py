"""How a parcel travels: pure, drawn by the seed and the tracking number."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from packhorse_contracts import ids
from packhorse_contracts.base import Fact
from packhorse_contracts.carrier import TrackingUpdated
from packhorse_contracts.shipping import ShippingDispatched

from packhorse_devstack.counterparties.agenda import Agenda, Step
from packhorse_devstack.counterparties.voice import Heard, Saying

Status = Literal["picked_up", "in_transit", "out_for_delivery", "delivery_failed", "delivered"]

WAY: tuple[Status, ...] = ("picked_up", "in_transit", "out_for_delivery", "delivered")
SECOND_ATTEMPT: tuple[Status, ...] = ("picked_up", "in_transit", "out_for_delivery", "delivery_failed", "delivered")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a carrier works. `miss_rate`: share of parcels that meet nobody at first; `pace`: mean time of a leg."""

    seed: int = 1
    miss_rate: float = 0.01
    pace: timedelta = timedelta(seconds=0.5)


def travel(tracking_number: str, habits: Habits, at: datetime) -> list[Step]:
    """All that will be said of a parcel that starts at `at`."""
    random = Random(f"{habits.seed}/{tracking_number}")
    way = SECOND_ATTEMPT if random.random() < habits.miss_rate else WAY
    steps, now = [], at
    for status in way:
        after = habits.pace * random.uniform(0.5, 1.5)
        now += after
        incident: Literal["consignee"] | None = "consignee" if status == "delivery_failed" else None
        fact = TrackingUpdated(tracking_number=tracking_number, status=status, incident=incident, at=now)
        steps.append(Step(after, fact))
    return steps


class Rounds:
    """The parcels on their way; each travels once, however often it is heard of."""

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self._agenda = Agenda()
        self._said: dict[str, set[str]] = defaultdict(set)
        self._caused_by: dict[str, str] = {}

    def recall(self, fact: Fact) -> None:
        """It said this before it was killed."""
        if isinstance(fact, TrackingUpdated):
            self._said[fact.tracking_number].add(fact.status)

    def hear(self, heard: Heard, at: datetime) -> None:
        """Parcels were handed over."""
        if not isinstance(heard.fact, ShippingDispatched):
            return
        for number in heard.fact.tracking_numbers:
            if number in self._caused_by:
                continue
            self._caused_by[number] = heard.envelope.id
            said = self._said[number]
            left = [step for step in travel(number, self._habits, at) if _status(step.fact) not in said]
            self._agenda.plan(number, left, at)

    def due(self, at: datetime) -> list[Saying]:
        """The news whose time has come."""
        return [self._say(number, fact, at) for number, fact in self._agenda.due(at)]

    def _say(self, number: str, fact: Fact, at: datetime) -> Saying:
        self._said[number].add(_status(fact))
        cause = self._caused_by[number]
        return Saying(fact, ids.derive(ids.time_of(cause) or at, number, _status(fact)), at, cause)


def _status(fact: Fact) -> str:
    return fact.status if isinstance(fact, TrackingUpdated) else ""
