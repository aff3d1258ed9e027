"""A server and a PostgreSQL that tests may kill: processes of their own, which no other test uses."""

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
import httpx

from gql.database.embedded import EmbeddedServer
from gql.database.loader import migrate
from gql.database.pool.options import PoolMode
from gql.settings import Settings
from tests.database.pooling import until
from tests.harness.command_line import PROGRAM, environment
from tests.harness.postgres import MAJOR_VERSION, PREFIX, TestDatabase, bin_directory

# What is acknowledged must outlive the server's crash: commits are written before they are answered, if not to disk.
CONFIGURATION: Final = {"fsync": "off", "shared_buffers": "64MB", "max_connections": "150"}
NOBODY: Final = "never_comes"
HELD: Final = "wait_event = 'SyncRep'"
"""Of a backend: it has committed, and waits before it says so."""
THROUGH: Final = "select not exists (select from pg_stat_activity where pid = any ($1::int[]) and state = 'active')"
COMMIT_SOMETHING: Final = "select pg_logical_emit_message(true, 'test', '')"
AT_WORK: Final = "state <> 'idle'"


@dataclass
class Cluster:
    """A PostgreSQL that recovers from every crash by itself."""

    server: EmbeddedServer
    kills: int = 0

    @property
    def database(self) -> TestDatabase:
        """How everybody else speaks of it."""
        server = self.server
        return TestDatabase(server.admin_url, server.api_url, server.worker_url, server, PoolMode.SESSION)

    @property
    def settings(self) -> Settings:
        """Of commands that work on it."""
        return Settings(
            database_url=self.server.api_url,
            admin_url=self.server.admin_url,
            worker_url=self.server.worker_url,
            data_dir=self.server.directory.path,
        )

    async def kill_one(self, which: str, user: str = "countinghouse_api") -> bool:
        """SIGKILL one backend of this login of which this holds, and wait until the server has recovered. False where
        there was none. The postmaster ends all the others, because shared memory may be damaged."""
        async with self.admin() as connection:
            backend = await connection.fetchval(
                "select pid from pg_stat_activity where usename = $1 and backend_type = 'client backend'"
                f" and pid <> pg_backend_pid() and {which} order by random() limit 1",
                user,
            )
            if backend is None:
                return False
            os.kill(backend, signal.SIGKILL)
            self.kills += 1
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                # Whoever asks is ended as well. Until then the old server must not be taken for the new one.
                await asyncio.wait_for(connection.execute("select pg_sleep(60)"), 60)
        async with self.admin():
            return True

    @asynccontextmanager
    async def answers_held(self) -> AsyncIterator[None]:
        """In the body every COMMIT is carried out and not answered: it waits for a standby that is not there."""
        await self._await_standby(NOBODY)
        try:
            await self._until_held()
            yield
        finally:
            async with self.admin() as connection:
                held = await connection.fetchval(f"select array_agg(pid) from pg_stat_activity where {HELD}")
                await self._await_standby("")
                # What they have committed is there for others only when they are through.
                if held:
                    await until(partial(connection.fetchval, THROUGH, held), "whoever was held is through", 30)

    async def _until_held(self) -> None:
        """Commit something until that is held: it is the checkpointer that tells the others, when it comes to it."""
        async with self.admin() as trying, self.admin() as looking:
            backend = trying.get_server_pid()
            is_held = f"select exists (select from pg_stat_activity where pid = $1 and {HELD})"
            while True:
                attempt = asyncio.create_task(trying.execute(COMMIT_SOMETHING))
                while not attempt.done():
                    if await looking.fetchval(is_held, backend):
                        await looking.execute("select pg_cancel_backend($1)", backend)
                        await attempt
                        return
                await attempt

    async def holds_an_answer(self) -> bool:
        """Whether somebody has committed and is not answered."""
        async with self.admin() as connection:
            found: bool = await connection.fetchval(f"select exists (select from pg_stat_activity where {HELD})")
        return found

    async def _await_standby(self, name: str) -> None:
        async with self.admin() as connection:
            await connection.execute(f"alter system set synchronous_standby_names = '{name}'")
            await connection.execute("select pg_reload_conf()")

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection as its superuser, as soon as it takes connections."""
        connection = await self._connect()
        try:
            yield connection
        finally:
            connection.terminate()

    async def _connect(self) -> asyncpg.Connection:
        async with asyncio.timeout(30):
            while True:
                with suppress(asyncpg.PostgresError, OSError):
                    return await asyncpg.connect(self.server.admin_url)
                await asyncio.sleep(0.01)


@asynccontextmanager
async def a_cluster() -> AsyncIterator[Cluster]:
    """A PostgreSQL with the schema loaded, for the body."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as directory:
        Path(directory).chmod(0o755)  # noqa: ASYNC240
        server = EmbeddedServer(
            Path(directory), bin_directory=bin_directory(MAJOR_VERSION), configuration=CONFIGURATION
        )
        with server:
            await migrate(server.admin_url)
            await server.set_passwords()
            yield Cluster(server)


@dataclass
class Serving:
    """`countinghouse serve` in a process of its own, always at the same address."""

    settings: Settings
    url: str
    more: dict[str, str] = field(default_factory=dict)
    """Further settings of its process."""
    process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """What it says, however often it is started."""
        return self.settings.data_dir / "serve.log"

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        port = str(httpx.URL(self.url).port)
        given = {
            **({"DATABASE_URL": self.settings.database_url} if self.settings.database_url else {}),
            "DATA_DIR": str(self.settings.data_dir),
            "ENVIRONMENT": "development",
            "PORT": port,
            **self.more,
        }
        env = environment(None, **given)
        nowhere = asyncio.subprocess.DEVNULL
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                PROGRAM, "serve", env=env, stdin=nowhere, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        assert await asyncio.wait_for(self.process.stdout.readline(), 60), "it did not start"

    async def stop(self) -> None:
        """Have it end by itself, if it runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 60)

    async def kill(self) -> None:
        """SIGKILL it: whoever waits for an answer has none."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def serving(cluster: Cluster, **more: str) -> AsyncIterator[Serving]:
    """A server on the cluster, for the body, with further settings where they are given."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(database_url=cluster.server.api_url, data_dir=cluster.server.directory.path)
    server = Serving(settings, f"http://127.0.0.1:{port}", more)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
