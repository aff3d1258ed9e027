"""uvicorn, taught to leave politely."""

import asyncio
import socket
from contextlib import suppress
from types import FrameType
from typing import Final

import uvicorn

from gql.http.health import Health

NOTICE_SECONDS: Final = 5.0
"""In production: as long as whoever spreads the load may need to see that we are no longer ready."""


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
