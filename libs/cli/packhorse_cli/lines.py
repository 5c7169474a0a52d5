"""A record as one line: for people, for a pipe, as JSON."""

from datetime import datetime, timedelta
from typing import Final

from packhorse_contracts.personal import masked

from packhorse_cli import sentences
from packhorse_cli.output import Screen
from packhorse_cli.stream import Event
from packhorse_cli.table import fit, plain, visible

COLOURS: Final = {
    "checkout": "cyan",
    "customer": "cyan",
    "order": "green",
    "payment": "yellow",
    "inventory": "blue",
    "shipping": "magenta",
    "warehouse": "magenta",
    "carrier": "magenta",
    "catalogue": "grey",
}
_WHO: Final = max(map(len, [*COLOURS, "notification"]))
_ABOUT: Final = 14


def colour_of(event: Event, who: str) -> str | None:
    """What is given up is red; else each speaker has its own."""
    return "red" if event.topic.endswith(".dead") else COLOURS.get(who)


def clock(event: Event) -> str:
    """The time of day; nothing where the stamp can't be right."""
    return f"{event.at:%H:%M:%S}" if event.dated else "--:--:--"


def watched(event: Event, sentence: str, here: Screen, *, wide: bool = False, about: bool = True) -> str:
    """The line of `packhorse watch`."""
    who = sentences.who(event)
    if here.width is None:
        return "\t".join([plain(event.at if event.dated else None), *map(plain, _machine(event)), sentence])
    told = f"{clock(event)} {fit(who, _WHO, 'end')} "
    if about:
        told += f"{fit(visible(event.order_id or event.key), _ABOUT)} "
    line = told + sentence
    if not wide:
        line = fit(line, here.width, "end").rstrip()
    return here.paint(line, colour_of(event, who))


def _machine(event: Event) -> tuple[str, str, str | None]:
    dead = "dead:" if event.topic.endswith(".dead") else ""
    return f"{dead}{event.type}", event.key, event.order_id


def event_json(event: Event, sentence: str, *, personal: bool = False) -> dict[str, object]:
    """The whole record for programs, with its sentence; blocks of personal data on demand only."""
    return {
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "at": event.at.isoformat() if event.dated else None,
        "key": event.key,
        "type": event.type,
        "order_id": event.order_id,
        "sentence": sentence,
        "headers": event.headers,
        "data": event.data if personal else masked(event.data),
    }


def lasted(after: timedelta | None) -> str:
    """How long a step took, in two or three digits."""
    if after is None:
        return ""
    seconds = after.total_seconds()
    for limit, unit, size in ((1, "ms", 0.001), (100, "s", 1), (6_000, "min", 60), (172_800, "h", 3_600)):
        if seconds < limit:
            number = seconds / size
            return f"+{number:.1f} {unit}" if unit == "s" and number < 10 else f"+{number:.0f} {unit}"
    return f"+{seconds / 86_400:.0f} d"


def day_of(at: datetime) -> str:
    """A day's heading."""
    return f"{at.day} {at:%B %Y} (UTC)"
