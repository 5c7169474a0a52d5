"""One process of a service: connects, migrates, runs its loops, and leaves in order."""

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import asyncpg
import structlog
import uvloop
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from packhorse_chassis.asker import Nobody
from packhorse_chassis.batch import Processor
from packhorse_chassis.effects.executor import Executor
from packhorse_chassis.kafka.consume import Consumer
from packhorse_chassis.kafka.relay import Relay
from packhorse_chassis.postgres.db import OwnConnection, Pool
from packhorse_chassis.postgres.faults import is_transient
from packhorse_chassis.postgres.gauges import Gauges
from packhorse_chassis.postgres.keep import Housekeeper, Inbox
from packhorse_chassis.postgres.migrate import migrate
from packhorse_chassis.process import web
from packhorse_chassis.process.pump import Pump
from packhorse_chassis.service import Service
from packhorse_chassis.settings import Settings
from packhorse_chassis.telemetry import log as logging
from packhorse_chassis.telemetry import metrics, tracing
from packhorse_chassis.wake import Loop

_SESSION = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "synchronous_commit": "on",
    # A host that vanished must not keep its locks, least of all the relay's lead: it is noticed within half a minute.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_COMMAND_TIMEOUT = 10.0
"""Seconds. A database that doesn't even refuse is given up by then."""

_TO_CLOSE = 20.0
"""Seconds that publishing the rest and closing may take, beside the grace. Supervisors are told of 45 in all."""

_LIMITS_IN_VAIN = 5
"""A producer that hangs and a cluster with too few replicas in sync look alike from here. Only in the first case a new
process helps, so it takes this many stall limits, and doesn't harm in the second."""

_EVERY_FIVE_MINUTES = 300.0

T = TypeVar("T")
log = structlog.get_logger(__name__)


class StalledError(Exception):
    """A loop got nowhere for too long; only a new process helps."""


