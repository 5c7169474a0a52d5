"""Members of a consumer group: more of them than partitions, and those that come back under their name."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import toy
from aiokafka import AIOKafkaProducer
from arrivals import notes
from packhorse_chassis.postgres.db import Pool
from packhorse_chassis.run import Process
from packhorse_chassis.settings import Settings
from packhorse_devstack import topics
from packhorse_devstack.places import data_folder
from packhorse_devstack.stack import Stack
from pydantic import SecretStr
from rig import Broker, eventually, new_order

Member = Callable[[str], AbstractAsyncContextManager[Process]]


@pytest.fixture(scope="module")
def narrow() -> Iterator[Stack]:
    """Servers of their own, whose topics have one partition."""
    with tempfile.TemporaryDirectory(prefix="packhorse-members-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (data_folder() / "cache").mkdir(parents=True, exist_ok=True)
        (folder / "cache").symlink_to((data_folder() / "cache").resolve())
        with Stack(folder, fresh=True) as stack:
            if not stack.servers:
                pytest.skip("the servers aren't ours alone")
            yield stack


@pytest.fixture
async def shop(narrow: Stack) -> AsyncIterator[Broker]:
    """An outsider."""
    await topics.create(narrow.kafka, [one.model_copy(update={"partitions": 1}) for one in topics.settings()])
    producer = AIOKafkaProducer(bootstrap_servers=narrow.kafka, acks="all", enable_idempotence=True)
    await producer.start()
    yield Broker(narrow.kafka, producer)
    await producer.stop()


@pytest.fixture
async def dsn(narrow: Stack, request: pytest.FixtureRequest) -> str:
    """A database of this test's own."""
    return await narrow.create_database(f"members_{request.node.name[-12:]}")


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[Pool]:
    """A look into it."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        yield pool


@pytest.fixture
def member(narrow: Stack, dsn: str) -> Member:
    """Starts a process that is known to its group by a name."""

    @asynccontextmanager
    async def start(name: str) -> AsyncIterator[Process]:
        given = {"kafka": narrow.kafka, "postgres": SecretStr(dsn), "group_instance_id": name, "stop_grace": 5}
        process = Process(toy.service(), Settings.model_validate(given | {"session_timeout_ms": 6_000}))
        try:
            await process.start()
            yield process
        finally:
            await process.stop()

    return start


def partitions(process: Process) -> int:
    """How many the group gave it."""
    assert process._consumer is not None
    return len(process._consumer._subscriber.consumer.assignment())  # type: ignore[union-attr]


async def generation(process: Process) -> int:
    """Of the group: it counts rebalances."""
    assert process._consumer is not None
    return int(process._consumer._subscriber.consumer._coordinator.generation)  # type: ignore[union-attr]


async def share(*processes: Process) -> list[int]:
    """The partitions of each."""
    return sorted(partitions(process) for process in processes)


async def busy(process: Process) -> bool:
    """Whether it has a batch in flight."""
    assert process._consumer is not None
    return process._consumer.busy_since is not None


async def at_rest(*processes: Process) -> bool:
    """Whether none of them has."""
    return not any([await busy(process) for process in processes])


async def test_more_processes_than_partitions(shop: Broker, store: Pool, member: Member) -> None:
    """One of the two has nothing to read: it is ready all the same, and takes over when the other one leaves."""
    order = new_order()
    async with member("one") as one, member("two") as two:
        await eventually(lambda: share(one, two), lambda seen: seen == [0, 1])
        await shop.send(toy.request(order, "1"))
        await eventually(lambda: notes(store, order), lambda seen: seen == ["1"])
        owner, idle = (one, two) if partitions(one) else (two, one)
        assert (await idle._live(), await idle._ready()) == ({}, {})
        await owner.stop()
        await shop.send(toy.request(order, "2"))
        await eventually(lambda: notes(store, order), lambda seen: seen == ["1", "2"], 60)


async def test_a_member_that_comes_back_under_its_name_disturbs_nobody(
    shop: Broker, store: Pool, member: Member
) -> None:
    """A rolling restart within the session: the others keep what they have, and nothing is divided anew."""
    order = new_order()
    async with member("one") as one:
        async with member("two") as two:
            await eventually(lambda: share(one, two), lambda seen: seen == [0, 1])
            before = await generation(one)
            assert before == await generation(two)
        async with member("two") as two:
            await shop.send(toy.request(order, "1"))
            await eventually(lambda: notes(store, order), lambda seen: seen == ["1"])
            await eventually(lambda: share(one, two), lambda seen: seen == [0, 1])
            assert await generation(one) == before


async def test_the_group_is_divided_anew_while_a_batch_is_in_flight(shop: Broker, store: Pool, member: Member) -> None:
    """The old owner goes on with its batch, which the new one has as well: each record counts once, in order."""
    order, numbers = new_order(), [str(number) for number in range(10)]
    async with member("b") as old:
        await shop.send(toy.request(order, numbers[0]))
        await eventually(lambda: notes(store, order), lambda seen: seen == numbers[:1])
        async with store.acquire() as db:
            lock = db.transaction()
            await lock.start()
            await db.execute("SELECT FROM tally WHERE id = $1 FOR UPDATE", order)
            for number in numbers[1:]:
                await shop.send(toy.request(order, number))
            await eventually(lambda: busy(old), bool)
            async with member("a") as new:  # the first by name gets the only partition
                await eventually(lambda: share(old, new), lambda seen: seen == [0, 1])
                assert partitions(new) == 1
                await eventually(lambda: busy(new), bool)
                assert await busy(old)
                await lock.rollback()
                await eventually(lambda: notes(store, order), lambda seen: len(seen) == len(numbers))
                await eventually(lambda: at_rest(old, new), bool)
                assert await notes(store, order) == numbers
        told = [headers["ce_sequence"] for _, headers, _ in await shop.read("order.events", {order}, len(numbers))]
        assert told == [str(number) for number in range(1, len(numbers) + 1)]
