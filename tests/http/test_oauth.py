"""/oauth/token and the pages in /.well-known, as a program of somebody else's meets them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus
from uuid import uuid4

import httpx
import jwt
import pytest

from gql.http.oauth import MOST_BYTES
from gql.settings import Settings
from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import PASSWORD, Tenant, make_tenant
from tests.http.servers import Running, refusal, running
from tests.http.test_sessions import LONGEST_REMEMBERED

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


@pytest.fixture(autouse=True)
async def nobody_has_failed_yet(database: TestDatabase) -> None:
    async with as_superuser() as connection:
        await connection.execute("delete from iam.throttles")


@pytest.fixture
async def shop() -> Tenant:
    return await make_tenant("Cordage & Twine")


@pytest.fixture
def owners(server: Running, shop: Tenant) -> str:
    """An access token of the shop's owner."""
    return server.token(shop.owner, shop)


@pytest.fixture
async def app(server: Running, owners: str) -> App:
    return await made(server, owners, SCOPES)


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
    monkeypatch.setattr("gql.http.oauth.MOST_SECONDS", 0.1)
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


# Over time


async def test_a_secret_is_changed_while_the_app_works(server: Running, owners: str, app: App) -> None:
    async def rotated(**more: Any) -> App:
        variables = {"input": {"id": app.client_id, **more}}
        found = (await server.ask(ROTATE, token=owners, variables=variables)).json()["data"]["appSecretRotate"]
        assert found["clientId"] == app.client_id
        return App(found["clientId"], found["clientSecret"])

    second = await rotated()
    assert await is_known(server, app)
    assert await is_known(server, second)
    third = await rotated(overlapHours=1)
    assert [await is_known(server, each) for each in (app, second, third)] == [False, True, True]
    async with as_superuser() as connection:
        await connection.execute(
            "update iam.app_secrets set expires_at = now() where app_id = $1 and expires_at is not null", app.client_id
        )
    assert [await is_known(server, each) for each in (second, third)] == [False, True]
    fourth = await rotated(overlapHours=0)
    assert [await is_known(server, each) for each in (third, fourth)] == [False, True]


async def test_a_revoked_app_is_out_within_seconds(server: Running, owners: str, app: App) -> None:
    access = await token_of(server, app)
    assert (await server.ask(CLIENTS, token=access)).status_code == 200
    answer = await server.ask(REVOKE, token=owners, variables={"input": {"id": app.client_id}})
    assert answer.json()["data"]["appRevoke"]["app"]["isActive"] is False
    assert not await is_known(server, app)
    await asyncio.sleep(LONGEST_REMEMBERED)
    answer = await server.ask(CLIENTS, token=access)
    assert refusal(answer) == (401, "UNAUTHENTICATED", "APP_GONE")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_lost_scope_is_lost_within_seconds(server: Running, owners: str, app: App) -> None:
    access = await token_of(server, app)
    variables = {"input": {"id": app.client_id, "scopes": ["ledger:read"]}}
    answer = await server.ask(UPDATE, token=owners, variables=variables)
    assert answer.json()["data"]["appUpdate"]["app"] == {"name": "Till", "scopes": ["ledger:read"]}
    await asyncio.sleep(LONGEST_REMEMBERED)
    answer = await server.ask(CLIENTS, token=access)
    assert refusal(answer) == (403, "FORBIDDEN", "PERMISSION_MISSING")


# Secrets are shown once


async def test_no_answer_with_a_secret_is_kept_under_a_key(server: Running, owners: str, shop: Tenant) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    given = {"input": {"name": "Till", "scopes": SCOPES}}
    first, second = [await server.ask(CREATE, token=owners, variables=given, headers=headers) for _ in range(2)]
    secrets = [answer.json()["data"]["appCreate"]["clientSecret"] for answer in (first, second)]
    assert secrets[0] != secrets[1]
    rotate = {"input": {"id": first.json()["data"]["appCreate"]["clientId"]}}
    secrets += [
        (await server.ask(ROTATE, token=owners, variables=rotate, headers=headers)).json()["data"]["appSecretRotate"][
            "clientSecret"
        ]
        for _ in range(2)
    ]
    assert len(set(secrets)) == 4
    assert "idempotent-replayed" not in second.headers
    async with as_superuser() as connection:
        for table in ("core.idempotency_keys", "core.audit_log", "iam.apps", "iam.app_secrets"):
            rows = await connection.fetch(f"select t::text from {table} t where tenant_id = $1", shop.tenant_id)
            assert not [row for row in rows for secret in secrets if secret[4:] in row[0]], table
    listed = await server.ask("{ apps { nodes { name secrets { hint createdAt } } } }", token=owners)
    assert not [secret for secret in secrets if secret in listed.text]
    assert secrets[1][-4:] in listed.text


