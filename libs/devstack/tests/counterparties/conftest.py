"""A counterparty under test is a real process, started as a user starts it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

JsonObject = dict[str, object]


@dataclass
class Running:
    """A started counterparty and what it said when it was ready."""

    process: asyncio.subprocess.Process
    ready: JsonObject

    async def kill(self) -> None:
        """As a crash does."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """As a supervisor does; the exit code."""
        self.process.terminate()
        async with asyncio.timeout(10):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts `python -m packhorse_devstack.counterparties.<name> …` and waits for its `ready` line."""
    started: list[Running] = []

    async def begin(name: str, *arguments: str) -> Running:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"packhorse_devstack.counterparties.{name}",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            ready = json.loads(await process.stdout.readline())
        assert ready["event"] == "ready", ready
        started.append(Running(process, ready))
        return started[-1]

    yield begin
    for running in started:
        if running.process.returncode is None:
            await running.kill()
