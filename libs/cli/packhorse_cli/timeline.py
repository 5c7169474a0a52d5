"""One time line of many partitions: each is nearly in order of time, and the earliest of their heads comes next."""

import heapq
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from aiokafka import TopicPartition

from packhorse_cli.stream import Event, consuming, event, moment

_AT_ONCE: Final = 500
"""Records of one poll, at most."""

_AHEAD: Final = timedelta(days=1)
"""How far another machine's clock may be ahead of ours."""


class Merge:
    """The heads of partitions, the earliest first. Pure: whoever feeds it asks who is `hungry`.

    Within a partition the order is the log's. A time that can't be right would put its partition first or last: such a
    record comes right behind the one before it.
    """

    def __init__(self, places: Iterable[TopicPartition], now: datetime) -> None:
        self._latest = now + _AHEAD
        self.hungry: set[TopicPartition] = set(places)
        """Partitions that have more, but none of it here: until they are fed, nobody knows what comes next."""

        self._ended: set[TopicPartition] = set()
        self._waiting: dict[TopicPartition, deque[Event]] = {}
        self._heads: list[tuple[datetime, TopicPartition, int, Event]] = []
        self._last: dict[TopicPartition, datetime] = {}

    def feed(self, place: TopicPartition, events: Iterable[Event]) -> None:
        """The next records of a partition, in its order."""
        self._waiting.setdefault(place, deque()).extend(events)
        if place in self.hungry:
            self._next(place)

    def end(self, place: TopicPartition) -> None:
        """Nothing more comes of this partition that one has to wait for."""
        self._ended.add(place)
        self.hungry.discard(place)

    def ready(self) -> Iterator[Event]:
        """What comes next, as far as that is known."""
        while self._heads and not self.hungry:
            _, place, _, earliest = heapq.heappop(self._heads)
            self._next(place)
            yield earliest

    def _next(self, place: TopicPartition) -> None:
        if waiting := self._waiting.get(place):
            head = waiting.popleft()
            right = head.dated and head.at <= self._latest
            at = head.at if right else self._last.get(place, moment(0))
            self._last[place] = at
            self.hungry.discard(place)
            heapq.heappush(self._heads, (at, place, head.offset, head))
        elif place not in self._ended:
            self.hungry.add(place)


async def merged(
    bootstrap: str, names: list[str], *, follow: bool, from_beginning: bool
) -> AsyncGenerator[Event, None]:
    """Events of all partitions of these topics as one time line: first what is there, then, with `follow`, live.

    Holds in memory what was fetched of each partition, which is bounded, and no more.
    """
    async with consuming(bootstrap, names, from_beginning=from_beginning) as consumer:
        places: set[TopicPartition] = consumer.assignment()
        ends = await consumer.end_offsets(places)
        behind = {place for place in places if ends[place] and await consumer.position(place) < ends[place]}
        merge = Merge(behind, datetime.now(UTC))
        while merge.hungry:
            for place, records in (await consumer.getmany(*merge.hungry, timeout_ms=200, max_records=_AT_ONCE)).items():
                merge.feed(place, (event(record) for record in records if follow or record.offset < ends[place]))
            # What ends a partition may be a mark of a transaction, which is no record.
            for place in [place for place in merge.hungry if await consumer.position(place) >= ends[place]]:
                merge.end(place)
            for earliest in merge.ready():
                yield earliest
        while follow:
            polled = (await consumer.getmany(timeout_ms=200)).values()
            for earliest in sorted((event(one) for some in polled for one in some), key=lambda one: one.at):
                yield earliest
