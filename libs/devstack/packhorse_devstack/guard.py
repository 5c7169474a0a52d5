"""Runs one command that ends when whoever started it ends, however that was: also by `kill -9`.

    python guard.py PIDFILE USER COMMAND ARG…

USER is the user id that the command runs as, or - for the same.

Standard input is a pipe that only the starter holds open. When it closes, the command and everything it ever started
are killed: its process group, and then whoever left the group (PostgreSQL's backends do), for orphans come to the
guard (PR_SET_CHILD_SUBREAPER, Linux). If the guard itself is killed, the kernel kills the command
(PR_SET_PDEATHSIG, Linux). Needs nothing but the standard library, so that it starts in milliseconds.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_FORWARDED = (signal.SIGTERM, signal.SIGINT)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value)


def _become(user: str) -> None:
    os.setsid()
    if user != "-":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which would clear it


def _exec(guard: int, user: str, command: list[str]) -> None:
    try:
        _become(user)
        if os.getppid() != guard:
            os._exit(1)  # the guard died before the kernel knew of the wish
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        for number in _FORWARDED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
        os.execvp(command[0], command)  # noqa: S606 -- the starter's own command
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error}\n")
        os._exit(127)


def _kill_all(child: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    # Each one killed may leave orphans of its own, which then come to us.
    with contextlib.suppress(OSError):
        while True:
            for orphan in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(orphan), signal.SIGKILL)
            os.waitpid(-1, 0)


def main(pid_file: str, user: str, command: list[str]) -> int:
    """Starts the command, and waits for its end or for the pipe's; returns its exit code."""
    asked: list[int] = []
    ended_read, ended_write = os.pipe()
    os.set_blocking(ended_write, False)
    signal.set_wakeup_fd(ended_write, warn_on_full_buffer=False)
    for signum in (*_FORWARDED, signal.SIGCHLD):
        signal.signal(signum, lambda number, _frame: asked.append(number))
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    guard = os.getpid()
    # A signal that is forwarded between fork and exec would reach our handlers in the child, and be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    child = os.fork()
    if child == 0:
        _exec(guard, user, command)
    Path(pid_file).write_text(str(child))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    exit_code: int | None = None
    while exit_code is None:
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
        while exit_code is None and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                exit_code = os.waitstatus_to_exitcode(ended[1]) % 256
    _kill_all(child)  # whatever it left behind
    return exit_code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
