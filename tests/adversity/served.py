"""`countinghouse serve`, as a process that can be sent signals."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gql.settings import Settings
from tests.harness.postgres import TestDatabase


@asynccontextmanager
async def served(settings: Settings, database: TestDatabase) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`countinghouse serve` in a process of its own, and its address."""
    environment = os.environ | {
        "COUNTINGHOUSE_DATABASE_URL": database.api_url,
        "COUNTINGHOUSE_ADMIN_URL": database.admin_url,
        "COUNTINGHOUSE_DATA_DIR": str(settings.data_dir),
        "COUNTINGHOUSE_ENVIRONMENT": "development",
        "COUNTINGHOUSE_PORT": "0",
    }
    command = Path(sys.executable).with_name("countinghouse")
    process = await asyncio.create_subprocess_exec(command, "serve", env=environment, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        said = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        yield process, next(word for word in said.split() if word.startswith("http://")).rstrip(";")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
