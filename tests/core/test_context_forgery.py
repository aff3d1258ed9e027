"""Whatever a session sets, its tenant is that of its role, in every place where PostgreSQL runs code for it."""

from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant

TENANT: Final = "select core.tenant_id()"
PINNED: Final = "set search_path = pg_catalog, pg_temp"
STAGE: Final = f"""
create schema stage authorization countinghouse_owner;
grant usage on schema stage to countinghouse_tenant, countinghouse_reader, countinghouse_auth;
create table stage.seen (tenant_id uuid, whence text);
-- SECURITY DEFINER, because before PostgreSQL 18 a deferred trigger runs as whoever commits.
create function stage.note() returns trigger language plpgsql security definer {PINNED} as $$
begin
    insert into stage.seen values (core.tenant_id(), 'deferred');
    return null;
end $$;
create table stage.things (tenant_id uuid default core.tenant_id(), id int);
create constraint trigger later after insert on stage.things deferrable initially deferred
    for each row execute function stage.note();
create function stage.of_owner() returns uuid language sql security definer {PINNED} return core.tenant_id();
create function stage.of_reader() returns uuid language plpgsql security definer {PINNED} as $$
begin return stage.of_owner(); end $$;
create function stage.of_auth() returns uuid language plpgsql security definer {PINNED} as $$
begin return stage.of_reader(); end $$;
create function stage.add() returns void language sql security definer {PINNED}
    begin atomic insert into stage.things (id) values (1); end;
create function stage.become(role text) returns void language plpgsql security definer {PINNED} as $$
begin perform set_config('role', role, true); end $$;
alter table stage.seen owner to countinghouse_owner;
alter table stage.things owner to countinghouse_owner;
alter function stage.of_owner() owner to countinghouse_owner;
alter function stage.add() owner to countinghouse_owner;
alter function stage.note() owner to countinghouse_owner;
grant create on schema stage to countinghouse_reader, countinghouse_auth;
alter function stage.of_reader() owner to countinghouse_reader;
alter function stage.of_auth() owner to countinghouse_auth;
revoke create on schema stage from countinghouse_reader, countinghouse_auth;
grant execute on all functions in schema stage to countinghouse_tenant, countinghouse_reader, countinghouse_auth;
"""


@pytest.fixture(scope="module", autouse=True)
async def stage() -> AsyncIterator[None]:
    """Functions of every owner there is, one calling the next, and a trigger that waits for the commit."""
    async with as_superuser() as connection:
        await connection.execute(STAGE)
        yield
        await connection.execute("drop schema stage cascade")


@pytest.mark.parametrize("function", ["of_owner", "of_reader", "of_auth"])
async def test_the_tenant_holds_through_definer_functions_of_every_owner(function: str, tenant: Tenant) -> None:
    """Attack 5."""
    async with as_tenant(tenant) as connection:
        assert await connection.fetchval(f"select stage.{function}()") == tenant.tenant_id


