"""One whole system a session: real servers, five services, gateway and mail server, each a process of its own.

The tests are the outsiders: checkout, customer, warehouse and carrier. All of them share the one system, so they stay
on one worker (`packhorse_devstack.pytest_order`).
"""

import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packhorse_cli import runner
from packhorse_devstack.places import data_folder

from .outsiders import Outsiders


@pytest.fixture(scope="session")
def running() -> Iterator[runner.Running]:
    """The system, tended as a supervisor would."""
    with tempfile.TemporaryDirectory(prefix="packhorse-e2e-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (data_folder() / "cache").mkdir(parents=True, exist_ok=True)
        (folder / "cache").symlink_to((data_folder() / "cache").resolve())
        whole = runner.run(folder, fresh=True, parties=())
        over = threading.Event()

        def tend() -> None:
            while not over.wait(0.2):
                system.tend()

        # In threads of their own, for a session's event loop may be running in this one.
        with ThreadPoolExecutor(1) as beside:
            system = beside.submit(whole.__enter__).result()
            tending = threading.Thread(target=tend)
            tending.start()
            try:
                yield system
            finally:
                over.set()
                tending.join()
                beside.submit(whole.__exit__, None, None, None).result()


@pytest.fixture(scope="session")
async def outsiders(running: runner.Running) -> AsyncIterator[Outsiders]:
    """Everybody who isn't ours, with a listener on all topics."""
    async with Outsiders(running) as everybody:
        yield everybody
