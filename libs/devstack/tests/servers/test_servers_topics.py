"""`packhorse topics` against the real broker: makes what is missing, and touches nothing that is there."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from packhorse_contracts.topic_settings import load
from packhorse_devstack import topics
from packhorse_devstack.kafka import Kafka
from packhorse_devstack.places import project

_FILE = project() / "deploy" / "topics.toml"


@pytest.fixture
async def bootstrap(open_folder: Path) -> AsyncIterator[str]:
    """An empty broker of this test's own, for topics can't be given back."""
    cluster = Kafka(open_folder / "kafka", open_folder / "cache")
    try:
        yield await asyncio.to_thread(cluster.start)
    finally:
        cluster.stop()


async def _packhorse(bootstrap: str, *arguments: str, cwd: Path | None = None) -> tuple[int, str]:
    """Exit code and output of `packhorse topics`, as a program would run it: differences as tab-separated rows."""
    command = Path(sys.executable).with_name("packhorse")
    process = await asyncio.create_subprocess_exec(
        command,
        "topics",
        *arguments,
        env={**os.environ, "PACKHORSE_KAFKA": bootstrap, "NO_COLOR": "1", "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=cwd,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


def _file(folder: Path, old: str, new: str) -> Path:
    text = _FILE.read_text()
    assert old in text
    changed = folder / "topics.toml"
    changed.write_text(text.replace(old, new))
    return changed


async def test_missing_topics_are_named_and_then_made(bootstrap: str, tmp_path: Path) -> None:
    """With all their settings: compacted ones keep everything for a while, and nothing else expires them."""
    code, said = await _packhorse(bootstrap)
    assert code == 1
    assert "order.events\tmissing\tis missing\n" in said
    assert "order.events.payment.dead\tmissing\tis missing\n" in said

    code, said = await _packhorse(bootstrap, "--create")
    assert code == 0, said
    assert said.count("created ") == len(load(_FILE, "small"))
    assert (await _packhorse(bootstrap))[0] == 0
    code, said = await _packhorse(bootstrap, "--create")
    assert (code, "created" in said) == (0, False)

    configs = await _configs(bootstrap, "inventory.stock")
    assert configs["cleanup.policy"] == "compact"
    assert configs["min.compaction.lag.ms"] == str(168 * 3_600_000)
    assert (await _configs(bootstrap, "order.events"))["retention.ms"] == str(168 * 3_600_000)

    # A setting that somebody changed by hand is noticed.
    changed = _file(tmp_path, "retention_hours = 168", "retention_hours = 24")
    code, said = await _packhorse(bootstrap, "--file", str(changed))
    assert code == 1
    assert "order.events\tsetting\thas retention.ms=604800000, not 86400000\n" in said

    # More partitions in the file than in the cluster: refused, with the way that keeps the order.
    wider = _file(tmp_path, "cluster = 12 ", "cluster = 24 ")
    code, said = await _packhorse(bootstrap, "--create", "--size", "cluster", "--file", str(wider))
    assert code == 1
    assert "order.events\tpartitions\thas 12 partitions, not 24\n" in said
    assert "Partitions are for life" in said
    assert "wider topic beside the old one" in said
    assert await _partitions(bootstrap, "order.events") == 12


async def test_a_topic_with_other_partitions_is_left_alone(bootstrap: str) -> None:
    """Whoever made it: its keys lie where they lie."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("order.events", 3, 1)])
    await admin.close()
    code, said = await _packhorse(bootstrap, "--create", "--size", "cluster")
    assert code == 1
    assert "order.events\tpartitions\thas 3 partitions, not 12\n" in said
    assert await _partitions(bootstrap, "order.events") == 3
    cluster = topics.settings(size="cluster")
    differ = await topics.check(bootstrap, cluster)
    assert [each.topic for each in differ if each.what == "partitions"] == ["order.events"]


async def test_topics_that_are_there_tell_their_size(bootstrap: str) -> None:
    """Nobody has to say again what was chosen for life."""
    assert await topics.size_of(bootstrap) is None
    code, said = await _packhorse(bootstrap, "--create", "--size", "small")
    assert code == 0, said
    assert await topics.size_of(bootstrap) == "small"
    code, said = await _packhorse(bootstrap)
    assert code == 0, said
    assert await _partitions(bootstrap, "order.events") == 3


async def test_two_who_create_at_once_both_succeed(bootstrap: str) -> None:
    """Whoever comes second finds what was wanted."""
    made = await asyncio.gather(*(topics.create(bootstrap) for _ in range(3)))
    assert {name for names in made for name in names} == {topic.name for topic in load(_FILE, "small")}
    assert await topics.check(bootstrap) == []


async def test_no_broker_is_said_as_such() -> None:
    """Exit code 3: there is no system to talk to."""
    code, said = await _packhorse("127.0.0.1:1")
    assert code == 3
    assert "no broker answers at 127.0.0.1:1" in said


async def test_an_installed_command_without_the_file_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel has no deploy/topics.toml beside it: run it in a clone, or name the file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("packhorse_devstack.places.__file__", str(tmp_path / "site-packages" / "places.py"))
    with pytest.raises(FileNotFoundError, match=r"deploy/topics\.toml .* inside a clone"):
        topics.settings()
    assert topics.settings(_FILE) == load(_FILE, "small")
    code, said = await _packhorse("127.0.0.1:1", "--file", "no-such.toml", cwd=tmp_path)
    assert code == 2
    assert "no-such.toml" in said


async def _partitions(bootstrap: str, topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return len((await admin.describe_topics([topic]))[0]["partitions"])
    finally:
        await admin.close()


async def _configs(bootstrap: str, topic: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=None)])
    finally:
        await admin.close()
    return {entry[0]: entry[1] for entry in answers[0].resources[0][4]}
