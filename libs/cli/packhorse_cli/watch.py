"""`packhorse watch`: everything that is said, as one time line."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from packhorse_cli import system
from packhorse_cli.output import AsJson, Personal, Wide, remark, say, say_json, screen

if TYPE_CHECKING:
    from packhorse_cli.stream import Event


def watch(
    order: Annotated[str | None, typer.Option(help="Only what is about this order.", show_default="all")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help="Only types with this text, e.g. dispatched.", show_default="all")
    ] = None,
    service: Annotated[
        str | None, typer.Option(help="Only what this service or outsider says.", show_default="all")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Only this topic.", show_default="all")] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="All that the topics hold.")] = False,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on until interrupted.")] = True,
    wide: Wide = False,
    as_json: AsJson = False,
    personal: Personal = False,
) -> None:
    """Show what is said on all topics, as one time line.

    A line a fact, live. What a producer's clock or bytes have wrong ends nothing.

    \b
    Examples:
      packhorse watch --service payment
      packhorse watch --order 573744 --from-beginning --no-follow
      packhorse watch --json | jq .type

    Behind a pipe a line is: time, type, key, order id, sentence, with tabs between them.
    """
    from packhorse_cli import stream, timeline

    running, names = system.find(), stream.all_topics(dead=True)
    if topic is not None and topic not in names:
        raise system.fail(f"there is no topic {topic}{system.perhaps(topic, names)}", system.USAGE)
    found = timeline.merged(
        running.kafka, names if topic is None else [topic], follow=follow, from_beginning=from_beginning
    )
    wanted = _filter(order, kind, service)
    try:
        asyncio.run(_show(found, wanted, wide=wide, as_json=as_json, personal=personal, one_order=order is not None))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _filter(order: str | None, kind: str | None, service: str | None) -> "Callable[[Event], bool]":
    from packhorse_cli import sentences, story

    mine = {order}
    """The order, and the pick lists and parcels that its facts have named so far."""

    def wanted(event: "Event") -> bool:
        if order is not None:
            if mine.isdisjoint({event.key, event.order_id, str(event.data.get("order_id"))}):
                return False
            mine.update(story.ids_of([event]))
        return (kind is None or kind in event.type) and (service is None or sentences.who(event) == service)

    return wanted


async def _show(
    found: "AsyncGenerator[Event, None]",
    wanted: "Callable[[Event], bool]",
    *,
    wide: bool,
    as_json: bool,
    personal: bool,
    one_order: bool,
) -> None:
    from packhorse_cli import lines, sentences

    known, here, day = sentences.Known(), screen(), None
    async with aclosing(found):  # also where who reads us goes away in the middle of it
        async for event in found:
            if not wanted(event):
                continue
            fact = sentences.fact_of(event)
            if one_order and fact is not None:  # what is known of all orders would grow without end
                known.learn(fact)
            sentence = sentences.tell(event, fact, known, personal=personal)
            if as_json:
                say_json(lines.event_json(event, sentence, personal=personal))
                continue
            if here.width is not None and event.dated and event.at.date() != day:
                day = event.at.date()
                remark(lines.day_of(event.at), "grey")
            say(lines.watched(event, sentence, screen(), wide=wide, about=not one_order))
