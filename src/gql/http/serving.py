"""uvicorn, taught to let a crowd in and to leave politely."""

import asyncio
import resource
import socket
from contextlib import suppress
from types import FrameType
from typing import Final

import uvicorn

from gql.http.health import Health

NOTICE_SECONDS: Final = 5.0
"""In production: as long as whoever spreads the load may need to see that we are no longer ready."""


KEPT_SECONDS: Final = 75
"""How long a connection is kept for its next request: longer than load balancers keep theirs (60 seconds, as a rule),
who would else send a request just when we hang up. People think for longer than uvicorn's five seconds, too."""
ACCEPTED_AT_ONCE: Final = 16
"""Connections that are taken in one turn of the event loop."""


def many_times(listener: socket.socket) -> list[socket.socket]:
    """The same listening socket so many times: uvloop takes one connection of each in a turn. When many people come at
    once turns are long, because their requests are answered in them, and of 2,000 the last would wait for 2,000."""
    return [listener, *(listener.dup() for _ in range(ACCEPTED_AT_ONCE - 1))]


def open_many_files() -> None:
    """Let this process have as many connections as it may have at all: many shells give it 1,024 unless it asks."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # where there is no limit, the kernel may have one all the same
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Server(uvicorn.Server):
    """A server that stops in this order: /readyz says so; for `notice` seconds everything is still served (a second
    signal ends them); then no connection is taken any more, running requests end, and the pools close."""

    def __init__(self, config: uvicorn.Config, health: Health, notice: float = 0.0) -> None:
        super().__init__(config)
        self._health = health
        self._notice = notice
        self._hurry: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None and self._hurry is not None:
            self._loop.call_soon_threadsafe(self._hurry.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._health.is_draining = True
        self._loop, self._hurry = asyncio.get_running_loop(), asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._notice):
                await self._hurry.wait()
        await super().shutdown(sockets)
