"""The real thing, where there is a Docker engine: built, brought up, looked at, taken down."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from packhorse_devstack.containers import docker_answers

pytestmark = [
    pytest.mark.skipif(not docker_answers(), reason="no Docker engine here"),
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def up(root: Path, ours: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The services and the stand-ins that they call, under a project name of its own; how a command to it begins."""
    environment = tmp_path_factory.mktemp("compose") / ".env"
    environment.write_bytes(subprocess.check_output(root / "deploy" / "env.sh"))
    command = ["docker", "compose", "--project-directory", str(root), "--project-name", f"packhorse-{os.getpid()}"]
    command += ["--env-file", str(environment), "--profile", "demo"]
    try:
        subprocess.run(
            [*command, "up", "--build", "--detach", "--wait", "--wait-timeout", "900", *ours, "gateway", "mail"],
            check=True,
        )
        yield command
    finally:
        subprocess.run([*command, "down", "--volumes", "--timeout", "60"], check=False)


def test_every_service_is_healthy_and_the_topics_are_right(up: list[str], ours: list[str]) -> None:
    """The health checks are the services' own; the command is what an operator would run."""
    said = subprocess.run([*up, "ps", "--format", "{{.Service}} {{.Health}}"], check=True, capture_output=True)
    states = dict(line.split(" ", 1) for line in said.stdout.decode().splitlines())
    assert {name: states.get(name) for name in ours} == dict.fromkeys(ours, "healthy")
    subprocess.run([*up, "run", "--rm", "packhorse", "topics"], check=True)
