"""`kill -9` of every service while real orders run through it."""

import asyncio
import signal
import time

from packhorse_audit.run import audit_system
from packhorse_cli.lag import Lag
from packhorse_cli.progress import Progress
from packhorse_cli.runner import replay_files
from packhorse_cli.system import SERVICES

from .outsiders import PATIENCE, Outsiders

ORDERS, RATE = 120, 12


async def load(outsiders: Outsiders) -> None:
    """The demo's products, then its stock."""
    file = str(replay_files(outsiders.running.folder)[0])
    async with Lag(outsiders.kafka, SERVICES) as lag:
        for part in ("catalogue", "stock"):
            child = outsiders.running.once("catalogue", "--file", file, "--part", part)
            while child.running or not await outsiders.running.quiet(lag):
                await asyncio.sleep(0.1)
            assert child.exit_code == 0, child.tail()


async def test_every_service_is_killed_once_while_orders_run(outsiders: Outsiders) -> None:
    """The supervisor starts it again; every order ends, nothing is lost or doubled, every invariant holds."""
    running = outsiders.running
    await load(outsiders)
    for name in ("warehouse", "carrier"):
        running.keep(name, "--kafka", outsiders.kafka, "--pace", "0.2")
    progress, victims = Progress(), list(SERVICES)
    seen = len(outsiders.heard)
    restarts = dict(running.supervisor.restarts)
    orders = str(replay_files(running.folder)[1])
    checkout = running.once("checkout", "--file", orders, "--rate", str(RATE), "--limit", str(ORDERS))
    deadline = time.monotonic() + 4 * PATIENCE
    killed = 0
    while checkout.running or progress.open or killed < len(victims) or not progress.placed:
        assert time.monotonic() < deadline, f"{sorted(progress.open)} have not ended"
        for event, _ in outsiders.heard[seen:]:
            progress.take(event)
        seen = len(outsiders.heard)
        if killed < len(victims) and len(progress.stages["confirmed"]) >= 15 * (killed + 1):
            running.supervisor.children[victims[killed]].kill(signal.SIGKILL)
            killed += 1
        await asyncio.sleep(0.05)
    assert checkout.exit_code == 0, checkout.tail()
    assert len(progress.placed) >= ORDERS
    await outsiders.quiet()
    assert await audit_system(running.system) == []
    for name in SERVICES:
        assert running.supervisor.restarts.get(name, 0) > restarts.get(name, 0), f"{name} wasn't started again"
    running.supervisor.stop("warehouse", "carrier")
