"""The packhorse command.

Each command's module holds its options and imports what it works with only when it runs: `--help` is quick.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from packhorse_cli import behind, dead, demo, order, policy, system, topics, watch
from packhorse_cli.audit import audit

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Order fulfilment on Kafka and PostgreSQL: run it, watch it, ask it, audit it.

    \b
    A first look:
      make up                  # or `packhorse up`: the whole system, until Ctrl-C
      packhorse watch          # in a second terminal: everything that is said
      packhorse order ID       # one order's story

    On a terminal tables fit its width, and --wide shows all. Behind a pipe there are rows alone, with tabs between
    their fields and no heading; --json gives JSON. NO_COLOR is respected. All times are UTC.

    \b
    Exit codes:
      0    fine
      1    something is wrong with what was looked at
      2    wrong usage
      3    no system to talk to
      4    no such thing in it
      130  the demo was stopped before its end
      141  who read the pipe went away""",
)


@app.callback()
def packhorse(context: typer.Context) -> None:
    # Alone it explains itself. No docstring: the help text stands above.
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command()(demo.demo)
app.command()(demo.up)
app.command()(demo.down)
app.command()(watch.watch)
app.command()(order.order)
app.command()(audit)
app.command()(behind.lag)
app.add_typer(dead.app, name="dead")
app.add_typer(policy.app, name="policy")
app.command()(topics.topics)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def replay(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Orders, a JSON object a line, perhaps gzipped.")],
    rate: Annotated[float, typer.Option(help="Orders a second.")] = 20.0,
    round_: Annotated[int, typer.Option("--round", help="Sends them again under fresh ids: 2, 3, …")] = 0,
) -> None:
    """Send a file of orders, as the checkout would.

    Example: packhorse replay orders.jsonl.gz --rate 50 --round 2
    """
    from packhorse_devstack.counterparties import checkout

    running = system.find()
    arguments = ["--kafka", running.kafka, "--file", str(file), "--rate", str(rate), "--round", str(round_)]
    sys.argv = ["packhorse replay", *arguments, *context.args]
    raise typer.Exit(checkout.main(arguments + context.args))


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that can't show a letter is no reason to end
        if callable(reconfigure := getattr(stream, "reconfigure", None)):
            reconfigure(errors="backslashreplace")
    try:
        app()
    except Exception as error:
        raise SystemExit(_ended(error)) from None


def _ended(error: Exception) -> int:
    """The exit code of an error that is somebody else's, said in a sentence; raises it again where it is ours."""
    import asyncpg
    from aiokafka.errors import KafkaConnectionError, KafkaError

    from packhorse_cli.stream import NothingThereError

    if isinstance(error, KafkaConnectionError):
        return system.fail(f"no broker answers at {system.find().kafka}: start the system with `make up`").exit_code
    if isinstance(error, KafkaError):
        return system.fail(f"no broker answers as it should ({error}): start the system with `make up`").exit_code
    away = isinstance(error, OSError) and error.filename is None
    if away or isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | NothingThereError):
        return system.fail(f"{error}\nis the system running? Start it with `make up`").exit_code
    raise error


if __name__ == "__main__":
    main()
