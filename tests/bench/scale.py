"""More processes: of all services, and of the costliest one where it alone has work."""

import time
from dataclasses import dataclass
from pathlib import Path

from packhorse_cli.system import SERVICES
from packhorse_devstack.stack import Stack

from .driver import Driver
from .meters import look
from .orders import Orders
from .stage import packhorse

COSTLIEST = "notification"
MAILS = 2
"""Of one order."""


@dataclass
class Alone:
    """The costliest service works off a backlog while the others rest."""

    copies: int
    rate: float
    """Orders a second, from the first mail to the last."""

    cores: float
    """That its processes used together, on average."""

    cores_of_others: float
    """Servers and counterparties."""


async def alone(stack: Stack, folder: Path, run: str, orders: int, window: int, copies: int) -> Alone:
    """A backlog of so many orders for it, worked off by so many processes."""
    others = dict.fromkeys(SERVICES, 1) | {COSTLIEST: 0}
    async with Driver(stack.kafka) as driver:
        driver.last = ("captured",)
        async with packhorse(stack, folder, copies=others):
            await driver.saturate(Orders(run), orders, window)
        driver.watch_on("notified")
        async with packhorse(stack, folder, copies=dict.fromkeys(SERVICES, 0) | {COSTLIEST: copies}) as side:
            before, began = await look(stack, side), time.monotonic()
            done = await driver.all_ended()
            took = time.monotonic() - began
            used = (await look(stack, side)).since(before).cpu
    own = sum(seconds for name, seconds in used.items() if name.startswith(COSTLIEST))
    rate = len(done.mails) / MAILS / (max(done.mails) - min(done.mails))
    return Alone(copies, rate, own / took, (sum(used.values()) - own) / took)
