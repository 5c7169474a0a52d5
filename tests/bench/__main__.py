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
from packhorse_devstack.stack import Stack
from rich.console import Console

from .driver import Driver
from .figures import Figures, Saturated, Steady
from .orders import Orders, catalogue, stock
from .report import machine, write
from .roundtrip import round_trips
from .stage import Side, durable, heard, look, others, packhorse
from .trace import Plan, trace

say = Console(stderr=True)


@dataclass(frozen=True)
class Size:
    """How long a run is. `orders` a round of a side, by side; `shares` of the top rate at which latency is measured."""

    rounds: int
    orders: dict[str, int]
    window: int
    shares: tuple[float, ...]
    seconds: float
    backlog: int
    durable: int


QUICK = Size(1, {"packhorse": 1500, "floor": 3000, "usual": 150}, 1000, (0.5,), 10, 0, 0)
WHOLE = Size(3, {"packhorse": 3000, "floor": 6000, "usual": 300}, 1500, (0.1, 0.5, 0.8), 20, 4000, 300)


class Bench:
    """One run of it, with what it has found so far."""

    def __init__(self, stack: Stack, folder: Path, size: Size) -> None:
        self._stack, self._folder, self._size = stack, folder, size
        self._runs = 0
        self.figures = Figures(machine=machine())

    async def run(self) -> Figures:
        """All of it."""
        size, found = self._size, self.figures
        plan = self._folder / "plan.json"
        found.round_trips = await round_trips(self._stack.kafka)
        await self._prepare(plan)
        sides: dict[str, Callable[[], AbstractAsyncContextManager[Side]]] = {
            "packhorse": lambda: packhorse(self._stack, self._folder),
            "floor": lambda: others(self._stack, self._folder, "floor", str(plan)),
            "usual": lambda: others(self._stack, self._folder, "usual"),
        }
        for number in range(size.rounds):
            for name, start in sides.items():
                say.print(f"round {number + 1} of {size.rounds}: {name} …")
                async with start() as side:
                    await self._saturate(side)
        top = found.rate("packhorse") or 0
        async with sides["packhorse"]() as side, self._driver(side) as driver:
            for share in size.shares:
                rate = top * share
                say.print(f"latency at {share:.0%} of the top rate: {rate:.0f} orders/s …")
                course = await driver.steadily(self._orders(), int(rate * size.seconds), rate)
                found.steady.append(Steady.of(side.name, rate, course))
        if size.backlog:
            found.catch_up = await self._catch_up(sides["packhorse"])
        if size.durable:
            say.print("durable workflows …")
            found.durable = await durable(self._stack, size.durable)
        return found

    async def _prepare(self, plan: Path) -> None:
        """The catalogue and the stock, for every side that keeps one; then a trace of one order for the floor."""
        say.print("stock, and the trace of an order …")
        async with packhorse(self._stack, self._folder) as side, self._driver(side) as driver:
            await driver.say(catalogue())
            await asyncio.sleep(2)
            await driver.say(stock())
            await asyncio.sleep(2)
            found: Plan = await trace(self._stack.kafka, driver, side.databases, heard())
            found.save(plan)
        async with others(self._stack, self._folder, "usual") as side, self._driver(side) as driver:
            await driver.say(catalogue())
            await asyncio.sleep(2)
            await driver.say(stock())
            await asyncio.sleep(2)

    async def _saturate(self, side: Side) -> None:
        size = self._size
        count = size.orders[side.name]
        async with self._driver(side) as driver:
            await driver.saturate(self._orders(), max(20, count // 10), size.window)  # warm
            before = await look(self._stack, side)
            course = await driver.saturate(self._orders(), count, size.window)
            cost = (await look(self._stack, side)).since(before)
        self.figures.saturated.append(Saturated.of(side.name, course, cost))

    async def _catch_up(self, start: Callable[[], AbstractAsyncContextManager[Side]]) -> float:
        """Orders come while no service runs; then all start. The rate of working it off."""
        say.print(f"an outage, with {self._size.backlog} orders waiting …")
        async with Driver(self._stack.kafka) as driver:
            waiting = asyncio.create_task(
                driver.saturate(self._orders(), self._size.backlog, self._size.backlog, patience=180)
            )
            await driver.all_placed(self._size.backlog)
            async with start():
                course = await waiting
        ended = sorted(course.ended.values())
        middle = ended[len(ended) // 10 : len(ended) - len(ended) // 10]
        return (len(middle) - 1) / (middle[-1] - middle[0])

    def _driver(self, side: Side) -> Driver:
        return Driver(self._stack.kafka, side.prefix)

    def _orders(self) -> Orders:
        """Orders with ids that nobody had before, as long as the traced ones'."""
        self._runs += 1
        return Orders(f"r{self._runs:04}")


def main() -> int:
    """The command line; 1 where a ratio is worse than half of its target."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, in under 3 minutes")
    parser.add_argument("--out", type=Path, default=Path(".packhorse/bench"), help="where figures and plots go")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a target is missed at all")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="packhorse-bench-"))
    began = time.monotonic()
    try:
        with Stack(folder, fresh=True) as stack:
            figures = uvloop.run(Bench(stack, folder, QUICK if given.quick else WHOLE).run())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(figures, given.out, time.monotonic() - began)
    bad = [one for one in figures.targets() if one.far_off or (given.strict and one.holds is False)]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
