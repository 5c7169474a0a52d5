"""What the tests of the servers share: waiting for a state of the machine, and a thread beside the event loop."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psutil
import pytest

T = TypeVar("T")


def beside(work: Callable[[], T]) -> T:
    """Runs it in a thread, for it starts an event loop of its own and the tests' is running here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def eventually(look: Callable[[], T], holds: Callable[[T], bool] = bool, seconds: float = 30) -> T:
    """Waits for a state; on time-out fails with what it saw last."""
    deadline = time.monotonic() + seconds
    while not holds(seen := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"still {seen!r} after {seconds} s")
        time.sleep(0.02)
    return seen


def alive(pid: int) -> bool:
    """True while the process runs; a zombie doesn't."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(pids: list[int]) -> None:
    """Waits until none of these processes runs."""
    eventually(lambda: [pid for pid in pids if alive(pid)], lambda left: not left)
