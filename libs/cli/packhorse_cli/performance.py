"""What `packhorse demo` does: loads products and stock, sends orders, follows them to their end, audits."""

import asyncio
import time

import aiohttp
from packhorse_audit.run import audit_system
from packhorse_devstack.processes import Child
from rich.console import Console
from rich.live import Live

from packhorse_cli import runner, stream, system
from packhorse_cli.audit import verdict
from packhorse_cli.lag import Lag
from packhorse_cli.output import say_json
from packhorse_cli.progress import FOLLOWED, STAGES, Progress
from packhorse_cli.summary import Summary

_FEW_STAGES = ("placed", "confirmed", "delivered", "cancelled")
_ALL_STAGES = 140
"""Cells that the line of progress takes with all of them; narrower terminals get few."""

_PATIENCE = 60.0
"""Seconds without any event after which what is still open counts as stuck."""


async def perform(
    running: runner.Running,
    console: Console,
    *,
    rate: float,
    under_way: int,
    orders: int | None,
    round_: int,
    kill: str | None,
    as_json: bool,
) -> int:
    """The whole demo on a running system; its exit code."""
    await load(running)
    checkout = running.once(
        *("checkout", "--file", str(runner.replay_files(running.folder)[1])),
        *("--rate", str(rate), "--under-way", str(under_way), "--round", str(round_)),
        *(["--limit", str(orders)] if orders else []),
    )
    progress = Progress()
    async with Lag(running.system.kafka, system.SERVICES) as lag:
        ended_well = await _follow(running, console, progress, checkout, lag, kill)
        events = await lag.said()
    if checkout.exit_code:
        console.print(f"[red]the checkout failed[/]\n{checkout.tail()}")
        return 1
    mails = await _mails(running.system.mail)
    became = Summary.of(progress, events, mails, running.supervisor.restarts)
    if not as_json:
        became.show()
    console.print("[bold]audit[/] of the databases, the gateway's book and the topics …")
    violations = await audit_system(running.system)
    if as_json:
        say_json(became.document(violations, sorted(progress.open)))
    else:
        verdict(violations)
    if not ended_well:
        console.print(f"[red]{len(progress.open)} orders have not ended[/], e.g. {sorted(progress.open)[:5]}")
    return 0 if ended_well and not violations else system.WRONG


async def load(running: runner.Running) -> None:
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


async def _follow(
    running: runner.Running, console: Console, progress: Progress, checkout: Child, lag: Lag, kill: str | None
) -> bool:
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
                line = _line(progress, now - began, behind, console.width if console.is_terminal else None)
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


def _line(progress: Progress, seconds: float, behind: dict[str, int], width: int | None) -> str:
    narrow = width is not None and width < _ALL_STAGES
    shown = _FEW_STAGES if narrow else STAGES
    counts = "  ".join(f"{stage} [bold]{len(progress.stages[stage])}[/]" for stage in shown)
    told = f"{seconds:4.0f} s  {counts}  open [bold]{len(progress.open)}[/]"
    if narrow:
        return told
    rate = len(progress.ended) / seconds if seconds else 0
    return f"{told}  {rate:.0f} ended/s  lag {sum(behind.values())}"


async def _mails(url: str | None) -> int | None:
    if url is None:
        return None
    async with aiohttp.ClientSession() as http, http.get(f"{url}/mails?count=true", allow_redirects=False) as answer:
        body = await answer.json()
        return int(body["count"])
