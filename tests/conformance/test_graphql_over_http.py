"""The GraphQL over HTTP specification, as its reference implementation audits it."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from gql.settings import Settings
from tests.harness.postgres import TestDatabase
from tests.http.servers import running

CLIENTS = Path(__file__).parents[1] / "clients"
NODE = shutil.which("node")
AUDITS = 61


@pytest.mark.skipif(
    NODE is None or not (CLIENTS / "node_modules" / "graphql-http").is_dir(),
    reason="needs node, and `npm ci` in tests/clients",
)
async def test_every_audit_of_graphql_http_passes_when_a_stranger_asks(
    settings: Settings, database: TestDatabase
) -> None:
    assert NODE is not None
    async with running(settings, database.api_url) as server:
        process = await asyncio.create_subprocess_exec(
            NODE, "audits.mjs", f"{server.url}/graphql", cwd=CLIENTS, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    assert process.returncode == 0
    results = json.loads(output)
    assert [each for each in results if each["status"] != "ok"] == []
    assert len({each["id"] for each in results}) == AUDITS
