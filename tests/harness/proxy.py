"""A proxy in front of PostgreSQL that can lose connections at the worst moment, and be listened to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Passes bytes on until told otherwise. `address(url)` is the same database, through the proxy."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut_after: bytes | None = None
        """When a client has sent this, it reaches the server, and the client is cut off before the answer."""
        self.ear: Callable[[], Callable[[bytes], None]] = lambda: lambda data: None
        """Makes for each connection what hears the bytes that its client sends, before the server has them."""

    def address(self, url: str) -> str:
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self._port}"))

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
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        self.shut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        server_reader, server_writer = await asyncio.open_connection(*self._behind)
        self._writers |= {writer, server_writer}
        try:
            answers = asyncio.create_task(self._pass_on(server_reader, writer))
            await self._pass_on(reader, server_writer, self.ear(), watched=writer)
            await answers
        finally:
            self._writers -= {writer, server_writer}
            for each in (writer, server_writer):
                each.close()
                with suppress(OSError):
                    await each.wait_closed()

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hear: Callable[[bytes], None] = lambda data: None,
        watched: asyncio.StreamWriter | None = None,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                hear(data)
                if watched is not None and self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    watched.transport.abort()
                writer.write(data)
                await writer.drain()
        writer.close()


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
