"""The loop of a counterparty that answers on Kafka what it hears on Kafka.

It keeps nothing on disk: what it has said stands in the topic it says it on. After `kill -9` it reads that first, then
all it was ever asked, and goes on where it was. The ids of its facts are derived: even a fact said twice is one.
"""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Protocol

from packhorse_contracts.base import Fact
from packhorse_contracts.topics import Topic

from packhorse_devstack.counterparties.process import log, now
from packhorse_devstack.counterparties.voice import Heard, Saying, Voice, ear


class Party(Protocol):
    """What a counterparty decides: synchronous, without I/O."""

    def recall(self, fact: Fact) -> None:
        """It has said this before."""

    def hear(self, heard: Heard, at: datetime) -> None:
        """It is told this."""

    def due(self, at: datetime) -> list[Saying]:
        """What it says now."""


async def serve(kafka: str, source: str, hears: Topic, says: Topic, party: Party, stopping: asyncio.Event) -> None:
    """Remembers, then listens and answers until it is told to stop."""
    async with Voice(kafka, source) as voice:
        async with ear(kafka, says.name) as own:
            remembered = 0
            for past in await own.history():
                if past.envelope.source == source:
                    party.recall(past.fact)
                    remembered += 1
        async with ear(kafka, hears.name) as asked:
            log("ready", kafka=kafka, hears=hears.name, says=says.name, remembered=remembered)
            while not stopping.is_set():
                for heard in await asked.listen():
                    party.hear(heard, now())
                if sayings := party.due(now()):
                    await voice.say(sayings)
                    counts = Counter(saying.fact.TYPE.split(".")[2] for saying in sayings)
                    log("said", **counts)
    log("stopped")
