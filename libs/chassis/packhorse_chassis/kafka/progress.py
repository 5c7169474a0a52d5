"""How far a consumer is behind what was said on its partitions, and whether it gets on.

All of it is what the consumer knows anyway: each answer of the broker tells where a partition ends, and up to where it
is stable. Behind that lies what an open transaction holds back: nobody who reads only what is committed gets it, nor
anything behind it from whomever, until the transaction ends.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from packhorse_chassis.telemetry import metrics

HELD_TOO_LONG: Final = 20.0
"""Seconds. A producer that means well commits within them; the broker ends a transaction after 60
(`transaction.max.timeout.ms`)."""

_OLDEST: Final = 30 * 86_400.0
"""Seconds. Time stamps are the senders' to choose; no topic that is read here keeps anything for longer."""

_NAMED: Final = 5
"""Partitions that a reason names."""


class _Timed(Protocol):
    timestamp: int


@dataclass(slots=True)
class _Place:
    """What is known of a partition."""

    position: int
    """All before it was handled."""

    since: float
    """When that last changed, or nothing was left to read; monotonic."""

    newer_than: float | None
    """What is still to be read isn't older than this; Unix time, None where nobody knows."""

    end: int
    stable: int

    @property
    def behind(self) -> int:
        return max(0, self.end - self.position)

    @property
    def held(self) -> int:
        """Records that an open transaction holds back."""
        return max(0, self.end - max(self.stable, self.position))

    def age(self, now: float, clock: float | None) -> float:
        """Of the oldest record that isn't handled, in seconds; where nothing is known of it, since it is waited for."""
        if clock is None or self.newer_than is None:
            return now - self.since
        return max(0.0, clock - self.newer_than)


class Progress:
    """Of one consumer. Looked at once a second and whenever somebody asks."""

    def __init__(self, clock: Callable[[], float | None]) -> None:
        self._clock = clock
        """Unix time, where it is known."""

        self._places: dict[TopicPartition, _Place] = {}

    def took(self, batches: Mapping[TopicPartition, Sequence[_Timed]]) -> None:
        """These were polled."""
        if (now := self._clock()) is None:
            return
        for at, records in batches.items():
            age = min(max(0.0, now - records[-1].timestamp / 1_000), _OLDEST)
            metrics.heard_age.labels(at.topic).observe(age)
            if (place := self._places.get(at)) is not None:
                place.newer_than = max(place.newer_than or 0.0, now - age)

    def look(self, consumer: AIOKafkaConsumer) -> None:
        """Call it while nothing is in hand: what was polled counts as handled."""
        now, clock = time.monotonic(), self._clock()
        self._places = {at: self._at(at, state, now, clock) for at, state in _states(consumer)}

    def _at(self, at: TopicPartition, state: Any, now: float, clock: float | None) -> _Place:
        end, stable = state.highwater, state.lso
        if stable is None or stable < 0:
            stable = end
        place = self._places.get(at) or _Place(state.position, now, None, end, stable)
        place.end, place.stable = end, stable
        if state.position != place.position:
            place.position, place.since = state.position, now
        if not place.behind:
            place.since, place.newer_than = now, clock
        return place

    def stuck(self, limit: float | None = None) -> str | None:
        """What can't be read for longer than so many seconds, and why."""
        limit = HELD_TOO_LONG if limit is None else limit
        now = time.monotonic()
        held = {at: place for at, place in self._places.items() if place.held and now - place.since > limit}
        if held:
            named = [
                f"{at.topic}-{at.partition} has {place.held} records that an open transaction holds back"
                for at, place in sorted(held.items())[:_NAMED]
            ]
            more = [f"and {len(held) - _NAMED} partitions more"] if len(held) > _NAMED else []
            return "; ".join([*named, *more])
        behind = sum(place.behind - place.held for place in self._places.values())
        if behind and now - max(place.since for place in self._places.values() if place.behind) > limit:
            return f"{behind} records wait, and none was taken for {limit:.0f} s"
        return None

    def report(self) -> None:
        """Sets the metrics."""
        now, clock = time.monotonic(), self._clock()
        oldest: dict[str, float] = {}
        for gauge in (metrics.behind, metrics.held, metrics.oldest_unread):
            gauge.clear()
        for at, place in self._places.items():
            metrics.behind.labels(at.topic, at.partition).set(place.behind)
            metrics.held.labels(at.topic, at.partition).set(place.held)
            oldest[at.topic] = max(oldest.get(at.topic, 0.0), place.age(now, clock) if place.behind else 0.0)
        for topic, age in oldest.items():
            metrics.oldest_unread.labels(topic).set(age)


def _states(consumer: AIOKafkaConsumer) -> Iterator[tuple[TopicPartition, Any]]:
    """What aiokafka knows of each partition that it has asked for at least once."""
    subscription = consumer._subscription.subscription
    assignment = subscription.assignment if subscription is not None else None
    if assignment is None:
        return
    for at in assignment.tps:
        state = assignment.state_value(at)
        if state is not None and state.has_valid_position and state.highwater is not None:
            yield at, state
