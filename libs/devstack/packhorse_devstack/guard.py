"""Runs one command that ends when whoever started it ends, however that was: also by `kill -9`.

    python guard.py PIDFILE USER COMMAND ARG…

USER is the user id that the command runs as, or - for the same.

Standard input is a pipe that only the starter holds open. When it closes, the command's whole process group is
killed. If the guard itself is killed, the kernel kills the command (PR_SET_PDEATHSIG, Linux). Needs nothing but the
standard library, so that it starts in milliseconds.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def _die_with_guard(user: str) -> None:
    os.setsid()
    if user != "-":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    # After the change of user, which would clear it.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _exec(user: str, command: list[str]) -> None:
    guard = os.getppid()
    _die_with_guard(user)
    if os.getppid() != guard:
        os._exit(1)  # the guard died before the kernel knew of the wish
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    try:
        os.execvp(command[0], command)  # noqa: S606 -- the starter's own command
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error}\n")
        os._exit(127)


def main(pid_file: str, user: str, command: list[str]) -> int:
    """Starts the command, and waits for its end or for the pipe's."""
    asked: list[int] = []
    ended_read, ended_write = os.pipe()
    os.set_blocking(ended_write, False)
    signal.set_wakeup_fd(ended_write, warn_on_full_buffer=False)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(signum, lambda number, _frame: asked.append(number))
    child = os.fork()
    if child == 0:
        _exec(user, command)
    Path(pid_file).write_text(str(child))
    while True:
        readable, _, _ = select.select([0, ended_read], [], [])
        if ended_read in readable:
            os.read(ended_read, 512)
        while asked:
            if (number := asked.pop()) != signal.SIGCHLD:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, number)
        if 0 in readable and not os.read(0, 512):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # whatever it left behind
            return os.waitstatus_to_exitcode(status) % 256


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
