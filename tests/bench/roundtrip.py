"""The yardstick of latency: one record produced (acks of all replicas), consumed, and its offset committed."""

import time
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic


async def round_trips(kafka: str, count: int = 300) -> list[float]:
    """Seconds that each of `count` round trips took, one after another."""
    topic = f"bench.roundtrip.{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, group_id=topic, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    try:
        took = []
        for number in range(count + 20):
            began = time.monotonic()
            await producer.send_and_wait(topic, b"x" * 400, key=str(number).encode())
            await consumer.getone()
            await consumer.commit()
            took.append(time.monotonic() - began)
        return took[20:]  # the first ones find cold caches
    finally:
        await consumer.stop()
        await producer.stop()
