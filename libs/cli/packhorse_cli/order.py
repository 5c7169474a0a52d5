"""`packhorse order ID`: where an order stands, what it waits for, what is wrong, and its story."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from packhorse_cli import system
from packhorse_cli.output import Personal, Screen, Wide, say, say_json, screen
from packhorse_cli.table import fit, plain, visible, wrapped

if TYPE_CHECKING:
    from packhorse_cli.open_ends import OpenEnds
    from packhorse_cli.standing import Standing
    from packhorse_cli.story import Step

_LABEL, _AFTER, _NARROW = 10, 7, 60


def order(
    order_id: Annotated[str, typer.Argument(help="The order's id, as the checkout gave it.")],
    wide: Wide = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs: one document.")] = False,
    personal: Personal = False,
    levels: Annotated[bool, typer.Option("--levels", help="Also the stock levels that changed for it.")] = False,
) -> None:
    """Tell an order's story, and where it stands.

    First what it waits for and what is wrong, then what happened, a line a step. Customers' names, addresses and own
    words are left out, also of the JSON, unless --personal asks for them.

    \b
    Examples:
      packhorse order 573744
      packhorse order 573744 --json | jq .waits_for

    Behind a pipe there are the steps alone: time, milliseconds since the step before, who, type, sentence, with tabs
    between them. Times are UTC.
    """
    from packhorse_cli import open_ends, standing, story

    running, others = system.find(), set[str]()
    events = asyncio.run(story.collect(running.kafka, order_id, others))
    if not events:
        near = story.nearest(order_id, others)
        hint = f"; did you mean {' or '.join(map(visible, near))}?" if near else ""
        raise system.fail(f"no topic holds anything about order {order_id}{hint}", system.NOT_FOUND)
    steps = story.steps(events, levels=levels, personal=personal)
    stands = standing.standing(step.fact for step in steps if step.fact is not None)
    ends = open_ends.look_now(running.databases, order_id, {order_id} | story.ids_of(events))
    if as_json:
        say_json(_document(order_id, steps, stands, ends, personal=personal))
    elif (here := screen()).width is None:
        for step in steps:
            say(_row(step))
    else:
        for line in [*summary(order_id, stands, ends, here, datetime.now(UTC)), "", *told(steps, here, wide=wide)]:
            say(line)


def summary(order_id: str, stands: "Standing", ends: "OpenEnds", here: Screen, now: datetime) -> list[str]:
    """Where it stands, what it waits for, and what is wrong."""
    lines = [here.paint(f"Order {visible(order_id)}", "bold")]
    for label, text in stands.told(now):
        lines += _labelled(label, text, here)
    for label, text in _open(stands, ends):
        lines += _labelled(label, text, here, "red" if label == "wrong" and text != "nothing" else None)
    return lines


def _open(stands: "Standing", ends: "OpenEnds") -> list[tuple[str, str]]:
    waits = [f"{what} ({due:%d %b %H:%M})" for _, what, due in ends.waits_for] or ["nothing"]
    wrong = [*stands.trouble, *ends.wrong] or ["nothing"]
    unknown = [f"what {name} waits for: its database can't be asked" for name in ends.unknown]
    return [("waits for", one) for one in waits] + [("wrong", one) for one in wrong] + [("unknown", u) for u in unknown]


def _labelled(label: str, text: str, here: Screen, colour: str | None = None) -> list[str]:
    assert here.width is not None  # noqa: S101
    first, *more = wrapped(visible(text), max(here.width - _LABEL - 1, 12))
    return [
        f"{here.paint(f'{label:<{_LABEL}}', 'grey')} {here.paint(first, colour)}",
        *(" " * (_LABEL + 1) + here.paint(line, colour) for line in more),
    ]


def told(steps: "Sequence[Step]", here: Screen, *, wide: bool = False) -> list[str]:
    """The story: a line a step, and more only for a sentence that is wider than the terminal."""
    from packhorse_cli import lines as words

    assert here.width is not None  # noqa: S101
    who_width = max(len(step.who) for step in steps)
    found: list[str] = []
    day = None
    for step in steps:
        if step.event.dated and step.event.at.date() != day:
            day = step.event.at.date()
            found.append(here.paint(words.day_of(step.event.at), "grey"))
        head = f"{words.clock(step.event)} "
        if here.width >= _NARROW:
            head += f"{fit(words.lasted(step.after), _AFTER, right=True)} "
        head += f"{fit(step.who, who_width)} "
        first, *more = [step.sentence] if wide else wrapped(step.sentence, max(here.width - len(head), 12))
        colour = words.colour_of(step.event, step.who)
        found.append(f"{head}{here.paint(first, colour)}")
        found += [f"{' ' * len(head)}{here.paint(line, colour)}" for line in more]
    return found


def _row(step: "Step") -> str:
    after = None if step.after is None else round(step.after.total_seconds() * 1000)
    at = step.event.at if step.event.dated else None
    return "\t".join(map(plain, [at, after, step.who, step.event.type, step.sentence]))


def _document(
    order_id: str, steps: "Sequence[Step]", stands: "Standing", ends: "OpenEnds", *, personal: bool
) -> dict[str, object]:
    from packhorse_cli.lines import event_json

    return {
        "order_id": order_id,
        "status": stands.status,
        "ended": stands.ended,
        "pieces": stands.pieces,
        "parcels": stands.parcels,
        "money": {"currency": stands.currency, **stands.money},
        "waits_for": [{"service": service, "what": what, "until": due} for service, what, due in ends.waits_for],
        "wrong": [*stands.trouble, *ends.wrong],
        "unknown": ends.unknown,
        "steps": [
            {
                **event_json(step.event, step.sentence, personal=personal),
                "who": step.who,
                "after_ms": None if step.after is None else round(step.after.total_seconds() * 1000),
            }
            for step in steps
        ],
    }
