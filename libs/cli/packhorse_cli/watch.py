"""`packhorse watch`: the live stream of all topics, filtered."""

import asyncio
import json
import sys
from typing import Annotated

import typer
from packhorse_chassis.log import escaped
from rich.console import Console
from rich.text import Text

from packhorse_cli import stream, system

COLOURS = {
    "checkout": "cyan",
    "customer": "cyan",
    "order": "green",
    "payment": "yellow",
    "inventory": "blue",
    "shipping": "magenta",
    "warehouse": "bright_magenta",
    "carrier": "bright_magenta",
    "notification": "white",
    "catalogue": "bright_black",
}
_HIDDEN = ("customer", "ship_to", "bill_to", "email", "phone")
"""Blocks with personal data: shown only as JSON, on explicit demand."""


def watch(
    order: Annotated[str | None, typer.Option(help="Only this order.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only types with this text, e.g. dispatched.")] = None,
    service: Annotated[str | None, typer.Option(help="Only what this service says, e.g. payment.")] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Everything since the first event.")] = False,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on until interrupted.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, whole, for programs.")] = False,
) -> None:
    """Shows the events of all topics as they happen.

    Examples: `packhorse watch --service payment`, `packhorse watch --order 573744 --from-beginning --no-follow`,
    `packhorse watch --json | jq .type`
    """
    running = system.find()
    console = Console()

    async def run() -> None:
        names = stream.all_topics(dead=True)
        async for event in stream.read(running.kafka, names, follow=follow, from_beginning=from_beginning):
            if (
                (order is None or order in {event.key, event.order_id, str(event.data.get("order_id"))})
                and (kind is None or kind in event.type)
                and (service is None or event.short.split(".")[0] == service)
            ):
                if as_json:
                    print_json(event)
                else:
                    console.print(line(event), soft_wrap=True)

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except BrokenPipeError:
        sys.stderr.close()


def print_json(event: stream.Event) -> None:
    """One event as one JSON line."""
    body = {
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "at": event.at.isoformat(),
        "key": event.key,
        "type": event.type,
        "order_id": event.order_id,
        "headers": event.headers,
        "data": event.data,
    }
    sys.stdout.write(escaped(json.dumps(body, ensure_ascii=False)) + "\n")
    sys.stdout.flush()


def line(event: stream.Event) -> Text:
    """One event as one line, without personal data."""
    dead = event.topic.endswith(".dead")
    colour = "red" if dead else COLOURS.get(event.short.split(".")[0], "white")
    text = Text(f"{event.at:%H:%M:%S.%f}"[:-3], style="bright_black")
    text.append(f"  {'DEAD ' if dead else ''}{visible(event.short):<38}", style=colour)
    text.append(f" {visible(event.key):<28}")
    if dead:
        why = f" {event.headers.get('dead-letter-code')}: {event.headers.get('dead-letter-reason')}"
        text.append(visible(why), style="red")
    else:
        text.append(f" {summary(event.data)}", style="bright_black")
    return text


def visible(text: str) -> str:
    """Other people's text for a terminal: what would steer it (escape codes, line breaks, turned direction) is a
    replacement character."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def summary(data: dict[str, object]) -> str:
    """The small fields of a fact on one line."""
    parts = []
    for name, value in data.items():
        if name in _HIDDEN or name in {"order_id", "at"}:
            continue
        if isinstance(value, list):
            parts.append(f"{name}[{len(value)}]")
        elif isinstance(value, dict):
            inner = value.get("code") or value.get("amount")
            parts.append(f"{name}={inner}" if inner is not None else name)
        else:
            parts.append(f"{name}={value}")
    return visible(" ".join(parts)[:160])
