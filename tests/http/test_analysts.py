"""Making and ending analysts' logins over HTTP."""

from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from tests.harness.actors import as_superuser
from tests.harness.tenants import Tenant, make_person
from tests.http.servers import Running

CREATE: Final = """mutation ($input: AnalystCreateInput!) {
    analystCreate(input: $input) { analyst host port database user secret url } }"""
ROTATE: Final = """mutation ($input: AnalystSecretRotateInput!) {
    analystSecretRotate(input: $input) { analyst user secret url } }"""
REVOKE: Final = "mutation ($input: AnalystIdInput!) { analystRevoke(input: $input) { analyst { login revokedAt } } }"
LIST: Final = "{ analysts { nodes { id label login connectionLimit statementTimeoutMs validUntil revokedAt } } }"


async def ask(server: Running, token: str, document: str, key: str | None = None, **given: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    variables = {"input": given} if given else None
    return await server.ask(document, token=token, headers=headers, variables=variables)


async def test_an_administrator_makes_a_login_rotates_and_revokes_it(server: Running, tenant: Tenant) -> None:
    token = server.token(tenant.owner, tenant)
    answer = await ask(
        server, token, CREATE, label="Warehouse", statementTimeoutMs=500, validUntil="2999-01-01T00:00:00Z"
    )
    made = answer.json()["data"]["analystCreate"]
    address = urlsplit(made["url"])
    assert (address.hostname, address.port, address.username, address.password, address.path) == (
        made["host"], made["port"], made["user"], made["secret"], f"/{made['database']}",
    )  # fmt: skip
    connection = await asyncpg.connect(made["url"])
    assert await connection.fetchval("select slug from organisation") == tenant.slug
    await connection.close()

    rotated = (await ask(server, token, ROTATE, id=made["analyst"])).json()["data"]["analystSecretRotate"]
    assert (rotated["analyst"], rotated["user"]) == (made["analyst"], made["user"])
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(made["url"])
    await (await asyncpg.connect(rotated["url"])).close()

    answer = await ask(server, token, LIST)
    [listed] = answer.json()["data"]["analysts"]["nodes"]
    assert listed == {
        "id": made["analyst"], "label": "Warehouse", "login": made["user"], "connectionLimit": 5,
        "statementTimeoutMs": 500, "validUntil": "2999-01-01T00:00:00+00:00", "revokedAt": None,
    }  # fmt: skip
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in answer.text

    revoked = (await ask(server, token, REVOKE, id=made["analyst"])).json()["data"]["analystRevoke"]["analyst"]
    assert revoked["revokedAt"]
    with pytest.raises((asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError)):
        await asyncpg.connect(rotated["url"])


async def test_an_answer_with_a_secret_is_kept_under_no_key(server: Running, tenant: Tenant) -> None:
    token = server.token(tenant.owner, tenant)
    first = await ask(server, token, CREATE, key="make-it-once", label="Once")
    secret = first.json()["data"]["analystCreate"]["secret"]
    again = await ask(server, token, CREATE, key="make-it-once", label="Once")
    [problem] = again.json()["errors"]
    assert (problem["extensions"]["code"], problem["extensions"]["reason"]) == ("CONFLICT", "LABEL_TAKEN")
    assert secret not in again.text
    async with as_superuser() as connection:
        kept = await connection.fetch("select answer from core.idempotency_keys where tenant_id = $1", tenant.tenant_id)
    assert not [row for row in kept if secret in str(row)]
    assert kept == []


@pytest.mark.parametrize("role", ["accountant", "viewer"])
async def test_others_are_refused(server: Running, tenant: Tenant, role: str) -> None:
    person = await make_person(tenant, role)
    token = server.token(person, tenant)
    for document, given in ((CREATE, {"label": "Mine"}), (ROTATE, {"id": str(tenant.tenant_id)})):
        answer = await ask(server, token, document, **given)
        [problem] = answer.json()["errors"]
        assert (problem["extensions"]["code"], problem["extensions"]["reason"]) == ("FORBIDDEN", "PERMISSION_MISSING")
    for document, given in ((REVOKE, {"id": str(tenant.tenant_id)}), (LIST, {})):
        answer = await ask(server, token, document, **given)
        assert {each["extensions"]["reason"] for each in answer.json()["errors"]} == {"PERMISSION_MISSING"}
        assert "data" not in answer.json()


async def test_a_stranger_is_asked_to_sign_in(server: Running, tenant: Tenant) -> None:
    for document, given in ((CREATE, {"label": "Mine"}), (ROTATE, {"id": str(tenant.tenant_id)})):
        answer = await server.ask(document, variables={"input": given})
        [problem] = answer.json()["errors"]
        assert (problem["extensions"]["code"], problem["extensions"]["reason"]) == ("UNAUTHENTICATED", "TOKEN_MISSING")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"label": "x\u0000y"}, "INVALID_VALUE"),
        ({"label": "x", "validUntil": "2020-01-01T00:00:00Z"}, "VALID_UNTIL_PAST"),
        ({"label": "x", "connectionLimit": 2**31 - 1}, "CONNECTION_LIMIT"),
        ({"label": "x" * 101}, "LABEL_INVALID"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_reason(
    server: Running, tenant: Tenant, given: dict[str, Any], reason: str
) -> None:
    answer = await ask(server, server.token(tenant.owner, tenant), CREATE, **given)
    [problem] = answer.json()["errors"]
    assert (problem["extensions"]["code"], problem["extensions"]["reason"]) == ("BAD_USER_INPUT", reason)


async def test_an_id_that_is_none_is_not_found(server: Running, tenant: Tenant) -> None:
    token = server.token(tenant.owner, tenant)
    for wanted in ("nonsense", "00000000-0000-4000-8000-000000000000", "\u0000"):
        answer = await ask(server, token, ROTATE, id=wanted)
        [problem] = answer.json()["errors"]
        assert problem["extensions"]["code"] in ("NOT_FOUND", "BAD_USER_INPUT"), problem
