"""`packhorse lag` says how far each service is behind, and what holds it up."""

import asyncio
import json
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from packhorse_cli import behind, main
from packhorse_devstack import topics
from typer.testing import CliRunner

AT = TopicPartition("carrier.tracking", 1)


PARTITIONS = next(topic.partitions for topic in topics.settings() if topic.name == AT.topic)


async def commit(kafka: str, offset: int) -> None:
    """As if the shipping service had handled all before this offset, on every partition."""
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id="packhorse-shipping", enable_auto_commit=False
    ) as consumer:
        places = [TopicPartition(AT.topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.commit({**ends, AT: offset})


async def test_lag_says_what_is_behind_how_old_it_is_and_what_a_transaction_holds_back(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of an open transaction, and all behind them, are held back; after its end they are only behind."""
    async with (
        AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=str(uuid.uuid4())) as forgetful,
        AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as other,
    ):
        long_ago = 1_000 * 1_700_000_000
        first = await other.send_and_wait(AT.topic, b"1", partition=AT.partition, timestamp_ms=long_ago)
        await commit(kafka_bootstrap, first.offset)
        await forgetful.begin_transaction()
        await forgetful.send_and_wait(AT.topic, b"2", partition=AT.partition)
        await other.send_and_wait(AT.topic, b"3", partition=AT.partition)
        [seen] = [row for row in await behind.look(kafka_bootstrap, ["shipping"]) if row.topic == AT.topic]
        assert (seen.behind, seen.held) == (3, 2)
        assert seen.oldest_seconds is not None
        assert seen.oldest_seconds > 86_400
        await forgetful.abort_transaction()
    [seen] = [row for row in await behind.look(kafka_bootstrap, ["shipping"]) if row.topic == AT.topic]
    assert (seen.behind, seen.held) == (4, 0)  # with the mark of the transaction's end
    monkeypatch.setenv("PACKHORSE_KAFKA", kafka_bootstrap)
    told = await asyncio.to_thread(CliRunner().invoke, main.app, ["lag", "--service", "shipping", "--json", "--all"])
    [row] = [json.loads(line) for line in told.stdout.splitlines() if AT.topic in line]
    assert (row["behind"], row["held"]) == (4, 0)
    told = await asyncio.to_thread(CliRunner().invoke, main.app, ["lag", "--service", "shipping"])
    assert f"shipping\t{AT.topic}\t4\t" in told.stdout
    await commit(kafka_bootstrap, first.offset + 4)
    [seen] = [row for row in await behind.look(kafka_bootstrap, ["shipping"]) if row.topic == AT.topic]
    assert (seen.behind, seen.held, seen.oldest_seconds) == (0, 0, None)


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, "–"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7_199, "1 h"), (200_000, "2 d")]
)
def test_an_age_is_told_in_its_largest_unit(seconds: float | None, told: str) -> None:
    """Rounded down."""
    assert behind.age(seconds) == told


def test_lag_names_the_services_where_it_is_asked_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wrong usage."""
    monkeypatch.setenv("PACKHORSE_KAFKA", "localhost:1")
    told = CliRunner().invoke(main.app, ["lag", "--service", "shopping"])
    assert told.exit_code == 2
