"""The supervisor starts again what fell over, and stops in order."""

import sys
import textwrap
import threading
from pathlib import Path

import pytest
from packhorse_devstack.processes import LONGEST_PAUSE, Child, Supervisor

from .servers_waiting import eventually


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


def _fall(supervisor: Supervisor, name: str) -> None:
    supervisor.children[name].kill()
    eventually(lambda: supervisor.children[name].running, lambda running: not running)


def test_what_fell_over_is_started_again(tmp_path: Path, clock: Clock) -> None:
    """At once the first time, and nobody else is touched."""
    supervisor = Supervisor(tmp_path, clock)
    for name in ("one", "two"):
        supervisor.add(name, ["sleep", "600"])
    other = supervisor.children["two"].pid
    assert supervisor.tend() == []
    _fall(supervisor, "one")
    assert supervisor.tend() == ["one"]
    assert supervisor.children["one"].running
    assert supervisor.children["two"].pid == other
    assert supervisor.restarts == {"one": 1}
    supervisor.stop()


def test_what_is_being_stopped_is_not_started_again(tmp_path: Path) -> None:
    """Though somebody tends meanwhile: one leaves at once, and the other takes a while."""
    supervisor = Supervisor(tmp_path)
    one = supervisor.add("one", ["sleep", "600"])
    other = supervisor.add("other", ["sh", "-c", "trap 'sleep 1; exit' TERM; while :; do sleep 0.1; done"])
    stopping = threading.Thread(target=supervisor.stop)
    stopping.start()
    while stopping.is_alive():
        assert supervisor.tend() == []
    assert not one.running
    assert not other.running
    assert not supervisor.children


def test_what_keeps_falling_is_given_longer_and_longer_pauses(tmp_path: Path, clock: Clock) -> None:
    """So a service that can't start doesn't take the machine from the others; but it is never given up."""
    supervisor = Supervisor(tmp_path, clock)
    supervisor.add("one", ["sleep", "600"])
    pauses = []
    for _ in range(7):
        _fall(supervisor, "one")
        fell = clock.now
        while not supervisor.tend():
            clock.now += 0.5
        pauses.append(clock.now - fell)
    assert pauses == [0, 1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE]
    supervisor.stop()


def test_what_has_stood_for_a_while_is_started_at_once(tmp_path: Path, clock: Clock) -> None:
    """A fall once a day isn't a crash loop: the pauses begin anew."""
    supervisor = Supervisor(tmp_path, clock)
    supervisor.add("one", ["sleep", "600"])
    supervisor._falls["one"] = 5000  # as many as a night of falling over makes
    clock.now += LONGEST_PAUSE + 1
    for _ in range(2):
        _fall(supervisor, "one")
        assert supervisor.tend() == ["one"]
        clock.now += LONGEST_PAUSE + 1
    supervisor.stop()


_NOTES_ITS_END = """
    import signal, sys, time
    name, seen, file = sys.argv[1], sys.argv[2], sys.argv[3]
    def leave(*_):
        with open(file, "a") as notes:
            notes.write(name + "\\n")
        sys.exit(0)
    signal.signal(signal.SIGTERM, leave)
    print("ready", flush=True)
    time.sleep(600)
"""


def _add_noting(supervisor: Supervisor, name: str, notes: Path) -> None:
    child = supervisor.add(name, [sys.executable, "-c", textwrap.dedent(_NOTES_ITS_END), name, "", str(notes)])
    eventually(child.tail, lambda said: "ready" in said)


def test_those_named_leave_before_the_rest(tmp_path: Path) -> None:
    """The counterparties stop saying things first; then the services finish what they have heard."""
    supervisor, notes = Supervisor(tmp_path), tmp_path / "notes"
    for name in ("order", "warehouse", "carrier"):
        _add_noting(supervisor, name, notes)
    supervisor.stop("warehouse", "carrier")
    assert sorted(notes.read_text().split()) == ["carrier", "warehouse"]
    assert list(supervisor.children) == ["order"]
    supervisor.stop()
    assert notes.read_text().split()[-1] == "order"
    assert supervisor.children == {}


def test_all_are_asked_before_anyone_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else five services that take their time would take it five times over: the grace is one for all."""
    supervisor, notes = Supervisor(tmp_path), tmp_path / "notes"
    deaf = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        time.sleep(600)
    """
    children = [supervisor.add(f"deaf-{n}", [sys.executable, "-c", textwrap.dedent(deaf)]) for n in range(3)]
    for child in children:
        eventually(child.tail, lambda said: "ready" in said)
    _add_noting(supervisor, "polite", notes)
    given: list[float] = []
    stop = Child.stop

    def noted(child: Child, grace: float) -> None:
        given.append(grace)
        stop(child, grace)

    monkeypatch.setattr(Child, "stop", noted)
    supervisor.stop(grace=1)
    assert given[1:] == [0, 0, 0], "the first used it up"
    assert notes.read_text().split() == ["polite"]
    assert not any(child.running for child in children)
    assert all(child.exit_code == 247 for child in children)


def test_the_log_of_the_last_start_is_what_is_shown(tmp_path: Path, clock: Clock) -> None:
    """The log keeps every run; what is shown of a failed start is its own."""
    supervisor = Supervisor(tmp_path, clock)
    code = "import os; print('run', len(open(os.environ['LOG']).readlines()), flush=True)"
    child = supervisor.add("one", [sys.executable, "-c", code], {"LOG": str(tmp_path / "one.log")})
    eventually(lambda: child.exit_code, lambda ended: ended == 0)
    supervisor.tend()
    eventually(lambda: child.exit_code, lambda ended: ended == 0)
    assert child.tail() == "run 1"
    assert child.log.read_text() == "run 0\nrun 1\n"
