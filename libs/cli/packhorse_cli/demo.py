"""`packhorse demo` and `packhorse up`: the system on this machine, with real orders or waiting for yours."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from packhorse_audit.run import INVARIANTS, audit_system
from packhorse_devstack.places import data_folder
from packhorse_devstack.processes import Child
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from packhorse_cli import runner, stream, system
from packhorse_cli.lag import Lag
from packhorse_cli.progress import FOLLOWED, STAGES, Progress, percentile
from packhorse_cli.watch import visible

_PATIENCE = 60.0
"""Seconds without any event after which what is still open counts as stuck."""

console = Console()


def demo(
    rate: Annotated[float, typer.Option(help="Orders a second that the checkout sends.")] = 40.0,
    orders: Annotated[int | None, typer.Option(help="Only the first so many orders.")] = None,
    round_: Annotated[int, typer.Option("--round", help="Replays with fresh ids: 2, 3, …")] = 0,
    seed: Annotated[int, typer.Option(help="Of everything that the counterparties decide.")] = 1,
    brokers: Annotated[int, typer.Option(help="1 or 3 Kafka brokers.")] = 1,
    kill: Annotated[str | None, typer.Option(help="kill -9 this service in the middle, to see what happens.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for servers, logs and caches.")] = None,
) -> None:
    """Sends 2,350 real orders and 367 cancellations from checkout to doorstep, then audits the books.

    Everything is real: Kafka, PostgreSQL, five services, a payment gateway, a mail server, a warehouse, a carrier,
    each a process of its own. Exit code 0 only when the audit holds and every order has ended.

    Examples: `packhorse demo`, `packhorse demo --orders 200 --kill payment`
    """
    folder = (data or data_folder()).resolve()
    began = time.monotonic()
    console.print("[bold]Packhorse[/]: starting Kafka, PostgreSQL, five services and their counterparties …")
    with _interruptible(), runner.run(folder, fresh=True, brokers=brokers, seed=seed) as running:
        console.print(f"all ready after {time.monotonic() - began:.1f} s; logs are in {running.folder / 'run'}")
        raise typer.Exit(asyncio.run(_demo(running, rate, orders, round_, kill)))


async def _demo(running: runner.Running, rate: float, orders: int | None, round_: int, kill: str | None) -> int:
    await _load(running)
    checkout = running.once(
        *("checkout", "--file", str(runner.replay_files(running.folder)[1])),
        *("--rate", str(rate), "--round", str(round_), *(["--limit", str(orders)] if orders else [])),
    )
    progress = Progress()
    async with Lag(running.system.kafka, system.SERVICES) as lag:
        ended_well = await _follow(running, progress, checkout, lag, kill)
        events = await lag.said()
    if checkout.exit_code:
        console.print(f"[red]the checkout failed[/]\n{checkout.tail()}")
        return 1
    mails = await _mails(running.system.mail)
    summary(progress, events, mails, running.supervisor.restarts)
    console.print("[bold]audit[/] of the databases, the gateway's book and the topics …")
    violations = await audit_system(running.system)
    for violation in violations[:50]:
        told = visible(f"{violation.invariant}: {violation.subject}: {violation.found}")
        console.print(Text.assemble(("  ✗ ", "red"), told))
    if not violations:
        console.print(f"  [green]✓[/] all {len(INVARIANTS)} invariants hold")
    if not ended_well:
        console.print(f"[red]{len(progress.open)} orders have not ended[/], e.g. {sorted(progress.open)[:5]}")
    return 0 if ended_well and not violations else 1


async def _load(running: runner.Running) -> None:
    """Products and locations first, stock when they are known: stock of what nobody knows would be refused."""
    file = str(runner.replay_files(running.folder)[0])
    async with Lag(running.system.kafka, system.SERVICES) as lag:
        for part in ("catalogue", "stock"):
            child = running.once("catalogue", "--file", file, "--part", part)
            while child.running:
                running.tend()
                await asyncio.sleep(0.05)
            if child.exit_code:
                raise system.fail(f"products and stock couldn't be loaded:\n{child.tail()}", 1)
            while not await running.quiet(lag):
                running.tend()
                await asyncio.sleep(0.1)


async def _follow(running: runner.Running, progress: Progress, checkout: Child, lag: Lag, kill: str | None) -> bool:
    """Shows progress until every order has ended and all is quiet, or nothing happens any more."""
    reading = asyncio.create_task(_read(running.system.kafka, progress))
    last_events, last_change = 0, time.monotonic()
    began = printed = asked = time.monotonic()
    behind: dict[str, int] = {}
    killed = kill is None
    try:
        with Live(console=console, refresh_per_second=4, transient=False) if console.is_terminal else _NoLive() as live:
            while True:
                await asyncio.sleep(0.25)
                now = time.monotonic()
                if progress.events != last_events:
                    last_events, last_change = progress.events, now
                for name in running.tend():
                    console.print(f"[yellow]{name} fell over and was started again[/]")
                if not killed and kill is not None and len(progress.stages["confirmed"]) > 100:
                    killed = True
                    running.supervisor.children[kill].kill()
                    console.print(f"[yellow]kill -9 {kill}[/]")
                if now - asked > 2:
                    behind, asked = await lag.by_service(), now
                line = _line(progress, now - began, behind)
                live.update(line)
                if not console.is_terminal and now - printed > 5:
                    printed = now
                    console.print(line, soft_wrap=True)
                if reading.done():
                    await reading
                if checkout.running:
                    continue
                if progress.placed and not progress.open and await running.quiet(lag):
                    await asyncio.sleep(0.5)  # the display's own reader takes the last events
                    return True
                if now - last_change > _PATIENCE:
                    return False
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(kafka: str, progress: Progress) -> None:
    async for event in stream.read(kafka, [*FOLLOWED, *stream.dead_topics()], follow=True):
        progress.take(event)


class _NoLive:
    """Stands for the live display where output goes into a pipe."""

    def __enter__(self) -> "_NoLive":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def update(self, _line: str) -> None:
        """Shows nothing: lines are printed now and then instead."""


def _line(progress: Progress, seconds: float, behind: dict[str, int]) -> str:
    counts = "  ".join(f"{stage} [bold]{len(progress.stages[stage])}[/]" for stage in STAGES)
    rate = len(progress.ended) / seconds if seconds else 0
    lag = sum(behind.values())
    return f"{seconds:4.0f} s  {counts}  open [bold]{len(progress.open)}[/]  {rate:.0f} ended/s  lag {lag}"


def summary(progress: Progress, events: int, mails: int | None, restarts: dict[str, int]) -> None:
    """What became of everything, as tables."""
    outcomes: dict[str, int] = {}
    for outcome in progress.outcomes.values():
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    _table("outcome", "orders", sorted(outcomes.items(), key=lambda pair: -pair[1]))
    _table("cancellation came too late", "requests", progress.declined_cancellations.most_common())
    _table("dead letters", "records", progress.dead.most_common())
    times = Table(box=None, pad_edge=False, title="time from placed (broker to broker)", title_justify="left")
    for name in ("to", "p50", "p99", "orders"):
        times.add_column(name, justify="left" if name == "to" else "right")
    for stage, name in (("confirmed", "confirmed"), ("picking", "pick list"), ("delivered", "delivered")):
        values = progress.seconds(stage)
        if values:
            times.add_row(
                name, f"{percentile(values, 0.5):.2f} s", f"{percentile(values, 0.99):.2f} s", str(len(values))
            )
    console.print(times)
    console.print(f"{events} events on all topics; {mails if mails is not None else '?'} mails received")
    if restarts:
        console.print(f"started again: {restarts}")


def _table(left: str, right: str, rows: list[tuple[str, int]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False)
    table.add_column(left)
    table.add_column(right, justify="right")
    for name, count in rows:
        table.add_row(Text(visible(name)), str(count))
    console.print(table)


async def _mails(url: str | None) -> int | None:
    if url is None:
        return None
    async with aiohttp.ClientSession() as http, http.get(f"{url}/mails?count=true") as answer:
        body = await answer.json()
        return int(body["count"])


def up(
    data: Annotated[Path | None, typer.Option(help="Folder for servers, logs and caches.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with empty servers instead of the last run's.")] = False,
    brokers: Annotated[int, typer.Option(help="1 or 3 Kafka brokers.")] = 1,
    stock: Annotated[bool, typer.Option("--stock/--no-stock", help="Load the demo's products and stock.")] = True,
    warehouse: Annotated[
        bool, typer.Option("--warehouse/--no-warehouse", help="Run the demo's warehouse; without it, be your own.")
    ] = True,
) -> None:
    """Runs the whole system and leaves it running, for you to send orders to. Ctrl-C or `packhorse down` stops it.

    Data are kept between runs. In a second terminal: `packhorse watch`, `packhorse replay FILE`, `packhorse audit`.
    """
    folder = (data or data_folder()).resolve()
    parties = ("warehouse", "carrier") if warehouse else ("carrier",)
    with _interruptible(), runner.run(folder, fresh=fresh, brokers=brokers, parties=parties) as running:
        if stock:
            asyncio.run(_load(running))
        console.print(f"[bold]Kafka[/] {running.system.kafka}")
        console.print(f"[bold]gateway[/] {running.system.gateway}  [bold]mails[/] {running.system.mail}/mails")
        for service, url in running.health.items():
            console.print(f"[bold]{service}[/] {url}/health/ready {url}/metrics")
        console.print("running; Ctrl-C stops it")
        while True:
            time.sleep(0.5)
            for name in running.tend():
                console.print(f"[yellow]{name} fell over and was started again[/]")


def down() -> None:
    """Stops what `packhorse up` started from this folder."""
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
    console.print("stopped")


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    def leave(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except KeyboardInterrupt:
        console.print("stopping …")
