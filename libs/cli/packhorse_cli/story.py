"""One order's story: every record about it, in the order of time and causes, and what each of them says."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from packhorse_contracts.base import Fact

from packhorse_cli import sentences, stream
from packhorse_cli.stream import Event

_BY_PICK_LIST, _BY_PARCEL = "pick_list_id", "tracking_number"
_BY_OTHER_IDS = ("warehouse.events", "carrier.tracking")
"""Topics whose keys are pick lists and parcels, and which name no order."""

_LEVELS = frozenset({"inventory.stock", "inventory.alerts"})
_MOST_IDS = 50_000
"""Order ids among which the nearest to an unknown one are looked for."""


@dataclass(frozen=True, slots=True)
class Step:
    """One record of the story."""

    event: Event
    fact: Fact | None
    after: timedelta | None
    """Since the step before; None where a time stamp is absurd."""

    who: str
    sentence: str


async def collect(kafka: str, order_id: str, others: set[str] | None = None) -> list[Event]:
    """All events of an order: by its id, then by the pick lists and parcels that these name.

    `others` takes the ids of further orders, as the checkout said them.
    """
    mine: list[Event] = []
    told = order_id.encode("utf-8", "surrogateescape")
    names = [name for name in stream.all_topics(dead=True) if not name.startswith(_BY_OTHER_IDS)]
    async for event in stream.read(kafka, names, follow=False):
        # Parsing is slow: only where the id stands somewhere in the bytes.
        if order_id in {event.key, event.order_id} or (told in event.value and event.data.get("order_id") == order_id):
            mine.append(event)
        elif others is not None and event.topic == "checkout.orders" and len(others) < _MOST_IDS:
            others.add(event.key)
    if mine:
        mine += await _further(kafka, mine)
    return in_order(mine)


async def _further(kafka: str, mine: Sequence[Event]) -> list[Event]:
    """What warehouses and carriers said: a parcel may be known from its warehouse alone."""
    found: list[Event] = []
    for topic in _BY_OTHER_IDS:
        ids = ids_of([*mine, *found])
        names = [name for name in stream.all_topics(dead=True) if name.startswith(topic)]
        found += [event async for event in stream.read(kafka, names, follow=False) if event.key in ids]
    return found


def ids_of(events: Iterable[Event]) -> set[str]:
    """Ids of the pick lists, shipments and parcels that these name."""
    return {one for event in events for one in _names(event.data)}


def _names(data: dict[str, object]) -> set[str]:
    found = {str(data[name]) for name in (_BY_PICK_LIST, _BY_PARCEL, "shipment_id") if name in data}
    for name in ("tracking_numbers", "parcels"):
        many = data.get(name)
        for one in many if isinstance(many, list) else ():
            found.add(str(one.get(_BY_PARCEL) if isinstance(one, dict) else one))
    return found


def in_order(events: Sequence[Event]) -> list[Event]:
    """By time, but no effect before its cause: clocks differ, and time stamps have milliseconds only.

    What has no time stamp that can be right comes right behind what came before it in its partition.
    """
    settled: list[tuple[datetime, str, int, int, Event]] = []
    last: dict[tuple[str, int], datetime] = {}
    first = min((event.at for event in events if event.dated), default=stream.moment(0))
    for event in sorted(events, key=lambda event: (event.topic, event.partition, event.offset)):
        place = (event.topic, event.partition)
        at = event.at if event.dated else last.get(place, first)
        last[place] = at
        settled.append((at, event.topic, event.partition, event.offset, event))
    by_time = [event for *_, event in sorted(settled, key=lambda one: one[:-1])]
    ids = {event.headers.get("ce_id") for event in by_time if not event.topic.endswith(".dead")}
    waiting: dict[str, list[Event]] = {}
    told: list[Event] = []
    done: set[str] = set()
    for event in by_time:
        cause = event.headers.get("ce_causationid")
        if cause is not None and cause in ids and cause not in done and not event.topic.endswith(".dead"):
            waiting.setdefault(cause, []).append(event)
            continue
        following = [event]
        while following:
            told.append(following.pop(0))
            done.add(now := told[-1].headers.get("ce_id", ""))
            following = waiting.pop(now, []) + following
    return told + [event for some in waiting.values() for event in some]  # each the other's cause: a forgery


def steps(events: Sequence[Event], *, levels: bool = False, personal: bool = False) -> list[Step]:
    """The story, a step an event; without stock levels, unless they are asked for."""
    known, told = sentences.Known(), list[Step]()
    before: datetime | None = None
    for event in events:
        if event.topic in _LEVELS and not levels:
            continue
        if (fact := sentences.fact_of(event)) is not None:
            known.learn(fact)
        after = max(event.at - before, timedelta(0)) if before is not None and event.dated else None
        before = event.at if event.dated else before
        told.append(
            Step(event, fact, after, sentences.who(event), sentences.tell(event, fact, known, personal=personal))
        )
    return told


def nearest(order_id: str, others: set[str]) -> list[str]:
    """Up to three ids that may have been meant."""
    begin_alike = sorted(one for one in others if order_id and (one.startswith(order_id) or one.endswith(order_id)))
    return (begin_alike or difflib.get_close_matches(order_id, sorted(others), n=3, cutoff=0.7))[:3]
