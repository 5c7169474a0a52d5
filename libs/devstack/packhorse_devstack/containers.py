"""The servers in containers, where a Docker engine answers: the images that docker-compose.yml names too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packhorse_devstack.kafka import broker_settings

KAFKA_IMAGE = "apache/kafka:4.1.0"
POSTGRES_IMAGE = "postgres:18.6"
_CLIENTS, _CONTROLLER = 9092, 9093
_READY_SECONDS = 60


def docker_answers() -> bool:
    """True where a Docker engine is there to run containers; `PACKHORSE_NO_DOCKER` denies it."""
    if os.environ.get("PACKHORSE_NO_DOCKER") or not (
        os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()
    ):
        return False
    try:
        import docker

        docker.from_env(timeout=3).ping()
    except Exception:  # any failure means the same: there is no engine for us
        return False
    return True


def kafka_environment() -> dict[str, str]:
    """What the image makes a broker's settings of; all but the address that it tells its clients."""
    settings = broker_settings(brokers=1) | {
        "node.id": 1,
        "process.roles": "broker,controller",
        "controller.quorum.voters": f"1@localhost:{_CONTROLLER}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://:{_CLIENTS},CONTROLLER://:{_CONTROLLER}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
    return {"KAFKA_" + name.upper().replace(".", "_"): str(value) for name, value in settings.items()}


@contextmanager
def kafka() -> Iterator[str]:
    """A broker; gives its address. It goes with its data."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    # A broker tells its clients where it is, and that is known only when Docker has chosen the port: so the container
    # starts first, and the broker in it when it has been told.
    told = "/tmp/address"  # noqa: S108 -- inside the container
    command = f"until [ -s {told} ]; do sleep 0.1; done; . {told}; exec /etc/kafka/docker/run"
    container = DockerContainer(KAFKA_IMAGE).with_exposed_ports(_CLIENTS).with_envs(**kafka_environment())
    with container.with_command(["sh", "-c", command]):
        address = f"{container.get_container_host_ip()}:{container.get_exposed_port(_CLIENTS)}"
        container.copy_into_container(f"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://{address}\n".encode(), told)
        LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(_READY_SECONDS).wait_until_ready(container)
        yield address


@contextmanager
def postgres() -> Iterator[str]:
    """A database server; gives its superuser's DSN. It goes with its data."""
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
        yield str(container.get_connection_url())
