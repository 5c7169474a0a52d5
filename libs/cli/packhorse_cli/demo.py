"""`packhorse demo`, `up` and `down`: the system on this machine, with real orders or waiting for yours."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhorse_cli import system
from packhorse_cli.output import remark, say_rows
from packhorse_cli.table import Column

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import Console

    from packhorse_cli.runner import Running

Data = Annotated[
    Path | None,
    typer.Option(help="Folder for servers, logs and caches.", show_default="PACKHORSE_DATA, else .packhorse"),
]
Brokers = Annotated[int, typer.Option(help="1 or 3 Kafka brokers.", min=1, max=3)]

_STARTING: Final = "starting Kafka, PostgreSQL, five services and their counterparties …"


def demo(
    rate: Annotated[float, typer.Option(help="Orders a second that the checkout sends at most.")] = 40.0,
    under_way: Annotated[
        int, typer.Option(help="It waits while so many are neither confirmed nor refused, so that none has to queue.")
    ] = 30,
    orders: Annotated[int | None, typer.Option(help="Only the first so many orders.", show_default="all")] = None,
    round_: Annotated[int, typer.Option("--round", help="Replays with fresh ids: 2, 3, …")] = 0,
    seed: Annotated[int, typer.Option(help="Of everything that the counterparties decide.")] = 1,
    brokers: Brokers = 1,
    kill: Annotated[
        str | None, typer.Option(help="kill -9 this service in the middle, to see what happens.", show_default="none")
    ] = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON document.")] = False,
) -> None:
    """Send 2,350 real orders through all of it, then audit.

    From checkout to doorstep, with 367 cancellations. Everything is real: Kafka, PostgreSQL, five services, a payment
    gateway, a mail server, a warehouse, a carrier, each a process of its own. Exit code 0 only when the audit holds and
    every order has ended.

    \b
    Examples:
      packhorse demo
      packhorse demo --orders 200 --kill payment

    Behind a pipe the summary's lines are: part, name, numbers, with tabs between them; progress goes to standard error.
    """
    from packhorse_devstack.places import data_folder

    from packhorse_cli import performance, runner

    if kill is not None and kill not in system.SERVICES:
        raise system.fail(f"there is no service {kill}{system.perhaps(kill, system.SERVICES)}", system.USAGE)
    folder = (data or data_folder()).resolve()
    console = _console(quiet=as_json)
    began = time.monotonic()
    console.print(f"[bold]Packhorse[/]: {_STARTING}")
    with _interruptible(), _started(runner.run(folder, fresh=True, brokers=brokers, seed=seed)) as running:
        console.print(f"all ready after {time.monotonic() - began:.1f} s; logs are in {running.folder / 'run'}")
        done = performance.perform(
            running,
            console,
            rate=rate,
            under_way=under_way,
            orders=orders,
            round_=round_,
            kill=kill,
            as_json=as_json,
        )
        raise typer.Exit(asyncio.run(done))
    raise typer.Exit(system.INTERRUPTED)  # nothing was audited


def _console(*, quiet: bool = False) -> "Console":
    """For what passes by: on a terminal, else on standard error."""
    from rich.console import Console

    return Console(stderr=quiet or not sys.stdout.isatty())


def up(
    data: Data = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with empty servers instead of the last run's.")] = False,
    brokers: Brokers = 1,
    stock: Annotated[bool, typer.Option("--stock/--no-stock", help="Load the demo's products and stock.")] = True,
    warehouse: Annotated[
        bool, typer.Option("--warehouse/--no-warehouse", help="Run the demo's warehouse; without it, be your own.")
    ] = True,
) -> None:
    """Run the whole system, for your own orders.

    Ctrl-C or `packhorse down` stops it. Data are kept between runs.

    \b
    Examples:
      packhorse up
      packhorse up --no-warehouse --fresh

    \b
    In a second terminal:
      packhorse watch
      packhorse replay FILE
    """
    from packhorse_devstack.places import data_folder

    from packhorse_cli import performance, runner

    folder = (data or data_folder()).resolve()
    remark(_STARTING)
    parties = ("warehouse", "carrier") if warehouse else ("carrier",)
    with _interruptible(), _started(runner.run(folder, fresh=fresh, brokers=brokers, parties=parties)) as running:
        if stock:
            asyncio.run(performance.load(running))
        found = running.system
        addresses = [("Kafka", found.kafka), ("gateway", found.gateway), ("mails", f"{found.mail}/mails")]
        columns: list[Column[tuple[str, str | None]]] = [
            Column("what", lambda row: row[0]),
            Column("address", lambda row: row[1], least=20),
        ]
        health = [(name, f"{url}/health/ready") for name, url in running.health.items()]
        say_rows(columns, [*addresses, *health], wide=True)
        remark("running; metrics are at /metrics of each service. Ctrl-C stops it")
        while True:
            time.sleep(0.5)
            for name in running.tend():
                remark(f"{name} fell over and was started again", "yellow")


def down() -> None:
    """Stop what `packhorse up` started here.

    Example: packhorse down
    """
    found = system.find()
    if found.pid is None:
        raise system.fail("nothing runs here that `packhorse up` started")
    os.kill(found.pid, signal.SIGTERM)
    while True:
        try:
            os.kill(found.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    remark("stopped")


@contextlib.contextmanager
def _started(system_: "AbstractContextManager[Running]") -> "Iterator[Running]":
    """The system, or a sentence and the end of the log of what didn't start."""
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(system_)
        except typer.Exit:
            raise
        except (OSError, RuntimeError) as error:
            raise system.fail(f"the system didn't start: {error}") from error
        yield running


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    def leave(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except KeyboardInterrupt:
        remark("stopping …")
