"""A suspended organisation: nobody comes in, its roles have no rights, and all is as before when it goes on."""

import asyncio
import secrets
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from gql.database.pool import Origin
from gql.errors import ApiError
from gql.iam.services import Services
from tests.database.isolation import rows_of
from tests.harness.actors import as_analyst, as_owner, as_superuser, as_tenant
from tests.harness.tenants import PASSWORD, Tenant, make_person
from tests.harness.verbs import call, new_client, refused

ORIGIN: Final = Origin("request-1", "192.0.2.7", "a browser")
GROUPS: Final = """
    select r.rolname, g.rolname, r.rolcanlogin from pg_roles as r
    left join pg_auth_members as m on m.member = r.oid left join pg_roles as g on g.oid = m.roleid
    where r.rolname ~ ('^(tenant|analyst_.+)_' || $1 || '$') order by 1
"""


async def suspend(tenant: Tenant, reason: str | None = "Unpaid since March") -> UUID:
    async with as_superuser() as connection:
        suspended: UUID = await call(connection, "iam.tenant_suspend", slug=tenant.slug, reason=reason)
        await connection.execute("select iam.tenant_connections_end($1)", tenant.tenant_id)
    return suspended


async def resume(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await call(connection, "iam.tenant_resume", slug=tenant.slug)


async def groups_of(tenant: Tenant) -> list[tuple[Any, ...]]:
    async with as_superuser() as connection:
        return [tuple(row) for row in await connection.fetch(GROUPS, tenant.tenant_id.hex)]


async def test_a_suspended_organisations_roles_have_no_rights_and_get_them_back(tenant: Tenant) -> None:
    async with as_analyst(tenant) as analyst:
        await analyst.fetch("select id from billing.clients")
    before = await groups_of(tenant)
    assert await suspend(tenant) == tenant.tenant_id
    assert {(group, logs_in) for _, group, logs_in in await groups_of(tenant)} == {(None, False)}
    async with as_tenant(tenant) as connection:
        for statement in ("select id from billing.clients", "select core.today()", "select iam.organisation()"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(statement)
    await resume(tenant)
    assert await groups_of(tenant) == before
    async with as_tenant(tenant) as connection, as_analyst(tenant) as analyst:
        client = await new_client(connection)
        assert [row["id"] for row in await analyst.fetch("select id from billing.clients")] == [client]


async def test_whoever_sets_the_column_takes_the_rights(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await connection.execute("update iam.tenants set suspended_at = now() where id = $1", tenant.tenant_id)
        assert {group for _, group, _ in await groups_of(tenant)} == {None}
        await connection.execute("update iam.tenants set suspended_at = null where id = $1", tenant.tenant_id)
        assert {group for _, group, _ in await groups_of(tenant)} == {"countinghouse_tenant"}


async def test_a_transaction_that_runs_is_not_waited_for_and_no_other_begins(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        async with connection.transaction():
            await new_client(connection)
            await asyncio.wait_for(suspend(tenant), 5)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await new_client(connection)


HUNG_UP: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # between the server's last words and the end of the connection
)


async def test_analysts_are_put_out_and_not_let_in(tenant: Tenant) -> None:
    async with as_analyst(tenant) as analyst:
        await suspend(tenant)
        with pytest.raises(HUNG_UP):
            await analyst.fetch("select 1")
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            async with as_analyst(tenant):
                pass


async def test_an_analyst_who_was_shut_out_before_stays_so(tenant: Tenant) -> None:
    name = f"analyst_test_{tenant.tenant_id.hex}"
    async with as_superuser() as connection:
        await connection.execute(f"create role {name} nologin in role countinghouse_analyst")
    before = await groups_of(tenant)
    await suspend(tenant)
    await resume(tenant)
    assert await groups_of(tenant) == before
    assert (name, "countinghouse_analyst", False) in before


async def test_roles_that_are_made_again_after_a_restore_have_no_rights_either(tenant: Tenant) -> None:
    await suspend(tenant)
    async with as_superuser() as connection:
        await connection.execute("select iam.tenant_role_drop($1)", tenant.tenant_id)
        assert await connection.fetchval("select iam.tenant_roles_restore()") >= 1
    assert {group for _, group, _ in await groups_of(tenant)} == {None}
    await resume(tenant)
    assert {group for _, group, _ in await groups_of(tenant)} == {"countinghouse_tenant"}


async def test_nothing_that_it_has_is_changed(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection)
    before = await rows_of(tenant)
    await suspend(tenant)
    await resume(tenant)
    after = await rows_of(tenant)
    assert len(after.pop("core.audit_log")) == len(before.pop("core.audit_log")) + 2
    assert after == before
    async with as_superuser() as connection:
        log = await connection.fetch(
            "select new_values ->> 'suspend_reason' from core.audit_log where tenant_id = $1 and entity_type = 'TENANT'"
            " and action = 'UPDATE' order by created_at",
            tenant.tenant_id,
        )
    assert [row[0] for row in log] == ["Unpaid since March", None]


async def test_what_makes_no_sense_is_refused(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        with refused("CONFLICT", "TENANT_NOT_SUSPENDED"):
            await call(connection, "iam.tenant_resume", slug=tenant.slug)
        for function in ("iam.tenant_suspend", "iam.tenant_resume"):
            with refused("NOT_FOUND", "TENANT_NOT_FOUND"):
                await call(connection, function, slug="nobody-is-called-so", reason="Why not")
        for reason in (None, "", " untidy ", "x" * 501):
            with refused("BAD_USER_INPUT", "SUSPEND_REASON"):
                await call(connection, "iam.tenant_suspend", slug=tenant.slug, reason=reason)
        with refused("BAD_USER_INPUT", "SUSPEND_REASON"):
            await connection.execute(
                "update iam.tenants set suspend_reason = 'None' where id = $1 and suspended_at is null",
                tenant.tenant_id,
            )
    await suspend(tenant)
    with refused("CONFLICT", "TENANT_SUSPENDED"):
        await suspend(tenant)


@pytest.mark.parametrize(
    "function", ["tenant_suspend(jsonb)", "tenant_resume(jsonb)", "tenant_roles_settle(uuid, boolean)"]
)
async def test_only_the_operator_of_the_house_suspends(function: str, tenant: Tenant) -> None:
    async with as_superuser() as connection:
        may = await connection.fetch(
            "select rolname from pg_roles where not rolsuper and has_function_privilege(rolname, $1, 'execute')"
            " and rolname !~ '^owner_test_'",  # which stands for the owner in tests
            f"iam.{function}",
        )
    assert [row[0] for row in may] == ["countinghouse_owner"]


async def test_the_owner_of_the_tables_cannot_give_rights_back(tenant: Tenant) -> None:
    """Who runs as the owner, as every function of a tenant's does, may call these and is no master of roles."""
    async with as_owner(tenant) as connection:
        for function in ("tenant_suspend", "tenant_resume"):
            with pytest.raises(asyncpg.PostgresError):
                await call(connection, f"iam.{function}", slug=tenant.slug, reason="Why not")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select iam.tenant_roles_settle($1, false)", tenant.tenant_id)


async def test_nobody_joins_it(tenant: Tenant) -> None:
    await suspend(tenant)
    with refused("CONFLICT", "TENANT_SUSPENDED"):
        await make_person(tenant, "viewer")
    await resume(tenant)
    assert (await make_person(tenant, "viewer")).role == "viewer"


async def reason_of(coming: Any) -> str | None:
    with pytest.raises(ApiError) as refusal:
        await coming
    return refusal.value.reason


async def test_nobody_signs_in_to_it_or_switches_over(services: Services, tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_superuser() as connection:
        both = {"tenant_id": other_tenant.tenant_id, "user_id": tenant.owner_id, "role": "viewer"}
        await call(connection, "iam.membership_create", **both)
    signed_in = await services.sign_in.with_password(tenant.owner_email, PASSWORD, other_tenant.slug, ORIGIN)
    alone = await make_person(tenant, "viewer")
    await suspend(tenant)
    sign_in = services.sign_in.with_password
    assert await reason_of(sign_in(alone.email, PASSWORD, None, ORIGIN)) == "NO_ORGANISATION"
    assert await reason_of(sign_in(alone.email, PASSWORD, tenant.slug, ORIGIN)) == "ORGANISATION_UNKNOWN"
    elsewhere = await sign_in(tenant.owner_email, PASSWORD, None, ORIGIN)
    assert elsewhere.organisation.tenant_id == other_tenant.tenant_id
    switching = services.sessions.switch(tenant.owner_id, signed_in.session_id, tenant.slug, ORIGIN)
    assert await reason_of(switching) == "ORGANISATION_UNKNOWN"


async def test_a_refresh_token_is_refused_and_good_again_afterwards(services: Services, tenant: Tenant) -> None:
    signed_in = await services.sign_in.with_password(tenant.owner_email, PASSWORD, None, ORIGIN)
    assert signed_in.refresh is not None
    await suspend(tenant)
    for _ in range(2):
        assert await reason_of(services.sessions.refresh(signed_in.refresh, ORIGIN)) == "TENANT_SUSPENDED"
    assert await reason_of(services.sessions.refresh(secrets.token_urlsafe(32), ORIGIN)) == "SESSION_ENDED"
    await resume(tenant)
    again = await services.sessions.refresh(signed_in.refresh, ORIGIN)
    assert again.session_id == signed_in.session_id
    assert sha256(signed_in.refresh.encode()).digest() != sha256((again.refresh or "").encode()).digest()
