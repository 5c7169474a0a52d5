"""A child never outlives its parent, however the parent ends, and hears what it is told."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from packhorse_devstack.processes import Child

from .servers_waiting import alive, eventually, gone

_FAMILY = """
    import os, subprocess, sys, time
    folder = sys.argv[1]
    in_group = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    of_its_own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    with open(folder + "/pids.half", "w") as file:
        file.write(f"{os.getpid()} {in_group.pid} {of_its_own.pid}")
    os.rename(folder + "/pids.half", folder + "/pids")
    time.sleep(600)
"""


def _family(folder: Path) -> Child:
    """A command with a child of its own in its process group, and one that has left the group."""
    return Child("family", [sys.executable, "-c", textwrap.dedent(_FAMILY), str(folder)], folder)


def _pids(folder: Path) -> list[int]:
    file = folder / "pids"
    eventually(file.exists)
    return [int(pid) for pid in file.read_text().split()]


_PARENT = """
    import sys, time
    from pathlib import Path
    from packhorse_devstack.processes import Child
    family, folder = sys.argv[1:]
    Child("family", [sys.executable, "-c", family, folder], Path(folder)).start()
    time.sleep(600)
"""


def _parent_of_a_family(folder: Path) -> "subprocess.Popen[bytes]":
    """A process like `packhorse up`: it starts the family and goes on living."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_PARENT), textwrap.dedent(_FAMILY), str(folder)],
    )


def test_kill_9_of_the_parent_leaves_no_child_and_no_grandchild(tmp_path: Path) -> None:
    """Not even a grandchild that has left the process group, as PostgreSQL's backends do."""
    parent = _parent_of_a_family(tmp_path)
    pids = _pids(tmp_path)
    guards = psutil.Process(parent.pid).children()
    assert all(map(alive, pids))
    parent.kill()
    parent.wait()
    gone(pids)
    gone([guard.pid for guard in guards])


def test_kill_9_of_the_guard_takes_its_command_along(tmp_path: Path) -> None:
    """The kernel does that, so that nobody can pull the guard away."""
    parent = _parent_of_a_family(tmp_path)
    try:
        command, *_ = pids = _pids(tmp_path)
        psutil.Process(command).parent().kill()  # type: ignore[union-attr]
        gone([command])
    finally:
        parent.kill()
        parent.wait()
        for pid in filter(alive, pids):
            os.kill(pid, signal.SIGKILL)


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    """A command that falls over takes its own children along; its supervisor starts with nothing in the way."""
    child = _family(tmp_path)
    child.start()
    command, *others = _pids(tmp_path)
    os.kill(command, signal.SIGKILL)
    gone([command, *others])
    eventually(lambda: child.exit_code, lambda code: code is not None)
    child.stop()


def test_a_frozen_command_ends_with_its_parent_too(tmp_path: Path) -> None:
    """SIGSTOP, as chaos does it, doesn't keep anybody alive."""
    parent = _parent_of_a_family(tmp_path)
    pids = _pids(tmp_path)
    os.kill(pids[0], signal.SIGSTOP)
    parent.kill()
    parent.wait()
    gone(pids)


def test_a_command_is_told_to_leave_and_its_exit_code_comes_back(tmp_path: Path) -> None:
    """SIGTERM reaches the command itself, and what it then says with its exit code isn't lost."""
    code = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        print("ready", flush=True)
        time.sleep(600)
    """
    child = Child("polite", [sys.executable, "-c", textwrap.dedent(code)], tmp_path)
    child.start()
    eventually(child.tail, lambda said: "ready" in said)
    child.stop()
    assert child.exit_code == 7


def test_a_command_told_to_leave_at_once_leaves_at_once(tmp_path: Path) -> None:
    """A signal in the moment between fork and exec isn't lost: else it would take the whole grace."""
    for number in range(10):
        child = Child(f"early-{number}", ["sleep", "600"], tmp_path)
        child.start()
        child.stop(grace=20)
        assert child.exit_code == 256 - signal.SIGTERM


def test_a_command_that_will_not_leave_is_made_to(tmp_path: Path) -> None:
    """After the grace it is killed, with all that it started."""
    code = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        time.sleep(600)
    """
    child = Child("deaf", [sys.executable, "-c", textwrap.dedent(code)], tmp_path)
    child.start()
    eventually(child.tail, lambda said: "ready" in said)
    pid = child.pid
    child.stop(grace=0.1)
    gone([pid])
    assert child.exit_code == 256 - signal.SIGKILL


def test_a_program_that_is_not_there_says_so(tmp_path: Path) -> None:
    """The reason is in the log, and nobody waits for it."""
    child = Child("nobody", ["/no/such/program"], tmp_path)
    child.start()
    eventually(lambda: child.exit_code, lambda code: code == 127)
    assert "/no/such/program" in child.tail()


def test_a_signal_to_what_has_ended_goes_nowhere(tmp_path: Path) -> None:
    """Its process id may be another's by now."""
    child = Child("short", ["true"], tmp_path)
    child.start()
    eventually(lambda: child.running, lambda running: not running)
    child.kill(signal.SIGKILL)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_command_with_dropped_privileges_ends_with_its_parent(open_folder: Path) -> None:
    """The change of user would clear the wish to die with the guard; it is made afterwards."""
    code = f"""
        import sys, time
        from pathlib import Path
        from packhorse_devstack.processes import Child
        child = Child("other", ["sleep", "600"], Path({str(open_folder)!r}), user=65534)
        child.start()
        print(child.pid, flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    sleeper = psutil.Process(pid)
    eventually(sleeper.uids, lambda uids: uids.effective == 65534)
    eventually(sleeper.name, lambda name: name == "sleep")
    guard = sleeper.parent()
    assert guard is not None
    guard.kill()  # the harder case: only the kernel is left to do it
    gone([pid])
    parent.kill()
    parent.wait()
