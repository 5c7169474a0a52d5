"""A copy of the code to be sabotaged, and the checks run against it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from .checks import Check
from .defect import Edit, edited

PROJECT = Path(__file__).resolve().parents[2]
_WATCH = Path(__file__).parent / "watch"
_GRACE = 20.0
_TAIL = 3_000
"""Characters of output that are worth showing."""


class HarnessError(Exception):
    """A check could say neither yes nor no: it hung, crashed, or ran against another copy of the code."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a check went: what was red in it, and how many seconds it took."""

    red: str | None
    seconds: float
    output: str


class Sandbox:
    """The folders `libs` and `services` once more. The tests stay where they are, and are never sabotaged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("libs", "services"):
            shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        self._packages = sorted(found.parent for found in folder.glob("*/*/packhorse_*/__init__.py"))

    @contextmanager
    def sabotaged(self, edits: Sequence[Edit]) -> Iterator[None]:
        """With the edits in, as long as the block lasts."""
        before = {name: (self.folder / name).read_text() for name in {edit.file for edit in edits}}
        try:
            for name, text in edited(edits, self.folder).items():
                self._write(name, text)
            yield
        finally:
            for name, text in before.items():
                self._write(name, text)

    def run(self, check: Check) -> Ran:
        """Runs one check to its first failure. HarnessError where it proves nothing."""
        began = time.monotonic()
        with tempfile.TemporaryFile("w+", errors="replace") as log:
            process = subprocess.Popen(
                [sys.executable, *check.arguments],
                cwd=PROJECT,
                env=self._env(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            code = _wait(process, check.seconds)
            log.seek(0)
            output = log.read()
        seconds = time.monotonic() - began
        red = check.red(output)
        if "sabotage: " in output or (code, red is None) not in ((0, True), (1, False)):
            ended = "was still running" if code is None else f"ended with {code}"
            raise HarnessError(f"{check.name} {ended} after {seconds:.0f} s:\n{output[-_TAIL:]}")
        return Ran(red, seconds, output)

    def _env(self) -> dict[str, str]:
        paths = [str(_WATCH), *dict.fromkeys(str(package.parent) for package in self._packages)]
        return os.environ | {
            "PYTHONPATH": os.pathsep.join(paths),
            "SABOTAGE_COPY": str(self.folder),
            "SABOTAGE_PACKAGES": ",".join(package.name for package in self._packages),
            "COLUMNS": "400",
        }

    def _write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.write_text(text)
        # Two texts of one length written within a second look the same to the bytecode's cache.
        Path(cache_from_source(str(file))).unlink(missing_ok=True)


def _wait(process: "subprocess.Popen[bytes]", seconds: float) -> int | None:
    """The exit code; None where it had to be stopped. It is asked first, so that it takes its servers with it."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        for number in (signal.SIGINT, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(number)
                try:
                    process.wait(_GRACE)
                except subprocess.TimeoutExpired:
                    continue
