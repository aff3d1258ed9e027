"""A suspended organisation is refused at once on a running server, whatever the server remembers of its people."""

import asyncio
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gql.tenants.export import export_tenant
from gql.tenants.manifest import verify
from gql.tenants.offboarding import remove
from tests.harness.actors import as_superuser
from tests.harness.tenants import Tenant, make_person, make_tenant
from tests.harness.verbs import call
from tests.http.apps import GRANT, made
from tests.http.servers import Running, refusal

READ: Final = "{ clients { totalCount } organisation { slug } }"
WRITE: Final = 'mutation { clientCreate(input: {name: "Late"}) { client { id } } }'
SUSPENDED: Final = (401, "UNAUTHENTICATED", "TENANT_SUSPENDED")


async def suspend(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await call(connection, "iam.tenant_suspend", slug=tenant.slug, reason="Unpaid since March")


async def resume(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await call(connection, "iam.tenant_resume", slug=tenant.slug)


async def clients(server: Running, tenant: Tenant, token: str) -> Any:
    answer = await server.ask(READ, token=token)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["clients"]["totalCount"]


@pytest.mark.parametrize("document", [READ, "{ clients { totalCount } }", WRITE])
async def test_the_very_next_request_is_refused_and_the_next_after_resuming_answered(
    document: str, server: Running, tenant: Tenant
) -> None:
    token = server.token(tenant.owner, tenant)
    assert (await server.ask(WRITE, token=token)).json()["data"]
    assert await clients(server, tenant, token) == 1  # and is remembered
    await suspend(tenant)
    answer = await server.ask(document, token=token)
    assert refusal(answer) == SUSPENDED
    assert "Unpaid" not in answer.text
    assert tenant.slug not in answer.text
    await resume(tenant)
    async with asyncio.timeout(5):
        while refused(again := await server.ask(READ, token=token)):  # noqa: ASYNC110 - the refusal is remembered
            await asyncio.sleep(0.05)
    assert again.json()["data"]["clients"]["totalCount"] == 1, "all is as it was"


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 401


async def test_no_request_that_begins_after_the_suspension_is_answered(server: Running, tenant: Tenant) -> None:
    """Many at once over all connections, each of which may stand in the organisation already."""
    token = server.token(tenant.owner, tenant)
    is_suspended = False
    late: list[httpx.Response] = []

    async def ask_again_and_again() -> None:
        for _ in range(30):
            begun_late = is_suspended
            answer = await server.ask(READ, token=token)
            if begun_late:
                late.append(answer)

    asking = [asyncio.create_task(ask_again_and_again()) for _ in range(8)]
    await asyncio.sleep(0.05)
    await suspend(tenant)
    is_suspended = True
    await asyncio.gather(*asking)
    assert len(late) > 8
    assert {refusal(answer) for answer in late} == {SUSPENDED}


async def test_an_owner_asks_over_the_api_that_the_organisation_be_removed(server: Running, tenant: Tenant) -> None:
    ask = "mutation ($wanted: Boolean!) { organisationOffboardRequest(input: {wanted: $wanted})"
    ask += " { organisation { slug offboardRequestedAt } } }"
    token = server.token(tenant.owner, tenant)
    for wanted in (True, False):
        answer = (await server.ask(ask, token=token, variables={"wanted": wanted})).json()
        told = answer["data"]["organisationOffboardRequest"]["organisation"]
        assert (told["slug"], told["offboardRequestedAt"] is not None) == (tenant.slug, wanted)
    viewer = await make_person(tenant, "viewer")
    answer = await server.ask("{ organisation { offboardRequestedAt } }", token=server.token(viewer, tenant))
    assert answer.json()["errors"][0]["extensions"]["reason"] == "PERMISSION_MISSING"


async def test_an_app_is_refused_with_its_token_and_gets_no_other(server: Running, tenant: Tenant) -> None:
    app = await made(server, server.token(tenant.owner, tenant), ["billing:read"])

    async def ask_for_token() -> httpx.Response:
        return await server.client.post("/oauth/token", data=GRANT, headers=app.basic)

    token = (await ask_for_token()).json()["access_token"]
    assert (await server.ask("{ clients { totalCount } }", token=token)).status_code == 200
    await suspend(tenant)
    assert refusal(await server.ask("{ clients { totalCount } }", token=token)) == SUSPENDED
    assert (await ask_for_token()).status_code == 401


async def test_others_notice_nothing(server: Running, tenant: Tenant) -> None:
    other = await make_tenant("Bellwether Yarns")
    token = server.token(other.owner, other)
    await clients(server, other, token)
    await suspend(tenant)
    assert await clients(server, other, token) == 0


async def test_a_stranger_is_told_nothing_of_a_suspension(server: Running, tenant: Tenant) -> None:
    stranger = await make_tenant("Bellwether Yarns")
    await suspend(tenant)
    token = server.token(stranger.owner, tenant)
    assert refusal(await server.ask(READ, token=token)) == (401, "UNAUTHENTICATED", "MEMBERSHIP_GONE")


async def test_who_is_left_behind_by_an_offboarding_is_refused_and_others_are_served(
    server: Running, tenant: Tenant, tmp_path: Path
) -> None:
    """Connections may stand in the role that is dropped."""
    other = await make_tenant("Bellwether Yarns")
    tokens = [server.token(each.owner, each) for each in (tenant, other)]
    await asyncio.gather(*(clients(server, tenant, tokens[0]) for _ in range(10)))
    await suspend(tenant)
    assert refusal(await server.ask(READ, token=tokens[0])) == SUSPENDED
    async with as_superuser() as connection:
        await export_tenant(connection, tenant.tenant_id, tmp_path / "out", "jsonl")
        await remove(connection, tenant.tenant_id, *verify(tmp_path / "out"), "a test")
    for _ in range(20):
        assert await clients(server, other, tokens[1]) == 0
    await server.app.database.warm()
    assert await clients(server, other, tokens[1]) == 0
    async with asyncio.timeout(5):
        while refusal(await server.ask(READ, token=tokens[0]))[2] != "MEMBERSHIP_GONE":  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
