"""Loads that are not even: one scarce product, one huge order, a slow gateway, a burst."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packhorse_devstack.stack import Stack

from .driver import Driver
from .orders import Orders, Shape, catalogue, stock
from .stage import Side, packhorse, until_there

UNITS: Final = 100
"""Pieces of the scarce product."""

HUGE_LINES: Final = 1_000
GATEWAY_SECONDS: Final = 2.0
BURST_SECONDS: Final = 30
_QUIET_SHARE, _BURST_SHARE = 0.1, 1.0


@dataclass
class Skew:
    """What came of it. Rates in orders a second, times in seconds."""

    flash_orders: int = 0
    flash_confirmed: int = 0
    flash_rate: float = 0
    huge_seconds: float = 0
    """From placed to the pick list."""

    slow_rate: float = 0
    burst_rate: float = 0
    """At which orders came while it lasted."""

    burst_p99: float = 0
    """Placed to pick list, of the orders of the burst."""

    burst_after: float = 0
    """From the end of the burst until the last of its orders had its pick list."""


async def flash_sale(driver: Driver, side: Side, run: str, orders: int, window: int) -> tuple[int, float]:
    """All want one product. Returns how many were confirmed, and the rate at which orders ended."""
    scarce = [f"FLASH-{run}"]
    await driver.say(catalogue(scarce))
    await until_there(side.databases["inventory"], f"product WHERE id = '{scarce[0]}'", 1)
    await driver.say(stock(scarce, UNITS))
    await until_there(side.databases["inventory"], f"stock_level WHERE sku = '{scarce[0]}'", 1)
    course = await driver.saturate(Orders(run, Shape(1, scarce)), orders, window)
    return len(course.passed["confirmed"]), course.rate


async def huge_order(driver: Driver, side: Side, run: str) -> float:
    """One order with very many lines. Returns the seconds from placed to its pick list."""
    many = [f"HUGE-{number:04}" for number in range(HUGE_LINES)]
    await driver.say(catalogue(many))
    await until_there(side.databases["inventory"], "product WHERE id LIKE 'HUGE-%'", HUGE_LINES)
    await driver.say(stock(many, 10))
    await until_there(side.databases["inventory"], "stock_level WHERE sku LIKE 'HUGE-%'", HUGE_LINES)
    course = await driver.saturate(Orders(run, Shape(HUGE_LINES, many)), 1, 1)
    return course.between("placed", "pick_list")[0]


async def slow_gateway(stack: Stack, folder: Path, run: str, window: int) -> float:
    """The rate while every call to the gateway takes long, over several windows, since orders move in waves as long as
    the calls. By Little's law as many calls are under way as come in in that time: so many must be allowed."""
    allowed = {"PACKHORSE_EFFECTS_AT_ONCE": "2000"}
    async with (
        packhorse(stack, folder, delay=GATEWAY_SECONDS, environment=allowed) as side,
        Driver(stack.kafka, side.prefix) as driver,
    ):
        await driver.saturate(Orders(f"{run[:-1]}w"), 300, 300)
        return (await driver.saturate(Orders(run), window * 4, window)).rate


async def burst(driver: Driver, run: str, top: float) -> tuple[float, float, float]:
    """Ten times as many orders for a while: their rate, p99 of placed to pick list, and how long it took after."""
    rate = top * _BURST_SHARE
    course = await driver.steadily(Orders(run), (top * _QUIET_SHARE, 5), (rate, BURST_SECONDS), (top * _QUIET_SHARE, 5))
    placed, listed = course.passed["placed"], course.passed["pick_list"]
    begins = min(placed.values()) + 5
    ends = begins + BURST_SECONDS
    those = [order for order, at in placed.items() if begins <= at < ends]
    waits = sorted(listed[order] - placed[order] for order in those)
    return rate, waits[int(len(waits) * 0.99)], max(0.0, max(listed[order] for order in those) - ends)
