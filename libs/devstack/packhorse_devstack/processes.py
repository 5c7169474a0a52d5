"""Child processes that die with their parent, and a supervisor that starts again what fell over."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_GUARD = Path(__file__).parent / "guard.py"
GRACE = 25.0
"""Seconds that a process gets to leave in order; a service needs up to 20."""


@dataclass
class Child:
    """A process under a guard. Output goes to `<folder>/<name>.log`."""

    name: str
    command: Sequence[str]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    """The user id to run as, for servers that refuse root."""

    _guard: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The process id of the command itself, not of its guard."""
        return int((self.folder / f"{self.name}.pid").read_text())

    def start(self) -> None:
        """Starts it; returns when the command runs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        pid_file = self.folder / f"{self.name}.pid"
        pid_file.unlink(missing_ok=True)
        user = "-" if self.user is None else str(self.user)
        with self.log.open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-S", "-E", str(_GUARD), str(pid_file), user, *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                start_new_session=True,
            )
        deadline = time.monotonic() + 10
        while not (pid_file.exists() and pid_file.read_text()) and self.running:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} didn't start; see {self.log}")
            time.sleep(0.005)

    @property
    def running(self) -> bool:
        """True while it runs."""
        return self._guard is not None and self._guard.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs or before it was started."""
        return None if self._guard is None else self._guard.poll()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Sends a signal to the command itself."""
        os.kill(self.pid, number)

    def ask(self) -> None:
        """Asks it to leave in order; doesn't wait."""
        if self._guard is not None and self.running:
            self._guard.send_signal(signal.SIGTERM)

    def stop(self, grace: float = GRACE) -> None:
        """Asks it to leave, and makes it leave after the grace."""
        if self._guard is None:
            return
        self.ask()
        try:
            self._guard.wait(grace)
        except subprocess.TimeoutExpired:
            if self._guard.stdin is not None:
                self._guard.stdin.close()  # the guard kills the whole group
            self._guard.wait(5)
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            self._guard.stdin.close()

    def tail(self, lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""


class Supervisor:
    """Named processes; `tend`, called now and then, starts again those that ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: dict[str, Child] = {}
        self.restarts: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def add(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> Child:
        """Starts a process and keeps it running."""
        child = Child(name, command, self.folder, env or {})
        self.children[name] = child
        child.start()
        return child

    def tend(self) -> list[str]:
        """Starts what ended, each with a growing pause; names what it started."""
        started = []
        for name, child in self.children.items():
            now = time.monotonic()
            if child.running or now < self._not_before.get(name, 0):
                continue
            self.restarts[name] = self.restarts.get(name, 0) + 1
            self._not_before[name] = now + min(10.0, 0.5 * 2 ** self.restarts[name])
            child.start()
            started.append(name)
        return started

    def stop(self, *names: str) -> None:
        """Stops these processes, or all, together and in order."""
        meant = [child for name, child in self.children.items() if not names or name in names]
        for child in meant:
            child.ask()
        for child in meant:
            child.stop()
        for child in meant:
            self.children.pop(child.name)
