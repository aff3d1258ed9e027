"""Apps as programs of somebody else's: how they are made, and how they ask for tokens."""

import base64
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus

import httpx

from tests.http.servers import Running

GRANT: Final = {"grant_type": "client_credentials"}
CREATE: Final = "mutation ($input: AppCreateInput!) { appCreate(input: $input) { clientId clientSecret } }"
ROTATE: Final = "mutation ($input: AppSecretRotateInput!) { appSecretRotate(input: $input) { clientId clientSecret } }"
REVOKE: Final = "mutation ($input: AppRevokeInput!) { appRevoke(input: $input) { app { isActive revokedAt } } }"
UPDATE: Final = "mutation ($input: AppUpdateInput!) { appUpdate(input: $input) { app { name scopes } } }"
CLIENTS: Final = "{ clients { totalCount } }"
MAKE_CLIENT: Final = "mutation ($input: ClientCreateInput!) { clientCreate(input: $input) { __typename } }"
SCOPES: Final = ["billing:read", "billing:write"]


class App(NamedTuple):
    """What its people keep of an app."""

    client_id: str
    secret: str

    @property
    def basic(self) -> dict[str, str]:
        return basic(self.client_id, self.secret)

    @property
    def body(self) -> dict[str, str]:
        return {"client_id": self.client_id, "client_secret": self.secret}


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of HTTP Basic as RFC 6749 has it."""
    shown = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(shown.encode()).decode()}"}


async def made(server: Running, owners: str, scopes: list[str]) -> App:
    answer = await server.ask(CREATE, token=owners, variables={"input": {"name": "Till", "scopes": scopes}})
    found = answer.json()["data"]["appCreate"]
    return App(found["clientId"], found["clientSecret"])


async def ask(server: Running, fields: Any, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    return await server.client.post("/oauth/token", data=fields, headers=headers, **more)


async def token_of(server: Running, app: App) -> str:
    answer = await ask(server, GRANT, app.basic)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def is_known(server: Running, app: App) -> bool:
    answer = await ask(server, GRANT, app.basic)
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and error, of an answer that has the form of section 5.2 and is kept nowhere."""
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert not set(body["error_description"]) & set('"\\')
    assert body["error_description"].isascii()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.headers["x-request-id"]
    return answer.status_code, body["error"]
