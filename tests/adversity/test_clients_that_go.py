"""Clients that go away before they are answered: what reads stops, what writes is done."""

import asyncio
import json
from urllib.parse import urlsplit

from tests.adversity.work import CLIENT_CREATE, COUNT, clients_locked, counted, waiting
from tests.database.pooling import until
from tests.harness.tenants import make_tenant
from tests.http.servers import Running


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
