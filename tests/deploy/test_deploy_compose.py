"""docker-compose.yml is sound, complete, and says nothing that the services don't understand."""

import importlib
import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
from packhorse_chassis.settings import Settings
from packhorse_cli import system
from packhorse_devstack import containers
from packhorse_devstack.kafka import broker_settings
from pydantic_settings import BaseSettings

from .deploy_files import Compose

_HERE = Path(__file__).parent


def _settings(service: str) -> list[type[BaseSettings]]:
    """The settings that a service reads: the chassis's, and its own where it has some."""
    name = f"packhorse_{service}.settings"
    if importlib.util.find_spec(name) is None:
        return [Settings]
    own = [
        each
        for each in vars(importlib.import_module(name)).values()
        if isinstance(each, type) and issubclass(each, BaseSettings) and each.__module__ == name
    ]
    return [Settings, *own]


def test_it_is_a_compose_file(compose: Compose) -> None:
    """By the schema of the specification."""
    schema = json.loads((_HERE / "data" / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(compose.raw)


def test_docker_itself_takes_it(root: Path, tmp_path: Path) -> None:
    """Where the compose plugin is: with and without an .env, and with every profile."""
    if shutil.which("docker") is None or subprocess.run(["docker", "compose", "version"], check=False).returncode:
        pytest.skip("no docker compose here")
    made = tmp_path / ".env"
    made.write_bytes(subprocess.check_output(root / "deploy" / "env.sh"))
    for environment in (root / ".env.example", made):
        command = ["docker", "compose", "--env-file", str(environment), "--profile", "demo", "--profile", "tools"]
        subprocess.run([*command, "config", "--quiet"], check=True, cwd=root)


def test_every_service_is_in_it(compose: Compose, ours: list[str]) -> None:
    """Each built from the one Dockerfile, into an image of its own."""
    assert ours
    for name in ours:
        service = compose.services[name]
        assert service.build is not None
        assert service.build.args == {"SERVICE": name}
        assert service.image == f"packhorse-{name}"
        assert service.profiles == [], "a plain `docker compose up` starts it"


def test_what_a_service_is_told_are_settings_that_it_has(
    compose: Compose, ours: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt variable would be ignored in silence; a wrong value would end the process."""
    for name in ours:
        told = compose.services[name].environment
        classes = _settings(name)
        known = {f"{each.model_config['env_prefix']}{field}".upper() for each in classes for field in each.model_fields}
        assert {key for key in told if key.startswith("PACKHORSE_")} <= known
        with monkeypatch.context() as environment:
            for key, value in told.items():
                environment.setenv(key, str(value))
            for each in classes:
                each()


def test_each_service_has_its_own_database_and_no_other(compose: Compose, ours: list[str]) -> None:
    """And is told nobody's password but its own."""
    for name in ours:
        told = compose.services[name].environment
        assert told["PACKHORSE_POSTGRES"] == f"postgresql://packhorse_{name}:secret@postgres:5432/packhorse_{name}"
        assert sum("secret" in str(value) for value in told.values()) == 1
        assert f"PACKHORSE_{name.upper()}_PASSWORD" in compose.services["databases"].environment


def test_the_commands_container_knows_every_database(compose: Compose) -> None:
    """So that `docker compose run --rm packhorse order ID` tells the whole story."""
    told = compose.services["packhorse"].environment
    assert {f"PACKHORSE_POSTGRES_{name.upper()}" for name in system.SERVICES} <= told.keys()


def test_each_variable_is_in_the_example_and_no_password_is(root: Path, example: dict[str, str]) -> None:
    """Nothing secret in the repository; nothing to guess for whoever sets it up."""
    used = set(re.findall(r"\$\{(\w+)", (root / "docker-compose.yml").read_text()))
    assert used == set(example)
    assert all(value == "" for name, value in example.items() if name.endswith("PASSWORD"))
    assert ".env" in (root / ".gitignore").read_text().split()


def test_images_of_others_are_pinned_by_version(compose: Compose) -> None:
    """And are those of the embedded servers and of the tests."""
    bought = {each.image for each in compose.services.values() if not each.image.startswith("packhorse-")}
    assert bought == {containers.KAFKA_IMAGE, containers.POSTGRES_IMAGE}
    assert all(re.search(r":\d+\.\d+", image) for image in bought)


def test_no_two_build_the_same_image(compose: Compose) -> None:
    """Two builds that export one tag at the same time collide; who shares an image leaves the building to one."""
    built = [each.image for each in compose.services.values() if each.build is not None]
    assert len(built) == len(set(built))
    assert {each.image for each in compose.services.values() if each.image.startswith("packhorse-")} == set(built)


def test_the_broker_is_set_as_the_embedded_one(compose: Compose) -> None:
    """What passed on one passes on the other."""
    told = compose.services["kafka"].environment
    for name, value in broker_settings(brokers=1).items():
        assert str(told["KAFKA_" + name.upper().replace(".", "_")]) == str(value), name


def test_everything_comes_up_in_order(compose: Compose) -> None:
    """What is waited for exists, and can be waited for in that way."""
    for name, service in compose.services.items():
        for other, how in service.depends_on.items():
            waited = compose.services[other]
            if how["condition"] == "service_healthy":
                assert waited.healthcheck or (waited.build and waited.build.target is None), f"{name} → {other}"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert waited.restart in {"no", "on-failure", "on-failure:3"}, f"{name} → {other}"
            assert set(waited.profiles) <= set(service.profiles), f"{name} waits for a profile that may be off: {other}"


def test_a_service_has_the_time_to_leave_in_order(compose: Compose, ours: list[str]) -> None:
    """The consumer's grace, then what is left to publish, then closing; only then is it killed."""
    grace = Settings.model_fields["stop_grace"].default
    for name in ours:
        given = compose.services[name].stop_grace_period
        assert given.endswith("s")
        assert float(given[:-1]) >= grace + 20
        assert compose.services[name].restart == "unless-stopped"


def test_a_container_may_do_little(compose: Compose, ours: list[str]) -> None:
    """Nothing is written beside /tmp, nothing is gained by a hole in a program."""
    for name, service in compose.services.items():
        if service.image.startswith("packhorse-"):
            assert service.cap_drop == ["ALL"], name
            assert service.security_opt == ["no-new-privileges:true"], name
        if name in ours:
            assert service.read_only, name


def test_nothing_is_open_to_other_machines(compose: Compose) -> None:
    """Ports are published on the loopback address alone; the database isn't published at all."""
    for name, service in compose.services.items():
        assert all(port.startswith("127.0.0.1:") for port in service.ports), name
    assert compose.services["postgres"].ports == []


def test_the_outside_is_a_profile_of_its_own(compose: Compose) -> None:
    """`--profile demo` brings everybody whom the services talk to; a plain `up` brings none of them."""
    outside = {name: each for name, each in compose.services.items() if each.profiles == ["demo"]}
    assert set(outside) == {"gateway", "mail", "warehouse", "carrier", "catalogue", "checkout"}
    for service in outside.values():
        for module in re.findall(r"packhorse_devstack[\w.]+", " ".join(map(str, service.entrypoint + service.command))):
            assert importlib.util.find_spec(module) is not None, module
