"""`packhorse order ID`: one order's timeline over all services."""

import asyncio
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from packhorse_cli import stream, system
from packhorse_cli.watch import COLOURS, print_json, summary, visible

NOT_FOUND = 4
_BY_PICK_LIST = "pick_list_id"
_BY_PARCEL = "tracking_number"


def order(
    order_id: Annotated[str, typer.Argument(help="The order's id, as the checkout gave it.")],
    as_json: Annotated[bool, typer.Option("--json", help="The events as JSON lines.")] = False,
    levels: Annotated[bool, typer.Option("--levels", help="Also the stock levels that changed for it.")] = False,
) -> None:
    """Tells the story of one order: what happened, who said it, and how long each step took.

    Example: `packhorse order 573744`
    """
    running = system.find()
    events = asyncio.run(collect(running.kafka, order_id))
    if not events:
        raise system.fail(f"no topic holds anything about order {order_id}", NOT_FOUND)
    if not levels:
        events = [event for event in events if event.topic not in ("inventory.stock", "inventory.alerts")]
    if as_json:
        for event in events:
            print_json(event)
        return
    Console().print(timeline(order_id, events))


async def collect(kafka: str, order_id: str) -> list[stream.Event]:
    """All events of an order: by its id, then by the pick lists and parcels that these name."""
    mine: list[stream.Event] = []
    further: list[stream.Event] = []
    told = order_id.encode()
    async for event in stream.read(kafka, stream.all_topics(dead=True), follow=False):
        # Parsing is slow: only where the id stands somewhere in the bytes.
        if order_id in {event.key, event.order_id} or (told in event.value and event.data.get("order_id") == order_id):
            mine.append(event)
        elif event.topic in {"warehouse.events", "carrier.tracking"}:
            further.append(event)
    lists = {str(event.data[_BY_PICK_LIST]) for event in mine if _BY_PICK_LIST in event.data}
    parcels = {number for event in mine for number in _tracking_numbers(event.data)}
    mine += [event for event in further if event.data.get(_BY_PICK_LIST) in lists]
    mine += [event for event in further if event.data.get(_BY_PARCEL) in parcels]
    return sorted(mine, key=lambda event: (event.at, event.topic, event.offset))


def _tracking_numbers(data: dict[str, object]) -> list[str]:
    numbers = data.get("tracking_numbers")
    return [str(number) for number in numbers] if isinstance(numbers, list) else []


def timeline(order_id: str, events: list[stream.Event]) -> Table:
    """The story as a table."""
    table = Table(title=f"Order {order_id}", title_justify="left", show_lines=False, box=None, pad_edge=False)
    for name in ("time (UTC)", "after", "what happened", "details"):
        table.add_column(name, overflow="fold")
    began: datetime = events[0].at
    before = began
    for event in events:
        dead = event.topic.endswith(".dead")
        colour = "red" if dead else COLOURS.get(event.short.split(".")[0], "white")
        detail = visible(event.headers.get("dead-letter-reason", "")) if dead else summary(event.data)
        table.add_row(
            f"{event.at:%H:%M:%S.%f}"[:-3],
            f"+{(event.at - before).total_seconds():.3f} s",
            Text(("DEAD " if dead else "") + visible(event.short), style=colour),
            Text(detail, style="bright_black"),
        )
        before = event.at
    table.caption = f"{len(events)} events in {(events[-1].at - began).total_seconds():.1f} s"
    return table
