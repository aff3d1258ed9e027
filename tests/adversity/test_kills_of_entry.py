"""Coming in has no key: a code and a refresh token work once. What is lost when somebody is killed then, can be had
again, and nothing is there twice."""

import asyncio
import re
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any, Final

import asyncpg
import httpx
import pytest

from tests.adversity.sending import SEND_AGAIN
from tests.adversity.victims import HELD, Cluster, Serving, serving
from tests.database.pooling import until
from tests.harness.actors import as_superuser
from tests.harness.inbox import MailServer, mail_server
from tests.harness.tenants import PASSWORD, make_tenant
from tests.harness.thoroughness import IS_THOROUGH
from tests.http.servers import Running, running

PATIENCE: Final = 60.0
SIGN_IN: Final = "mutation ($input: SignInInput!) { signIn(input: $input) { refreshToken organisation { slug } } }"
REFRESH: Final = "mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) { refreshToken } }"
SIGN_UP: Final = "mutation ($input: SignUpInput!) { signUp(input: $input) { signUp } }"
CONFIRM: Final = "mutation ($input: SignUpConfirmInput!) { signUpConfirm(input: $input) { organisation { slug } } }"
AT_A_LOCK: Final = "wait_event_type = 'Lock'"
FOUND: Final = """
    select (select count(*) from iam.users where email = $1),
           (select count(*) from iam.tenants where name = $2),
           (select count(*) from iam.memberships join iam.users on users.id = user_id where email = $1),
           (select count(*) from pg_roles join iam.tenants on rolname = 'tenant_' || replace(tenants.id::text, '-', '')
            where tenants.name = $2)
"""


@pytest.fixture(scope="module")
async def post() -> AsyncIterator[tuple[MailServer, str]]:
    async with mail_server() as (server, port):
        yield server, f"smtp://127.0.0.1:{port}"


@pytest.fixture(scope="module")
async def door(cluster: Cluster, post: tuple[MailServer, str]) -> AsyncIterator[Serving]:
    """A server that sends codes."""
    async with serving(cluster, SMTP_URL=post[1]) as server:
        yield server


@pytest.fixture
async def other_door(cluster: Cluster) -> AsyncIterator[Running]:
    """Another server on the same database with the same keys, which nobody kills."""
    async with running(cluster.settings, cluster.server.api_url) as server:
        yield server


async def ask(url: str, query: str, **given: Any) -> dict[str, Any]:
    """The answer; one without a body is one of a server that was killed."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        try:
            answer = await client.post("/graphql", json={"query": query, "variables": {"input": given}})
        except httpx.TransportError:
            return {}
    found: dict[str, Any] = answer.json()
    return found


def reason(answer: dict[str, Any]) -> str | None:
    found: str | None = answer["errors"][0]["extensions"].get("reason")
    return found


async def stands(which: str) -> bool:
    """Whether a backend of the server stands so."""
    await asyncio.sleep(0.02)
    async with as_superuser() as connection:
        found: bool = await connection.fetchval(
            f"select exists (select from pg_stat_activity where usename = 'countinghouse_api' and {which})"
        )
    return found


@pytest.mark.parametrize("who", ["the server", "a backend"])
async def test_a_refresh_token_whose_answer_was_lost_is_exchanged_for_the_same(
    on_it: None, cluster: Cluster, door: Serving, other_door: Running, who: str
) -> None:
    """The exchange has committed when somebody is killed. Within ten seconds the same comes again, from any server."""
    person = await make_tenant("Harbour Ropes")
    signed_in = await ask(other_door.url, SIGN_IN, email=person.owner_email, password=PASSWORD)
    token = signed_in["data"]["signIn"]["refreshToken"]
    async with cluster.answers_held():
        exchange = asyncio.create_task(ask(door.url, REFRESH, refreshToken=token))
        await until(lambda: stands(HELD), "the exchange is committed", PATIENCE)
        if who == "the server":
            await door.kill()
        else:
            assert await cluster.kill_one(HELD)
    lost = await exchange
    assert lost == {} or reason(lost) in SEND_AGAIN or "data" in lost, lost
    again = await until_answered(other_door.url, REFRESH, refreshToken=token)
    successor = again["data"]["sessionRefresh"]["refreshToken"]
    async with as_superuser() as connection:
        tokens = await connection.fetchval(
            "select count(*) from iam.refresh_tokens join iam.sessions on sessions.id = session_id where user_id = $1",
            person.owner_id,
        )
    assert tokens == 2, "the first and its successor, once"
    assert "data" in await until_answered(other_door.url, REFRESH, refreshToken=successor)
    if who == "the server":
        await door.start()


async def until_answered(url: str, query: str, **given: Any) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await ask(url, query, **given)
            if answer and ("errors" not in answer or reason(answer) not in SEND_AGAIN):
                return answer
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("who", ["the server", "a backend"] if IS_THOROUGH else ["a backend"])
@pytest.mark.parametrize("when", ["before it is committed", "before it is answered"])
async def test_a_sign_up_makes_one_organisation_or_none_and_can_be_gone_on_with(
    on_it: None, cluster: Cluster, door: Serving, post: tuple[MailServer, str], when: str, who: str
) -> None:
    email, name = f"newcomer.{token_hex(6)}@example.org", f"Newcomer {token_hex(6)}"
    given = {"name": "A newcomer", "email": email, "password": PASSWORD}
    organisation = {"name": name, "country": "IE", "currency": "EUR"}
    asked = await until_answered(door.url, SIGN_UP, **given, organisation=organisation)
    confirmation = {"signUp": asked["data"]["signUp"]["signUp"], "code": await code_to(post[0], email)}
    if when == "before it is answered":
        async with cluster.answers_held():
            answer = await killed_in_the_middle(cluster, door, who, HELD, confirmation)
    else:
        in_the_way = await asyncpg.connect(cluster.server.admin_url)
        await in_the_way.execute("begin; lock table iam.memberships in share mode")
        answer = await killed_in_the_middle(cluster, door, who, AT_A_LOCK, confirmation)
        in_the_way.terminate()
    if who == "the server":
        await door.start()
    if "data" not in answer or not answer["data"]:
        # Nobody has said whether it was done: give the code again, and if that is used up, sign in.
        answer = await until_answered(door.url, CONFIRM, **confirmation)
        assert "data" in answer
    signed_in = await until_answered(door.url, SIGN_IN, email=email, password=PASSWORD)
    assert signed_in["data"]["signIn"]["organisation"]["slug"]
    async with as_superuser() as connection:
        assert tuple(*await connection.fetch(FOUND, email, name)) == (1, 1, 1, 1)


async def killed_in_the_middle(
    cluster: Cluster, door: Serving, who: str, which: str, confirmation: dict[str, str]
) -> dict[str, Any]:
    confirming = asyncio.create_task(ask(door.url, CONFIRM, **confirmation))
    await until(lambda: stands(which), "it stands in the middle", PATIENCE)
    if who == "the server":
        await door.kill()
    else:
        assert await cluster.kill_one(which)
    return await confirming


async def code_to(server: MailServer, address: str) -> str:
    async def has_come() -> bool:
        await asyncio.sleep(0.01)
        return any(mail["To"] == address for mail in server.mails)

    await until(has_come, "the code has come", PATIENCE)
    mail = next(mail for mail in server.mails if mail["To"] == address)
    found = re.search(r"\b[0-9]{6}\b", mail.get_content())
    assert found is not None
    return found[0]
