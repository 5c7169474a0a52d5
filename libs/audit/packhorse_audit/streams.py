"""Invariants over what the topics say: every event id once, every stream of a key gapless and in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packhorse_audit.verdict import Violation


@dataclass(frozen=True, slots=True)
class Spoken:
    """The part of a published event that the streams' invariants need."""

    topic: str
    partition: int
    offset: int
    key: str
    source: str
    id: str
    type: str
    sequence: int | None


def streams_are_whole(events: Iterable[Spoken], counters: dict[tuple[str, str], int]) -> Iterator[Violation]:
    """Per source and key: ids unique, `ce_sequence` 1, 2, 3 … in the order of each topic, up to the source's counter.

    A record that was published twice (the relay died between publishing and deleting) carries the same id and
    sequence: it is the same event, and every reader's inbox drops it. `counters` are the last numbers given, by
    source and key, as the services' databases know them.
    """
    seen: dict[tuple[str, str], tuple[str, int | None, str]] = {}
    numbers: dict[tuple[str, str], set[int]] = {}
    highest: dict[tuple[str, str, str], int] = {}
    snapshots: set[tuple[str, str]] = set()
    for event in events:
        place = f"{event.topic}-{event.partition}@{event.offset}"
        identity = (event.source, event.id)
        known = seen.get(identity)
        if known is not None and known[:2] != (event.key, event.sequence):
            yield Violation("event ids are unique", event.id, f"{known[2]} and {place} differ under one id")
            continue
        if known is not None:
            continue
        seen[identity] = (event.key, event.sequence, place)
        if event.sequence is None:
            yield Violation("streams are gapless", event.id, f"{place} has no ce_sequence")
            continue
        stream = (event.source, event.key)
        given = numbers.setdefault(stream, set())
        if event.sequence in given:
            yield Violation(
                "streams are gapless", f"{event.source} {event.key}", f"{event.sequence} comes twice: {place}"
            )
        given.add(event.sequence)
        lane = (event.source, event.key, event.topic)
        if event.sequence < highest.get(lane, 0):
            yield Violation("streams are in order", f"{event.source} {event.key}", f"{place} is out of order")
        highest[lane] = max(highest.get(lane, 0), event.sequence)
        if event.topic == "inventory.stock":
            snapshots.add(stream)  # compaction takes old ones away
    for stream, last in counters.items():
        missing = set(range(1, last + 1)) - numbers.get(stream, set())
        if missing and stream not in snapshots:
            yield Violation("streams are gapless", " ".join(stream), f"never published: {sorted(missing)[:5]}")
    for stream, given in numbers.items():
        if stream in counters and max(given) > counters[stream]:
            found = f"{max(given)} published, {counters[stream]} given"
            yield Violation("streams are gapless", " ".join(stream), found)
