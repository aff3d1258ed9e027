"""What is taken away is gone within seconds, from those as well who are inside: a context is believed for ten."""

import asyncio
from typing import Final

from tests.harness.tenants import PASSWORD, make_person, make_tenant
from tests.http.apps import CLIENTS, REVOKE, SCOPES, UPDATE, is_known, made, token_of
from tests.http.servers import Running, refusal
from tests.http.test_people import CLOSE, not_done, signed_in
from tests.http.test_sessions import MINE, SIGN_OUT

LONGEST_REMEMBERED: Final = 11.0
"""A little longer than a context is believed without asking."""
GONE: Final = (401, "UNAUTHENTICATED", "MEMBERSHIP_GONE")


async def test_who_is_out_is_out_everywhere_within_seconds(server: Running) -> None:
    """Each waits for the same seconds, so they wait together."""
    await asyncio.gather(
        signing_out_everywhere(server), closing_an_account(server), revoking_an_app(server), taking_a_scope(server)
    )


async def signing_out_everywhere(server: Running) -> None:
    person = (await make_tenant("Harbour Ropes")).owner
    here, there = await signed_in(server, person), await signed_in(server, person)
    for token in (here, there):
        assert (await server.ask(MINE, token=token)).status_code == 200
    out = await server.ask(SIGN_OUT, token=here, variables={"input": {"everywhere": True}})
    assert out.json()["data"]["signOut"] == {"ended": 2}
    await asyncio.sleep(LONGEST_REMEMBERED)
    for token in (here, there):
        assert refusal(await server.ask(MINE, token=token)) == GONE


async def closing_an_account(server: Running) -> None:
    tenant = await make_tenant("Harbour Ropes")
    person = await make_person(tenant, "owner")
    here, there = await signed_in(server, person), await signed_in(server, person)
    assert (await server.ask("{ me { role } }", token=there)).status_code == 200
    answer = await server.ask(
        CLOSE, token=here, variables={"input": {"password": PASSWORD}}, headers={"Cookie": "countinghouse=x"}
    )
    assert answer.json()["data"] == {"accountClose": {"done": True}}
    assert answer.headers["set-cookie"].startswith("countinghouse=; Max-Age=0; ")
    await asyncio.sleep(LONGEST_REMEMBERED)
    for token in (here, there):
        assert refusal(await server.ask("{ me { role } }", token=token)) == GONE
    last = await signed_in(server, tenant.owner)
    assert await not_done(server, CLOSE, last, password=PASSWORD) == ("CONFLICT", "LAST_OWNER")


async def revoking_an_app(server: Running) -> None:
    shop = await make_tenant("Cordage & Twine")
    owners = server.token(shop.owner, shop)
    app = await made(server, owners, SCOPES)
    access = await token_of(server, app)
    assert (await server.ask(CLIENTS, token=access)).status_code == 200
    answer = await server.ask(REVOKE, token=owners, variables={"input": {"id": app.client_id}})
    assert answer.json()["data"]["appRevoke"]["app"]["isActive"] is False
    assert not await is_known(server, app)
    await asyncio.sleep(LONGEST_REMEMBERED)
    answer = await server.ask(CLIENTS, token=access)
    assert refusal(answer) == (401, "UNAUTHENTICATED", "APP_GONE")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def taking_a_scope(server: Running) -> None:
    shop = await make_tenant("Cordage & Twine")
    owners = server.token(shop.owner, shop)
    app = await made(server, owners, SCOPES)
    access = await token_of(server, app)
    variables = {"input": {"id": app.client_id, "scopes": ["ledger:read"]}}
    answer = await server.ask(UPDATE, token=owners, variables=variables)
    assert answer.json()["data"]["appUpdate"]["app"] == {"name": "Till", "scopes": ["ledger:read"]}
    await asyncio.sleep(LONGEST_REMEMBERED)
    answer = await server.ask(CLIENTS, token=access)
    assert refusal(answer) == (403, "FORBIDDEN", "PERMISSION_MISSING")