class Process:
    """A running service. `start`, `wait`, `stop`; a test may hold several in one event loop."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self.service, self.settings = service, settings
        self.http_port = 0
        self._loops: list[Loop] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = contextlib.AsyncExitStack()
        self._started = False
        self._pool: Pool | None = None
        self._gauges: Gauges | None = None
        self._producer: AIOKafkaProducer | None = None
        self._consumer: Consumer | None = None
        self._executor: Executor | None = None
        self._relay: Relay | None = None
        self._pump: Pump | None = None
        self._awaited: str | None = None
        """What isn't there yet, while the process starts."""

    async def start(self) -> None:
        """Comes up in any order: waits for the database and for the broker with its topics."""
        runner, self.http_port = await web.start(
            self.settings.http_host, self.settings.http_port, self._live, self._ready, self._look
        )
        self._stack.push_async_callback(runner.cleanup)
        log.info("starting", http_port=self.http_port)
        pool = self._pool = await self._until_up("database", self._open_database)
        self._stack.push_async_callback(_bounded(pool.close, 5))
        self._gauges = Gauges(pool)
        producer = await self._until_up("broker", self._open_producer)
        self._producer = producer

        inbox = Inbox(pool, self.settings.inbox_days)
        processor = Processor(self.service, pool, inbox)
        relay = self._relay = Relay(partial(self._connect, _COMMAND_TIMEOUT), producer, self.settings.relay_rows)
        relaying = Loop("relay", relay.step, self.settings.relay_idle)
        performers = self.service.performers()

        executor = self._executor = Executor(processor, performers, self.settings, relaying.wake.ring)
        executing = Loop("effects", executor.step, self.settings.pump_idle)
        pump = self._pump = Pump(processor, pool, self.settings.batch_records, relaying.wake.ring)
        pumping = Loop("pump", pump.step, self.settings.pump_idle)
        relay.connect(told=relaying.wake.ring)
        processor.connect(pumping.wake.ring, executor if performers else Nobody())
        executor.connect(told=executing.wake.ring)
        keeping = Loop("housekeeping", Housekeeper(pool, inbox).step, _EVERY_FIVE_MINUTES)
        self._loops = [relaying, pumping, keeping, *([executing] if performers else [])]

        self._consumer = Consumer(processor, self.settings, relaying.wake.ring)
        await self._until_up("topics", self._require_topics)
        await self._until_up("consumer group", self._consumer.start)
        self._tasks = [asyncio.create_task(loop.run(), name=loop.name) for loop in self._loops]
        self._tasks.append(asyncio.create_task(self._watch(), name="watchdog"))
        self._started, self._awaited = True, None
        log.info("started", topics=self.service.routes.topics)

    async def wait(self, stop: asyncio.Event) -> None:
        """Returns when told to stop; raises what ended a loop."""
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([stopping, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in done:
            if task is not stopping:
                await task

    async def stop(self) -> None:
        """Leaves in order: finish the batch, then the effects under way, publish what is left, close. Whatever hangs is
        left behind in the end: what isn't finished by then comes again."""
        try:
            async with asyncio.timeout(self.settings.stop_grace + _TO_CLOSE):
                await self._leave()
        except TimeoutError:
            log.warning("left without an orderly end")

    async def _leave(self) -> None:
        log.info("stopping")
        self._started = False
        if self._consumer is not None:
            with contextlib.suppress(TimeoutError):  # what isn't committed comes again, and is dropped
                async with asyncio.timeout(5):
                    await self._consumer.stop()
            await _bounded(self._consumer.broker.stop, self.settings.stop_grace)()
        for loop in self._loops:
            loop.stop()
        self._tasks = [task for task in self._tasks if task.get_name() != "watchdog" or not task.cancel()]
        if self._tasks:
            _, hanging = await asyncio.wait(self._tasks, timeout=5)
            for task in hanging:
                task.cancel()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(5):
                if self._executor is not None:
                    await self._executor.drain(3)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(5):
                while self._relay is not None and await self._relay.step():
                    pass
        if self._executor is not None:
            await _bounded(self._executor.close, 5)()
        # What the producer still holds goes out while nobody else may lead.
        if self._producer is not None:
            await _bounded(self._producer.stop, 10)()
        if self._relay is not None:
            await self._relay.resign()
        await self._stack.aclose()
        log.info("stopped")

    async def _until_up(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        pause = 0.2
        while True:
            try:
                return await attempt()
            except Exception as error:
                if not (is_transient(error) or isinstance(error, KafkaError)):
                    raise
                log.warning("waiting", what=what, reason=repr(error))
                self._awaited = f"waits for {what}: {error!r}"[:200]
                await asyncio.sleep(pause)
                pause = min(pause * 2, 3.0)

    async def _connect(self, command_timeout: float | None = None) -> OwnConnection:
        dsn = self.settings.postgres.get_secret_value()
        application = f"packhorse-{self.service.name}"
        settings = _SESSION | {"application_name": application}
        return await asyncpg.connect(dsn, timeout=5, command_timeout=command_timeout, server_settings=settings)

    async def _open_database(self) -> Pool:
        db = await self._connect()
        try:
            await db.execute("SET statement_timeout = 0; SET lock_timeout = 0")
            await migrate(db, self.service.name, self.service.migrations)
        finally:
            await db.close()
        return await asyncpg.create_pool(
            self.settings.postgres.get_secret_value(),
            min_size=2,
            max_size=self.settings.pool_size,
            timeout=5,
            command_timeout=_COMMAND_TIMEOUT,
            server_settings=_SESSION | {"application_name": f"packhorse-{self.service.name}"},
            reset=_as_it_is,
        )

    async def _open_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka,
            client_id=f"packhorse-{self.service.name}",
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=131_072,
            max_request_size=2_097_152,
            compression_type="lz4",
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _require_topics(self) -> None:
        # A consumer that starts before its topics are there would notice them minutes later, and what can't be
        # published because one is missing holds up all behind it.
        assert self._producer is not None  # noqa: S101 -- opened just before
        known = (await self._producer.client.fetch_all_metadata()).topics()
        if missing := self.service.topics - set(known):
            raise KafkaError(f"topics are missing: {', '.join(sorted(missing))}")

    async def _live(self) -> dict[str, str]:
        if not self._started:  # waiting for what isn't there yet is no fault
            return {}
        now, limit = time.monotonic(), self.settings.stall_limit
        stalled = {loop.name: "no progress" for loop in self._loops if now - loop.progress > limit + loop.idle}
        if self._consumer is not None and (why := self._consumer.stalled(limit)):
            stalled["consumer"] = why
        if self._relay is not None and (why := self._relay.stalled(_LIMITS_IN_VAIN * limit)):
            stalled["relay"] = why
        return stalled

    async def _ready(self) -> dict[str, str]:
        wrong = {} if self._started else {"process": self._awaited or "starting or stopping"}
        # An answer to SELECT 1 isn't everything: a full disk takes no row.
        wrong |= {loop.name: loop.waits_for[:200] for loop in self._loops if loop.waits_for}
        if self._consumer is not None and self._consumer.waits_for:
            wrong["consumer"] = self._consumer.waits_for[:200]
        left = {"pump": self._pump and self._pump.left, "effects": self._executor and self._executor.left}
        wrong |= {name: why[:200] for name, why in left.items() if why and name not in wrong}
        if self._consumer is not None and (why := self._consumer.progress.stuck()):
            wrong["topics"] = why
        try:
            assert self._pool is not None  # noqa: S101 -- caught below, with the other reasons
            async with asyncio.timeout(2):
                await self._pool.fetchval("SELECT 1")
        except Exception as error:
            wrong["database"] = repr(error)[:200] if self._pool else "not connected yet"
        try:
            assert self._producer is not None  # noqa: S101
            async with asyncio.timeout(2):
                await self._producer.client.fetch_all_metadata()
        except Exception as error:
            wrong["broker"] = repr(error)[:200] if self._producer else "not connected yet"
        metrics.ready.set(not wrong)
        return wrong

    async def _look(self) -> None:
        """Whoever wants metrics gets those of now."""
        await self._ready()
        if self._consumer is not None:
            self._consumer.progress.report()
        if self._gauges is not None:
            await self._gauges.look()

    async def _watch(self) -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(1)
            metrics.loop_delay.observe(max(0.0, time.monotonic() - asked - 1))
            if wrong := await self._live():
                raise StalledError(f"no progress: {wrong}")


async def _as_it_is(db: OwnConnection) -> None:
    """Nobody changes a pooled connection's session, so it needs no reset: that would be a round trip after each use."""
    if db.is_in_transaction():
        await db.reset()


def _bounded(end: Callable[[], Awaitable[object]], seconds: float) -> Callable[[], Awaitable[None]]:
    """Some clients' stop can hang for ever; a process that leaves doesn't wait for them."""

    async def run() -> None:
        try:
            async with asyncio.timeout(seconds):
                await end()
        except Exception as error:
            log.warning("an orderly end failed", of=repr(end), reason=repr(error))

    return run


async def run_until_signalled(service: Service, settings: Settings) -> None:
    """Runs one process until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    process = Process(service, settings)
    starting = asyncio.create_task(process.start())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
    try:
        if starting.done():
            await starting
            await process.wait(stop)
        else:
            starting.cancel()
    finally:
        stopped.cancel()
        await process.stop()


def run(service: Service) -> None:
    """The main function of a service: runs one process of it until it is told to stop. Blocks."""
    settings = Settings()
    # What was imported lives for ever, and batches leave few cycles: the default looks through all of it too often.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    logging.configure(service.name, settings)
    tracer = tracing.configure(service.name, settings.otlp_endpoint)
    try:
        uvloop.run(run_until_signalled(service, settings))
    except Exception:
        log.exception("the process ends; its supervisor starts a clean one")
        raise SystemExit(1) from None
    finally:
        if tracer is not None:
            tracer.shutdown()
