"""The carrier: moves parcels, and tells where they are, in no order that one could rely on."""

from datetime import timedelta

from packhorse_contracts.carrier import TrackingStatus, TrackingUpdated

from packhorse_simulation.faults import Chance
from packhorse_simulation.outsiders.voice import Voice
from packhorse_simulation.scheduler import EPOCH, Scheduler

SOURCE = "/carrier"
_WAY: tuple[TrackingStatus, ...] = ("in_transit", "out_for_delivery", "delivered")
_WAY_BACK: tuple[TrackingStatus, ...] = ("out_for_delivery", "delivery_failed", "return_to_sender")


class Carrier:
    """Each parcel goes its way once."""

    def __init__(self, scheduler: Scheduler, chance: Chance, voice: Voice) -> None:
        self._scheduler, self._chance, self._voice = scheduler, chance, voice
        self.taken: dict[str, TrackingStatus] = {}
        """By number, how the parcel's way ends."""

    def take(self, tracking_number: str) -> None:
        """The warehouse hands a parcel over; what it says of that may come later than our first news."""
        if tracking_number in self.taken:
            return
        way = self._way(tracking_number)
        self.taken[tracking_number] = way[-1]
        pace = self._scheduler.random.choice((0.2, 30.0, 3600.0))
        time = self._scheduler.now
        for status in way:
            time += pace * (0.2 + self._scheduler.random.random())
            self._plan(tracking_number, status, time, time)
            if self._chance.strikes("the carrier repeats itself in any order"):
                self._plan(tracking_number, status, time, time + 4 * pace * self._scheduler.random.random())

    def _way(self, tracking_number: str) -> tuple[TrackingStatus, ...]:
        if tracking_number.startswith("X-"):
            return ("cancelled",)  # the label that isn't used
        if self._chance.strikes("a parcel comes back"):
            return _WAY_BACK
        if self._chance.strikes("a parcel is lost"):
            return ("in_transit", "lost", *(_WAY if self._chance.strikes("a lost parcel turns up") else ()))
        return ("cancelled",) if self._chance.strikes("the carrier cancels a parcel") else _WAY

    def _plan(self, tracking_number: str, status: TrackingStatus, seen: float, said: float) -> None:
        if self._chance.strikes("a number is written with blanks"):
            tracking_number = f" {tracking_number[:3]} {tracking_number[3:]}"
        fact = TrackingUpdated(tracking_number=tracking_number, status=status, at=EPOCH + timedelta(seconds=seen))
        self._scheduler.at(said, lambda: self._say(fact))

    def _say(self, fact: TrackingUpdated) -> None:
        self._voice.say(SOURCE, fact)
