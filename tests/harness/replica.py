"""A primary and the standby that follows it: two PostgreSQL of a test's own, which it may hold up, promote and kill."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from bench.measure import with_descendants
from gql.database.embedded import EmbeddedServer
from gql.database.embedded.cluster import program_environment
from gql.database.embedded.unprivileged import choose_server_user, open_the_way
from gql.database.loader import migrate
from tests.database.pooling import until
from tests.harness.postgres import MAJOR_VERSION, PREFIX, bin_directory

PLACE: Final = Path(__file__).parents[2] / "deploy" / "replica"


def settings_of(page: str) -> dict[str, str]:
    """The settings of one of the files that operators are given."""
    lines = [line for line in (PLACE / page).read_text().splitlines() if line and not line.startswith("#")]
    return {name: value.strip("'") for name, _, value in (line.partition(" = ") for line in lines)}


# Neither needs to outlive a power cut; what a commit wrote outlives a crash. Whom a commit waits for, each test says.
BRIEF: Final = {"fsync": "off", "shared_buffers": "64MB", "max_wal_size": "512MB", "synchronous_standby_names": ""}
OF_PRIMARY: Final = settings_of("postgresql.primary.conf") | BRIEF
OF_STANDBY: Final = OF_PRIMARY | settings_of("postgresql.standby.conf") | BRIEF
PATIENCE: Final = 60.0
NAME: Final = "two"
"""What a standby calls itself to its primary."""
REPLAYED: Final = "select pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
POSITION: Final = "select pg_current_wal_flush_lsn()::text"


@dataclass
class Member:
    """One server of the two."""

    server: EmbeddedServer

    @property
    def place(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self.server.port}"

    async def ask(self, sql: str, *values: Any) -> Any:
        """The first value of a question, asked as its superuser."""
        async with self.admin() as connection:
            return await connection.fetchval(sql, *values)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection as its superuser, as soon as it takes connections."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(asyncpg.PostgresError, OSError):
                    connection = await asyncpg.connect(self.server.admin_url)
                    break
                await asyncio.sleep(0.02)
        try:
            yield connection
        finally:
            connection.terminate()

    async def set(self, name: str, value: str) -> None:
        """Change one of its settings that need no restart, and wait until it counts."""
        async with self.admin() as connection:
            await connection.execute(f"alter system set {name} = '{value}'")
            await connection.execute("select pg_reload_conf()")

            async def counts() -> bool:
                await asyncio.sleep(0.01)
                found: str = await connection.fetchval("select current_setting($1)", name)
                return found == value

            await until(counts, f"{name} counts", PATIENCE)

    async def forget(self, name: str) -> None:
        """Leave nothing of a standby that is gone."""
        async with self.admin() as connection:

            async def is_free() -> bool:
                await asyncio.sleep(0.01)
                found = await connection.fetchval("select active from pg_replication_slots where slot_name = $1", name)
                return not found

            await until(is_free, "nobody streams any more", PATIENCE)
            await connection.execute(
                f"select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{name}'"
            )
            await connection.execute("drop role if exists replicator")

    async def promote(self) -> None:
        """Make the standby a primary, as an operator does, and wait until it takes writes."""
        await asyncio.to_thread(self._control, "promote")

    async def come_back(self) -> None:
        """Start it again after it was killed, as what it was."""
        await asyncio.to_thread(self.server.stop)
        await asyncio.to_thread(self.server.start)

    def signal(self, number: int) -> None:
        """Send all its processes a signal."""
        running = self.server._postmaster()
        assert running is not None
        for process in with_descendants([running.pid]):
            os.kill(process, number)

    def kill(self) -> None:
        """SIGKILL its postmaster; all its processes go with it."""
        running = self.server._postmaster()
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        assert self.server._process is not None
        self.server._process.wait()

    def _control(self, *command: str) -> None:
        run_as_server(self.server, "pg_ctl", *command, "-D", self.server.directory.cluster, "-w")


@dataclass
class Pair:
    """The two of them, in the roles that they began with."""

    primary: Member
    standby: Member

    def address(self, url: str) -> str:
        """The address with both servers in it, the one that began as the primary first."""
        login, _, rest = url.rpartition("@")
        return f"{login}@{self.primary.place},{self.standby.place}/{rest.partition('/')[2]}"

    async def caught_up(self) -> None:
        """Wait until the standby has replayed all that the primary has written."""
        position = await self.primary.ask(POSITION)
        async with self.standby.admin() as connection:

            async def has_it() -> bool:
                await asyncio.sleep(0.01)
                return bool(await connection.fetchval(REPLAYED, position))

            await until(has_it, "the standby has replayed all", PATIENCE)

    @asynccontextmanager
    async def held_up(self) -> AsyncIterator[None]:
        """In the body the standby receives what the primary writes, and replays nothing of it."""
        await self.standby.ask("select pg_wal_replay_pause()")
        try:
            await until(self._is_held_up, "the standby replays nothing", PATIENCE)
            yield
        finally:
            await self.standby.ask("select pg_wal_replay_resume()")

    async def _is_held_up(self) -> bool:
        return bool(await self.standby.ask("select pg_get_wal_replay_pause_state() = 'paused'"))


def run_as_server(server: EmbeddedServer, program: str, *arguments: str | Path, password: str = "") -> None:
    """Run one of PostgreSQL's programs as the user that the server runs as: it may not be root."""
    user = choose_server_user(server.directory.cluster)
    subprocess.run(
        [server.program(program), *arguments],
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=program_environment() | ({"PGPASSWORD": password} if password else {}),
        **user.popen_arguments,
    )


