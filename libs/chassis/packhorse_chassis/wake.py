"""Loops that sleep until there is work, and show whether they get on."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import structlog

from packhorse_chassis.postgres.faults import is_transient

log = structlog.get_logger(__name__)
_LONGEST_PAUSE = 5.0
_LONGEST_BREATH = 0.2
_RESTS = 2


def breath(took: float) -> float:
    """How many seconds to rest after a step that took so many, so that what comes meanwhile is taken together.

    A transaction costs much, one more input in it little. At rest next to nothing waits; where cores are scarce, steps
    take longer, and the batches grow. Twice as long was the best of 1, 2 and 4: with 4 all waits longer, with 1 all
    costs more.
    """
    return min(_LONGEST_BREATH, _RESTS * took)


class Wake:
    """A bell: `ring` wakes whoever waits, at once; `wait` also ends by itself after a while."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wakes the waiting loop, or makes its next wait return at once."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Returns when rung, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()


class Loop:
    """A step that is done again and again until told to stop. `step` returns True where more work waits.

    Passing faults are logged and tried again with growing, jittered pauses; anything else ends the loop, and
    with it the process. `progress` is the monotonic time at which the last step ended, well or badly: a step that
    hangs lets it grow old.
    """

    def __init__(self, name: str, step: Callable[[], Awaitable[bool]], idle: float) -> None:
        self.name, self._step, self.idle = name, step, idle
        self.wake = Wake()
        self.progress = time.monotonic()
        self.waits_for: str | None = None
        """The passing fault of the last step."""

        self._stopping = False

    def stop(self) -> None:
        """Ends the loop after the current step."""
        self._stopping = True
        self.wake.ring()

    async def run(self) -> None:
        """Runs until stopped."""
        self.progress, failures = time.monotonic(), 0
        while not self._stopping:
            began = time.monotonic()
            try:
                more = await self._step()
                failures, self.waits_for = 0, None
            except Exception as error:
                if not is_transient(error):
                    raise
                failures, self.waits_for = failures + 1, repr(error)
                pause = random.uniform(0, min(_LONGEST_PAUSE, 0.1 * 2**failures))
                log.warning("waiting", loop=self.name, reason=repr(error), pause=round(pause, 2))
                self.progress = time.monotonic()
                await self.wake.wait(pause)
                continue
            self.progress = time.monotonic()
            if not more:
                await asyncio.sleep(breath(self.progress - began))
                await self.wake.wait(self.idle)
