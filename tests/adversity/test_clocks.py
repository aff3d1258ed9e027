"""Clocks that are not the same: of our machines, of the database, of issuers of tokens, and of devices that show codes.

What a token says, and which code a device shows, is judged by the clock of the server that is asked. Everything else
(refresh tokens, codes, invites, keys of requests, when something was made) hangs on the database's clock alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import httpx
import pyotp
import pytest

from gql.iam.issuers import foreign_tokens
from gql.iam.keys.signing import Keys
from gql.iam.tokens import access
from gql.iam.tokens.access import LIFE_SECONDS, Tokens
from gql.settings import Settings
from tests.adversity.kinds import REFRESH, SIGN_IN
from tests.adversity.served import served
from tests.adversity.work import COUNT, counted
from tests.harness.issuer import Issuer, an_issuer
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import PASSWORD, Tenant, make_tenant
from tests.http.servers import Running, refusal, running

BEHIND: Final = -90
"""Seconds: more than anybody's leeway, and less than the life of a token."""
SLACK: Final = 8
"""Seconds that a test may take, and by which what it gives is away from the limit."""
CREATE: Final = "mutation ($name: String!) { clientCreate(input: {name: $name}) { client { id createdAt } } }"
ENROL: Final = 'mutation { totpEnrol(input: {name: "Telephone"}) { device secret } }'
CONFIRM: Final = """mutation ($device: ID!, $code: String!) {
    totpConfirm(input: {device: $device, code: $code}) { recoveryCodes } }"""
TRUST: Final = """mutation ($issuer: String!) { trustedIssuerCreate(input:
    {name: "Our login", issuer: $issuer, roles: {staff: "operator"}}) { trustedIssuer { id } } }"""


