"""Child processes that die with their parent, and a supervisor that starts again what fell over."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_GUARD = Path(__file__).parent / "guard.py"
GRACE = 25.0
"""Seconds that a process gets to leave in order; a service needs up to 20."""
LONGEST_PAUSE = 10.0
"""Seconds between two starts of a process that keeps falling over."""


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
    _log_begins: int = 0

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
            self._log_begins = log.tell()
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
        """Sends a signal to the command itself; nothing where it has ended, for its id may be another's by now."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
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
        """The end of what it wrote since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open(errors="replace") as log:
            log.seek(self._log_begins)
            return "".join(log.readlines()[-lines:]).rstrip()


class Supervisor:
    """Named processes; `tend`, called now and then, starts again those that ended.

    What ends right after its start is given a growing pause, up to `LONGEST_PAUSE`; what has run for longer than that
    is started at once. `clock` gives seconds that never go back. Threads may share one: who tends and who stops.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder, self._clock = folder, clock
        self.children: dict[str, Child] = {}
        self.restarts: dict[str, int] = {}
        self._falls: dict[str, int] = {}
        """How often each fell over without having stood for a while in between."""
        self._started: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> Child:
        """Starts a process and keeps it running."""
        child = Child(name, command, self.folder, env or {})
        with self._lock:
            self.children[name] = child
            self._start(child)
        return child

    def tend(self) -> list[str]:
        """Starts what ended and has had its pause; names what it started."""
        with self._lock:
            fallen = [one for one in self.children.values() if not one.running and self._paused_enough(one.name)]
            for child in fallen:
                stood = self._clock() - self._started[child.name]
                self._falls[child.name] = 1 if stood > LONGEST_PAUSE else self._falls.get(child.name, 0) + 1
                self.restarts[child.name] = self.restarts.get(child.name, 0) + 1
                self._start(child)
        return [child.name for child in fallen]

    def _start(self, child: Child) -> None:
        self._started[child.name] = self._clock()
        child.start()

    def _paused_enough(self, name: str) -> bool:
        falls = self._falls.get(name, 0)
        pause = min(LONGEST_PAUSE, 0.5 * 2 ** min(falls, 8)) if falls else 0.0
        return self._clock() - self._started[name] >= pause

    def stop(self, *names: str, grace: float = GRACE) -> None:
        """Stops these processes, or all: asks them at the same time, and makes them leave after the grace."""
        with self._lock:  # from here on they may end: nobody starts them again
            meant = [self.children.pop(name) for name in list(self.children) if not names or name in names]
        for child in meant:
            child.ask()
        deadline = time.monotonic() + grace
        for child in meant:
            child.stop(max(0.0, deadline - time.monotonic()))
