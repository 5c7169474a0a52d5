"""Where a service spends its time under load: `make profile SERVICE=order` draws a flame graph with py-spy.

py-spy looks into a running process from outside: run it as root, or allow it (`kernel.yama.ptrace_scope=0`).
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

import uvloop
from packhorse_cli.system import SERVICES
from packhorse_devstack.stack import Stack

from .__main__ import Bench, Size
from .driver import Driver
from .orders import Orders
from .stage import packhorse


async def profile(stack: Stack, folder: Path, service: str, seconds: int, out: Path) -> None:
    """Watches the service at the top rate for so long."""
    spy = Path(sys.executable).with_name("py-spy")
    await Bench(stack, folder, Size()).prepare([])
    async with packhorse(stack, folder) as side, Driver(stack.kafka) as driver:
        await driver.saturate(Orders("warm0"), 500, 500)
        command = ("record", "--native", "--duration", str(seconds), "--rate", "200", "--output", str(out))
        watch = await asyncio.create_subprocess_exec(spy, *command, "--pid", str(side.processes()[service]))
        runs = 0
        while watch.returncode is None:
            runs += 1
            await driver.saturate(Orders(f"p{runs:04}"), 500, 500)
        if watch.returncode:
            raise SystemExit(f"py-spy ended with {watch.returncode}: may it look into other processes?")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile", description=__doc__)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--seconds", type=int, default=20, help="how long to watch")
    given = parser.parse_args()
    out = Path(".packhorse/profiles") / f"{given.service}.svg"
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="packhorse-profile-"))
    try:
        with Stack(folder, fresh=True) as stack:
            uvloop.run(profile(stack, folder, given.service, given.seconds, out.resolve()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(out)  # noqa: T201


if __name__ == "__main__":
    main()
