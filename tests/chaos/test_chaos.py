"""Chaos: random faults under steady load, then rest, and the books must be in order.

`make chaos MINUTES=10 SEED=1` runs it for longer, and prints what was done and found. CHAOS_REPORT names a file to
keep that in, CHAOS_LOGS a folder for the logs of all processes.
"""

import asyncio
import json
import os
import secrets
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import asyncpg
import pytest
from packhorse_audit.run import INVARIANTS, audit_system
from packhorse_cli import stream
from packhorse_cli.lag import Lag
from packhorse_cli.progress import FOLLOWED, Progress
from packhorse_cli.story import collect
from packhorse_cli.system import SERVICES, System
from packhorse_devstack.counterparties.voice import Saying, Voice
from packhorse_devstack.places import data_folder

from .faults import FAULTS, LONG_FAULTS
from .load import Load, catalogue, unexplained
from .stage import Stage, stage

MINUTES = float(os.environ.get("CHAOS_MINUTES", "3"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or secrets.randbelow(1_000_000)
RATE = float(os.environ.get("CHAOS_RATE", "4"))
"""Orders a second: two cores carry three brokers and fifteen processes."""

DOUBLED = {
    "event ids are unique",
    "never captured above authorised, never refunded above captured",
    "one live pick list per open shipment",
    "nobody is told the same thing twice",
}
"""Invariants that break where something was done twice."""

TO_REST = 180.0
"""Seconds that the system may take to come to rest after the last fault."""


@dataclass
class Report:
    """What was done, and what came of it."""

    seed: int
    minutes: float
    faults: dict[str, int] = field(default_factory=dict)
    orders: int = 0
    repeats: int = 0
    cancellations: int = 0
    bad_records: int = 0
    lost: dict[str, list[str]] = field(default_factory=dict)
    """Orders that never ended, each with its story."""

    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    """Orders with an end that they had no reason for."""

    given_up: list[str] = field(default_factory=list)
    """What services gave up though it was good, and subjects that wait for an operator."""

    dead_letters: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    longest_stall: float = 0
    """Seconds under load in which no order ended."""

    at_rest: bool = False
    """Nothing was under way in the end."""

    to_recover: float = 0
    """Seconds from the last fault's end until everything was at rest."""


async def watch(kafka: str, progress: Progress, report: Report, loaded: asyncio.Event, reading: asyncio.Event) -> None:
    """Follows the orders as an operator would; `reading` once it does. The products are there by then."""
    last, ended = time.monotonic(), 0
    async for event in stream.read(kafka, [*FOLLOWED, "catalogue.products", *stream.dead_topics()], follow=True):
        reading.set()
        progress.take(event)
        now = time.monotonic()
        if len(progress.ended) > ended:
            if ended and loaded.is_set():
                report.longest_stall = max(report.longest_stall, now - last)
            last, ended = now, len(progress.ended)


async def tend(here: Stage) -> None:
    """The supervisor."""
    while True:
        await asyncio.sleep(0.3)
        await asyncio.to_thread(here.tend)


async def open_the_shop(here: Stage) -> None:
    """Products, then stock."""
    kafka = here.running.system.kafka
    async with Lag(kafka, SERVICES) as lag, Voice(kafka, "/chaos/catalogue") as voice:
        for part in catalogue():
            await voice.say([Saying(fact, f"{fact.TYPE}-{fact.key}", datetime.now(UTC)) for fact in part])
            await asyncio.sleep(1)
            while not await here.running.quiet(lag):
                await asyncio.sleep(0.2)


async def play(here: Stage) -> Report:
    """The whole play."""
    report, random = Report(SEED, MINUTES), Random(SEED)
    kafka, progress = here.running.system.kafka, Progress()
    await here.until_ready()
    await open_the_shop(here)
    loaded, stop, reading = asyncio.Event(), asyncio.Event(), asyncio.Event()
    loaded.set()
    load = Load(kafka, Random(SEED + 1), RATE)
    tending = asyncio.create_task(tend(here))
    watching = asyncio.create_task(watch(kafka, progress, report, loaded, reading))
    placing = asyncio.create_task(load.run(stop))
    try:
        await asyncio.wait_for(reading.wait(), 60)  # what begins to read while a broker dies may fail, as tools do
        await hurt(here, random, report)
        stop.set()
        await placing
        loaded.clear()
        healed = time.monotonic()
        await here.until_ready(TO_REST)
        report.at_rest = await until_rest(here, progress, load, healed + TO_REST)
        report.to_recover = round(time.monotonic() - healed, 1)
    finally:
        if watching.done():
            watching.result()  # who saw nothing must not tell that nothing came
        for task in (tending, watching, placing):
            task.cancel()
        await asyncio.gather(tending, watching, placing, return_exceptions=True)
    ledger = load.ledger
    report.orders, report.repeats = len(ledger.orders), ledger.repeats
    report.cancellations, report.bad_records = len(ledger.cancelled), len(ledger.bad)
    report.unexplained = unexplained(ledger, progress.outcomes)
    report.given_up = await given_up(here.running.system, ledger.bad)
    for order_id in sorted(ledger.orders.keys() - progress.ended)[:5]:
        story = await collect(kafka, order_id)
        report.lost[order_id] = [f"{event.at:%H:%M:%S.%f} {event.topic} {event.short}" for event in story]
    report.dead_letters = dict(progress.dead)
    report.restarts = dict(here.supervisor.restarts)
    report.longest_stall = round(report.longest_stall, 1)
    for violation in await audit_system(here.running.system):
        told = f"{violation.invariant}: {violation.subject}: {violation.found}"
        report.violations.append(told)
        if violation.invariant == "streams are in order":
            report.out_of_order.append(told)
        elif violation.invariant in DOUBLED:
            report.doubled.append(told)
    return report


async def given_up(system: System, bad: set[str]) -> list[str]:
    """No fault of a machine may look like a fault of a record: what is given up is what could never be read, and all
    of that. `bad` are the keys of those records."""
    found = []
    for service, dsn in system.databases.items():
        db = await asyncpg.connect(dsn, timeout=5)
        try:
            letters = await db.fetch("SELECT topic, key, code, reason FROM dead_letter")
            parked = await db.fetch("SELECT kind, key FROM parked UNION SELECT subject_kind, subject_key FROM waiting")
        finally:
            await db.close()
        keys = {(letter["key"] or b"").decode() for letter in letters}
        found += [f"{service}: {row['kind']} {row['key']} waits for an operator" for row in parked]
        found += [f"{service}: {dict(letter)}" for letter in letters if (letter["key"] or b"").decode() not in bad]
        if service == "order":
            found += [f"{service}: {key} can't be read, and has no dead letter" for key in sorted(bad - keys)]
    return found


async def hurt(here: Stage, random: Random, report: Report) -> None:
    """One fault after another, each kind once before any comes again."""
    over = time.monotonic() + MINUTES * 60
    waiting = [*FAULTS, *(LONG_FAULTS if MINUTES >= 10 else ())]
    random.shuffle(waiting)
    while time.monotonic() < over:
        if not waiting:
            waiting = list(FAULTS)
            random.shuffle(waiting)
        fault = waiting.pop()
        victim = await fault(here, random)
        report.faults[fault.__name__] = report.faults.get(fault.__name__, 0) + 1
        print(f"  {time.strftime('%H:%M:%S')} {fault.__name__}: {victim}", flush=True)  # noqa: T201
        await asyncio.sleep(random.uniform(0.5, 4))


async def until_rest(here: Stage, progress: Progress, load: Load, deadline: float) -> bool:
    """Every order that the checkout knows of has ended, and nothing is under way. False where that takes too long."""
    async with Lag(here.running.system.kafka, SERVICES) as lag:
        while load.ledger.orders.keys() - progress.ended or not await here.running.quiet(lag):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.3)
    await asyncio.sleep(1)
    return True


@pytest.mark.timeout(MINUTES * 60 + 600)
def test_nothing_is_lost_or_doubled_whatever_is_killed_frozen_or_cut() -> None:
    """Every order that the broker has taken ends; every invariant holds."""
    with tempfile.TemporaryDirectory(prefix="packhorse-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (data_folder() / "cache").mkdir(parents=True, exist_ok=True)
        (folder / "cache").symlink_to((data_folder() / "cache").resolve())
        with stage(folder) as here:
            report = asyncio.run(play(here))
            told = json.dumps(asdict(report), indent=1)
            print(told)  # noqa: T201
            if keep := os.environ.get("CHAOS_REPORT"):
                Path(keep).write_text(told)
            if keep := os.environ.get("CHAOS_LOGS"):
                shutil.copytree(folder / "run", keep, dirs_exist_ok=True)
            assert not report.lost, told
            assert not report.violations, told
            assert not report.unexplained, told
            assert not report.given_up, told
            assert report.at_rest, told
            assert report.orders > 0
            assert set(INVARIANTS) >= DOUBLED
            if MINUTES >= 5:
                assert set(report.faults) >= {fault.__name__ for fault in FAULTS}, told
