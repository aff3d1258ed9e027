"""uvicorn's protocol, which writes the head and the body of an answer one after the other: here they leave together.

Two system calls of the server and two wake-ups of the client become one each.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class JoiningTransport:
    """A transport that sends at the end of the loop's turn whatever was written in it."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pending: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send soon."""
        if not self._pending:
            self._loop.call_soon(self._send)
        self._pending.append(data)

    def close(self) -> None:
        """Send what is left, and hang up."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            self._transport.writelines(pending)


class JoiningProtocol(HttpToolsProtocol):
    """One connection to a client."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Write through a transport that joins."""
        super().connection_made(JoiningTransport(transport, self.loop))  # type: ignore[arg-type]
