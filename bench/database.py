"""The benchmark's own PostgreSQL 18, kept between runs in a directory of its own."""

import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import asyncpg

from bench.dataset import REVISION, Sizes, fill, read_facts
from bench.peers.peer import Place
from bench.works import Facts
from gql.database.embedded import EmbeddedServer
from gql.database.loader import migrate, schema_version

DIRECTORY: Final = Path(".cache/bench")
CONNECTIONS: Final = 16
# As the embedded database is set up, with room for all of the dataset and for the connections of all peers.
CONFIGURATION: Final = {"shared_buffers": "1GB", "max_connections": "150", "autovacuum": "off"}


@dataclass(frozen=True)
class BenchDatabase:
    """The running database: what a peer is told of it, and what only measuring needs."""

    place: Place
    facts: list[Facts]
    postmaster_id: int
    version: str
    programs: Callable[[str], Path]


@asynccontextmanager
async def bench_database(
    sizes: Sizes, directory: Path = DIRECTORY, say: Callable[[str], None] = lambda _: None
) -> AsyncIterator[BenchDatabase]:
    """The database with a dataset of these sizes, for the body; made where there is none, or another one."""
    mark = directory / "dataset.json"
    wanted = {"revision": REVISION, "schema": schema_version(), **asdict(sizes)}
    is_made = mark.exists() and json.loads(mark.read_text()) == wanted
    if not is_made:
        remove(directory)
    async with running(directory) as server:
        if not is_made:
            say(f"Making the dataset: {sizes} (once)")
            await load_schema(server)
        connection = await asyncpg.connect(server.admin_url)
        try:
            if not is_made:
                await fill(connection, sizes)
                mark.write_text(json.dumps(wanted))
            await connection.execute("vacuum")  # what earlier runs rolled back lies in the way of whoever comes first
            facts = await read_facts(connection)
            version = str(await connection.fetchval("show server_version"))
        finally:
            await connection.close()
        yield BenchDatabase(place(server), facts, postmaster_id(server), version, server.program)


@asynccontextmanager
async def running(
    directory: Path, configuration: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[EmbeddedServer]:
    """The database server of a benchmark's directory, for the body."""
    with EmbeddedServer(directory / "postgres", configuration={**CONFIGURATION, **configuration}) as server:
        yield server


@asynccontextmanager
async def empty(
    directory: Path, configuration: Mapping[str, str] = MappingProxyType({}), *, keep: bool = False
) -> AsyncIterator[tuple[EmbeddedServer, asyncpg.Connection]]:
    """A database with our schema and nothing in it, for the body, and a superuser's connection to it. What an
    interrupted run has left there is taken away before, and all of it after, unless it is to be kept."""
    _clear(directory)
    try:
        async with running(directory, configuration) as server:
            await load_schema(server)
            connection = await asyncpg.connect(server.admin_url)
            try:
                yield server, connection
            finally:
                await connection.close()
    finally:
        if not keep:
            _clear(directory)


async def load_schema(server: EmbeddedServer) -> None:
    """What an empty database needs before it can be filled, and before our server can connect."""
    await migrate(server.admin_url)
    await server.set_passwords()


def place(server: EmbeddedServer) -> Place:
    """What a peer is told of the database."""
    return Place(server.admin_url, server.api_url, CONNECTIONS)


def postmaster_id(server: EmbeddedServer) -> int:
    """The process whose descendants are all of PostgreSQL."""
    return int((server.directory.cluster / "postmaster.pid").read_text().split("\n", 1)[0])


def remove(directory: Path) -> None:
    """Take away a dataset of other sizes, or of a schema that has changed since; the keys of our server stay."""
    if (directory / "postgres").exists():
        EmbeddedServer(directory / "postgres").stop_if_abandoned()
        shutil.rmtree(directory / "postgres")
    (directory / "dataset.json").unlink(missing_ok=True)


def _clear(directory: Path) -> None:
    """Take away all of it."""
    remove(directory)
    shutil.rmtree(directory, ignore_errors=True)
