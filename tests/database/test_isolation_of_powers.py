"""What a tenant's role and an analyst's login can do besides reading: write past the functions, become somebody else,
make or hold something. Nothing of it."""

import io
from typing import Any

import asyncpg
import pytest

from tests.database.isolation import REFUSED, RELATIONS, Filled
from tests.harness.actors import as_analyst, as_tenant

# Some of it is not done to a view or a materialized view at all, whoever asks.
UNHEARD_OF = (
    asyncpg.WrongObjectTypeError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.FeatureNotSupportedError,
)


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_nobody_writes_past_the_functions(entrance: Any, mine: Filled) -> None:
    """Attacks 12, 19 and 30."""
    async with entrance(mine.tenant) as connection:
        for relation in await connection.fetch(RELATIONS):
            name, column = relation["name"], relation["columns"][0]
            statements = [
                f"insert into {name} default values",
                f"update {name} set {column} = {column}",
                f"delete from {name}",
                f"merge into {name} t using (select 1) s on false when not matched then insert default values",
                f"lock table {name} in access exclusive mode",
                f"alter table {name} disable row level security",
                f"comment on table {name} is 'mine'",
            ]
            if relation["kind"] in ("r", "p"):
                statements += [
                    f"truncate {name}",
                    f"create trigger mine after insert on {name} execute function core.audit()",
                ]
            for statement in statements:
                with pytest.raises((REFUSED, *UNHEARD_OF)):
                    async with connection.transaction():
                        await connection.execute(statement)
            if relation["kind"] in ("r", "p"):
                schema, table = name.split(".")
                with pytest.raises((REFUSED, asyncpg.FeatureNotSupportedError)):
                    await connection.copy_to_table(table, schema_name=schema, source=io.BytesIO(b"\n"))


async def test_an_analyst_cannot_become_anyone_else(mine: Filled, theirs: Filled) -> None:
    roles = [
        mine.tenant.database_role,
        theirs.tenant.database_role,
        "countinghouse_owner",
        "countinghouse_api",
        "countinghouse_tenant",
        "countinghouse_reader",
        "countinghouse_auth",
        "countinghouse_accounts",
        "countinghouse_provisioner",
        "postgres",
    ]
    async with as_analyst(mine.tenant) as connection:
        for role in roles:
            for statement in (f"set role {role}", f"set session authorization {role}", f"set local role {role}"):
                with pytest.raises(REFUSED):
                    await connection.execute(statement)
            with pytest.raises(REFUSED):
                await connection.execute("select set_config('role', $1, false)", role)
        # Their own group they may wear; it has no tenant.
        await connection.execute("set role countinghouse_analyst")
        assert await connection.fetch("select id from billing.clients") == []


@pytest.mark.parametrize(
    "statement",
    [
        "create temporary table mine (id int)",
        "create table billing.mine (id int)",
        "create table public.mine (id int)",
        "create schema mine",
        "create function pg_temp.leak(text) returns boolean language sql cost 0.0001 return true",
        "create role mine",
        "create extension hstore",
        "select pg_advisory_lock(1)",
        "select pg_advisory_xact_lock(1)",
        "select pg_try_advisory_lock(1)",
        "select lo_create(0)",
        "select lo_from_bytea(0, 'x')",
        "select pg_logical_emit_message(false, 'mine', 'x')",
        "select * from pg_stat_activity",
        "select pg_stat_get_backend_activity(1)",
        "select pg_read_file('postgresql.conf')",
        "copy (select 1) to program 'true'",
        "copy (select 1) to '/nowhere'",
        "select pg_reload_conf()",
        "select pg_ls_dir('.')",
        "set session_replication_role = replica",
        "alter role current_user superuser",
        "select rolpassword from pg_authid",
    ],
)
@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_there_is_nothing_to_make_or_hold(entrance: Any, mine: Filled, statement: str) -> None:
    async with entrance(mine.tenant) as connection:
        with pytest.raises((REFUSED, asyncpg.UndefinedObjectError)):
            await connection.execute(statement)
