"""Numbers and order of a key's events, also where the key is not the subject's."""

import asyncio
from pathlib import Path

import toy
from arrivals import arrived
from packhorse_chassis.batch import Processor
from packhorse_chassis.core.inputs import unpack_headers
from packhorse_chassis.core.reaction import Routes, on
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.postgres.keep import Inbox
from packhorse_chassis.postgres.source import Records
from packhorse_chassis.service import Service
from packhorse_contracts.customer import HoldRequested

RIVALS = 6
EACH = 20


def subject(heard: HoldRequested) -> str:
    """Each note is a subject of its own, as a shipment is whose pick list has the location as its key."""
    return heard.note or ""


def say(turn: toy.Toys, tally: toy.Tally, heard: HoldRequested) -> toy.Tally:
    """Says it about the order."""
    turn.say(toy.held(heard.order_id, subject(heard), turn.now))
    return tally


async def test_subjects_that_say_something_of_one_key_number_it_in_order(pool: Pool) -> None:
    """No state's lock keeps these transactions apart; the key's own counter does. Its numbers have no gap, none comes
    twice, and they rise with the ids in the outbox, whoever drew them."""
    routes = Routes("order", on(HoldRequested, toy.TALLIES, subject, say))
    service = Service(routes, Path(toy.__file__).parent / "toy_migrations")
    rivals = [Processor(service, pool, Inbox(pool)) for _ in range(RIVALS)]

    async def run(rival: Processor, name: int) -> None:
        for number in range(EACH):
            await rival.process([arrived(toy.request("a", f"{name}-{number}"))], Records())

    await asyncio.gather(*(run(rival, name) for name, rival in enumerate(rivals)))
    rows = await pool.fetch("SELECT headers FROM outbox ORDER BY id")
    numbers = [int(dict(unpack_headers(row["headers"]))["ce_sequence"]) for row in rows]
    assert numbers == list(range(1, RIVALS * EACH + 1))
