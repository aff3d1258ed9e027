"""/oauth/token, as a program of somebody else's meets it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Final
from uuid import uuid4

import httpx
import jwt
import pytest

from gql.http.oauth import MOST_BYTES
from gql.settings import Settings
from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import PASSWORD, Tenant
from tests.http.apps import (
    CLIENTS,
    GRANT,
    MAKE_CLIENT,
    REVOKE,
    SCOPES,
    App,
    ask,
    basic,
    error_of,
    made,
)
from tests.http.servers import Running, refusal, running


@pytest.fixture(autouse=True)
async def nobody_has_failed_yet(database: TestDatabase) -> None:
    async with as_superuser() as connection:
        await connection.execute("delete from iam.throttles")


# Getting a token


@pytest.mark.parametrize("way", ["basic", "body"])
async def test_an_app_gets_a_token_and_works_with_it(server: Running, shop: Tenant, app: App, way: str) -> None:
    answer = await (ask(server, GRANT, app.basic) if way == "basic" else ask(server, GRANT | app.body))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    given = answer.json()
    access = given.pop("access_token")
    assert given == {"token_type": "Bearer", "expires_in": 600, "scope": "billing:read billing:write"}
    claims = jwt.decode(access, options={"verify_signature": False})
    assert jwt.get_unverified_header(access)["typ"] == "at+jwt"
    assert (claims["sub"], claims["client_id"], claims["scope"]) == (app.client_id, app.client_id, given["scope"])
    assert claims["tenant_id"] == str(shop.tenant_id)
    assert claims["exp"] - claims["iat"] == 600

    assert (await server.ask(CLIENTS, token=access)).json() == {"data": {"clients": {"totalCount": 0}}}
    done = await server.ask(MAKE_CLIENT, token=access, variables={"input": {"name": "Fen Orchards"}})
    assert "errors" not in done.json()
    assert (await server.ask(CLIENTS, token=access)).json() == {"data": {"clients": {"totalCount": 1}}}
    beyond = await server.ask("{ memberships { totalCount } }", token=access)
    assert refusal(beyond) == (403, "FORBIDDEN", "PERMISSION_MISSING")


async def test_a_token_can_be_of_less_than_the_app_may(server: Running, app: App) -> None:
    answer = await ask(server, GRANT | {"scope": "billing:read"}, app.basic)
    assert answer.json()["scope"] == "billing:read"
    access = answer.json()["access_token"]
    assert (await server.ask(CLIENTS, token=access)).status_code == 200
    refused = await server.ask(MAKE_CLIENT, token=access, variables={"input": {"name": "Fen Orchards"}})
    assert refusal(refused) == (403, "FORBIDDEN", "PERMISSION_MISSING")
    assert "access token of this app" in refused.json()["errors"][0]["message"]


@pytest.mark.parametrize("scope", ["", "billing:write billing:read", "billing:read billing:read billing:write"])
async def test_scopes_come_in_any_order_and_an_empty_one_is_none(server: Running, app: App, scope: str) -> None:
    answer = await ask(server, GRANT | {"scope": scope}, app.basic)
    assert answer.json()["scope"] == "billing:read billing:write"


async def test_what_is_not_known_is_passed_over_and_a_client_id_may_stand_in_the_body_as_well(
    server: Running, app: App
) -> None:
    fields = GRANT | {"audience": "somebody", "client_id": app.client_id, "client_secret": ""}
    assert (await ask(server, fields, app.basic)).status_code == 200
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", **app.basic}
    answer = await server.client.post("/oauth/token", content="grant_type=client%5Fcredentials", headers=kind)
    assert answer.status_code == 200


async def test_the_parts_of_basic_are_decoded_as_a_form_is(server: Running, app: App) -> None:
    shown = "".join(f"%{byte:02x}" for byte in app.client_id.encode()) + ":" + app.secret.replace("_", "%5F")
    header = {"Authorization": f"bASIC  {base64.b64encode(shown.encode()).decode()}"}
    assert (await ask(server, GRANT, header)).status_code == 200


# Errors, by the words of section 5.2


@pytest.mark.parametrize("fields", [{}, {"grant_type": ""}], ids=["none", "empty"])
async def test_without_a_grant_the_request_is_invalid(server: Running, app: App, fields: dict[str, str]) -> None:
    assert error_of(await ask(server, fields | app.body)) == (400, "invalid_request")


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS"])
async def test_another_grant_is_not_supported(server: Running, app: App, grant: str) -> None:
    assert error_of(await ask(server, {"grant_type": grant}, app.basic)) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    "scope",
    ["ledger:read", "billing:read iam:read", "everything", " billing:read", "a  b", 'a"b', "a\\b", "é", "iam:self"],
)
async def test_a_scope_that_the_app_has_not_is_invalid(server: Running, app: App, scope: str) -> None:
    assert error_of(await ask(server, GRANT | {"scope": scope}, app.basic)) == (400, "invalid_scope")


async def test_who_does_not_show_who_they_are_is_told_how(server: Running, app: App, owners: str) -> None:
    encoded = base64.b64encode(b"no colon").decode()
    asked: list[tuple[dict[str, str], dict[str, str]]] = [
        (GRANT, {}),
        (GRANT | {"client_id": app.client_id}, {}),
        (GRANT | {"client_secret": app.secret}, {}),
        (GRANT, {"Authorization": f"Bearer {owners}"}),
        (GRANT, {"Authorization": "Basic"}),
        (GRANT, {"Authorization": "Basic ?"}),
        (GRANT, {"Authorization": f"Basic {encoded}"}),
        (GRANT, {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}),
        (GRANT, {"Authorization": "Basic " + base64.b64encode(b"%ff:%ff").decode()}),
    ]
    for fields, headers in asked:
        answer = await ask(server, fields, headers)
        assert error_of(answer) == (401, "invalid_client"), headers
        assert answer.headers["www-authenticate"].startswith("Basic realm=")


async def test_a_wrong_secret_and_an_unknown_app_are_answered_alike(
    server: Running, app: App, owners: str, shop: Tenant
) -> None:
    """Attack 50."""
    other = await made(server, owners, SCOPES)
    gone = await made(server, owners, SCOPES)
    await server.ask(REVOKE, token=owners, variables={"input": {"id": gone.client_id}})
    seen = set()
    for client_id, secret in (
        (app.client_id, other.secret),
        (str(uuid4()), app.secret),
        ("nobody", app.secret),
        ("", ""),
        ("\0", "\0"),
        (shop.slug, PASSWORD),
        (str(shop.owner_id), PASSWORD),
        gone,
    ):
        answer = await ask(server, GRANT, basic(client_id, secret))
        assert error_of(answer) == (401, "invalid_client")
        seen.add((answer.text, answer.headers["www-authenticate"]))
    assert len(seen) == 1


async def test_who_shows_who_they_are_twice_is_refused(server: Running, app: App, owners: str) -> None:
    """Attack 50."""
    other = await made(server, owners, SCOPES)
    asked = [
        (GRANT | app.body, app.basic),
        (GRANT | {"client_secret": app.secret}, app.basic),
        (GRANT | {"client_id": other.client_id}, app.basic),
    ]
    for fields, headers in asked:
        assert error_of(await ask(server, fields, headers)) == (400, "invalid_request")
    twice = [("Authorization", app.basic["Authorization"])] * 2
    answer = await server.client.post("/oauth/token", data=GRANT, headers=twice)
    assert error_of(answer) == (400, "invalid_request")


FORM: Final = "application/x-www-form-urlencoded"
BODIES: Final[dict[str, tuple[str | None, bytes]]] = {
    "json": ("application/json", json.dumps(GRANT).encode()),
    "no type": (None, b"grant_type=client_credentials"),
    "multipart": ("multipart/form-data; boundary=x", b"--x--"),
    "charset": (f"{FORM}; charset=utf-16", b"grant_type=client_credentials"),
    "twice": (FORM, b"grant_type=client_credentials&grant_type=client_credentials"),
    "twice, empty": (FORM, b"grant_type=client_credentials&scope=&scope=billing:read"),
    "not utf-8": (FORM, b"grant_type=client_credentials&scope=%ff"),
    "not ascii": (FORM, b"grant_type=client_credentials&scope=\xe9"),
    "too many": (FORM, b"grant_type=client_credentials" + b"&a=b" * 30),
    "empty": (FORM, b""),
    "noise": (FORM, bytes(range(256))),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_form_is_invalid(server: Running, app: App, name: str) -> None:
    kind, body = BODIES[name]
    headers = app.basic | ({"Content-Type": kind} if kind else {})
    answer = await server.client.post("/oauth/token", content=body, headers=headers)
    assert error_of(answer) == (400, "invalid_request")


async def test_a_body_that_is_too_large_is_not_taken(server: Running, app: App) -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"a" * 1000

    headers = app.basic | {"Content-Type": FORM}
    for content in (b"a=" + b"b" * MOST_BYTES, in_pieces()):
        answer = await server.client.post("/oauth/token", content=content, headers=headers)
        assert error_of(answer) == (413, "invalid_request")


async def test_a_body_that_comes_too_slowly_is_not_waited_for(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gql.http.bodies.MOST_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
    head = f"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 29\r\n\r\ngrant_type="
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"error":"invalid_request"' in answer


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_taken(server: Running, method: str) -> None:
    answer = await server.client.request(method, "/oauth/token", params=GRANT)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_whoever_fails_often_waits_and_is_told_for_how_long(server: Running, app: App) -> None:
    """Attack 50."""
    for _ in range(200):
        answer = await ask(server, GRANT, basic(app.client_id, "wrong"))
        if answer.status_code != 401:
            break
    assert error_of(answer) == (429, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert error_of(await ask(server, GRANT, app.basic)) == (429, "temporarily_unavailable")


async def test_twenty_processes_of_an_app_come_in_at_once(server: Running, app: App) -> None:
    answers = await asyncio.gather(*(ask(server, GRANT, app.basic) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.json()["access_token"] for answer in answers}) == 20


async def test_a_database_that_is_away_is_no_fault_of_the_app(settings: Settings) -> None:
    async with running(settings, "postgresql://nobody:nothing@127.0.0.1:1/countinghouse") as server:
        answer = await ask(server, GRANT, basic(str(uuid4()), "secret"))
    assert error_of(answer) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"]
