"""Readers for people survive a batch that unpacks to gigabytes."""

import resource

import bombs
from aiokafka import AIOKafkaProducer
from packhorse_audit.run import _listen
from packhorse_cli import stream

TOPIC = "warehouse.events"


async def test_watch_and_audit_survive_a_batch_that_unpacks_to_gigabytes(kafka_bootstrap: str) -> None:
    """It is shown as one record that means nothing, and what lies behind it is shown."""
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        first = await bombs.send(producer, TOPIC, 0, bombs.bomb("zstd", 16, 64 * bombs.MIB))
        await producer.send_and_wait(TOPIC, b"behind", partition=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = [event async for event in stream.read(kafka_bootstrap, [TOPIC], follow=False)]
    shown = {event.offset - first: (event.type, event.value) for event in seen if event.offset >= first}
    assert set(shown) == {15, 16}
    assert shown[16] == ("?", b"behind")
    await _listen(kafka_bootstrap)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 256 * bombs.MIB
