"""Being asked to stop in the middle of work."""

import asyncio
import signal
from urllib.parse import urlsplit

import httpx

from gql.iam.tokens.access import Tokens
from gql.settings import Settings
from tests.adversity.served import served
from tests.adversity.work import CLIENT_CREATE, COUNT, clients_locked, waiting
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import make_tenant
from tests.http.servers import running


async def test_a_server_that_was_asked_to_stop_is_not_ready_but_serves_until_its_notice_is_over(
    settings: Settings, database: TestDatabase
) -> None:
    async with running(settings, database.api_url, notice=30) as server:
        server.stop()

        async def is_draining() -> bool:
            answer = await server.client.get("/readyz")
            return answer.status_code == 503 and answer.json()["reason"] == "DRAINING"

        await until(is_draining, "readiness fails")
        answer = await server.ask("{ __typename }")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        async with httpx.AsyncClient(base_url=server.url) as newcomer:
            assert (await newcomer.get("/healthz")).status_code == 200
        server.stop()  # the second time ends the notice


async def test_sigterm_lets_running_requests_end_and_closes_the_pools(
    settings: Settings, database: TestDatabase
) -> None:
    tenant = await make_tenant()
    token = Tokens.from_settings(settings).issue(tenant.owner_id, tenant.tenant_id).text

    async with (
        served(settings, database) as (process, url),
        httpx.AsyncClient(base_url=url, timeout=20, headers={"Authorization": f"Bearer {token}"}) as client,
    ):

        def ask(query: str, **variables: object) -> asyncio.Task[httpx.Response]:
            return asyncio.create_task(client.post("/graphql", json={"query": query, "variables": variables}))

        async def refuses() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
            except OSError:
                return True
            writer.close()
            return False

        async with clients_locked():
            read = ask(COUNT)
            write = ask(CLIENT_CREATE, input={"name": "At the last moment"})
            await until(lambda: waiting(2), "the requests wait in the database")
            process.send_signal(signal.SIGTERM)
            await until(refuses, "no new connection is taken")
            assert process.returncode is None
        assert (await read).json().keys() == {"data"}
        assert (await write).json().keys() == {"data"}
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    async with as_superuser() as connection:
        made = await connection.fetchval("select count(*) from billing.clients where tenant_id = $1", tenant.tenant_id)
    assert made == 1
