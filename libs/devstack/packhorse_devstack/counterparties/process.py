"""What every counterparty process shares: JSON log lines, a clean stop on SIGTERM, a clock."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime

Run = Callable[[asyncio.Event], Coroutine[None, None, None]]

GRACE_SECONDS = 5.0
"""To end in order, for instance while a topic or the broker is waited for."""

LogValue = str | int | float | bool | None


def now() -> datetime:
    """The time of the machine, in UTC."""
    return datetime.now(UTC)


def log(event: str, **fields: LogValue) -> None:
    """One JSON object on one line of standard output."""
    line = {"at": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"), "event": event, **fields}
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def run(body: Run) -> int:
    """Runs `body` until it returns. SIGTERM or SIGINT sets the event it was given; who doesn't heed it is cancelled."""

    async def guarded() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        work = asyncio.ensure_future(body(stopping))
        told = asyncio.ensure_future(stopping.wait())
        await asyncio.wait([work, told], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await asyncio.wait([work], timeout=GRACE_SECONDS)
            work.cancel()
        told.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    asyncio.run(guarded())
    return 0


async def wait(stopping: asyncio.Event, seconds: float) -> None:
    """Sleeps for `seconds`, or until the process is told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass


def parser(name: str, description: str, example: str) -> argparse.ArgumentParser:
    """An argument parser whose help says what the counterparty is and how it is started."""
    return argparse.ArgumentParser(
        prog=f"python -m packhorse_devstack.counterparties.{name}",
        description=description,
        epilog=f"example: python -m packhorse_devstack.counterparties.{name} {example}",
        formatter_class=lambda prog: argparse.ArgumentDefaultsHelpFormatter(prog, width=110),
    )
