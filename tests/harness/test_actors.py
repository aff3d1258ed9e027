"""The harness itself: each actor is who it says, and no more."""

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import PASSWORD, Tenant, make_person, password_hash

WHO = """
select session_user::text as login, current_user::text as becomes, core.tenant_id() as tenant_id,
       core.role() as role, core.user_id() as user_id, core.scope_ids() as scope_ids
"""
POWERS = "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb from pg_roles where rolname = current_user"


async def test_a_person_of_a_tenant_comes_in_as_the_api_and_becomes_the_tenant(tenant: Tenant) -> None:
    async with as_tenant(tenant, "member", [tenant.tenant_id]) as connection:
        who = await connection.fetchrow(WHO)
        assert await connection.fetchval(POWERS) is False
    assert who is not None
    assert (who["login"], who["becomes"]) == ("countinghouse_api", tenant.database_role)
    assert (who["tenant_id"], who["user_id"]) == (tenant.tenant_id, tenant.owner_id)
    assert (who["role"], who["scope_ids"]) == ("member", [tenant.tenant_id])


async def test_an_analyst_has_a_login_of_their_own_and_the_tenant_in_its_name(tenant: Tenant) -> None:
    async with as_analyst(tenant) as connection:
        who = await connection.fetchrow(WHO)
        assert await connection.fetchval(POWERS) is False
    assert who is not None
    assert who["login"] == who["becomes"] == f"analyst_test_{tenant.tenant_id.hex}"
    assert who["tenant_id"] == tenant.tenant_id


async def test_the_owner_of_the_tables_stands_in_the_context_of_a_tenant(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        who = await connection.fetchrow(WHO)
        assert await connection.fetchval("select pg_has_role(current_user, 'countinghouse_owner', 'usage')") is True
        assert await connection.fetchval(POWERS) is False
    assert who is not None
    assert (who["tenant_id"], who["role"]) == (tenant.tenant_id, "owner")


async def test_nobody_has_no_tenant_and_reads_no_table() -> None:
    async with as_nobody() as connection:
        assert await connection.fetchval("select current_user::text") == "countinghouse_api"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from iam.tenants")


async def test_people_and_tenants_are_made_as_the_command_line_makes_them(tenant: Tenant) -> None:
    person = await make_person(tenant, "viewer")
    assert PASSWORD not in password_hash()
    async with as_superuser() as connection:
        made = await connection.fetch(
            "select email, role from iam.memberships join iam.users on users.id = user_id where tenant_id = $1"
            " order by role",
            tenant.tenant_id,
        )
    assert [tuple(row) for row in made] == [(tenant.owner_email, "owner"), (person.email, "viewer")]
