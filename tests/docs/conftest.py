"""A PostgreSQL with nothing in it, as somebody who follows a page has it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gql.database.embedded import EmbeddedServer
from tests.harness.command_line import PROGRAM, environment
from tests.harness.postgres import MAJOR_VERSION, PREFIX, bin_directory


@pytest.fixture(scope="module")
def empty_server() -> Iterator[EmbeddedServer]:
    with tempfile.TemporaryDirectory(prefix=PREFIX) as directory:
        Path(directory).chmod(0o755)
        configuration = {"fsync": "off", "shared_buffers": "64MB"}
        with EmbeddedServer(
            Path(directory), bin_directory=bin_directory(MAJOR_VERSION), configuration=configuration
        ) as server:
            yield server


@pytest.fixture
def operator(empty_server: EmbeddedServer, tmp_path: Path) -> dict[str, str]:
    """The environment that docs/operate.md begins with."""
    env = environment(
        ADMIN_URL=empty_server.admin_url,
        DATABASE_URL=empty_server.api_url,
        WORKER_URL=empty_server.worker_url,
        DATA_DIR=str(tmp_path / "data"),
        ENVIRONMENT="development",  # which has no notice to wait for
        PORT="0",
    )
    env["PATH"] = f"{PROGRAM.parent}:{env['PATH']}"
    return env
