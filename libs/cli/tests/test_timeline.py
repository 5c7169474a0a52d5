"""One time line of many partitions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from packhorse_cli.stream import Event
from packhorse_cli.timeline import Merge

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def record(partition: int, offset: int, seconds: float) -> Event:
    """A record that many seconds before now."""
    return Event("t", partition, offset, NOW - timedelta(seconds=seconds), "", {}, (), b"")


def merged(partitions: Sequence[Sequence[Event]], at_once: int = 1) -> list[Event]:
    """All of them, fed in small bites to whoever is hungry, as a broker would."""
    places = [TopicPartition("t", number) for number in range(len(partitions))]
    left = {place: list(some) for place, some in zip(places, partitions, strict=True)}
    merge = Merge([place for place in places if left[place]], NOW)
    told: list[Event] = []
    for place in places:
        if not left[place]:
            merge.end(place)
    while merge.hungry:
        for place in sorted(merge.hungry):
            bite, left[place] = left[place][:at_once], left[place][at_once:]
            if bite:
                merge.feed(place, bite)
            else:
                merge.end(place)
        told += merge.ready()
    return told


@given(st.lists(st.lists(st.integers(0, 1_000), max_size=8), max_size=6), st.integers(1, 5))
def test_partitions_in_order_make_a_time_line_in_order(ages: list[list[int]], at_once: int) -> None:
    """Nothing is lost, whatever is fetched at once."""
    partitions = [
        [record(number, offset, age) for offset, age in enumerate(sorted(some, reverse=True))]
        for number, some in enumerate(ages)
    ]
    told = merged(partitions, at_once)
    assert len(told) == sum(map(len, partitions))
    assert [event.at for event in told] == sorted(event.at for event in told)


@given(st.lists(st.lists(st.integers(-(10**11), 10**11), max_size=8), max_size=5))
def test_within_a_partition_the_log_is_right(ages: list[list[int]]) -> None:
    """Whatever its time stamps say: facts of one key stay in their order."""
    partitions = [
        [Event("t", number, offset, _far(age), "", {}, (), b"") for offset, age in enumerate(some)]
        for number, some in enumerate(ages)
    ]
    told = merged(partitions)
    for number, some in enumerate(partitions):
        assert [event for event in told if event.partition == number] == list(some)


def _far(seconds: int) -> datetime:
    try:
        return NOW + timedelta(seconds=seconds)
    except OverflowError:
        return datetime(9999, 12, 31, tzinfo=UTC)


def test_a_clock_that_is_years_ahead_holds_up_nothing() -> None:
    """Its record comes right behind the one before it, and what follows in its partition on time."""
    ahead = [record(0, 0, 90), record(0, 1, -(10**9)), record(0, 2, 50)]
    others = [record(1, 0, 80), record(1, 1, 40)]
    assert [(e.partition, e.offset) for e in merged([ahead, others])] == [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1)]
