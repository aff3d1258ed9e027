"""The embedded database dies as a whole, by SIGKILL: whoever serves on it starts it again, and nothing is lost."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

import asyncpg
import pytest

from gql.database.embedded import EmbeddedServer
from gql.settings import Settings
from tests.adversity.load import Load, assert_each_once
from tests.adversity.victims import Serving
from tests.database.pooling import until
from tests.harness.command_line import countinghouse, environment
from tests.harness.tenants import make_tenant
from tests.harness.thoroughness import IS_THOROUGH
from tests.test_cli_serve import servers_in

KILLS: Final = 3 if IS_THOROUGH else 2
RECOVERED_WITHIN: Final = 5.0
"""Seconds from the kill to the next answer; the best of several, because the machine has other things to do."""
PATIENCE: Final = 60.0
BUSY: Final = "select count(*) from generate_series(1, 10000000000)"
WORKERS: Final = "select count(*) from pg_stat_activity where application_name like 'countinghouse worker %'"


@pytest.fixture
async def embedded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    """`countinghouse serve` on a database of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Serving(Settings(data_dir=tmp_path_factory.mktemp("embedded")), f"http://127.0.0.1:{port}")
    await server.start()
    yield server
    await server.stop()
    assert servers_in(server.settings.data_dir) == []


def postmaster_of(directory: Path) -> int:
    return int((directory / "cluster" / "postmaster.pid").read_text().split()[0])


async def busy(url: str) -> None:
    """Ask for something that takes hours; the one who asks is cut off before."""
    connection = await asyncpg.connect(url)
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        await connection.execute(BUSY)


async def test_a_postmaster_that_is_killed_is_started_again_and_nothing_is_lost(embedded: Serving) -> None:
    directory = embedded.settings.data_dir
    with EmbeddedServer(directory) as attached:
        admin_url = attached.admin_url
    tenant = await make_tenant(admin_url=admin_url)
    load = await Load.of(embedded.url, embedded.settings, tenant)
    took = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        for _ in range(KILLS):
            await load.more()
            # In the middle of a statement, and with the old shared memory in its hands, somebody is left behind.
            left_behind = tasks.create_task(busy(admin_url))
            await asyncio.sleep(0.1)
            os.kill(postmaster_of(directory), signal.SIGKILL)
            killed_at = monotonic()
            await left_behind
            await load.more(1)
            took.append(monotonic() - killed_at)
        await load.more()
        load.has_ended = True
    assert min(took) <= RECOVERED_WITHIN, took
    connection = await asyncpg.connect(admin_url)
    try:
        await assert_each_once(connection, tenant, load)

        async def works() -> bool:
            return bool(await connection.fetchval(WORKERS) == 1)

        await until(works, "the worker beside the server is back", PATIENCE)
    finally:
        await connection.close()
    said = embedded.log.read_text()
    assert said.count("the embedded PostgreSQL had died; it was started again and recovered in") >= KILLS
    # Without anybody who serves on it, the next command starts it.
    await embedded.kill()
    with suppress(FileNotFoundError, ProcessLookupError):  # the worker may have stopped it already
        os.kill(postmaster_of(directory), signal.SIGKILL)
    doctor = await countinghouse("doctor", env=environment(DATA_DIR=str(directory)))
    assert (doctor.status, doctor.err) == (0, ""), doctor.out
