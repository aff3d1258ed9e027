"""Organisations and their database roles: sql/iam/tenants.sql."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call, new_client, refused

MEMBERS = """
    select member.rolname::text from pg_auth_members
    join pg_roles granted on granted.oid = roleid join pg_roles member on member.oid = pg_auth_members.member
    where granted.rolname = $1 order by 1
"""


@asynccontextmanager
async def as_role(role: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that stands in one of the house's own roles, as if it had signed in as it."""
    async with as_superuser() as connection:
        await connection.execute(f"set session authorization {role}")
        yield connection


async def test_an_organisation_is_made_together_with_its_role(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        role = await connection.fetchrow("select * from pg_roles where rolname = $1", tenant.database_role)
        groups = await connection.fetch(
            "select roleid::regrole::text from pg_auth_members where member = $1::regrole",
            tenant.database_role,
        )
        members = await connection.fetch(MEMBERS, tenant.database_role)
        assert role is not None
        for power in ("rolcanlogin", "rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication"):
            assert role[power] is False
        assert [group[0] for group in groups] == ["countinghouse_tenant"]
        found = {member[0] for member in members}
        assert found - {"countinghouse_provisioner"} == {"countinghouse_api", "countinghouse_worker"}


async def test_the_server_may_become_a_tenant_and_inherits_nothing_of_it(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection)
    async with as_nobody() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select id from billing.clients")
        await connection.execute(f"set role {tenant.database_role}")
        await connection.execute("set app.role = 'viewer'")
        assert len(await connection.fetch("select id from billing.clients")) == 1


async def test_who_makes_the_roles_cannot_read_as_one(tenant: Tenant) -> None:
    async with as_role("countinghouse_provisioner") as connection:
        for table in ("billing.clients", "iam.tenants", "core.audit_log"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"select 1 from {table}")
        for role in (tenant.database_role, "countinghouse_tenant", "countinghouse_owner"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"set role {role}")


@pytest.mark.parametrize("function", ["tenant_role_create", "tenant_role_drop"])
async def test_roles_are_made_and_dropped_by_nobody_who_serves(tenant: Tenant, function: str) -> None:
    async with (
        as_nobody() as nobody,
        as_tenant(tenant) as person,
        as_analyst(tenant) as analyst,
        as_owner(tenant) as own,
    ):
        for connection in (nobody, person, analyst, own):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"select iam.{function}($1)", tenant.tenant_id)


@pytest.mark.parametrize("function", ["tenant_create", "user_create", "membership_create"])
async def test_only_the_operator_of_the_house_makes_organisations_and_people(tenant: Tenant, function: str) -> None:
    async with as_nobody() as nobody, as_tenant(tenant) as person, as_analyst(tenant) as analyst:
        for connection in (nobody, person, analyst):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await call(connection, f"iam.{function}")


async def test_a_missing_role_is_made_again_and_works_as_before(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection)
    async with as_superuser() as connection:
        await connection.execute("select iam.tenant_role_drop($1)", tenant.tenant_id)
        assert await connection.fetchval("select to_regrole($1)", tenant.database_role) is None
        assert await connection.fetchval("select iam.tenant_roles_restore()") >= 1
        assert await connection.fetchval("select iam.tenant_roles_restore()") == 0
    async with as_tenant(tenant) as connection:
        assert len(await connection.fetch("select id from billing.clients")) == 1


