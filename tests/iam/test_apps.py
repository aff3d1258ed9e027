"""Apps: who makes them, what they may do, and how they go. sql/iam/apps.sql, iam/apps.py."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gql.database.context import Context
from gql.errors import ApiError, Code
from gql.iam.credentials.app_secrets import PREFIX, AppSecrets, Handed, ScopeBeyond
from gql.iam.services import Services
from gql.iam.tokens.principals import REMEMBERED_SECONDS, Principals
from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, new_client, refused
from tests.iam.apps import KEPT, SCOPES, here, is_known, token
from tests.iam.forging import Clock

# Making them


async def test_an_app_has_a_secret_of_256_bits_that_is_shown_once_and_kept_as_a_hash(
    app: Handed, app_secrets: AppSecrets, owner: Context
) -> None:
    """Attack 50."""
    assert re.fullmatch(r"chs_[A-Za-z0-9_-]{43}", app.secret)
    other = await app_secrets.create(owner, here(), "Till 8", SCOPES)
    assert other.secret != app.secret
    async with as_superuser() as connection:
        row = await connection.fetchrow("select * from iam.app_secrets where app_id = $1", app.app_id)
        everything = await connection.fetch(
            "select t::text from iam.apps t union all select t::text from iam.app_secrets t"
        )
    assert row is not None
    assert row["hint"] == app.secret[-4:]
    assert len(row["secret_hash"]) == 32
    assert not any(app.secret[len(PREFIX) : -4] in each[0] for each in everything)


async def test_scopes_are_kept_in_order_and_once(owners: asyncpg.Connection) -> None:
    app_id = await call(owners, "iam.app_create", name="Till", scopes=["ledger:read", *SCOPES], **KEPT)
    assert await owners.fetchval("select scopes from iam.apps where id = $1", app_id) == SCOPES


@pytest.mark.parametrize(
    "scope", ["iam:members", "iam:write", "iam:self", "core:work", "billing:delete", "", "BILLING:READ", "app:"]
)
async def test_what_people_decide_and_what_nobody_may_no_app_is_given(owners: asyncpg.Connection, scope: str) -> None:
    app_id = await call(owners, "iam.app_create", name="Till", scopes=SCOPES, **KEPT)
    for function, more in (("iam.app_create", {"name": "Till", **KEPT}), ("iam.app_update", {"id": app_id})):
        with refused("BAD_USER_INPUT", "SCOPE_NOT_FOR_APPS") as told:
            await call(owners, function, scopes=["billing:read", scope], **more)
        assert told.field == "input.scopes"
    with refused("BAD_USER_INPUT", "SCOPE_NOT_FOR_APPS"):
        await call(owners, "iam.app_update", id=app_id, scopes=[])
    for function, more in (("iam.app_create", {"name": "Till", **KEPT}), ("iam.app_update", {"id": app_id})):
        with refused("BAD_USER_INPUT", "REQUIRED"):
            await call(owners, function, scopes=None, **more)


async def test_a_scope_of_people_cannot_be_written_past_the_verbs_either(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        for scopes in (["iam:write"], ["core:work"], [], ["billing:read", None]):
            with refused("BAD_USER_INPUT", "SCOPE_NOT_FOR_APPS"):
                await connection.execute(
                    "insert into iam.apps (tenant_id, name, scopes) values (core.tenant_id(), 'Till', $1)", scopes
                )


async def test_nobody_hands_out_what_they_may_not_do_themselves(tenant: Tenant, owners: asyncpg.Connection) -> None:
    """No role of today can make apps and lacks a scope for them; the permissions of one that could are put in its
    place."""
    app_id = await call(owners, "iam.app_create", name="Till", scopes=SCOPES, **KEPT)
    async with as_tenant(tenant, "app:iam:write billing:read") as lesser:
        asked: list[tuple[str, dict[str, Any]]] = [
            ("iam.app_create", {"name": "Till", "scopes": SCOPES}),
            ("iam.app_update", {"id": app_id, "scopes": SCOPES}),
            ("iam.app_secret_rotate", {"id": app_id}),
        ]
        for function, given in asked:
            with refused("FORBIDDEN", "SCOPE_BEYOND_ROLE") as told:
                await call(lesser, function, **given, **KEPT)
            assert "ledger:read" in told.message
        await call(lesser, "iam.app_update", id=app_id, scopes=["billing:read"])


@pytest.mark.parametrize(
    "role", ["accountant", "operator", "viewer", "member", "", "worker", "app:billing:read iam:read"]
)
@pytest.mark.parametrize("verb", ["create", "update", "secret_rotate", "revoke"])
async def test_only_owners_and_admins_manage_apps(tenant: Tenant, role: str, verb: str) -> None:
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, f"iam.app_{verb}", id="not even an id")


async def test_an_admin_manages_apps(tenant: Tenant) -> None:
    async with as_tenant(tenant, "admin") as connection:
        app_id = await call(connection, "iam.app_create", name="Till", scopes=SCOPES, **KEPT)
        await call(connection, "iam.app_update", id=app_id, name="Till 9", scopes=["billing:read"])
        row = await connection.fetchrow("select name, scopes, created_by from iam.apps where id = $1", app_id)
        assert row is not None
        assert tuple(row) == ("Till 9", ["billing:read"], tenant.owner_id)
        await call(connection, "iam.app_revoke", id=app_id)


@pytest.mark.parametrize("name", ["", " Till", "x" * 101])
async def test_a_name_is_a_name(owners: asyncpg.Connection, name: str) -> None:
    with refused("BAD_USER_INPUT", "NAME_INVALID"):
        await call(owners, "iam.app_create", name=name, scopes=SCOPES, **KEPT)


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
async def test_what_is_no_text_is_refused(app_secrets: AppSecrets, owner: Context, bad: str) -> None:
    for name, scopes in ((bad, SCOPES), ("Till", [bad])):
        with pytest.raises(ApiError) as refusal:
            await app_secrets.create(owner, here(), name, scopes)
        assert refusal.value.code is Code.BAD_USER_INPUT
    with pytest.raises(ApiError) as refusal:
        await app_secrets.rotate(owner, here(), bad, None)
    assert refusal.value.field == "input.id"


# Going


async def test_a_revoked_app_is_out_at_once_for_tokens_and_within_seconds_with_those_it_has(
    app: Handed, app_secrets: AppSecrets, owner: Context, owners: asyncpg.Connection, services: Services
) -> None:
    clock = Clock()
    principals = Principals(services.database, clock=clock)
    identity = services.tokens.verify((await token(app_secrets, app)).access.text)
    await principals.context(identity)
    old = await app_secrets.rotate(owner, here(), str(app.app_id), 24)
    await call(owners, "iam.app_revoke", id=app.app_id)
    assert not await is_known(app_secrets, app)
    assert not await is_known(app_secrets, old)
    clock.now += REMEMBERED_SECONDS
    with pytest.raises(ApiError) as refusal:
        await principals.context(identity)
    assert (refusal.value.code, refusal.value.reason) == (Code.UNAUTHENTICATED, "APP_GONE")


async def test_revoked_is_for_good(app: Handed, owners: asyncpg.Connection, tenant: Tenant) -> None:
    await call(owners, "iam.app_revoke", id=app.app_id)
    for verb in ("update", "secret_rotate", "revoke"):
        with refused("CONFLICT", "APP_REVOKED"):
            await call(owners, f"iam.app_{verb}", id=app.app_id, name="Again", **KEPT)
    async with as_owner(tenant) as connection:
        with refused("CONFLICT", "APPEND_ONLY"):
            await connection.execute("update iam.apps set revoked_at = null")


async def test_an_app_that_lost_a_scope_has_lost_it_within_seconds(
    app: Handed, app_secrets: AppSecrets, owners: asyncpg.Connection, services: Services
) -> None:
    clock = Clock()
    principals = Principals(services.database, clock=clock)
    identity = services.tokens.verify((await token(app_secrets, app)).access.text)
    assert (await principals.context(identity)).permissions == set(SCOPES)
    for scopes, left in (
        (["billing:read", "billing:write"], {"billing:read"}),
        (["ledger:write"], set[str]()),
        (SCOPES, set(SCOPES)),
    ):
        await call(owners, "iam.app_update", id=app.app_id, scopes=scopes)
        clock.now += REMEMBERED_SECONDS
        assert (await principals.context(identity)).permissions == left


async def test_an_app_of_a_suspended_organisation_is_out(
    app: Handed, app_secrets: AppSecrets, services: Services, tenant: Tenant
) -> None:
    identity = services.tokens.verify((await token(app_secrets, app)).access.text)
    async with as_superuser() as connection:
        await connection.execute("update iam.tenants set suspended_at = now() where id = $1", tenant.tenant_id)
    assert not await is_known(app_secrets, app)
    with pytest.raises(ApiError, match="suspended"):
        await Principals(services.database).context(identity)


# What is seen, and what is written down


async def test_an_app_sees_all_of_its_organisation_and_does_what_its_scopes_say(
    tenant: Tenant, owners: asyncpg.Connection
) -> None:
    client_id = await new_client(owners)
    app_id = await call(owners, "iam.app_create", name="Till", scopes=SCOPES, **KEPT)
    async with as_tenant(tenant, "app:billing:read", user_id=app_id) as connection:
        assert [row["id"] for row in await connection.fetch("select id from billing.clients")] == [client_id]
        with refused("FORBIDDEN", "PERMISSION_MISSING") as told:
            await call(connection, "billing.client_create", name="Another")
        assert told.message == "The access token of this app does not include billing:write."
    async with as_tenant(tenant, "app:billing:write", user_id=app_id) as connection:
        made = await new_client(connection, "By an app")
    async with as_superuser() as connection:
        assert await connection.fetchval("select created_by from billing.clients where id = $1", made) == app_id
        query = "select user_id from core.audit_log where tenant_id = $1 and entity_id = $2"
        assert await connection.fetchval(query, tenant.tenant_id, made) == app_id


async def test_a_scoped_person_sees_no_app_and_nobody_sees_a_hash(tenant: Tenant, app: Handed) -> None:
    async with as_tenant(tenant, "member", [uuid4()]) as connection:
        assert await connection.fetch("select id from iam.apps") == []
        assert await connection.fetch("select id from iam.app_secrets") == []
    async with as_analyst(tenant) as analyst:
        for table in ("iam.apps", "iam.app_secrets"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await analyst.fetch(f"select id from {table}")
    async with as_tenant(tenant) as connection, as_nobody() as nobody:
        assert [row["id"] for row in await connection.fetch("select id from iam.apps")] == [app.app_id]
        for each in (connection, nobody):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await each.fetch("select secret_hash from iam.app_secrets")


@pytest.mark.parametrize("function", ["app_sign_in", "app_refused", "app_context"])
async def test_what_the_server_asks_before_it_knows_who_is_there_a_tenant_cannot(tenant: Tenant, function: str) -> None:
    async with as_superuser() as connection:
        for role in ("countinghouse_tenant", "countinghouse_analyst", "countinghouse_reader", "countinghouse_worker"):
            assert not await connection.fetchval(
                "select has_function_privilege($1, oid, 'execute') from pg_proc where proname = $2", role, function
            )


async def test_the_log_tells_all_that_happens_and_no_secret(
    app: Handed, app_secrets: AppSecrets, owner: Context, owners: asyncpg.Connection, tenant: Tenant
) -> None:
    await token(app_secrets, app, ["billing:read"])
    with pytest.raises(ScopeBeyond):
        await token(app_secrets, app, ["billing:write"])
    await app_secrets.note_refusal(str(app.app_id), here())
    for stranger in ("nobody", str(uuid4())):
        await app_secrets.note_refusal(stranger, here())
    new = await app_secrets.rotate(owner, here(), str(app.app_id), None)
    await call(owners, "iam.app_update", id=app.app_id, scopes=["billing:read"])
    await call(owners, "iam.app_revoke", id=app.app_id)
    async with as_superuser() as connection:
        rows = await connection.fetch(
            "select action, entity_type, new_values, user_id, ip_address, user_agent, t::text as all"
            " from core.audit_log t where tenant_id = $1 and entity_type like 'APP%' order by created_at, id",
            tenant.tenant_id,
        )
        hashes = await connection.fetch(
            "select encode(secret_hash, 'hex') from iam.app_secrets where app_id = $1", app.app_id
        )
    said = [(row["action"], row["entity_type"]) for row in rows]
    assert sorted(said) == sorted(
        [
            ("CREATE", "APP"), ("CREATE", "APP_SECRET"),
            ("SIGN_IN", "APP"), ("SIGN_IN", "APP"), ("SIGN_IN", "APP"),
            ("UPDATE", "APP_SECRET"), ("CREATE", "APP_SECRET"),
            ("UPDATE", "APP"),
            ("UPDATE", "APP_SECRET"), ("UPDATE", "APP_SECRET"), ("UPDATE", "APP"),
        ]
    )  # fmt: skip
    came, beyond, unknown = [row for row in rows if row["action"] == "SIGN_IN"]
    assert json.loads(came["new_values"]) == {"scopes": ["billing:read"]}
    assert json.loads(beyond["new_values"]) == {"refused": "SCOPE_BEYOND"}
    assert json.loads(unknown["new_values"]) == {"refused": "CREDENTIALS_INVALID"}
    assert {row["user_id"] for row in (came, beyond, unknown)} == {app.app_id}
    assert came["ip_address"].startswith("198.51.100.")
    assert came["user_agent"] == "a till"
    text = "\n".join(row["all"] for row in rows)
    for secret in (app.secret, new.secret, *(row[0] for row in hashes)):
        assert secret not in text
        assert secret[-4:] not in text or len(secret) == 64
    assert "secret_hash" not in text
    assert "hint" not in text


async def test_last_use_is_told_to_the_minute_and_written_once_in_it(
    app: Handed, app_secrets: AppSecrets, owners: asyncpg.Connection
) -> None:
    asked = "select last_used_at, updated_at from iam.apps where id = $1"
    first = await owners.fetchrow(asked, app.app_id)
    assert first is not None
    assert first["last_used_at"] is None
    seen = set()
    for _ in range(5):
        await token(app_secrets, app)
        row = await owners.fetchrow(asked, app.app_id)
        assert row is not None
        assert (row["last_used_at"].second, row["last_used_at"].microsecond) == (0, 0)
        seen.add((row["last_used_at"], row["updated_at"]))
    assert len(seen) <= 2  # the minute may end meanwhile
    assert isinstance(app.app_id, UUID)
