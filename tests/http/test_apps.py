"""Apps over HTTP: who manages them, and what becomes of their secrets and tokens."""

import asyncio
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.harness.actors import as_superuser
from tests.harness.postgres import TestDatabase
from tests.harness.tenants import PASSWORD, Tenant
from tests.http.apps import (
    CLIENTS,
    CREATE,
    GRANT,
    MAKE_CLIENT,
    REVOKE,
    ROTATE,
    SCOPES,
    UPDATE,
    App,
    ask,
    basic,
    error_of,
    is_known,
    token_of,
)
from tests.http.servers import Running, refusal


@pytest.fixture(autouse=True)
async def nobody_has_failed_yet(database: TestDatabase) -> None:
    async with as_superuser() as connection:
        await connection.execute("delete from iam.throttles")


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
