"""deploy/postgres/databases.sh on a real server: one database and one role a service, closed to the others."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from packhorse_devstack import postgres

_CLOSED = (asyncpg.InvalidPasswordError, asyncpg.InsufficientPrivilegeError)


async def _run(root: Path, dsn: str, passwords: dict[str, str]) -> tuple[int, str]:
    at = urlsplit(dsn)
    process = await asyncio.create_subprocess_exec(
        "bash",
        root / "deploy" / "postgres" / "databases.sh",
        env={
            "PATH": f"{postgres._package() / 'pginstall' / 'bin'}:{os.environ['PATH']}",
            "PGHOST": str(at.hostname),
            "PGPORT": str(at.port),
            "PGUSER": str(at.username),
            "PGPASSWORD": str(at.password),
            **{f"PACKHORSE_{service.upper()}_PASSWORD": password for service, password in passwords.items()},
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; the server runs as nobody."""
    folder = Path(tempfile.mkdtemp(prefix="packhorse-deploy-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def server(open_folder: Path) -> AsyncIterator[str]:
    """A server of this test's own, for the names of the roles are fixed."""
    running = postgres.Postgres(open_folder / "postgres")
    try:
        yield await asyncio.to_thread(running.start)
    finally:
        await asyncio.to_thread(running.stop)


async def test_each_service_gets_a_database_that_is_closed_to_the_others(
    root: Path, server: str, ours: list[str]
) -> None:
    """Made once; run again it changes nothing but the passwords."""
    passwords = {name: f"it's {name}" for name in ours}
    code, said = await _run(root, server, passwords)
    assert (code, said) == (0, "")
    at = urlsplit(server)
    for name in ours:
        for other in ours:
            connecting = asyncpg.connect(
                host=at.hostname,
                port=at.port,
                user=f"packhorse_{name}",
                password=passwords[name],
                database=f"packhorse_{other}",
            )
            if other == name:
                db = await connecting
                await db.execute("CREATE TABLE kept (it int)")
                await db.close()
            else:
                with pytest.raises(_CLOSED):
                    await connecting

    passwords["order"] = "another"
    assert await _run(root, server, passwords) == (0, "")
    db = await asyncpg.connect(
        host=at.hostname, port=at.port, user="packhorse_order", password="another", database="packhorse_order"
    )
    assert await db.fetchval("SELECT count(*) FROM kept") == 0
    await db.close()


async def test_a_password_that_is_missing_is_named(root: Path, server: str) -> None:
    """Before anything half-made is taken for whole."""
    code, said = await _run(root, server, {"order": "x"})
    assert code == 1
    assert "PACKHORSE_PAYMENT_PASSWORD is not set" in said


async def test_the_env_script_makes_up_every_password(root: Path, example: dict[str, str]) -> None:
    """Another one in each place, fit to stand in an address; the rest as the example has it."""
    process = await asyncio.create_subprocess_exec(root / "deploy" / "env.sh", stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    made = dict(line.split("=", 1) for line in output.decode().splitlines() if line and not line.startswith("#"))
    assert made.keys() == example.keys()
    passwords = [value for name, value in made.items() if name.endswith("PASSWORD")]
    assert len(set(passwords)) == len(passwords)
    assert all(len(password) == 48 and password.isalnum() for password in passwords)
    assert all(made[name] == value for name, value in example.items() if value)
