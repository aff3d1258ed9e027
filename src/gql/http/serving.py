"""uvicorn, taught to leave politely."""

import asyncio
import socket
from typing import Final

import uvicorn

from gql.http.health import Health

NOTICE_SECONDS: Final = 5.0
"""In production: as long as whoever spreads the load may need to see that we are no longer ready."""

DRAIN_SECONDS: Final = 10


class Server(uvicorn.Server):
    """A server that stops in this order: /readyz says so; for `notice` seconds everything is still served; then no
    connection is taken any more, running requests end, and the pools close."""

    def __init__(self, config: uvicorn.Config, health: Health, notice: float = 0.0) -> None:
        super().__init__(config)
        self._health = health
        self._notice = notice

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._health.is_draining = True
        ends = asyncio.get_running_loop().time() + self._notice
        while not self.force_exit and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(min(0.1, self._notice))
        await super().shutdown(sockets)
