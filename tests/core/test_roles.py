"""Who there is on the server, what they are and what they may never do: sql/core/roles.sql."""

from typing import Final

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant

HOUSE: Final = {
    "countinghouse_owner": set[str](),
    "countinghouse_api": {"login"},
    "countinghouse_tenant": set[str](),
    "countinghouse_analyst": set[str](),
    "countinghouse_reader": set[str](),
    "countinghouse_auth": set[str](),
    "countinghouse_provisioner": {"createrole"},
    "countinghouse_worker": {"login"},
    "countinghouse_reports": set[str](),
}
ATTRIBUTES: Final = """
select rolname::text as name, array_remove(array[
    case when rolsuper then 'superuser' end, case when rolbypassrls then 'bypassrls' end,
    case when rolcreatedb then 'createdb' end, case when rolcreaterole then 'createrole' end,
    case when rolreplication then 'replication' end, case when rolcanlogin then 'login' end
], null) as attributes
from pg_roles where rolname ~ '^(countinghouse|tenant)_'
"""
MEMBERSHIPS: Final = """
select granted.rolname::text as granted, member.rolname::text as member
from pg_auth_members
join pg_roles as granted on granted.oid = roleid
join pg_roles as member on member.oid = pg_auth_members.member
where granted.rolname ~ '^(countinghouse|tenant)_' or member.rolname ~ '^(countinghouse|tenant)_'
"""


async def test_each_role_has_the_powers_it_needs_and_no_others(tenant: Tenant) -> None:
    """Attack 3."""
    async with as_superuser() as connection:
        found = {row["name"]: set(row["attributes"]) for row in await connection.fetch(ATTRIBUTES)}
    assert {name: powers for name, powers in found.items() if name in HOUSE} == HOUSE
    tenants = {name: powers for name, powers in found.items() if name.startswith("tenant_")}
    assert tenant.database_role in tenants
    assert set(map(frozenset, tenants.values())) == {frozenset()}


async def test_the_server_and_the_worker_may_become_a_tenant_and_nobody_else_of_the_house(tenant: Tenant) -> None:
    """Attack 3."""
    async with as_superuser() as connection:
        pairs = {(row["granted"], row["member"]) for row in await connection.fetch(MEMBERSHIPS)}
    for login in ("countinghouse_api", "countinghouse_worker"):
        becomes = {granted for granted, member in pairs if member == login}
        assert tenant.database_role in becomes
        assert all(granted.startswith("tenant_") for granted in becomes)
    groups = {member for granted, member in pairs if granted == "countinghouse_tenant"}
    assert all(member.startswith("tenant_") or member == "countinghouse_provisioner" for member in groups)
    for lonely in ("countinghouse_auth", "countinghouse_reader", "countinghouse_reports"):
        assert lonely not in {role for pair in pairs for role in pair}
    assert not {granted for granted, member in pairs if member == "countinghouse_owner"}


@pytest.mark.parametrize(
    "role",
    [
        "countinghouse_owner",
        "countinghouse_reader",
        "countinghouse_auth",
        "countinghouse_provisioner",
        "countinghouse_analyst",
        "pg_read_all_data",
    ],
)
async def test_neither_the_server_nor_a_tenant_becomes_anything_greater(role: str, tenant: Tenant) -> None:
    """Attack 3."""
    async with as_nobody() as nobody, as_tenant(tenant) as person:
        for connection in (nobody, person):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"set role {role}")
    async with as_nobody() as nobody, as_tenant(tenant) as person:
        for connection in (nobody, person):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"set session authorization {role}")


async def test_a_tenant_becomes_its_group_at_most_which_sees_nothing(tenant: Tenant) -> None:
    """Before PostgreSQL 16, where a membership cannot say that nobody is to become the group."""
    async with as_tenant(tenant) as connection:
        assert await connection.fetchval("select count(*) from iam.memberships") == 1
        if connection.get_server_version().major >= 16:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("set role countinghouse_tenant")
            return
        await connection.execute("set role countinghouse_tenant")
        assert await connection.fetchval("select core.tenant_id()") is None
        assert await connection.fetchval("select count(*) from iam.memberships") == 0


