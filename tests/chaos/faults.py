"""What can go wrong, one function a kind. Each hurts, waits, and heals; the next begins when it is over."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

from packhorse_cli.system import SERVICES

from .stage import SESSION_SECONDS, Stage
from .wires import Mode

Fault = Callable[[Stage, Random], Awaitable[str]]
"""Does it and says what it hit."""


async def kill_service(stage: Stage, random: Random) -> str:
    """`kill -9` of one process of a service."""
    name = random.choice(stage.processes(random.choice(SERVICES)))
    stage.supervisor.children[name].kill()
    return name


async def kill_a_whole_service(stage: Stage, random: Random) -> str:
    """`kill -9` of all processes of a service at once."""
    service = random.choice(SERVICES)
    for name in stage.processes(service):
        stage.supervisor.children[name].kill()
    return service


async def kill_broker(stage: Stage, random: Random) -> str:
    """`kill -9` of a broker, which is away for some seconds."""
    return await _away(stage, [random.choice(stage.brokers)], 4)


async def kill_database(stage: Stage, random: Random) -> str:
    """`kill -9` of the database's postmaster; it recovers from its log."""
    return await _away(stage, ["postgres"], random.uniform(0, 4))


async def kill_gateway(stage: Stage, random: Random) -> str:
    """`kill -9` of the payment gateway."""
    stage.supervisor.children["gateway"].kill()
    return "gateway"


async def kill_mail_server(stage: Stage, random: Random) -> str:
    """`kill -9` of the mail server."""
    stage.supervisor.children["mail"].kill()
    return "mail"


async def kill_warehouse(stage: Stage, random: Random) -> str:
    """`kill -9` of the warehouse and of the carrier."""
    for name in ("warehouse", "carrier"):
        stage.supervisor.children[name].kill()
    return "warehouse, carrier"


async def freeze_service(stage: Stage, random: Random) -> str:
    """SIGSTOP for longer than the session, then SIGCONT: a zombie that believes it still owns its partitions."""
    name = random.choice(stage.processes(random.choice(SERVICES)))
    child = stage.supervisor.children[name]
    child.kill(signal.SIGSTOP)
    await asyncio.sleep(SESSION_SECONDS + random.uniform(1, 6))
    child.kill(signal.SIGCONT)
    return name


async def freeze_broker(stage: Stage, random: Random) -> str:
    """A broker that neither answers nor closes its connections."""
    child = stage.servers[random.choice(stage.brokers)]
    child.kill(signal.SIGSTOP)
    await asyncio.sleep(random.uniform(2, 12))
    child.kill(signal.SIGCONT)
    return child.name


async def cut_database_wire(stage: Stage, random: Random) -> str:
    """All connections of a service to its database are reset, and none opens for a while."""
    return await _wire(stage, random, SERVICES, "cut")


async def slow_database_wire(stage: Stage, random: Random) -> str:
    """Each way to a service's database takes a fifth of a second."""
    return await _wire(stage, random, SERVICES, "slow")


async def half_open_database_wire(stage: Stage, random: Random) -> str:
    """What goes between a service and its database waits or is lost, and no connection closes meanwhile."""
    return await _wire(stage, random, SERVICES, random.choice(("mute", "lose")))


async def cut_broker_wire(stage: Stage, random: Random) -> str:
    """No service reaches one broker, which the others reach as before."""
    return await _wire(stage, random, stage.brokers, "cut")


async def slow_broker_wire(stage: Stage, random: Random) -> str:
    """Each way between the services and one broker takes a fifth of a second."""
    return await _wire(stage, random, stage.brokers, "slow")


async def half_open_broker_wire(stage: Stage, random: Random) -> str:
    """What goes between the services and one broker waits or is lost, and no connection closes meanwhile."""
    return await _wire(stage, random, stage.brokers, random.choice(("mute", "lose")))


async def rolling_restart(stage: Stage, random: Random) -> str:
    """SIGTERM, one process after another, as a deployment does."""
    service = random.choice(SERVICES)
    for name in stage.processes(service):
        stage.supervisor.children[name].ask()
        await asyncio.sleep(3)
    return service


async def rebalance_storm(stage: Stage, random: Random) -> str:
    """A member of a group that comes and goes, again and again."""
    service = random.choice(SERVICES)
    for _ in range(3):
        stage.supervisor.children[f"{service}-2"].kill()
        await asyncio.sleep(2)
    return service


FAULTS: Final[tuple[Fault, ...]] = (
    kill_service,
    kill_a_whole_service,
    kill_broker,
    kill_database,
    kill_gateway,
    kill_mail_server,
    kill_warehouse,
    freeze_service,
    freeze_broker,
    cut_database_wire,
    slow_database_wire,
    half_open_database_wire,
    cut_broker_wire,
    slow_broker_wire,
    half_open_broker_wire,
    rolling_restart,
    rebalance_storm,
)


async def lose_all_brokers_for_long(stage: Stage, random: Random) -> str:
    """`kill -9` of the whole cluster, which is away for longer than any client's time-out."""
    return await _away(stage, stage.brokers, random.uniform(90, 120))


async def lose_the_database_for_long(stage: Stage, random: Random) -> str:
    """`kill -9` of the database, which is away for longer than any client's time-out."""
    return await _away(stage, ["postgres"], random.uniform(90, 120))


LONG_FAULTS: Final[tuple[Fault, ...]] = (lose_all_brokers_for_long, lose_the_database_for_long)
"""Once each in a run of ten minutes or more."""


async def _away(stage: Stage, names: Sequence[str], seconds: float) -> str:
    stage.down |= set(names)
    for name in names:
        stage.servers[name].kill()
    await asyncio.sleep(seconds)
    stage.down -= set(names)  # whoever tends the stage starts them again
    return ", ".join(names)


async def _wire(stage: Stage, random: Random, ends: Sequence[str], mode: Mode) -> str:
    end = random.choice(ends)
    await stage.turn(end, mode)
    await asyncio.sleep(random.uniform(2, 14))
    await stage.turn(end, "pass")
    return end
