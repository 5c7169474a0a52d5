"""`packhorse topics`: the broker's topics against the file that says how they shall be."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from packhorse_cli import system
from packhorse_cli.output import AsJson, Wide, remark, say_json, say_rows
from packhorse_cli.table import Column

if TYPE_CHECKING:
    from packhorse_devstack.topics import Difference


def topics(
    create: Annotated[bool, typer.Option("--create", help="Create what is missing.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", help="The topics as they shall be.", show_default="deploy/topics.toml")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="small (one machine) or cluster (several): how many partitions, for life.",
            show_default="that of the topics that are there, else cluster",
        ),
    ] = None,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Compare the topics with deploy/topics.toml.

    Creates them on demand. Exit code 1 where they differ. Never changes a topic that is there: least of all the
    number of its partitions, which would move its keys.

    Example: packhorse topics --create --size cluster

    Behind a pipe there are the differences alone, a line each: topic, kind, difference, with tabs between.
    """
    from packhorse_contracts.topic_settings import Size
    from packhorse_devstack import topics as topic_tools

    running = system.find()
    try:
        topic_tools.settings(file)
    except (OSError, ValueError) as error:
        raise system.fail(f"{error}\n(--file names another)", system.USAGE) from error
    sizes: tuple[Size, ...] = get_args(Size)
    chosen = next((known for known in sizes if known == size), None)
    if size is not None and chosen is None:
        raise system.fail(f"there is no size {size}: small or cluster", system.USAGE)
    chosen = chosen or asyncio.run(topic_tools.size_of(running.kafka, file)) or "cluster"
    wanted = topic_tools.settings(file, chosen)
    for name in asyncio.run(topic_tools.create(running.kafka, wanted)) if create else []:
        remark(f"created {name}")
    differences = asyncio.run(topic_tools.check(running.kafka, wanted))
    columns: list[Column[Difference]] = [
        Column("topic", lambda one: one.topic, least=12),
        Column("kind", lambda one: one.what, spare=1),
        Column("difference", lambda one: one.text, least=20, cut="end"),
    ]
    if as_json:
        for one in differences:
            say_json({"topic": one.topic, "kind": one.what, "difference": one.text})
    else:
        say_rows(columns, differences, wide=wide, colour=lambda _: "red")
    if any(difference.what == "partitions" for difference in differences):
        remark(f"\n{topic_tools.MOVING}")
    if differences:
        raise typer.Exit(system.WRONG)
    remark(f"all {len(wanted)} topics are as {file or 'deploy/topics.toml'} says for the size {chosen}")