async def test_an_analyst_becomes_their_group_at_most_which_sees_nothing(tenant: Tenant) -> None:
    async with as_analyst(tenant) as connection:
        assert await connection.fetchval("select count(*) from iam.memberships") == 1
        await connection.execute("set role countinghouse_analyst")
        assert await connection.fetchval("select core.tenant_id()") is None
        assert await connection.fetchval("select count(*) from iam.memberships") == 0


FORBIDDEN: Final = (
    "create table public.mine (id int)",
    "create table core.mine (id int)",
    "create table iam.mine (id int)",
    "create temp table mine (id int)",
    "create function public.mine() returns int language sql return 1",
    "create schema mine",
    "create role mine",
    "create extension pg_stat_statements",
    "alter role countinghouse_api superuser",
    "alter table iam.users disable row level security",
    "alter table iam.users owner to countinghouse_tenant",
    "drop table core.audit_log",
    "alter table core.audit_log disable trigger append_only",
    "alter system set row_security = off",
    "set session_replication_role = replica",
    "select pg_advisory_lock(1)",
    "select pg_try_advisory_xact_lock(1)",
    "select lo_create(0)",
    "select pg_read_file('postgresql.conf')",
    "select pg_reload_conf()",
    "copy (select 1) to program 'true'",
    "select rolpassword from pg_authid",
    "do $$ begin lock table iam.memberships; end $$",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_nobody_who_serves_or_is_served_makes_alters_or_reads_what_is_the_houses(
    statement: str, tenant: Tenant
) -> None:
    async with as_nobody() as nobody, as_tenant(tenant) as person, as_analyst(tenant) as analyst:
        for connection in (nobody, person, analyst):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)) as refusal:
                await connection.execute(statement)
            assert refusal.value.sqlstate == "42501"


async def test_a_function_of_the_owner_that_comes_later_is_not_everybodys(tenant: Tenant) -> None:
    """Whoever forgets to revoke has granted nothing."""
    async with as_superuser() as connection:
        await connection.execute("set role countinghouse_owner")
        await connection.execute("create function core.forgotten() returns int language sql return 1")
        await connection.execute("create domain core.forgotten_kind as text")
        await connection.execute("reset role")
    try:
        async with as_nobody() as nobody, as_tenant(tenant) as person, as_analyst(tenant) as analyst:
            for connection in (nobody, person, analyst):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute("select core.forgotten()")
        async with as_superuser() as connection:
            for role in ("countinghouse_tenant", "countinghouse_analyst", "countinghouse_api"):
                assert not await connection.fetchval(
                    "select has_type_privilege($1, 'core.forgotten_kind', 'usage')", role
                )
    finally:
        async with as_superuser() as connection:
            await connection.execute("drop function core.forgotten(); drop domain core.forgotten_kind")


async def test_a_stranger_to_the_house_may_not_even_connect(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        await connection.execute("drop role if exists passer_by")
        await connection.execute("create role passer_by")
        try:
            for privilege in ("connect", "temporary", "create"):
                assert not await connection.fetchval(
                    "select has_database_privilege('passer_by', current_database(), $1)", privilege
                )
            for schema in ("core", "iam", "ledger", "reports", "billing", "trade"):
                assert not await connection.fetchval("select has_schema_privilege('passer_by', $1, 'usage')", schema)
        finally:
            await connection.execute("drop role passer_by")


async def test_the_names_of_roles_say_nothing_of_the_organisations(tenant: Tenant) -> None:
    """Attack 26."""
    async with as_tenant(tenant) as connection:
        seen = await connection.fetch("select rolname::text, shobj_description(oid, 'pg_authid') from pg_roles")
    shown = "\n".join(f"{row[0]} {row[1]}" for row in seen)
    assert tenant.database_role in shown
    assert tenant.slug not in shown
    assert tenant.name not in shown


async def test_the_owner_of_the_tables_is_held_by_the_policies_and_cannot_shake_them_off(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    async with as_owner(tenant) as connection:
        seen = await connection.fetch("select distinct tenant_id from iam.memberships")
        assert [row[0] for row in seen] == [tenant.tenant_id]
        await connection.execute("set row_security = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select tenant_id from iam.memberships")
