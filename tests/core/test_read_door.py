"""The read door, core.read(): one plan for all tenants, and each sees their own. sql/core/doors.sql."""

from uuid import UUID

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_tenant, context_of, put
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import new_client, refused

NAMES = """
prepare names (text) as
select convert_to(coalesce(string_agg(name, ',' order by name), ''), 'UTF8') from billing.clients where name_key like $1
"""


async def become(connection: asyncpg.Connection, tenant: Tenant, role: str = "owner", *scope: UUID) -> None:
    context = context_of(tenant, role, scope)
    await put(connection, context)
    await connection.execute(f"set role {context.database_role}")


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan", "auto"])
async def test_one_plan_serves_tenants_in_turn_and_each_sees_their_own(mode: str) -> None:
    tenants = [await make_tenant(name) for name in ("Ashdown Joinery", "Bellwether Yarns", "Cobalt Press")]
    for tenant in tenants:
        async with as_tenant(tenant) as connection:
            await new_client(connection, f"Client of {tenant.name}")
    async with as_nobody() as connection:
        await connection.execute(f"set plan_cache_mode = {mode}")
        await become(connection, tenants[0])
        await connection.execute(NAMES)
        for tenant in tenants * 8:
            await become(connection, tenant)
            for statement in ("select core.read('names', array['%'])", "execute names('%')"):
                assert await connection.fetchval(statement) == f"Client of {tenant.name}".encode()
        await connection.execute("reset role")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval("select core.read('names', array['%'])")


async def test_the_scope_of_a_person_holds_behind_the_door(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        first, second = await new_client(connection, "First"), await new_client(connection, "Second")
    async with as_nobody() as connection:
        await become(connection, tenant)
        await connection.execute(NAMES)
        await connection.execute("set plan_cache_mode = force_generic_plan")
        for scope, seen in (
            ((first,), b"First"),
            ((second,), b"Second"),
            ((first, second), b"First,Second"),
            ((), b""),
        ):
            await become(connection, tenant, "member", *scope)
            assert await connection.fetchval("select core.read('names', array['%'])") == seen
        await become(connection, tenant, "viewer")
        assert await connection.fetchval("select core.read('names', array['%'])") == b"First,Second"


async def test_arguments_are_values_whatever_they_hold(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection, "Fen Orchards")
        await connection.execute("prepare echo (text, text) as select convert_to(concat($1, '|', $2), 'UTF8')")
        for text in ("', (select 1)) --", "\\", "''", "$1", "%I", "two\nlines", "ÅÄÖ ☃"):
            answer = await connection.fetchval("select core.read('echo', array[$1, null])", text)
            assert answer.decode() == f"{text}|"


async def test_a_statement_without_arguments_or_rows_answers_too(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await connection.execute("prepare plain as select 'x'::bytea")
        await connection.execute("prepare nothing as select 'x'::bytea where false")
        assert await connection.fetchval("select core.read('plain', '{}')") == b"x"
        assert await connection.fetchval("select core.read('nothing', '{}')") is None


@pytest.mark.parametrize("name", ["select 1", "names; reset role", 'a"b', "NAMES", "", "a" * 64])
async def test_the_door_takes_a_name_and_nothing_else(tenant: Tenant, name: str) -> None:
    async with as_tenant(tenant) as connection:
        with refused("BAD_USER_INPUT", "STATEMENT_NAME"):
            await connection.fetchval("select core.read($1, '{}')", name)


async def test_an_unknown_statement_is_an_error(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        with pytest.raises(asyncpg.InvalidSQLStatementNameError):
            await connection.fetchval("select core.read('never_prepared', '{}')")


async def test_behind_the_door_nothing_can_be_written(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await connection.execute(
            "prepare writes as select convert_to(billing.client_create('{\"name\": \"X\"}')::text, 'UTF8')"
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval("select core.read('writes', '{}')")
        await connection.execute("prepare hops as select set_config('role', 'none', false)::bytea")
        with pytest.raises(asyncpg.PostgresError, match="cannot set parameter"):
            await connection.fetchval("select core.read('hops', '{}')")
        assert await connection.fetchval("select count(*) from billing.clients") == 0


async def test_the_door_works_where_nothing_may_be_written_such_as_on_a_replica(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        await new_client(connection, "Fen Orchards")
        await connection.execute(NAMES)
        async with connection.transaction(readonly=True):
            assert await connection.fetchval("select core.read('names', array['fen%'])") == b"Fen Orchards"


async def test_the_door_is_for_tenants_only(tenant: Tenant) -> None:
    async with as_nobody() as nobody, as_analyst(tenant) as analyst:
        for connection in (nobody, analyst):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetchval("select core.read('names', '{}')")
