"""Every kind of request that a server may have in hand when something happens to it, and what has become of it."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.adversity.work import COUNT
from tests.harness.actors import as_superuser
from tests.harness.tenants import PASSWORD
from tests.http.changes import CREATE, Desk

BOTH: Final = """mutation ($first: ClientCreateInput!, $second: ClientCreateInput!) {
    a: clientCreate(input: $first) { client { name } } b: clientCreate(input: $second) { client { name } } }"""
SIGN_IN: Final = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken refreshToken } }"
REFRESH: Final = (
    "mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) { accessToken refreshToken } }"
)
APP_CREATE: Final = "mutation ($input: AppCreateInput!) { appCreate(input: $input) { clientId } }"

Asking = Callable[[Desk, str], Coroutine[Any, Any, httpx.Response]]


async def read(desk: Desk, mark: str) -> httpx.Response:
    return await desk.send(COUNT)


async def verb(desk: Desk, mark: str) -> httpx.Response:
    return await desk.create(mark)


async def verbs(desk: Desk, mark: str) -> httpx.Response:
    return await desk.send(BOTH, first={"name": f"{mark}-a"}, second={"name": f"{mark}-b"})


async def keyed(desk: Desk, mark: str) -> httpx.Response:
    return await desk.send(CREATE, key=mark, input={"name": mark})


async def rehearsal(desk: Desk, mark: str) -> httpx.Response:
    return await desk.send(CREATE, prefer="tx=rollback", input={"name": mark})


async def app(desk: Desk, mark: str) -> httpx.Response:
    """Resolved in Python, where the secret is made, and written in a transaction as verbs are."""
    return await desk.send(APP_CREATE, input={"name": mark, "scopes": ["billing:read"]})


async def sign_in(desk: Desk, mark: str) -> httpx.Response:
    """Resolved in Python, one statement after the other."""
    who = {"email": desk.person.email, "password": PASSWORD, "organisation": desk.tenant.slug}
    return await desk.server.ask(SIGN_IN, variables={"input": who}, headers={"User-Agent": mark})


KINDS: Final[dict[str, Asking]] = {
    "read": read,
    "verb": verb,
    "verbs": verbs,
    "keyed": keyed,
    "rehearsal": rehearsal,
    "app": app,
    "sign_in": sign_in,
}


@dataclass(frozen=True)
class Effect:
    """What a request has left behind: the clients, apps and sessions that have its mark."""

    clients: int = 0
    apps: int = 0
    sessions: int = 0


NOTHING: Final = Effect()
DONE: Final = {
    "read": NOTHING,
    "verb": Effect(clients=1),
    "verbs": Effect(clients=2),
    "keyed": Effect(clients=1),
    "rehearsal": NOTHING,
    "app": Effect(apps=1),
    "sign_in": Effect(sessions=1),
}
_LEFT: Final = """
    select (select count(*) from billing.clients where tenant_id = $1 and name in ($2, $2 || '-a', $2 || '-b')),
           (select count(*) from iam.apps where tenant_id = $1 and name = $2),
           (select count(*) from iam.sessions where organisation_id = $1 and user_agent = $2)
"""


async def effect_of(desk: Desk, mark: str) -> Effect:
    async with as_superuser() as connection:
        return Effect(*(await connection.fetchrow(_LEFT, desk.tenant.tenant_id, mark) or ()))


NOBODYS_FAULT: Final = frozenset({"DATABASE_UNREACHABLE", "COMMIT_UNKNOWN", "POOL_EXHAUSTED", "SHARE_EXHAUSTED"})
_OF_THE_DATABASE: Final = ("connection", "server closed", "asyncpg", "postgres", "Traceback", "relation", "statement")


def reason_for_none(answer: httpx.Response) -> str | None:
    """Why there is no answer; None where there is one. Whoever has none is told in a coded error when to try again, and
    not in words of the database."""
    body = answer.json()
    if "errors" not in body:
        return None
    [error] = body["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (503, "UNAVAILABLE"), answer.text
    assert int(answer.headers["retry-after"]) == error["extensions"]["retryAfter"] > 0
    reason: str = error["extensions"]["reason"]
    said = error["message"].replace("The connection to the database was lost while your change", "")
    assert not any(word in said for word in _OF_THE_DATABASE), said
    return reason
