"""The command as a process: what it says where, its exit codes, help, pipes and terminals. No system runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from packhorse_cli.testing import terminal

COMMAND = str(Path(sys.executable).with_name("packhorse"))
COMMANDS = (
    *("demo", "up", "down", "watch", "order", "audit", "topics", "replay", "dead list", "dead show"),
    *("policy show", "policy check", "policy diff", "policy set", "policy history"),
)
ROWS = "from packhorse_cli.output import *; from packhorse_cli.table import Column;"
ROWS += "say_rows([Column('id', lambda n: 'x' * 90, least=9), Column('n', lambda n: n)], range({}), {})"


def ran(command: list[str], folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A command behind a pipe."""
    clean = {"PATH": os.environ["PATH"], "PACKHORSE_DATA": str(folder), **env}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean, timeout=60)


def rows(count: int = 3, more: str = "") -> list[str]:
    """A process that says a table of so many rows."""
    return [sys.executable, "-c", ROWS.format(count, more)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    """What it does, an example, and each option with its meaning; in 80 columns."""
    done = ran([COMMAND, *command.split(), "--help"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"packhorse {command}" in done.stdout.split("Options:")[0].replace("Usage: packhorse", "", 1)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_alone_it_shows_its_help(tmp_path: Path) -> None:
    """With every command, each whole on its line."""
    done = ran([COMMAND], tmp_path)
    assert done.returncode == 0
    assert "..." not in done.stdout.split("Commands:")[1]
    assert all(f"\n  {command.split()[0]}" in done.stdout for command in COMMANDS)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    """A help text that takes a second isn't read."""
    heavy = "('aiokafka', 'asyncpg', 'aiohttp', 'packhorse_contracts', 'babel', 'rich.console', 'pydantic', 'ruamel')"
    code = f"import sys; import packhorse_cli.main; print([m for m in {heavy} if m in sys.modules])"
    assert ran([sys.executable, "-c", code], tmp_path).stdout == "[]\n"


def starting(command: str, ends: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command whose system ends so while it starts."""
    code = f"""
import contextlib, sys
from packhorse_cli import main, runner

@contextlib.contextmanager
def run(*_, **__):
    raise {ends}
    yield

runner.run, sys.argv = run, ["packhorse", "{command}"]
main.main()
"""
    return ran([sys.executable, "-c", code], folder)


@pytest.mark.parametrize("command", ["demo", "up"])
def test_a_system_that_does_not_start_says_why(command: str, tmp_path: Path) -> None:
    """Without a traceback, and without the advice to do what was just done."""
    done = starting(command, "TimeoutError('not ready after 60 s: notification')", tmp_path)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == "packhorse: the system didn't start: not ready after 60 s: notification"
    assert "make up" not in done.stderr


@pytest.mark.parametrize(("command", "code"), [("demo", 130), ("up", 0)])
def test_a_demo_that_is_stopped_has_shown_nothing(command: str, code: int, tmp_path: Path) -> None:
    """Its audit wasn't reached; `up` is ended in no other way."""
    done = starting(command, "KeyboardInterrupt", tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (code, "stopping …")


@pytest.mark.parametrize("command", ["audit", "watch", "order 1", "dead list", "topics", "down", "policy show"])
def test_without_a_system(command: str, tmp_path: Path) -> None:
    """Exit code 3, and what to do next."""
    done = ran([COMMAND, *command.split()], tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "make up" in done.stderr


@pytest.mark.parametrize("command", ["watch", "order 1", "topics", "policy show"])
def test_where_no_broker_answers(command: str, tmp_path: Path) -> None:
    """The same, without a traceback."""
    done = ran([COMMAND, *command.split()], tmp_path, PACKHORSE_KAFKA="127.0.0.1:1")
    assert (done.returncode, done.stdout) == (3, "")
    assert "make up" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_no_database_answers(tmp_path: Path) -> None:
    """Nor with one for a database."""
    dsn = "postgresql://nobody:secret@127.0.0.1:1/none"
    done = ran(
        [COMMAND, "dead", "list", "--service", "order"], tmp_path, PACKHORSE_KAFKA="x", PACKHORSE_POSTGRES_ORDER=dsn
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "make up" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_spoilt_address_file_is_told(tmp_path: Path) -> None:
    """Of another release, or half written."""
    (tmp_path / "system.json").write_text('{"kafka": "x", "colour": 1}')
    done = ran([COMMAND, "watch"], tmp_path)
    assert done.returncode == 3
    assert "system.json can't be read" in done.stderr


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("watch --topic order.event", "order.events"),
        ("dead list --service paymnt", "payment"),
        ("demo --kill shiping", "shipping"),
        ("nonsense", "No such command"),
        ("watch --colour", "No such option"),
    ],
)
def test_wrong_usage_names_what_may_be_meant(command: str, hint: str, tmp_path: Path) -> None:
    """Exit code 2."""
    done = ran([COMMAND, *command.split()], tmp_path, PACKHORSE_KAFKA="127.0.0.1:1")
    assert done.returncode == 2
    assert hint in done.stderr


def test_behind_a_pipe_there_are_rows_alone(tmp_path: Path) -> None:
    """Whole, with tabs, no heading, no colour."""
    done = ran(rows(2, "colour=lambda _: 'red'"), tmp_path)
    assert done.stdout == f"{'x' * 90}\t0\n{'x' * 90}\t1\n"


def test_at_a_terminal_rows_are_aligned_and_coloured(tmp_path: Path) -> None:
    """One line each; NO_COLOR is respected, and `--wide` shows all."""
    env = {"PATH": os.environ["PATH"], "TERM": "xterm"}
    _, shown = terminal(rows(3, "colour=lambda _: 'red'"), env, 40)
    assert shown.count("\n") == 4
    assert shown.count("\x1b[31m") == 3
    _, plain = terminal(rows(3, "colour=lambda _: 'red'"), {**env, "NO_COLOR": "1"}, 40)
    assert "\x1b" not in plain
    assert all(len(line) <= 40 for line in plain.splitlines())
    _, dumb = terminal(rows(3), {**env, "TERM": "dumb"}, 40)
    assert "\x1b" not in dumb
    _, wide = terminal(rows(3, "wide=True"), {**env, "NO_COLOR": "1"}, 40)
    assert "x" * 90 in wide


def test_who_reads_may_leave_early(tmp_path: Path) -> None:
    """As `head` does: no traceback, and the exit code of a closed pipe."""
    script = f'set -o pipefail; {sys.executable} -c "{ROWS.format(200_000, "")}" | head -1'
    done = ran(["bash", "-c", script], tmp_path)
    assert (done.returncode, done.stderr) == (141, "")
    assert done.stdout.count("\n") == 1


def test_json_is_a_line_an_object(tmp_path: Path) -> None:
    """For programs; letters as they are."""
    steering = "\x1b[2J\x9b31m\u202e\u2028\U000e0001"
    code = f"from packhorse_cli.output import say_json; say_json({{'title': 'Łódź 日本'}}); say_json([{steering!a}])"
    done = ran([sys.executable, "-c", code], tmp_path, PYTHONUTF8="1")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"title": "Łódź 日本"}, [steering]]
    assert "日本" in done.stdout
    assert done.stdout.replace("\n", "").isprintable()


def test_a_terminal_without_our_letters_ends_nothing(tmp_path: Path) -> None:
    """What it can't show is told by its number."""
    code = "from packhorse_cli.main import *; import sys; sys.argv = ['packhorse', 'dead', 'show', '日本']; main()"
    done = ran([sys.executable, "-c", code], tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