async def test_the_tenant_holds_in_a_default_and_in_a_trigger_that_waits_for_the_commit(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, connection.transaction():
        await connection.execute("select stage.add()")
    async with as_superuser() as connection:
        assert (
            await connection.fetchval("select count(*) from stage.things where tenant_id = $1", tenant.tenant_id) == 1
        )
        assert await connection.fetchval("select count(*) from stage.seen where tenant_id = $1", tenant.tenant_id) == 1
        assert await connection.fetchval("select count(*) from stage.seen where tenant_id is null") == 0


async def test_no_role_is_changed_inside_a_definer_function(tenant: Tenant, other_tenant: Tenant) -> None:
    """Attack 2."""
    async with as_tenant(tenant) as connection:
        for role in (other_tenant.database_role, "none", "countinghouse_owner"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("select stage.become($1)", role)
        assert await connection.fetchval(TENANT) == tenant.tenant_id


async def test_a_role_set_for_a_transaction_or_a_savepoint_ends_with_it(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_nobody() as connection:
        async with connection.transaction():
            await connection.execute(f"set local role {tenant.database_role}")
            await connection.execute("savepoint before")
            await connection.execute(f"set local role {other_tenant.database_role}")
            assert await connection.fetchval(TENANT) == other_tenant.tenant_id
            await connection.execute("rollback to savepoint before")
            assert await connection.fetchval(TENANT) == tenant.tenant_id
        assert await connection.fetchval(TENANT) is None


FORGERIES: Final = (
    "set app.tenant_id = '{other}'",
    "set app.role = '{role}'",
    "set app.context = '{role}'",
    "set application_name = '{role}'",
    "set search_path = pg_temp, public",
    "set session_replication_role = replica",
    "set session authorization {role}",
    "set role {role}",
    "select set_config('role', '{role}', false)",
    "select set_config('session_authorization', '{role}', false)",
    "alter role current_user set role = '{role}'",
    "update pg_settings set setting = '{role}' where name = 'role'",
)


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_an_analyst_remains_the_tenants_whatever_they_set(
    forgery: str, tenant: Tenant, other_tenant: Tenant
) -> None:
    statement = forgery.format(role=other_tenant.database_role, other=other_tenant.tenant_id)
    async with as_analyst(tenant) as connection:
        refused = None
        try:
            await connection.execute(statement)
        except asyncpg.PostgresError as error:
            refused = error
        assert refused is None or refused.sqlstate == "42501"
        assert await connection.fetchval(TENANT) == tenant.tenant_id
        seen = await connection.fetch("select distinct tenant_id from iam.memberships")
        assert [row[0] for row in seen] == [tenant.tenant_id]


@pytest.mark.parametrize(
    "name",
    [
        "auditor_0123456789abcdef0123456789abcde",  # a digit short
        "auditor_0123456789ABCDEF0123456789ABCDEF",
        "auditor0123456789abcdef0123456789abcdef",
        "auditor_0123456789abcdef0123456789abcdef_",
        "auditor_0123456789abcdef0123456789abcdeg",
        "auditor_0123456789abcdef0123456789abcdef\n",
    ],
)
async def test_a_role_whose_name_does_not_end_in_a_tenants_digits_has_no_tenant(name: str) -> None:
    async with as_superuser() as connection, connection.transaction():
        await connection.execute(f'create role "{name}" in role countinghouse_tenant')
        await connection.execute(f'set local role "{name}"')
        assert await connection.fetchval(TENANT) is None
        assert await connection.fetchval("select count(*) from iam.memberships") == 0
        await connection.execute("reset role")
        await connection.execute(f'drop role "{name}"')


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("app.user_id", "no uuid"),
        ("app.scope_ids", "{no uuid}"),
        ("app.scope_ids", "'"),
        ("app.fiscal_year_start", "x"),
    ],
)
async def test_a_setting_that_makes_no_sense_stops_the_statement(setting: str, value: str, tenant: Tenant) -> None:
    async with as_tenant(tenant, "member", [tenant.tenant_id]) as connection:
        await connection.execute("select set_config($1, $2, false)", setting, value)
        with pytest.raises(asyncpg.DataError):
            await connection.fetch("select core.user_id(), core.scope_ids(), core.fiscal_year_start()")


@pytest.mark.parametrize("setting", ["app.user_id", "app.role", "app.scope_ids", "app.context"])
async def test_a_setting_that_is_missing_or_empty_shows_less_and_never_more(setting: str, tenant: Tenant) -> None:
    async with as_tenant(tenant, "member", [tenant.tenant_id]) as connection:
        before = await connection.fetchval("select count(*) from iam.memberships")
        for change in (f"set {setting} = ''", f"reset {setting}"):
            await connection.execute(change)
            assert await connection.fetchval("select count(*) from iam.memberships") <= before
            assert await connection.fetchval("select count(*) from billing.clients") == 0
            assert await connection.fetchval("select core.permits('billing:write')") is False


async def test_the_owner_of_the_tables_takes_the_tenant_of_its_login(tenant: Tenant) -> None:
    async with as_owner(tenant) as connection:
        assert await connection.fetchval(TENANT) == tenant.tenant_id
        await connection.execute("set role countinghouse_owner")
        assert await connection.fetchval(TENANT) is None
        assert await connection.fetchval("select count(*) from iam.memberships") == 0