def follow(primary: EmbeddedServer, standby: EmbeddedServer) -> None:
    """Make the standby of this primary by pg_basebackup, as deploy/replica/README.md has it; it is not yet started."""
    user = choose_server_user(primary.directory.cluster)
    standby.directory.make(private=not user.switch)
    for secret in ("admin_password", "api_password", "worker_password"):
        standby.directory.write(f"secrets/{secret}", primary.directory.secret(secret), mode=0o600)
    cluster = standby.directory.cluster
    cluster.mkdir(mode=0o700)
    os.chown(cluster, user.uid, user.gid)
    open_the_way(user, (cluster,))
    options: list[str | Path] = ["--pgdata", cluster, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
    slot = ["--create-slot", f"--slot={NAME}"]
    run_as_server(standby, "pg_basebackup", *options, *slot, "--dbname", stream_from(primary, NAME))


def stream_from(primary: EmbeddedServer, name: str) -> str:
    """How a standby of this name connects to its primary."""
    password = primary.directory.secret("replicator_password")
    return f"host=127.0.0.1 port={primary.port} user=replicator application_name={name} password={password}"


def follow_again(old: EmbeddedServer, primary: EmbeddedServer, name: str) -> None:
    """Make of an old primary, which was stopped, a standby of the new one by pg_rewind: what nobody else has is thrown
    away."""
    password = primary.directory.secret("admin_password")
    source = f"host=127.0.0.1 port={primary.port} user=postgres password={password} dbname=postgres"
    cluster = old.directory.cluster
    run_as_server(old, "pg_rewind", "--target-pgdata", cluster, "--no-sync", "--source-server", source)
    (cluster / "standby.signal").touch()
    with (cluster / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"primary_conninfo = '{stream_from(primary, name)}'\nprimary_slot_name = '{name}'\n")


@asynccontextmanager
async def a_standby(primary: EmbeddedServer) -> AsyncIterator[Member]:
    """A standby of this primary, for the body."""
    standby = a_server(OF_STANDBY)
    password = primary.directory.secret("replicator_password")
    await Member(primary).ask(f"create role replicator login replication password '{password}'")
    try:
        await asyncio.to_thread(follow, primary, standby)
        standby.directory.write("secrets/replicator_password", password, mode=0o600)
        await asyncio.to_thread(standby.start)
        yield Member(standby)
    finally:
        await asyncio.to_thread(remove, standby)


@asynccontextmanager
async def a_pair() -> AsyncIterator[Pair]:
    """A primary with the schema loaded, and its standby, for the body."""
    primary = a_server(OF_PRIMARY)
    try:
        await asyncio.to_thread(primary.start)
        await migrate(primary.admin_url)
        await primary.set_passwords()
        async with a_standby(primary) as standby:
            yield Pair(Member(primary), standby)
    finally:
        await asyncio.to_thread(remove, primary)


def a_server(configuration: Mapping[str, str]) -> EmbeddedServer:
    """One that is not yet made. Where a run that is killed leaves it, the next one clears it away."""
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    directory.chmod(0o755)
    return EmbeddedServer(directory, bin_directory=bin_directory(MAJOR_VERSION), configuration=configuration)


def remove(server: EmbeddedServer) -> None:
    """Stop it, and leave nothing."""
    server.stop()
    server.stop_if_abandoned()
    shutil.rmtree(server.directory.path, ignore_errors=True)
