"""The packhorse command."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaConnectionError
from packhorse_devstack import topics as topic_tools

from packhorse_cli import behind, dead, demo, story, system, watch
from packhorse_cli.audit import audit

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Order fulfilment on Kafka and PostgreSQL: run it, watch it, ask it, audit it.\n\n"
    "Exit codes: 0 fine, 1 something is wrong with what was looked at, 2 wrong usage, 3 no system to talk to, "
    "4 not found.",
)
app.command()(demo.demo)
app.command()(demo.up)
app.command()(demo.down)
app.command()(watch.watch)
app.command()(story.order)
app.command()(audit)
app.command()(behind.lag)
app.add_typer(dead.app, name="dead")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def replay(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Orders, a JSON object a line, perhaps gzipped.")],
    rate: Annotated[float, typer.Option(help="Orders a second.")] = 20.0,
    round_: Annotated[int, typer.Option("--round", help="Replays with fresh ids: 2, 3, …")] = 0,
) -> None:
    """Sends a file of orders to the running system, as the checkout would.

    Example: `packhorse replay orders.jsonl.gz --rate 50 --round 2`
    """
    from packhorse_devstack.counterparties import checkout

    running = system.find()
    arguments = ["--kafka", running.kafka, "--file", str(file), "--rate", str(rate), "--round", str(round_)]
    sys.argv = ["packhorse replay", *arguments, *context.args]
    raise typer.Exit(checkout.main(arguments + context.args))


@app.command()
def topics(
    create: Annotated[bool, typer.Option("--create", help="Create what is missing.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", help="The topics as they shall be.", show_default="deploy/topics.toml")
    ] = None,
) -> None:
    """Checks the topics against `deploy/topics.toml`; creates them on demand. Exit code 1 where they differ.

    Never changes a topic that is there: least of all the number of its partitions, which would move its keys.

    Example: `packhorse topics --create`
    """
    running = system.find()
    try:
        wanted = topic_tools.settings(file)
    except (OSError, ValueError) as error:
        raise system.fail(f"{error}\n(--file names another)", code=2) from error
    try:
        for name in asyncio.run(topic_tools.create(running.kafka, wanted)) if create else []:
            typer.echo(f"created {name}")
        differences = asyncio.run(topic_tools.check(running.kafka, wanted))
    except KafkaConnectionError as error:
        raise system.fail(f"no broker answers at {running.kafka}") from error
    for difference in differences:
        typer.secho(str(difference), fg="red")
    if any(difference.what == "partitions" for difference in differences):
        typer.echo(f"\n{topic_tools.MOVING}")
    if differences:
        raise typer.Exit(1)
    typer.echo(f"all {len(wanted)} topics are as {file or 'deploy/topics.toml'} says")


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
