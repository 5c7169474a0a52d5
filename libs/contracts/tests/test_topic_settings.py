"""`deploy/topics.toml` and the contracts name the same topics."""

from pathlib import Path

import pytest
from packhorse_contracts import topics
from packhorse_contracts.envelope import MAX_VALUE_BYTES
from packhorse_contracts.export.__main__ import TOPICS
from packhorse_contracts.topic_settings import SERVICES, TopicSettings, load
from pydantic import ValidationError

DAY_MS = 86_400_000


@pytest.fixture
def settings() -> dict[str, TopicSettings]:
    """The project's own file."""
    return {topic.name: topic for topic in load(TOPICS, "cluster")}


def test_it_names_exactly_the_topics_and_their_dead_letters(settings: dict[str, TopicSettings]) -> None:
    """A dead-letter topic for each of our services that reads a topic; none for outsiders."""
    dead = {
        topics.dead_letters(topic.name, service)
        for topic in topics.ALL.values()
        for service in SERVICES
        if service in topic.readers
    }
    assert settings.keys() == topics.ALL.keys() | dead
    assert len(load(TOPICS, "cluster")) == len(settings)


def test_partitions_and_durability(settings: dict[str, TopicSettings]) -> None:
    """12 partitions, 1 for dead letters; three replicas of which two must be there; no unclean election."""
    for name, topic in settings.items():
        configs = topic.configs(3)
        partitions = 1 if name.endswith(".dead") else 12
        assert (topic.partitions, topic.replicas(3), configs["min.insync.replicas"]) == (partitions, 3, "2")
        assert configs["unclean.leader.election.enable"] == "false"


def test_one_machine_has_fewer_partitions() -> None:
    """The small size differs in nothing else."""
    small = {topic.name: topic for topic in load(TOPICS, "small")}
    for topic in load(TOPICS, "cluster"):
        partitions = 1 if topic.name.endswith(".dead") else 3
        assert small[topic.name] == topic.model_copy(update={"partitions": partitions})


def test_retention(settings: dict[str, TopicSettings]) -> None:
    """Facts 7 days, dead letters 30 days, snapshots for ever; no record of a snapshot topic goes within 7 days, and no
    policy within a year.
    Previews an hour, and none of them longer for those that came after it."""
    previews = settings.pop("operations.previews").configs(3)
    assert previews["retention.ms"] == previews["segment.ms"] == str(3_600_000)
    for name, topic in settings.items():
        configs = topic.configs(3)
        if name in topics.ALL and topics.ALL[name].compacted:
            assert configs["cleanup.policy"] == "compact"
            assert "retention.ms" not in configs
            days = 365 if name == "operations.policies" else 7
            assert configs["min.compaction.lag.ms"] == str(days * DAY_MS)
        else:
            assert configs["cleanup.policy"] == "delete"
            assert configs["retention.ms"] == str((30 if name.endswith(".dead") else 7) * DAY_MS)


def test_a_dead_letter_fits_with_its_reason(settings: dict[str, TopicSettings]) -> None:
    """Whatever a topic takes, its dead-letter topic takes with headers beside."""
    for name, topic in settings.items():
        assert topic.max_message_bytes == MAX_VALUE_BYTES * (2 if name.endswith(".dead") else 1)


@pytest.mark.parametrize(("brokers", "replicas", "in_sync"), [(1, 1, "1"), (2, 2, "1"), (3, 3, "2"), (9, 3, "2")])
def test_a_small_cluster_holds_what_it_can(
    settings: dict[str, TopicSettings], brokers: int, replicas: int, in_sync: str
) -> None:
    """Never more copies than brokers, and writing goes on with one broker away."""
    topic = settings["order.events"]
    assert (topic.replicas(brokers), topic.configs(brokers)["min.insync.replicas"]) == (replicas, in_sync)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('[topics."order.events"]\n', "", "lacks topics of the contracts: order.events"),
        ('[topics."order.events"]\n', '[topics."order.events"]\n[topics."other"]\n', "don't know: other"),
        ('[topics."order.events"]\n', '[topics."order.events"]\ncleanup = "compact"\n', "not compacted in the contr"),
        ('[topics."inventory.stock"]\ncleanup = "compact"', '[topics."inventory.stock"]', "stock is compacted in"),
        ('cleanup = "delete"', 'cleanup = "none"', "cleanup"),
        ("cluster = 12", 'cluster = "twelve"', "cluster"),
        ("cluster = 12", "custer = 12", "cluster"),
        ("partitions = 1 ", "partition = 1 ", "partition"),
        ("[compacted]", "[compact]", "compact"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """With what is wrong in it."""
    text = TOPICS.read_text("utf-8")
    assert old in text
    path = tmp_path / "topics.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match=message) as refused:
        load(path, "cluster")
    assert isinstance(refused.value, ValidationError) or str(path) in str(refused.value)
