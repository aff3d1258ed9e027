"""The database that a command works on: the embedded one, started for as long as the command runs, or the one that
the settings name."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache

import asyncpg

from gql.cli.console import CommandFailed, progress_bar
from gql.database.embedded import EmbeddedServer, guarded
from gql.database.loader import MigrationReport, migrate
from gql.database.pool.servers import connect
from gql.database.sources import schema_sources
from gql.settings import Settings


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the database is: as the role that the server connects as, and as its superuser and as the worker, where
    those are known."""

    api_url: str
    admin_url: str | None
    worker_url: str | None = None
    server: EmbeddedServer | None = None

    def demand_admin_url(self) -> str:
        """The superuser's address. Raises CommandFailed where it is not known."""
        if self.admin_url is None:
            raise CommandFailed(
                "This needs a superuser's address of the database in COUNTINGHOUSE_ADMIN_URL,"
                " beside COUNTINGHOUSE_DATABASE_URL.",
                2,
            )
        return self.admin_url

    def kept_alive(self) -> AbstractContextManager[None]:
        """While the body runs, an embedded database that dies is started again. One that the settings name is its own
        operator's affair."""
        return nullcontext() if self.server is None else guarded(self.server)

    def demand_worker_url(self) -> str:
        """The worker's address. Raises CommandFailed where it is not known."""
        if self.worker_url is None:
            raise CommandFailed(
                "This needs the database's address as countinghouse_worker in COUNTINGHOUSE_WORKER_URL,"
                " beside COUNTINGHOUSE_DATABASE_URL.",
                2,
            )
        return self.worker_url


@cache
def the_settings() -> Settings:
    """The settings of this process; raises SettingsError with everything that is wrong with them."""
    return Settings.from_environment()


@contextmanager
def the_database(settings: Settings, *, make: bool = False, load: bool = True) -> Iterator[Addresses]:
    """The database, for the body. The embedded one is started, and stopped at the end unless another process uses it.

    With `make` it is made where there is none, which otherwise raises CommandFailed: whoever stands in the wrong
    directory shall not find a new database there. With `load` it is loaded if it is empty, and refused (MigrationError)
    if it is of another version; without, it is taken as it is.
    """
    if settings.database_url is not None:
        yield Addresses(settings.database_url, settings.admin_url, settings.worker_url)
        return
    server = EmbeddedServer(settings.data_dir)
    if not make and not server.directory.cluster.exists():
        raise CommandFailed(
            f"There is no database in {server.directory.path}. `countinghouse serve` makes one there;"
            " COUNTINGHOUSE_DATA_DIR names another directory, COUNTINGHOUSE_DATABASE_URL a database elsewhere."
        )
    try:
        server.start()
        if load:
            load_schema(server.admin_url)
            asyncio.run(server.set_passwords())
        yield Addresses(server.api_url, server.admin_url, server.worker_url, server)
    finally:
        with _undisturbed():
            server.stop()
            with suppress(OSError):  # of a directory that could not be made there is nothing to stop
                if server.is_running:
                    server.stop_if_abandoned()


def load_schema(admin_url: str) -> MigrationReport:
    """Load the schema if the database is empty, with a progress bar. Raises MigrationError."""
    with progress_bar("Loading the schema", len(schema_sources())) as advance:
        return asyncio.run(migrate(admin_url, lambda number, total, name: advance(1)))


@asynccontextmanager
async def admin_connection(addresses: Addresses) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to a loaded database, for what only the operator of the house may do."""
    connection = await connect(addresses.demand_admin_url(), timeout=10)
    try:
        if await connection.fetchval("select to_regclass('iam.tenants') is null"):
            raise CommandFailed("The database is empty. Run `countinghouse migrate` first.")
        yield connection
    finally:
        await connection.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not leave the database half stopped."""
    before: dict[signal.Signals, Callable[..., object] | int | None] = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        before[number] = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
