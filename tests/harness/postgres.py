"""The real PostgreSQL that the tests run on: the embedded 18, or with COUNTINGHOUSE_TEST_POSTGRES=15 Debian's 15.

It is started and loaded when a test first asks for it, and serves the whole run. With COUNTINGHOUSE_TEST_POOLER=1 all
that a server asks of it goes through PgBouncer in transaction mode; what tests ask as somebody else does not.
"""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gql.database.embedded import EmbeddedServer
from gql.database.embedded.cluster import EmbeddedServerError
from gql.database.loader import migrate
from gql.database.pool.options import DatabaseOptions, PoolMode
from tests.harness.pooler import IS_ASKED_FOR, Pooler, stop_abandoned

MAJOR_VERSION: Final = int(os.environ.get("COUNTINGHOUSE_TEST_POSTGRES", "18"))
PREFIX: Final = "countinghouse-test-"
# Nothing of a test run needs to outlive a power cut.
CONFIGURATION: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
}


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """Where the database of this run is: as its superuser, as the server connects to it, and as the worker does."""

    __test__ = False

    admin_url: str
    api_url: str
    """As countinghouse_api, through the pooler where the run has one; `pool_mode` goes with it."""
    worker_url: str
    server: EmbeddedServer
    pool_mode: PoolMode

    @property
    def session_url(self) -> str:
        """As countinghouse_api, on a session of PostgreSQL's own in any run."""
        return self.server.api_url

    @property
    def analyst_url(self) -> str | None:
        """Where analysts are told to connect, where that is not as the server does."""
        return self.session_url if self.pool_mode is PoolMode.TRANSACTION else None

    def options(self, **more: Any) -> DatabaseOptions:
        """How a server's pools connect to the database of this run."""
        return DatabaseOptions(**{"url": self.api_url, "mode": self.pool_mode, **more})


def bin_directory(major_version: int) -> Path | None:
    """Debian's programs of a version; None for 18, which is the wheel's. Raises where they are not installed."""
    if major_version == 18:
        return None
    directory = Path(f"/usr/lib/postgresql/{major_version}/bin")
    if not (directory / "postgres").is_file():
        raise EmbeddedServerError(f"COUNTINGHOUSE_TEST_POSTGRES={major_version}, but {directory} has no postgres.")
    return directory


_server: EmbeddedServer | None = None
_pooler: Pooler | None = None
_database: TestDatabase | None = None
_starting = asyncio.Lock()


async def the_database() -> TestDatabase:
    """The database of this run, started and loaded at the first call."""
    global _database, _pooler, _server
    async with _starting:
        if _database is None:
            _remove_abandoned()
            directory = Path(tempfile.mkdtemp(prefix=PREFIX))
            _server = EmbeddedServer(directory, bin_directory=bin_directory(MAJOR_VERSION), configuration=CONFIGURATION)
            _server.start()
            await migrate(_server.admin_url)
            await _server.set_passwords()
            url, mode = _server.api_url, PoolMode.SESSION
            if IS_ASKED_FOR:
                _pooler = Pooler(directory / "pooler", url)
                await _pooler.start(_server.admin_url)
                url, mode = _pooler.address(url), PoolMode.TRANSACTION
            _database = TestDatabase(_server.admin_url, url, _server.worker_url, _server, mode)
    return _database


@contextmanager
def stands_in(database: TestDatabase) -> Iterator[None]:
    """In the body everybody who asks for the database of this run is given this one: for tests that kill theirs. No
    fixture of the whole session may be made meanwhile that asks for it."""
    global _database
    before, _database = _database, database
    try:
        yield
    finally:
        _database = before


def stop_the_database() -> None:
    """End of the run: nothing stays behind."""
    global _database, _pooler, _server
    if _pooler is not None:
        _pooler.stop()
    if _server is not None:
        _server.stop()
        shutil.rmtree(_server.directory.path, ignore_errors=True)
    _database = _pooler = _server = None


def _remove_abandoned() -> None:
    """Clear away what runs that were killed have left."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):  # another run may end at this moment
            if path.stat().st_uid == os.geteuid() and (path / "users.lock").exists():
                server = EmbeddedServer(path)
                server.stop_if_abandoned()
                # One that a test has killed, and will start again, does not run and is not abandoned.
                with suppress(BlockingIOError), server.directory.lock("users", fcntl.LOCK_EX | fcntl.LOCK_NB):
                    if not server.is_running:
                        stop_abandoned(path / "pooler")
                        shutil.rmtree(path, ignore_errors=True)