@pytest.fixture(scope="module")
async def behind(settings: Settings, database: TestDatabase) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another server of the same house, whose clock is behind."""
    async with (
        served(settings, database, clock_ahead=BEHIND) as (_, url),
        httpx.AsyncClient(base_url=url, timeout=20) as client,
    ):
        yield client


async def ask(
    client: httpx.AsyncClient, query: str, token: str | None = None, key: str | None = None, **variables: Any
) -> httpx.Response:
    headers = {"Accept": "application/graphql-response+json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Idempotency-Key": key} if key else {}
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def signed_in(client: httpx.AsyncClient, tenant: Tenant) -> dict[str, str]:
    given = {"email": tenant.owner_email, "password": PASSWORD}
    answer = await ask(client, SIGN_IN, input=given)
    assert answer.json().keys() == {"data"}, answer.text
    held: dict[str, str] = answer.json()["data"]["signIn"]
    return held


# Tokens of ours


@pytest.mark.parametrize(
    ("ahead", "reason"),
    [
        (access.LEEWAY_SECONDS - SLACK, None),
        (access.LEEWAY_SECONDS + SLACK, "TOKEN_INVALID"),
        (-LIFE_SECONDS - access.LEEWAY_SECONDS + SLACK, None),
        (-LIFE_SECONDS - access.LEEWAY_SECONDS - SLACK, "TOKEN_EXPIRED"),
    ],
    ids=["a-little-ahead", "far-ahead", "just-over", "long-over"],
)
async def test_a_token_of_another_server_is_believed_as_far_as_its_clock_may_be_wrong(
    server: Running, house: Tenant, ahead: int, reason: str | None
) -> None:
    settings = server.settings
    elsewhere = Tokens(
        Keys.from_settings(settings),
        issuer=settings.issuer,
        audience=settings.audience,
        clock=lambda: time.time() + ahead,
    )
    answer = await server.ask(COUNT, token=elsewhere.issue(house.owner_id, house.tenant_id).text)
    if reason is None:
        assert answer.json().keys() == {"data"}
    else:
        assert refusal(answer) == (401, "UNAUTHENTICATED", reason)
    assert access.LEEWAY_SECONDS <= 60


# Tokens of others


@pytest.fixture(scope="module")
async def trusting(settings: Settings, database: TestDatabase) -> AsyncIterator[tuple[Running, Issuer, Tenant]]:
    """A server, an issuer on the same machine, and an organisation that trusts it."""
    tenant = await make_tenant()
    async with (
        an_issuer() as issuer,
        running(replace(settings, private_issuers=True), database.api_url) as server,
    ):
        made = await ask(server.client, TRUST, server.token(tenant.owner, tenant), issuer=issuer.url)
        assert made.json().keys() == {"data"}, made.text
        yield server, issuer, tenant


LITTLE: Final = foreign_tokens.LEEWAY_SECONDS - SLACK
MUCH: Final = foreign_tokens.LEEWAY_SECONDS + SLACK
Times = Callable[[int], dict[str, Any]]


@pytest.mark.parametrize(
    ("times", "is_believed"),
    [
        (lambda now: {"iat": now + LITTLE, "exp": now + LITTLE + 300}, True),
        (lambda now: {"iat": now + MUCH, "exp": now + MUCH + 300}, False),
        (lambda now: {"iat": now, "nbf": now + LITTLE, "exp": now + 300}, True),
        (lambda now: {"iat": now, "nbf": now + MUCH, "exp": now + 300}, False),
        (lambda now: {"iat": now - 300, "exp": now - LITTLE}, True),
        (lambda now: {"iat": now - 300, "exp": now - MUCH}, False),
    ],
    ids=["iat-ahead", "iat-far-ahead", "nbf-ahead", "nbf-far-ahead", "just-over", "long-over"],
)
async def test_a_token_of_a_trusted_issuer_is_believed_as_far_as_its_clock_may_be_wrong(
    trusting: tuple[Running, Issuer, Tenant], times: Times, is_believed: bool
) -> None:
    server, issuer, tenant = trusting
    token = issuer.token(aud=f"countinghouse/{tenant.tenant_id}", role="staff", **times(int(time.time())))
    answer = await server.ask(COUNT, token=token)
    if is_believed:
        assert answer.json().keys() == {"data"}, answer.text
    else:
        assert refusal(answer)[:2] == (401, "UNAUTHENTICATED")
    assert foreign_tokens.LEEWAY_SECONDS <= 60


# Devices


async def with_device(server: Running) -> tuple[Tenant, pyotp.TOTP, int]:
    """Somebody with a device; what it shows; and the step of its last code."""
    tenant = await make_tenant()
    token = (await signed_in(server.client, tenant))["accessToken"]
    enrolled = (await ask(server.client, ENROL, token)).json()["data"]["totpEnrol"]
    device = pyotp.TOTP(enrolled["secret"])
    # The code before this one, so that two more are good: the one of now, and the next.
    step = int(time.time() // 30) - 1
    confirmed = await ask(server.client, CONFIRM, token, device=enrolled["device"], code=device.generate_otp(step))
    assert confirmed.json().keys() == {"data"}, confirmed.text
    return tenant, device, step


async def second_factor(client: httpx.AsyncClient, tenant: Tenant, code: str) -> str | None:
    """Why signing in with this code was refused; None where it was not."""
    given = {"email": tenant.owner_email, "password": PASSWORD, "secondFactor": code}
    body = (await ask(client, SIGN_IN, input=given)).json()
    reason: str | None = body["errors"][0]["extensions"]["reason"] if "errors" in body else None
    return reason


async def test_a_device_may_be_a_step_ahead_and_no_more_and_each_code_is_good_once(server: Running) -> None:
    await a_step_with_room()
    tenant, device, step = await with_device(server)
    assert await second_factor(server.client, tenant, device.generate_otp(step + 3)) == "SECOND_FACTOR_INVALID"
    assert await second_factor(server.client, tenant, device.generate_otp(step + 2)) is None
    assert await second_factor(server.client, tenant, device.generate_otp(step + 2)) == "SECOND_FACTOR_INVALID"
    assert await second_factor(server.client, tenant, device.generate_otp(step + 1)) == "SECOND_FACTOR_INVALID"


async def a_step_with_room() -> None:
    """Wait, if need be, until a step is not about to end."""
    left = 30 - time.time() % 30
    if left < SLACK:
        await asyncio.sleep(left)


# A server whose clock is not the database's


async def test_a_server_that_is_behind_refuses_what_seems_to_come_from_the_future(
    server: Running, behind: httpx.AsyncClient
) -> None:
    """Its own tokens it believes, and others believe them for as much shorter."""
    tenant = await make_tenant()
    refused = await ask(behind, COUNT, server.token(tenant.owner, tenant))
    assert refusal(refused) == (401, "UNAUTHENTICATED", "TOKEN_INVALID")
    its = (await signed_in(behind, tenant))["accessToken"]
    assert (await ask(behind, COUNT, its)).json().keys() == {"data"}
    assert (await ask(server.client, COUNT, its)).json().keys() == {"data"}


async def test_what_hangs_on_the_databases_clock_is_the_same_on_every_server(
    server: Running, behind: httpx.AsyncClient
) -> None:
    tenant = await make_tenant()
    held = await signed_in(behind, tenant)
    # A session goes on from one server to the other and back.
    for client in (server.client, behind, server.client):
        answer = await ask(client, REFRESH, input={"refreshToken": held["refreshToken"]})
        held = answer.json()["data"]["sessionRefresh"]
    # What one has done under a key the other answers; and when it was made is not when that server believes it to be.
    token, key = (await signed_in(behind, tenant))["accessToken"], str(uuid4())
    first = await ask(behind, CREATE, token, key, name="Fen Orchards")
    again = await ask(server.client, CREATE, token, key, name="Fen Orchards")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    made = datetime.fromisoformat(first.json()["data"]["clientCreate"]["client"]["createdAt"])
    assert abs((datetime.now(UTC) - made).total_seconds()) < -BEHIND / 2


async def test_a_server_that_is_behind_knows_no_code_of_now(server: Running, behind: httpx.AsyncClient) -> None:
    tenant, device, step = await with_device(server)
    assert await second_factor(behind, tenant, device.generate_otp(step + 1)) == "SECOND_FACTOR_INVALID"
    assert await second_factor(server.client, tenant, device.generate_otp(step + 1)) is None


async def test_how_far_a_servers_clock_is_off_is_a_metric(server: Running, behind: httpx.AsyncClient) -> None:
    for client, seconds in ((server.client, 0), (behind, BEHIND)):
        assert (await client.get("/readyz")).status_code == 200
        ahead = counted((await client.get("/metrics")).text, "countinghouse_clock_ahead_seconds")
        assert abs(ahead - seconds) < SLACK
