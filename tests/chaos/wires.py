"""Wires between services and their databases and brokers that can be cut, slowed, and left half open.

    python wires.py CONTROL_PORT LISTEN:TARGET …

A process of its own. `POST /{listen port}/{mode}` on the control port sets a wire's mode, for connections that are open
and for new ones: `pass`, `cut` (open ones are reset, new ones refused), `slow` (200 ms later), and half open, where
nothing arrives and nobody is told: `mute` (what is written meanwhile arrives late, as after a short outage of the
network), `lose` (it never does, and its connection is reset in the end, as by a firewall that has forgotten it).
"""

import asyncio
import contextlib
import sys
from typing import Literal, cast, get_args

from aiohttp import web

Mode = Literal["pass", "cut", "slow", "mute", "lose"]
LATER = 0.2
"""Seconds that a slow wire takes."""


class Wire:
    """One listening port, and what happens to whatever goes through it."""

    def __init__(self, listen: int, target: int) -> None:
        self.listen, self.target = listen, target
        self._mode: Mode = "pass"
        self._sounds = asyncio.Event()
        self._sounds.set()
        self._loses = False
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listens."""
        await asyncio.start_server(self._serve, "127.0.0.1", self.listen, limit=1 << 20)

    def turn(self, mode: Mode) -> None:
        """From now on."""
        self._mode = mode
        if mode in ("mute", "lose"):
            self._loses = mode == "lose"
            self._sounds.clear()
        else:
            self._sounds.set()
        if mode == "cut":
            for writer in self._open:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "cut":
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 20)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._open |= both
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        self._open -= both

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if not self._sounds.is_set():
                    await self._sounds.wait()
                    if self._loses:
                        writer.transport.abort()
                        return
                if self._mode == "slow":
                    await asyncio.sleep(LATER)
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()


async def run(control: int, pairs: list[str]) -> None:
    """Until it is killed."""
    wires: dict[str, Wire] = {}
    for pair in pairs:
        listen, _, target = pair.partition(":")
        wires[listen] = Wire(int(listen), int(target))
        await wires[listen].start()

    async def turn(request: web.Request) -> web.Response:
        mode = request.match_info["mode"]
        if mode not in get_args(Mode):
            raise web.HTTPNotFound
        wires[request.match_info["wire"]].turn(cast("Mode", mode))
        return web.Response(text="ok\n")

    app = web.Application()
    app.add_routes([web.post("/{wire}/{mode}", turn)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", control).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), sys.argv[2:]))
