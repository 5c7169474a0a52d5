"""What people read with survives whatever lies on the topics: `packhorse watch` and `packhorse order`."""

import asyncio
import json
import os
import sys
import uuid
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from random import Random

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata
from packhorse_cli import stream
from packhorse_contracts import topics
from test_lenient import NAME, batch

from . import budget
from .hostile import hostile
from .record import Record

COMMAND = Path(sys.executable).with_name("packhorse")
ABSURD = (-(2**62), -(10**15), -2, 0, 1)
"""Time stamps that a broker takes: it refuses those of the future, and -1 stands for none."""

STEERING = "\x1b]0;owned\x07\x1b[2J\u202e\u2066\u200f\x9b31m\r"


async def packhorse(kafka: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    child = await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PACKHORSE_KAFKA": kafka, "PACKHORSE_DATA": str(folder)},
    )
    out, err = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


def records(random: Random, order_id: str) -> list[Record]:
    """Hostile ones on every topic, some under an order's key, and what is meant for people's eyes alone."""
    names = count()
    each = budget.records(400) // len(topics.ALL)
    some = [one for topic in topics.ALL for one in islice(hostile(random, topic, lambda: f"eye-{next(names)}"), each)]
    some = [replace(one, key=order_id.encode()) if random.random() < 0.3 else one for one in some]
    said = {"order_id": order_id, "at": "9999-12-31T23:59:59Z", "reason": STEERING, STEERING: [STEERING] * 3}
    kinds = ["packhorse.order.cancelled.v1", "packhorse.order.new_in_the_next_release.v1", STEERING]
    some += [
        Record(
            "for a terminal",
            "order.events",
            order_id.encode(),
            [("ce_type", kind.encode()), ("ce_correlationid", STEERING.encode()), ("x", None)],
            value,
            "either",
        )
        for kind in kinds
        for value in (json.dumps(said).encode(), None, b"", b"x" * 900_000)
    ]
    dead = stream.dead_topics()[0]
    letter = [("dead-letter-code", STEERING.encode()), ("dead-letter-reason", b"\xff" + STEERING.encode())]
    return [*some, Record("dead", dead, order_id.encode(), letter, b"{", "either")]


@pytest.mark.timeout(300)
async def test_no_record_ends_what_people_read_with(kafka_bootstrap: str, tmp_path: Path) -> None:
    """Each is one line: absurd times, rubbish, tombstones, huge values, escape codes, unknown types."""
    random, order_id = budget.drawn("command"), f"eye-{uuid.uuid4().hex[:12]}"
    sent = [one for one in records(random, order_id) if one.key is not None or one.topic not in stream.all_topics()]
    waits: list[asyncio.Future[RecordMetadata]] = []
    async with AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, compression_type="gzip", max_request_size=20_000_000
    ) as producer:
        for one in sent:
            stamp = random.choice(ABSURD) if one.kind != "dead" and random.random() < 0.3 else None
            headers = list(one.headers)
            waits.append(await producer.send(one.topic, one.value, key=one.key, headers=headers, timestamp_ms=stamp))
        # A header's name that is no UTF-8: aiokafka alone would raise at every poll, for ever.
        raw = await batch(producer, [(b"{", [(NAME, b"x")])], "none", order_id.encode())
        building = producer.create_batch()
        building.append(timestamp=None, key=None, value=b"", headers=[])
        building.close()
        building._buffer = raw
        waits.append(await producer.send_batch(building, "order.events", partition=0))
        places = {(at.topic, at.partition, at.offset) for at in await asyncio.gather(*waits)}
    everything = ("watch", "--from-beginning", "--no-follow")
    code, out, err = await packhorse(kafka_bootstrap, tmp_path, *everything)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) > len(sent) / 2
    assert all(line.replace("\t", "").isprintable() for line in out.split("\n"))
    code, out, err = await packhorse(kafka_bootstrap, tmp_path, *everything, "--json")
    assert (code, err) == (0, "")
    assert all(line.isprintable() for line in out.split("\n"))
    seen = [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]
    shown = {(one["topic"], one["partition"], one["offset"]) for one in seen}
    # Retention goes by time stamps, so the broker deletes a segment whose records are all from long ago.
    there = {
        (one.topic, one.partition, one.offset)
        async for one in stream.read(kafka_bootstrap, stream.all_topics(dead=True), follow=False)
    }
    assert places & there <= shown, sorted(places & there - shown)
    assert len(places & there) > len(places) / 2
    for arguments in ((), ("--json", "--personal")):
        code, out, err = await packhorse(kafka_bootstrap, tmp_path, "order", order_id, *arguments)
        assert (code, err) == (0, "")
        assert "gave up" in out
        assert all(line.replace("\t", "").isprintable() for line in out.split("\n"))
