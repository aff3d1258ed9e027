"""A proxy in front of PostgreSQL that can lose connections at the worst moment, be slow, swallow what it is given
without a word, and be listened to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import urlsplit, urlunsplit

COMMIT: Final = b"commit\0"


class Fate(Enum):
    """What becomes of what a client has sent."""

    PASSES = "the server has it, and answers"
    LOST = "the server never has it, and both learn that the connection is gone"
    UNANSWERED = "the server has it, and the client is cut off before the answer"
    STRANDED = "the server never has it; the client is cut off, and the server goes on waiting until the proxy closes"

    SWALLOWED = "the server never has it, and nobody learns anything: from now on the connection is open and silent"


Judge = Callable[[bytes], Awaitable[Fate]]
"""Asked about all that a client sends, before the server has it. It may take its time."""


async def everything_passes(data: bytes) -> Fate:
    return Fate.PASSES


@dataclass(eq=False)
class _Line:
    """One connection. A silent one stays open, and nothing comes through it any more."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_silent: bool = False


class Proxy:
    """Passes bytes on until told otherwise. `address(url)` is the same database, through the proxy."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._lines: set[_Line] = set()
        self._is_swallowing = False
        self.delay = 0.0
        """Seconds that everything takes longer, either way."""
        self.trickle = 0
        """Where it is not zero, what the server says is passed on in pieces of so many bytes, each with the delay."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.judge: Judge = everything_passes
        self._has_closed = asyncio.Event()
        self.ear: Callable[[], Callable[[bytes], None]] = lambda: lambda data: None
        """Makes for each connection what hears the bytes that its client sends, before the server has them."""

    def address(self, url: str) -> str:
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self._port}"))

    @property
    def ports(self) -> list[int]:
        """From which ports the server has connections of the proxy, now."""
        sockets = [line.server.get_extra_info("sockname") for line in self._lines]
        return [each[1] for each in sockets if each is not None]

    def at(self, words: bytes, fate: Fate, times: int = 1) -> None:
        """The next so many times that a client sends these words, this becomes of them."""
        left = times

        async def judge(data: bytes) -> Fate:
            nonlocal left
            if left and words in data:
                left -= 1
                return fate
            return Fate.PASSES

        self.judge = judge

    def swallow(self) -> None:
        """The network swallows everything from now on: no connection is cut, and new ones are opened and silent."""
        self._is_swallowing = True
        for line in self._lines:
            line.is_silent = True

    def forget(self) -> None:
        """The server ends every connection, and no client learns of it: theirs are open and silent. New ones work."""
        for line in self._lines:
            line.is_silent = True
            line.server.transport.abort()

    def recover(self) -> None:
        """The network is well again. Connections that were silent are forgotten and stay so."""
        self._is_swallowing = False
        for line in self._lines:
            if line.is_silent:
                line.server.transport.abort()

    async def open(self) -> None:
        """Listen, at the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """The database is down: connections are cut and new ones refused."""
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection, as a server that restarts does."""
        for line in self._lines:
            line.client.transport.abort()
            line.server.transport.abort()

    async def close(self) -> None:
        self._has_closed.set()
        self.shut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        server_reader, server_writer = await asyncio.open_connection(*self._behind)
        line = _Line(writer, server_writer, self._is_swallowing)
        self._lines.add(line)
        try:
            answers = asyncio.create_task(self._answer(server_reader, line))
            await self._ask(reader, line)
            await answers
        finally:
            self._lines.discard(line)
            for each in (writer, server_writer):
                each.close()
                with suppress(OSError):
                    await each.wait_closed()

    async def _ask(self, reader: asyncio.StreamReader, line: _Line) -> None:
        """Pass on what the client says."""
        hear = self.ear()
        with suppress(OSError):
            while data := await reader.read(65536):
                hear(data)
                fate = await self.judge(data)
                if fate is Fate.SWALLOWED:
                    line.is_silent = True
                elif fate is not Fate.PASSES:
                    line.client.transport.abort()
                if fate is Fate.STRANDED:
                    await self._has_closed.wait()
                if fate in (Fate.STRANDED, Fate.LOST):
                    break
                await asyncio.sleep(self.delay)
                if not line.is_silent:
                    line.server.write(data)
                    await line.server.drain()
        if not line.is_silent:  # else the server does not even learn that the client has gone
            line.server.close()

    async def _answer(self, reader: asyncio.StreamReader, line: _Line) -> None:
        """Pass on what the server says."""
        with suppress(OSError):
            while data := await reader.read(65536):
                size = self.trickle or len(data)
                for start in range(0, len(data), size):
                    await asyncio.sleep(self.delay)
                    if not line.is_silent:
                        line.client.write(data[start : start + size])
                        await line.client.drain()
        if not line.is_silent:
            line.client.close()


@asynccontextmanager
async def proxy_before(url: str) -> AsyncIterator[Proxy]:
    """An open proxy in front of the database at this address."""
    parts = urlsplit(url)
    proxy = Proxy(parts.hostname or "127.0.0.1", parts.port or 5432)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
