"""The benchmark: Packhorse, the floor, the usual way, and durable workflows, in turn on one broker and one database."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import uvloop
from packhorse_cli.system import SERVICES
from packhorse_devstack.stack import Stack
from rich.console import Console

from . import growth, scale, skew
from .driver import Driver
from .figures import Figures, Grown, Saturated, Soak, Steady
from .meters import look
from .orders import SKUS, Orders, catalogue, stock
from .report import machine, write
from .roundtrip import round_trips
from .stage import Side, durable, heard, others, packhorse, until_there
from .trace import Plan, count_rows, statistics, trace

say = Console(stderr=True, log_path=False)


@dataclass(frozen=True)
class Size:
    """How long a run is. `packhorse`, `floor`, `usual`: orders a round; `shares`: of the top rate, for latencies;
    `outage`: seconds."""

    rounds: int = 2
    packhorse: int = 3_600
    floor: int = 7_200
    usual: int = 300
    window: int = 1_200
    shares: tuple[float, ...] = (0.1, 0.5, 0.8)
    seconds: float = 12
    outage: float = 60
    durable: int = 200
    flash: int = 10_000
    stored: tuple[int, ...] = (100_000, 1_000_000)
    soak: int = 100_000


QUICK = Size(rounds=1, packhorse=2_400, floor=4_800, usual=150, window=800, shares=(0.5,), seconds=10)


class Bench:
    """One run of it, with what it has found so far."""

    def __init__(self, stack: Stack, folder: Path, size: Size) -> None:
        self._stack, self._folder, self._size = stack, folder, size
        self._plan = folder / "plan.json"
        self._runs = 0
        self._many: dict[str, str] = {}
        """The databases that are to hold many orders."""

        self.figures = Figures(machine=machine())
        self.parts = {
            "sides": self._sides,
            "latency": self._latency,
            "outage": self._outage,
            "durable": self._durable,
            "skew": self._skew,
            "scale": self._scale,
            "growth": self._growth,
            "soak": self._soak,
        }

    async def prepare(self, parts: list[str]) -> None:
        """The catalogue and the stock, for every side that keeps one; then a trace of one order for the floor."""
        say.log("stock, and the trace of an order …")
        self.figures.round_trips = await round_trips(self._stack.kafka)
        async with packhorse(self._stack, self._folder) as side, self._driver(side) as driver:
            await driver.say(catalogue())
            for service in ("inventory", "shipping"):
                await until_there(side.databases[service], "product", len(SKUS))
            await driver.say(stock())
            await until_there(side.databases["inventory"], "stock_level", len(SKUS))
        if "growth" in parts:  # now, while they hold the stock and nothing else
            await growth.copied(self._stack, growth.FEW)
            self._many = await growth.copied(self._stack, growth.MANY)
        before = await statistics(side.databases)
        async with packhorse(self._stack, self._folder) as side, self._driver(side) as driver:
            plan: Plan = await trace(side, driver, heard())
        await count_rows(plan, side.databases, before)
        plan.save(self._plan)
        self.figures.records, self.figures.bytes = plan.records, plan.bytes
        async with others(self._stack, self._folder, "usual") as side, self._driver(side) as driver:
            await driver.say(stock())
            await until_there(side.databases["inventory"], "stock", len(SKUS))

    async def _sides(self) -> None:
        size = self._size
        sides: list[tuple[Callable[[], AbstractAsyncContextManager[Side]], int]] = [
            (self._packhorse, size.packhorse),
            (lambda: others(self._stack, self._folder, "floor", str(self._plan)), size.floor),
            (lambda: others(self._stack, self._folder, "usual"), size.usual),
        ]
        for number in range(size.rounds):
            for start, orders in sides:
                async with start() as side, self._driver(side) as driver:
                    say.log(f"round {number + 1} of {size.rounds}: {side.name} …")
                    self.figures.saturated.append(await self._saturated(side, driver, orders))

    async def _latency(self) -> None:
        async with self._packhorse() as side, self._driver(side) as driver:
            await self._warm(driver)
            for share in self._size.shares:
                rate = self._top() * share
                say.log(f"latency at {share:.0%} of the top rate: {rate:.0f} orders/s …")
                self.figures.steady.append(await self._steady(side, driver, rate))

    async def _outage(self) -> None:
        """No service runs while orders come at half of the top rate; then all start. The rate of working it off, from
        the start to the last of them."""
        backlog = int(self._size.outage * self._top() / 2)
        say.log(f"after an outage of {self._size.outage:.0f} s, with {backlog} orders waiting …")
        async with Driver(self._stack.kafka) as driver:
            waiting = asyncio.create_task(driver.saturate(self._orders(), backlog, backlog, patience=180))
            await driver.all_placed(backlog)
            async with self._packhorse():
                began = time.monotonic()
                course = await waiting
        self.figures.catch_up = backlog / (max(course.ended.values()) - began)

    async def _durable(self) -> None:
        say.log("durable workflows …")
        self.figures.durable = await durable(self._stack, self._size.durable)

    async def _skew(self) -> None:
        size, found = self._size, skew.Skew(flash_orders=self._size.flash)
        self.figures.skew = found
        async with self._packhorse() as side, self._driver(side) as driver:
            await self._warm(driver)
            say.log(f"flash sale: {size.flash} orders for {skew.UNITS} pieces …")
            found.flash_confirmed, found.flash_rate = await skew.flash_sale(
                driver, side, self._run(), size.flash, size.window
            )
            say.log(f"one order of {skew.HUGE_LINES} lines …")
            found.huge_seconds = await skew.huge_order(driver, side, self._run())
            say.log(f"a burst for {skew.BURST_SECONDS} s …")
            found.burst_rate, found.burst_p99, found.burst_after = await skew.burst(driver, self._run(), self._top())
        say.log(f"a gateway that takes {skew.GATEWAY_SECONDS:.0f} s …")
        # So many are under way that the top rate is reached in spite of two long calls an order.
        window = int(size.window + self._top() * skew.GATEWAY_SECONDS * 2)
        found.slow_rate = await skew.slow_gateway(self._stack, self._folder, self._run(), window)

    async def _scale(self) -> None:
        for copies in (2, 4):
            async with packhorse(self._stack, self._folder, copies=copies) as side, self._driver(side) as driver:
                say.log(f"{copies} processes a service …")
                run = await self._saturated(side, driver, self._size.packhorse // 2)
                run.side = f"packhorse, {copies} processes each"
                self.figures.saturated.append(run)
        for copies in (1, 2):
            say.log(f"{copies} of {scale.COSTLIEST} alone …")
            found = await scale.alone(
                self._stack, self._folder, self._run(), self._size.packhorse, self._size.window, copies
            )
            self.figures.alone.append(found)

    async def _growth(self) -> None:
        addresses = self._many
        async with packhorse(self._stack, self._folder, prefix=growth.MANY) as side, self._driver(side) as driver:
            course = await driver.saturate(self._orders(), 20, 20)
            await side.until_quiet()
        templates = await growth.templates(addresses, list(course.ended))
        before, stored = await growth.sizes(addresses), 0
        for orders in self._size.stored:
            say.log(f"{orders:,} orders into the store …")
            await growth.fill(addresses, templates, range(stored, orders))
            stored = orders
            grown = Grown(orders)
            self.figures.grown.append(grown)
            rounds = 2 if orders == self._size.stored[-1] else 1
            for number in range(rounds):
                for rates, prefix in ((grown.few, growth.FEW), (grown.many, growth.MANY)):
                    say.log(f"round {number + 1} of {rounds}: {prefix.strip('_')} orders stored …")
                    async with (
                        packhorse(self._stack, self._folder, prefix=prefix) as side,
                        self._driver(side) as driver,
                    ):
                        await self._warm(driver)
                        rates.append((await driver.saturate(self._orders(), 2_400, 800)).rate)
                        if number == rounds - 1:
                            steady = await self._steady(side, driver, self._top() / 2)
                            p99 = steady.seconds["placed → pick_list"]["p99"]
                            if prefix == growth.FEW:
                                grown.few_p99 = p99
                            else:
                                grown.many_p99 = p99
        after = await growth.sizes(addresses)
        self.figures.sizes = {
            service: {
                table: (size - before[service].get(table, 0)) // stored
                for table, size in tables.items()
                if size - before[service].get(table, 0) >= stored
            }
            for service, tables in after.items()
        }

    async def _soak(self) -> None:
        soak, steps = self.figures.soak or Soak(), 20
        self.figures.soak = soak
        async with self._packhorse() as side, self._driver(side) as driver:
            for step in range(1, steps + 1):
                say.log(f"{step * 100 // steps} % of {self._size.soak:,} orders …")
                await driver.saturate(self._orders(), self._size.soak // steps, self._size.window)
                soak.orders.append(self._size.soak // steps * step)
                memory = (await look(self._stack, side)).memory
                soak.memory.append({name: memory[name] for name in SERVICES})

    def _packhorse(self) -> AbstractAsyncContextManager[Side]:
        return packhorse(self._stack, self._folder)

    async def _saturated(self, side: Side, driver: Driver, orders: int) -> Saturated:
        window = min(self._size.window, orders // 3)
        await driver.saturate(self._orders(), max(20, orders // 10), window)  # warm
        before = await look(self._stack, side)
        course = await driver.saturate(self._orders(), orders, window)
        return Saturated.of(side.name, course, (await look(self._stack, side)).since(before))

    async def _steady(self, side: Side, driver: Driver, rate: float) -> Steady:
        before = await look(self._stack, side)
        course = await driver.steadily(self._orders(), (rate, self._size.seconds))
        return Steady.of(side.name, rate, course, (await look(self._stack, side)).since(before))

    async def _warm(self, driver: Driver) -> None:
        await driver.saturate(self._orders(), 300, 300)

    def _top(self) -> float:
        return self.figures.rate("packhorse") or 100.0

    def _driver(self, side: Side) -> Driver:
        return Driver(self._stack.kafka, side.prefix)

    def _run(self) -> str:
        """A name that no run had before, as long as the traced ones'."""
        self._runs += 1
        return f"r{self._runs:04}"

    def _orders(self) -> Orders:
        return Orders(self._run())


