"""The toy service as a process of its own that may take no more than some memory beside what it has at the start.

Says `ready`, and stops at the end of its input. Arguments: broker, database, bytes.
"""

import asyncio
import resource
import sys

import psutil
import toy
from packhorse_chassis.run import Process
from packhorse_chassis.settings import Settings
from pydantic import SecretStr


async def run(kafka: str, dsn: str, more: int) -> None:
    """Until the end of the input, or of a loop."""
    process = Process(toy.service(), Settings(kafka=kafka, postgres=SecretStr(dsn), stall_limit=15))
    await process.start()
    limit = psutil.Process().memory_info().vms + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    print("ready", flush=True)  # noqa: T201
    stop = asyncio.Event()
    asyncio.get_running_loop().run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: stop.set())
    await process.wait(stop)
    await process.stop()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