async def test_a_secret_stands_alone_in_its_operation(server: Running, owners: str) -> None:
    twice = (
        "mutation ($i: AppCreateInput!) { a: appCreate(input: $i) { clientId } b: appCreate(input: $i) { clientId } }"
    )
    answer = await server.ask(twice, token=owners, variables={"i": {"name": "Till", "scopes": SCOPES}})
    assert refusal(answer) == (400, "BAD_USER_INPUT", "FIELD_STANDS_ALONE")


async def test_a_refusal_is_written_down_once_the_answer_has_gone(server: Running, app: App, shop: Tenant) -> None:
    await ask(server, GRANT, basic(app.client_id, "wrong"))
    query = """select new_values ->> 'refused' from core.audit_log
        where tenant_id = $1 and action = 'SIGN_IN' and entity_type = 'APP'"""
    async with as_superuser() as connection:
        for _ in range(100):
            found = await connection.fetchval(query, shop.tenant_id)
            if found:
                break
            await asyncio.sleep(0.05)
    assert found == "CREDENTIALS_INVALID"


async def test_who_names_no_app_at_all_is_written_down_in_the_log_of_the_house(server: Running) -> None:
    count = """select count(*) from iam.house_log where event = 'SIGN_IN' and user_id is null
        and facts = '{"refused": "CREDENTIALS_INVALID"}' and user_agent = $1"""
    agents = {client_id: f"a till {uuid4()}" for client_id in (str(uuid4()), "nobody", "\0")}
    for client_id, agent in agents.items():
        await ask(server, GRANT, basic(client_id, "a secret that is none") | {"User-Agent": agent})
    async with as_superuser() as connection:
        for _ in range(100):
            noted = [await connection.fetchval(count, agent) for agent in agents.values()]
            if noted == [1, 1, 1]:
                break
            await asyncio.sleep(0.05)
        assert noted == [1, 1, 1]
        log = "\n".join(row[0] for row in await connection.fetch("select h::text from iam.house_log h"))
    assert "a secret that is none" not in log
    assert "nobody" not in log


# Who manages apps, and what an app is not


async def test_strangers_and_apps_manage_no_apps(server: Running, app: App) -> None:
    variables = {"input": {"name": "Till", "scopes": SCOPES}}
    assert refusal(await server.ask(CREATE, variables=variables)) == (401, "UNAUTHENTICATED", "TOKEN_MISSING")
    access = await token_of(server, app)
    asked = [(CREATE, variables), *((each, {"input": {"id": app.client_id}}) for each in (ROTATE, REVOKE, UPDATE))]
    for document, given in asked:
        answer = await server.ask(document, token=access, variables=given)
        assert answer.status_code == 403
        codes = {each["extensions"]["code"] for each in answer.json()["errors"]}
        assert codes == {"FORBIDDEN"}


OF_PEOPLE: Final = {
    "signIn": ("SignInInput", {"email": "a@b.example", "password": PASSWORD}, "{ expiresAt }"),
    "sessionRefresh": ("SessionRefreshInput", {}, "{ expiresAt }"),
    "organisationSwitch": ("OrganisationSwitchInput", {"organisation": "acme"}, "{ expiresAt }"),
    "signOut": ("SignOutInput", {"everywhere": True}, "{ ended }"),
    "passwordChange": ("PasswordChangeInput", {"currentPassword": "a", "password": PASSWORD}, "{ done }"),
    "totpEnrol": ("TotpEnrolInput", {"name": "x"}, "{ device }"),
    "recoveryCodesRenew": ("RecoveryCodesRenewInput", {"code": "123456"}, "{ recoveryCodes }"),
}


async def test_what_is_about_people_is_no_apps(server: Running, app: App) -> None:
    access = await token_of(server, app)
    for name, (kind, given, selection) in OF_PEOPLE.items():
        document = f"mutation ($input: {kind}!) {{ {name}(input: $input) {selection} }}"
        answer = await server.ask(document, token=access, variables={"input": given})
        assert refusal(answer) == (403, "FORBIDDEN", "PERMISSION_MISSING"), name
        assert answer.json()["errors"][0]["message"] == "The access token of this app does not include iam:self."
    for query in ("{ mySessions { id } }", "{ myTotpDevices { id } }"):
        assert refusal(await server.ask(query, token=access)) == (403, "FORBIDDEN", "PERMISSION_MISSING")