async def test_making_a_role_twice_changes_nothing(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        before = await connection.fetch(MEMBERS, tenant.database_role)
        assert await connection.fetchval("select iam.tenant_role_create($1)", tenant.tenant_id) == tenant.database_role
        assert await connection.fetch(MEMBERS, tenant.database_role) == before


async def test_an_organisation_that_is_refused_leaves_no_role(tenant: Tenant) -> None:
    count = "select count(*) from pg_roles where rolname ~ '^tenant_'"
    async with as_superuser() as connection:
        before = await connection.fetchval(count)
        with refused("CONFLICT", "SLUG_TAKEN"):
            await call(connection, "iam.tenant_create", slug=tenant.slug, name="Copycat")
        assert await connection.fetchval(count) == before


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"slug": "Ash"}, "SLUG_INVALID"),
        ({"slug": "a"}, "SLUG_INVALID"),
        ({"slug": "a" * 64}, "SLUG_INVALID"),
        ({"slug": "1st"}, "SLUG_INVALID"),
        ({"name": ""}, "NAME_INVALID"),
        ({"name": " Ash "}, "NAME_INVALID"),
        ({"country": "Ireland"}, "COUNTRY_INVALID"),
        ({"currency": "euro"}, "CURRENCY_CODE"),
        ({"currency": "KWD"}, "CURRENCY_DECIMALS"),
        ({"time_zone": "Dublin"}, "TIME_ZONE_UNKNOWN"),
        ({"time_zone": "XYZ-3"}, "TIME_ZONE_UNKNOWN"),
        ({"fiscal_year_start": 13}, "FISCAL_YEAR_START"),
        ({"fiscal_year_start": 0}, "FISCAL_YEAR_START"),
        ({"settings": []}, "JSON_OBJECT_REQUIRED"),
        ({"name": None}, "REQUIRED"),
    ],
)
async def test_a_profile_that_makes_no_sense_is_refused(facts: dict[str, Any], reason: str) -> None:
    async with as_superuser() as connection:
        with refused("BAD_USER_INPUT", reason):
            await call(connection, "iam.tenant_create", **{"slug": "never-made", "name": "Never Made", **facts})


async def test_each_organisation_sees_its_own_profile_alone(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (tenant, other_tenant):
        async with as_tenant(each, "member", [each.tenant_id]) as connection:
            rows = await connection.fetch("select slug, name, currency from iam.organisation()")
        assert [tuple(row) for row in rows] == [(each.slug, each.name, each.currency)]


async def test_no_organisation_can_list_the_others(tenant: Tenant) -> None:
    async with as_tenant(tenant) as person, as_analyst(tenant) as analyst, as_nobody() as nobody:
        for connection in (person, analyst, nobody):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("select slug from iam.tenants")
    async with as_owner(tenant) as connection:
        assert [row[0] for row in await connection.fetch("select slug from iam.tenants")] == [tenant.slug]
    async with as_tenant(tenant, "") as connection:
        assert await connection.fetch("select slug from iam.organisation()") == []


async def test_what_is_left_out_of_a_profile_gets_its_default() -> None:
    made = await make_tenant("Default House")
    async with as_superuser() as connection:
        row = await connection.fetchrow("select * from iam.tenants where id = $1", made.tenant_id)
    assert row is not None
    assert (row["time_zone"], row["fiscal_year_start"], row["settings"], row["suspended_at"]) == ("UTC", 1, "{}", None)


async def test_a_tenants_role_has_its_rights_from_the_group_and_nobody_becomes_that(tenant: Tenant) -> None:
    """Where PostgreSQL can tell the two apart, from 16 on: a backend follows each way that a role could go."""
    async with as_superuser() as connection:
        roles = [
            tuple(row)
            for row in await connection.fetch(
                "select r.rolname, inherits, becomes from pg_auth_members as m join pg_roles as r on r.oid = m.member,"
                " lateral (select coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, rolinherit) as inherits,"
                " coalesce((to_jsonb(m) ->> 'set_option')::boolean, false) as becomes) as options"
                " where m.roleid = 'countinghouse_tenant'::regrole and r.rolname = $1",
                tenant.database_role,
            )
        ]
        logins = await connection.fetch(
            "select coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, r.rolinherit) as inherits, admin_option"
            " from pg_auth_members as m join pg_roles as r on r.oid = m.member"
            " where m.roleid = $1::regrole and r.rolname in ('countinghouse_api', 'countinghouse_worker')",
            tenant.database_role,
        )
    assert roles == [(tenant.database_role, True, False)]
    assert [tuple(login) for login in logins] == [(False, False)] * 2
