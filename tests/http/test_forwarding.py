"""Behind a proxy of the house: whose address counts is what that proxy says, and nobody else may say it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any, Final

import httpx
import pytest

from gql.http.forwarding import TrustedProxies
from gql.settings import Settings
from tests.harness.actors import as_superuser
from tests.harness.command_line import environment
from tests.harness.postgres import TestDatabase
from tests.harness.programs import a_program
from tests.harness.tenants import Tenant
from tests.http.servers import Running, refusal, running

OURS: Final = TrustedProxies((ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")))
CREATE: Final = 'mutation { clientCreate(input: {name: "Told"}) { client { id } } }'
SIGN_IN: Final = (
    'mutation { signIn(input: {email: "nobody@example.org", password: "wrong, and long"}) { accessToken } }'
)


def seen(peer: str, *forwarded: str, proto: str | None = None) -> tuple[str, str]:
    """The address and the scheme of a request from this peer with these headers."""
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    headers += [(b"x-forwarded-proto", proto.encode())] if proto is not None else []
    scope: dict[str, Any] = {"client": (peer, 5000), "scheme": "http", "headers": headers}
    OURS.apply(scope)
    return scope["client"][0], scope["scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7, 10.2.3.4"], "203.0.113.7"),
        ("10.0.0.1", ["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.2.3.4"], "10.2.3.4"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:4860::8]:4711"], "2001:4860::8"),
        ("10.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("2001:db8::9", ["2001:4860::8"], "2001:4860::8"),
        ("2001:db9::9", ["2001:4860::8"], "2001:db9::9"),
        ("10.0.0.1", ["203.0.113.7, " + ", ".join(["10.2.3.4"] * 1000)], "10.2.3.4"),
        ("not an address", ["203.0.113.7"], "not an address"),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy_of_ours(peer: str, forwarded: list[str], address: str) -> None:
    assert seen(peer, *forwarded)[0] == address


def test_the_scheme_is_the_proxys_to_say_too() -> None:
    assert seen("10.0.0.1", proto="https")[1] == "https"
    assert seen("10.0.0.1", proto="http, HTTPS")[1] == "https"
    assert seen("10.0.0.1", proto="gopher")[1] == "http"
    assert seen("203.0.113.7", proto="https")[1] == "http"


def test_a_request_by_a_socket_without_addresses_stays_as_it_is() -> None:
    scope: dict[str, Any] = {"client": None, "scheme": "http", "headers": [(b"x-forwarded-for", b"203.0.113.7")]}
    OURS.apply(scope)
    assert scope["client"] is None


@pytest.fixture(scope="module")
async def behind(settings: Settings, database: TestDatabase) -> AsyncIterator[Running]:
    """A server that believes this machine."""
    async with running(replace(settings, trusted_proxies=(ip_network("127.0.0.0/8"),)), database.api_url) as server:
        yield server


async def noted(server: Running, tenant: Tenant, **headers: str) -> str:
    """The address that the log has of a change that was sent with these headers."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await server.ask(CREATE, token=server.token(tenant.owner, tenant), headers=given)
    made = answer.json()["data"]["clientCreate"]["client"]["id"]
    async with as_superuser() as connection:
        return str(await connection.fetchval("select ip_address from core.audit_log where entity_id = $1::uuid", made))


async def test_nobody_is_believed_unless_the_setting_says_so(server: Running, house: Tenant) -> None:
    """Not even this machine, which uvicorn would believe by itself."""
    assert await noted(server, house, X_Forwarded_For="203.0.113.7") == "127.0.0.1"


async def test_the_program_believes_nobody_either(settings: Settings, server: Running, house: Tenant) -> None:
    """uvicorn itself believes whoever is on its machine, unless it is told not to."""
    async with (
        a_program("serve", env=environment(settings, PORT="0")) as program,
        httpx.AsyncClient(base_url=program.place) as client,
    ):
        there = replace(server, client=client)
        assert await noted(there, house, X_Forwarded_For="203.0.113.7") == "127.0.0.1"
        told = await client.get("/.well-known/openid-configuration", headers={"X-Forwarded-Proto": "https"})
        assert told.json()["jwks_uri"].startswith("http://")


async def test_the_log_has_the_address_that_a_trusted_proxy_tells(behind: Running, house: Tenant) -> None:
    assert await noted(behind, house, X_Forwarded_For="203.0.113.7") == "203.0.113.7"
    assert await noted(behind, house, X_Forwarded_For="198.51.100.1, 203.0.113.8") == "203.0.113.8"
    assert await noted(behind, house) == "127.0.0.1"


async def test_who_guesses_waits_and_others_behind_the_same_proxy_do_not(behind: Running) -> None:
    async def guess(address: str) -> str:
        answer = await behind.ask(SIGN_IN, headers={"X-Forwarded-For": address})
        return str(answer.json()["errors"][0]["extensions"]["code"])

    said = [await guess("203.0.113.66") for _ in range(7)]
    assert (said[0], said[-1]) == ("UNAUTHENTICATED", "RATE_LIMITED")
    # Whatever they write before it themselves, the proxy adds who they are.
    assert await guess("198.51.100.99, 203.0.113.66") == "RATE_LIMITED"
    assert await guess("203.0.113.67") == "UNAUTHENTICATED"


async def test_what_is_told_of_the_house_has_the_scheme_of_the_proxy(behind: Running, server: Running) -> None:
    for asked, scheme in ((behind, "https"), (server, "http")):
        answer = await asked.client.get("/.well-known/openid-configuration", headers={"X-Forwarded-Proto": "https"})
        assert answer.json()["jwks_uri"].startswith(f"{scheme}://127.0.0.1:")


async def test_the_refusal_of_a_stranger_is_the_same_behind_a_proxy(behind: Running) -> None:
    answer = await behind.ask("{ invoices { totalCount } }", headers={"X-Forwarded-For": "203.0.113.7"})
    assert refusal(answer) == (401, "UNAUTHENTICATED", "TOKEN_MISSING")