async def test_each_secret_is_good_for_its_own_use_alone(server: Running, app: App, shop: Tenant, owners: str) -> None:
    sign_in = "mutation ($i: SignInInput!) { signIn(input: $i) { accessToken refreshToken } }"
    given = {"i": {"email": shop.owner_email, "password": PASSWORD}}
    held = (await server.ask(sign_in, variables=given)).json()["data"]["signIn"]
    access = await token_of(server, app)
    # Nothing but an access token is one.
    for text in (app.secret, app.client_id, held["refreshToken"], f"{app.client_id}:{app.secret}"):
        assert refusal(await server.ask(CLIENTS, token=text)) == (401, "UNAUTHENTICATED", "TOKEN_INVALID")
    answer = await server.ask(CLIENTS, headers=app.basic)
    assert refusal(answer) == (401, "UNAUTHENTICATED", "TOKEN_INVALID")
    # Nothing but a refresh token is one.
    refresh = "mutation ($i: SessionRefreshInput!) { sessionRefresh(input: $i) { expiresAt } }"
    for text in (access, app.secret, held["accessToken"]):
        answer = await server.ask(refresh, variables={"i": {"refreshToken": text}})
        assert answer.json()["errors"][0]["extensions"]["reason"] == "SESSION_ENDED"
    # Nothing but an app's secret is one.
    for text in (access, held["accessToken"], held["refreshToken"], PASSWORD):
        for client_id in (app.client_id, str(shop.owner_id)):
            assert error_of(await ask(server, GRANT, basic(client_id, text))) == (401, "invalid_client")
    # Nor a password.
    given = {"i": {"email": shop.owner_email, "password": app.secret}}
    answer = await server.ask(sign_in, variables=given)
    assert answer.json()["errors"][0]["extensions"]["reason"] == "CREDENTIALS_INVALID"


async def test_an_apps_key_and_a_persons_are_not_the_same(server: Running, app: App, owners: str) -> None:
    """Two callers may give the same name to different requests."""
    headers = {"Idempotency-Key": "one and the same".replace(" ", "-")}
    access = await token_of(server, app)
    for bearer, name in ((access, "By an app"), (owners, "By a person")):
        for _ in range(2):
            answer = await server.ask(MAKE_CLIENT, token=bearer, variables={"input": {"name": name}}, headers=headers)
            assert "errors" not in answer.json()
        assert answer.headers["idempotent-replayed"] == "true"
    assert (await server.ask(CLIENTS, token=owners)).json()["data"]["clients"]["totalCount"] == 2


# What others look up


async def test_the_house_says_where_its_endpoints_are(server: Running) -> None:
    answer = await server.client.get("/.well-known/openid-configuration")
    assert answer.status_code == 200
    found = answer.json()
    assert found["issuer"] == server.settings.issuer
    assert found["token_endpoint"] == f"{server.url}/oauth/token"
    assert found["jwks_uri"] == f"{server.url}/.well-known/jwks.json"
    assert found["grant_types_supported"] == ["client_credentials"]
    assert found["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    # It says whatever host it was asked under, so nobody may keep it.
    assert answer.headers["cache-control"] == "no-store"


async def test_an_issuer_with_an_address_is_where_its_endpoints_are(settings: Settings, database: TestDatabase) -> None:
    async with running(replace(settings, issuer="https://books.example/"), database.api_url) as server:
        headers = {"Host": "forger.example"}
        found = (await server.client.get("/.well-known/openid-configuration", headers=headers)).json()
    assert found["issuer"] == "https://books.example/"
    assert found["token_endpoint"] == "https://books.example/oauth/token"
    assert found["jwks_uri"] == "https://books.example/.well-known/jwks.json"


async def test_whoever_has_the_key_set_can_verify_a_token_and_make_none(server: Running, app: App) -> None:
    answer = await server.client.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys = answer.json()["keys"]
    assert {frozenset(key) for key in keys} == {frozenset({"kty", "crv", "x", "kid", "alg", "use"})}
    access = await token_of(server, app)
    [key] = [each for each in jwt.PyJWKSet(keys).keys if each.key_id == jwt.get_unverified_header(access)["kid"]]
    claims = jwt.decode(access, key.key, ["EdDSA"], audience=server.settings.audience, issuer=server.settings.issuer)
    assert claims["sub"] == app.client_id
