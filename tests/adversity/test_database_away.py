"""A database that is not there, or goes and comes back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from gql.settings import Settings
from tests.adversity.work import COUNT
from tests.harness.postgres import TestDatabase
from tests.harness.proxy import proxy_before
from tests.harness.tenants import Tenant, make_tenant
from tests.http.servers import Running, refusal, running


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
