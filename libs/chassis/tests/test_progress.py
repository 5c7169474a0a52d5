"""How far a service is behind, and what holds it up, shows: in its metrics and to whoever asks whether it is ready."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
import pytest
import toy
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from arrivals import notes
from packhorse_chassis.kafka import progress
from packhorse_chassis.kafka.progress import Progress
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.run import Process
from packhorse_chassis.telemetry import metrics
from rig import Broker, eventually, new_order

Running = Callable[..., AbstractAsyncContextManager[Process]]
AT = TopicPartition("customer.requests", 3)


@dataclass
class Known:
    """What aiokafka knows of a partition."""

    position: int
    highwater: int | None
    lso: int | None
    has_valid_position: bool = True


def consumer(**places: Known) -> SimpleNamespace:
    """As much of a consumer as is looked at."""
    states = {TopicPartition("customer.requests", int(name[1:])): known for name, known in places.items()}
    assignment = SimpleNamespace(tps=set(states), state_value=states.get)
    return SimpleNamespace(_subscription=SimpleNamespace(subscription=SimpleNamespace(assignment=assignment)))


async def metric(process: Process, name: str, **labels: object) -> float:
    """The sum of this metric where it has these labels."""
    url = f"http://127.0.0.1:{process.http_port}/metrics"
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        lines = (await answer.text()).splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in lines
        if line.partition("{")[0].partition(" ")[0] == name and all(label in line for label in wanted)
    )


async def ready(process: Process) -> dict[str, str]:
    """What the process isn't ready for, and why."""
    url = f"http://127.0.0.1:{process.http_port}/health/ready"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        wrong: dict[str, str] = json.loads(await answer.text())["wrong"]
        assert (answer.status == 200) == (not wrong)
        return wrong


@pytest.fixture
async def forgetful(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """An outsider's producer that begins a transaction and forgets it."""
    async with AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, transactional_id=new_order(), transaction_timeout_ms=60_000
    ) as producer:
        await producer.begin_transaction()
        yield producer


async def test_an_open_transaction_is_seen_and_after_its_end_all_goes_on(
    forgetful: AIOKafkaProducer, broker: Broker, pool: Pool, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it holds back is counted, its age grows, and the service isn't ready, with the reason."""
    monkeypatch.setattr(progress, "HELD_TOO_LONG", 2.0)
    order = new_order()
    sent = await forgetful.send_and_wait("customer.requests", b"{", key=order.encode())
    await broker.send(toy.request(order, "behind it"))
    place = {"topic": "customer.requests", "partition": sent.partition}
    async with running() as process:
        await eventually(lambda: metric(process, "packhorse_held_records", **place), lambda seen: seen == 2)
        assert await metric(process, "packhorse_behind_records", **place) >= 2
        wrong = await eventually(lambda: ready(process), lambda seen: "topics" in seen)
        assert (
            wrong["topics"] == f"customer.requests-{sent.partition} has 2 records that an open transaction holds back"
        )
        assert await metric(process, "packhorse_ready") == 0
        assert await metric(process, "packhorse_oldest_unread_seconds", topic="customer.requests") > 2
        assert await notes(pool, order) == []
        await forgetful.abort_transaction()
        await eventually(lambda: notes(pool, order), lambda seen: seen == ["behind it"])
        await eventually(lambda: ready(process), lambda seen: seen == {})
        await eventually(lambda: metric(process, "packhorse_behind_records", **place), lambda seen: seen == 0)
        assert await metric(process, "packhorse_ready") == 1
        assert await metric(process, "packhorse_held_records", **place) == 0
        assert await metric(process, "packhorse_oldest_unread_seconds", topic="customer.requests") == 0


async def test_no_client_may_hold_a_transaction_open_for_longer_than_a_minute(kafka_bootstrap: str) -> None:
    """The broker refuses who asks for more."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, transactional_id=new_order(), transaction_timeout_ms=60_001
    )
    try:
        with pytest.raises(KafkaError):
            await producer.start()
    finally:
        await producer.stop()


def test_a_partition_that_waits_for_its_turn_is_not_stuck() -> None:
    """With a backlog on many partitions one of them is read at a time."""
    seen = Progress(lambda: 2e9)
    seen.look(consumer(p0=Known(0, 900, 900), p1=Known(0, 900, 900)))
    seen.look(consumer(p0=Known(500, 900, 900), p1=Known(0, 900, 900)))
    assert seen.stuck(limit=60) is None
    assert seen.stuck(limit=-1) == "1300 records wait, and none was taken for -1 s"


def test_what_is_not_known_yet_or_was_given_away_is_not_told() -> None:
    """A partition without a position or an end, and one that another process has by now."""
    seen = Progress(lambda: 2e9)
    seen.look(consumer(p0=Known(0, None, None), p1=Known(0, 5, 5, has_valid_position=False), p2=Known(0, 5, None)))
    assert list(seen._places) == [TopicPartition("customer.requests", 2)]
    seen.look(consumer())
    assert not seen._places
    assert seen.stuck(limit=-1) is None


@pytest.mark.parametrize("stamp", [-(10**15), -1, 0, 10**18])
def test_a_senders_clock_spoils_no_metric(stamp: int) -> None:
    """Time stamps are theirs to choose."""
    seen = Progress(lambda: 2e9)
    seen.look(consumer(p3=Known(0, 9, 9)))
    seen.took({AT: [SimpleNamespace(timestamp=stamp)]})
    seen.report()
    [[*_, sample]] = [metric.samples for metric in metrics.oldest_unread.collect() if metric.samples]
    assert 0 <= sample.value <= 31 * 86_400


async def test_what_nobody_publishes_shows_where_nobody_leads(running: Running, pool: Pool) -> None:
    """Any process tells the age of the oldest row, whoever leads."""
    async with running(relay_idle=60) as process:
        assert process._relay is not None
        await process._relay.resign()
        process._relay._lead = _nobody  # type: ignore[method-assign]
        await pool.execute(
            "INSERT INTO outbox (topic, headers, value, created_at)"
            " VALUES ('order.events', '[]', '', now() - interval '1 hour')"
        )
        await eventually(lambda: metric(process, "packhorse_outbox_oldest_seconds"), lambda seen: 3_600 <= seen < 3_700)


async def _nobody() -> None:
    return None


async def test_metrics_tell_of_dead_letters_parked_keys_and_what_waits(
    broker: Broker, running: Running, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By code, with the age of the oldest; timers that are overdue; connections in use; how late the loop is."""
    monkeypatch.setattr(toy, "poisoned", {"poison"})
    order = new_order()
    async with running() as process:
        for note in ("poison", "1", "2"):
            await broker.send(toy.request(order, note))
        await broker.send(toy.request(new_order(), "refuse"))
        await eventually(lambda: metric(process, "packhorse_waiting"), lambda seen: seen == 2)
        await eventually(lambda: metric(process, "packhorse_dead_letters_open", code="refused"), lambda seen: seen == 1)
        assert await metric(process, "packhorse_dead_letters_open", code="reaction") == 1
        assert await metric(process, "packhorse_dead_letters_oldest_seconds") > 0
        assert await metric(process, "packhorse_parked") == 1
        assert await metric(process, "packhorse_timers_overdue_seconds") == 0
        assert await metric(process, "packhorse_pool_size") == 4
        assert await metric(process, "packhorse_heard_age_seconds_count", topic="customer.requests") > 0
        await eventually(lambda: metric(process, "packhorse_loop_delay_seconds_count"), lambda seen: seen > 0)
