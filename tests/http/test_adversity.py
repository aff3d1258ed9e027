"""Bad days: clients that go away, a database that is down, and being asked to stop in the middle of work."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from gql.iam.tokens.access import Tokens
from gql.settings import Settings
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.proxy import proxy_before
from tests.harness.tenants import Tenant, make_tenant
from tests.http.servers import Running, refusal, running

COUNT = "{ clients { totalCount } }"
CLIENT_CREATE = "mutation ($input: ClientCreateInput!) { clientCreate(input: $input) { client { id } } }"
WAITING = "select count(*) from pg_stat_activity where usename = 'countinghouse_api' and wait_event_type = 'Lock'"


@asynccontextmanager
async def clients_locked() -> AsyncIterator[None]:
    """Nobody can read or write clients during the body: what asks for them waits."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("lock table billing.clients in access exclusive mode")
        yield


async def waiting(number: int) -> bool:
    """Whether so many statements of the server's wait for a lock."""
    async with as_superuser() as connection:
        return bool(await connection.fetchval(WAITING) == number)


async def send_and_do_not_read(server: Running, token: str, query: str, **variables: object) -> asyncio.StreamWriter:
    """Send a request over a connection that is only good for hanging up."""
    place = urlsplit(server.url)
    _, writer = await asyncio.open_connection(place.hostname, place.port)
    body = json.dumps({"query": query, "variables": variables}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return writer


def counted(metrics: str, series: str) -> float:
    """The figure of a series in the text of /metrics."""
    return next((float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(series)), 0.0)


async def test_a_client_that_goes_away_cancels_its_statement_and_the_connection_is_used_again(
    server: Running,
) -> None:
    tenant = await make_tenant()
    token = server.token(tenant.owner, tenant)
    gone = 'countinghouse_requests_total{code="CLIENT_GONE",kind="query"}'
    before = counted((await server.client.get("/metrics")).text, gone)
    await server.ask(COUNT, token=token)
    opened = server.app.database.reads.statistics.opened
    async with clients_locked():
        writer = await send_and_do_not_read(server, token, COUNT)
        await until(lambda: waiting(1), "the read waits in the database")
        writer.close()
        # Well before the lock time-out of three seconds, and while the lock is still held.
        async with asyncio.timeout(2):
            await until(lambda: waiting(0), "the statement was cancelled")
    answer = await server.ask(COUNT, token=token)
    assert answer.json() == {"data": {"clients": {"totalCount": 0}}}
    assert server.app.database.reads.statistics.opened == opened
    assert counted((await server.client.get("/metrics")).text, gone) == before + 1


async def test_a_mutation_runs_to_its_end_when_its_client_goes_away(server: Running) -> None:
    tenant = await make_tenant()
    token = server.token(tenant.owner, tenant)
    async with clients_locked():
        write = await send_and_do_not_read(server, token, CLIENT_CREATE, input={"name": "Left Behind"})
        await until(lambda: waiting(1), "the write waits in the database")
        read = await send_and_do_not_read(server, token, COUNT)
        await until(lambda: waiting(2), "the read waits beside it")
        write.close()
        read.close()
        # The read began later and is cancelled: by then the server has noticed that the other client went, too.
        await until(lambda: waiting(1), "the read was cancelled")

    async def it_is_there() -> bool:
        answer = await server.ask(COUNT, token=token)
        return bool(answer.json()["data"]["clients"]["totalCount"] == 1)

    await until(it_is_there, "the client was made")


@pytest.fixture
async def down(settings: Settings, database: TestDatabase) -> AsyncIterator[Running]:
    """A server in production whose database is not there."""
    async with running(replace(settings, environment="production"), database_is_not_there(database)) as server:
        yield server


def database_is_not_there(database: TestDatabase) -> str:
    address = urlsplit(database.api_url)
    return address._replace(netloc=f"{address.username}:{address.password}@127.0.0.1:1").geturl()


async def test_without_a_database_every_question_for_it_is_answered_503(down: Running, house: Tenant) -> None:
    token = down.token(house.owner, house)
    sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }"
    for accept in ("application/json", "application/graphql-response+json"):
        answer = await down.ask(COUNT, token=token, accept=accept)
        assert refusal(answer) == (503, "UNAVAILABLE", "DATABASE_UNREACHABLE")
        assert int(answer.headers["retry-after"]) > 0
    answer = await down.ask(sign_in, variables={"input": {"email": "a@example.org", "password": "long enough it is"}})
    assert answer.json()["errors"][0]["extensions"]["reason"] == "DATABASE_UNREACHABLE"
    assert (await down.ask("{ __typename }")).json() == {"data": {"__typename": "Query"}}


async def test_without_a_database_the_process_is_alive_and_not_ready(down: Running) -> None:
    assert (await down.client.get("/healthz")).status_code == 200
    answer = await down.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "reason": "DATABASE_UNREACHABLE"})
    assert (await down.client.get("/metrics")).status_code == 200


async def test_a_database_that_goes_and_comes_back_is_noticed(settings: Settings, database: TestDatabase) -> None:
    tenant = await make_tenant()
    async with proxy_before(database.api_url) as proxy, running(settings, proxy.address(database.api_url)) as server:
        token = server.token(tenant.owner, tenant)
        assert (await server.ask(COUNT, token=token)).status_code == 200
        assert (await server.client.get("/readyz")).json() == {"status": "ok"}
        proxy.shut()
        assert refusal(await server.ask(COUNT, token=token)) == (503, "UNAVAILABLE", "DATABASE_UNREACHABLE")
        assert (await server.client.get("/readyz")).status_code == 503
        await proxy.open()
        assert (await server.ask(COUNT, token=token)).status_code == 200
        assert (await server.client.get("/readyz")).json() == {"status": "ok"}


async def test_a_server_that_was_asked_to_stop_is_not_ready_but_serves_until_its_notice_is_over(
    settings: Settings, database: TestDatabase
) -> None:
    async with running(settings, database.api_url, notice=30) as server:
        server.stop()

        async def is_draining() -> bool:
            answer = await server.client.get("/readyz")
            return answer.status_code == 503 and answer.json()["reason"] == "DRAINING"

        await until(is_draining, "readiness fails")
        assert (await server.ask("{ __typename }")).status_code == 200
        async with httpx.AsyncClient(base_url=server.url) as newcomer:
            assert (await newcomer.get("/healthz")).status_code == 200
        server.stop()  # the second time ends the notice


@asynccontextmanager
async def served(settings: Settings, database: TestDatabase) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`countinghouse serve` in a process of its own, and its address."""
    environment = os.environ | {
        "COUNTINGHOUSE_DATABASE_URL": database.api_url,
        "COUNTINGHOUSE_POOL_MODE": database.pool_mode.value,
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