async def _measure(bench: Bench, parts: list[str], patience: int) -> Figures:
    await bench.prepare(parts)
    for part in parts:
        await bench.parts[part]()
    for _ in range(patience):
        if any(one.far_off for one in bench.figures.targets()):
            say.log("a ratio is far off: all sides once more, for machines are noisy …")
            await bench.parts["sides"]()
    return bench.figures


def main() -> int:
    """The command line; 1 where a ratio is worse than half of its target."""
    known = ("sides", "latency", "outage", "durable", "skew", "scale", "growth", "soak")
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, in under 3 minutes")
    parser.add_argument(
        "--parts", metavar="PART,…", help=f"only these of {', '.join(known)}; usually all but soak, quick: two"
    )
    parser.add_argument("--out", type=Path, default=Path(".packhorse/bench"), help="where figures and plots go")
    given = parser.parse_args()
    parts = given.parts.split(",") if given.parts else list(known[:2] if given.quick else known[:-1])
    if wrong := set(parts) - set(known):
        parser.error(f"unknown: {', '.join(sorted(wrong))}; the parts are {', '.join(known)}")
    folder = Path(tempfile.mkdtemp(prefix="packhorse-bench-"))
    began = time.monotonic()
    try:
        with Stack(folder, fresh=True) as stack:
            bench = Bench(stack, folder, QUICK if given.quick else Size())
            figures = uvloop.run(_measure(bench, parts, patience=2 if given.quick else 0))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(figures, given.out, time.monotonic() - began)
    return 1 if any(one.far_off for one in figures.targets()) else 0


if __name__ == "__main__":
    sys.exit(main())
