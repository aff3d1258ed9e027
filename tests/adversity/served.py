"""`countinghouse serve`, as a process that can be sent signals."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gql.settings import Settings
from tests.harness.command_line import PROGRAM
from tests.harness.postgres import TestDatabase

# No ordinary user may set the clock, so Python reads it wrong before anything of ours is loaded.
WRONG_CLOCK: Final = "import time; right = time.time; time.time = lambda: right() + {}; import gql.cli; gql.cli.main()"


@asynccontextmanager
async def served(
    settings: Settings, database: TestDatabase, *, clock_ahead: float = 0.0, environment: str = "development"
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`countinghouse serve` in a process of its own, and its address; the clock of its machine may be wrong."""
    variables = os.environ | {
        "COUNTINGHOUSE_DATABASE_URL": database.api_url,
        "COUNTINGHOUSE_POOL_MODE": database.pool_mode.value,
        "COUNTINGHOUSE_ADMIN_URL": database.admin_url,
        "COUNTINGHOUSE_DATA_DIR": str(settings.data_dir),
        "COUNTINGHOUSE_ENVIRONMENT": environment,
        "COUNTINGHOUSE_PORT": "0",
    }
    command = [str(PROGRAM)] if not clock_ahead else [sys.executable, "-c", WRONG_CLOCK.format(clock_ahead)]
    process = await asyncio.create_subprocess_exec(*command, "serve", env=variables, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    try:
        said = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        yield process, next(word for word in said.split() if word.startswith("http://")).rstrip(";")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
