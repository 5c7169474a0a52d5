"""What a run costs, read from the processes, the database and the services' own metrics."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import asyncpg
import psutil
from packhorse_devstack.stack import Stack

from .stage import Side

_COUNTS = {"packhorse_batch_inputs_count": "batches", "packhorse_batch_inputs_sum": "inputs"}


@dataclass(frozen=True)
class Cost:
    """What was used up to a moment, or between two: CPU seconds by process, bytes written ahead, transactions."""

    seconds: float
    cpu: dict[str, float]
    wal: int
    transactions: int
    memory: dict[str, int]
    """Bytes resident, by process."""

    batches: dict[str, float] = field(default_factory=dict)
    """Transactions that took inputs, by process of a service."""

    inputs: dict[str, float] = field(default_factory=dict)

    def since(self, before: "Cost") -> "Cost":
        """The difference to an earlier look; memory stays as it is now."""
        return Cost(
            self.seconds - before.seconds,
            _less(self.cpu, before.cpu),
            self.wal - before.wal,
            self.transactions - before.transactions,
            self.memory,
            _less(self.batches, before.batches),
            _less(self.inputs, before.inputs),
        )


def _less(now: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0) for name, value in now.items()}


async def look(stack: Stack, side: Side) -> Cost:
    """Reads all meters."""
    pids = side.processes() | {name: child.pid for name, child in stack.servers.items()} | {"driver": 0}
    cpu, memory = {}, {}
    for name, pid in pids.items():
        process = psutil.Process(pid or None)
        family = [process, *(process.children(recursive=True) if pid else [])]
        cpu[name] = sum(_seconds(one) for one in family)
        memory[name] = process.memory_info().rss
    db = await asyncpg.connect(stack.admin_dsn)
    try:
        wal = int(await db.fetchval("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))
        done = int(await db.fetchval("SELECT sum(xact_commit) FROM pg_stat_database"))
    finally:
        await db.close()
    counts = await _counts(side.running.health)
    return Cost(time.monotonic(), cpu, wal, done, memory, counts["batches"], counts["inputs"])


async def _counts(health: Mapping[str, str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {"batches": {}, "inputs": {}}
    async with aiohttp.ClientSession() as http:
        for name, url in health.items():
            async with http.get(f"{url}/metrics") as answer:
                for line in (await answer.text()).splitlines():
                    meter, _, value = line.partition(" ")
                    if meter in _COUNTS:
                        found[_COUNTS[meter]][name] = float(value)
    return found


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
