"""PostgreSQL's own checklist of row security, the headings of its regression test, tried on all of our tables: reading
by the tenant's role, the analyst's login and the owner of the tables. Writing stands in test_rowsecurity_writing.py.

What other tests try already is not repeated: docs/security.md names for each heading the test that tries it.
"""

import asyncio
import io
import re
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest

from gql.database.embedded.cluster import program_environment, wheel_bin_directory
from tests.database.conftest import ACTORS
from tests.database.isolation import REFUSED, RELATIONS, Filled
from tests.database.rowsecurity import of_all, scene, tables_for
from tests.harness.actors import _logins, as_analyst, as_owner, as_superuser, as_tenant, context_of, put
from tests.harness.postgres import MAJOR_VERSION, bin_directory, the_database

TABLES: Final = 45
"""There are more than so many."""
SHAPES: Final = {
    "a table": "select count(*) from {table} t where {whose}",
    "a CTE": "with c as materialized (select * from {named} t) select count(*) from c t where {whose}",
    "a CTE that is inlined": "with c as not materialized (select * from {named} t)"
    " select count(*) from c t where {whose}",
    "a recursive CTE": "with recursive c as (select tenant_id from {table} union select tenant_id from c)"
    " select count(*) from c t where {whose}",
    "a sub-select": "select (select count(*) from {table} t where {whose})",
    "exists": "select count(*) from (values (1)) v (n) where exists (select from {table} t where {whose})",
    "a lateral join": "select count(*) from (values (1)) v (n)"
    " cross join lateral (select * from {named} t where n = 1) t where {whose}",
    "an outer join": "select count(*) from (values (1)) v (n) full join {named} t on true where {whose}",
    "a union": "select count(*) from (select tenant_id from {table} union all select tenant_id from {table}) t"
    " where {whose}",
    "an intersection": "select count(*) from (select tenant_id from {table} t intersect select '{tenant}'::uuid) t",
    "a window": "select count(*) from (select tenant_id, row_number() over (order by tenant_id) from {table}) t"
    " where {whose}",
    "groups": "select count(*) from (select tenant_id from {table} group by rollup (tenant_id)) t where {whose}",
    "a filter": "select count(*) filter (where {whose}) from {table} t",
    "a sample": "select count(*) from {table} t tablesample bernoulli (100) repeatable (0) where {whose}",
    "an order": "select count(*) from (select * from {named} t order by tenant_id limit 10000) t where {whose}",
}
OF_WHOLE_ROWS: Final = {
    "system columns": "select count(*) from {table} t where {whose} and ctid is not null and xmin is not null",
    "a whole row": "select count(*) from {table} t where t::text like '%{tenant}%'",
    "a row as JSON": "select count(*) from (select to_jsonb(t) as whole from {table} t) j"
    " where whole ->> 'tenant_id' = '{tenant}'",
}
"""Nobody but the owner may read all columns of all tables."""


async def test_no_shape_of_a_question_shows_a_row_of_others(
    actor: asyncpg.Connection, mine: Filled, theirs: Filled
) -> None:
    """Sub-selects, joins, set operations, CTEs, windows, samples, system columns and whole rows."""
    tables = [each for each in await tables_for(actor) if each.can_be_asked]
    is_owner = len(tables) >= TABLES and all(set(each.written) <= set(each.readable) for each in tables)
    for name, shape in {**SHAPES, **(OF_WHOLE_ROWS if is_owner else {})}.items():
        found = {}
        for filled in (mine, theirs):
            tenant_id = str(filled.tenant.tenant_id)
            asked = of_all(tables, shape, whose=f"t.tenant_id = '{tenant_id}'", tenant=tenant_id)
            found[filled.tenant.name] = [row[0] for row in await actor.fetch(asked)]
        assert found[theirs.tenant.name] == [], name
        assert len(found[mine.tenant.name]) > 0.9 * len(tables), name


@pytest.mark.parametrize("kind", ["a function", "an operator"])
@pytest.mark.parametrize("who", ACTORS)
async def test_what_leaks_its_argument_is_applied_after_the_policy(
    who: str, kind: str, mine: Filled, theirs: Filled
) -> None:
    """Attack 17: leaky push-down. A function that costs nothing and tells what it is given, and an operator of it, on
    tables and on views."""
    entrance: Any = ACTORS[who]
    async with entrance(mine.tenant) as connection:
        role = await connection.fetchval("select current_user::text")
    heard: list[str] = []
    predicate = (
        "leaks.tell(row({columns})::text)" if kind == "a function" else "row({columns})::text operator(leaks.<<<) ''"
    )
    async with scene(
        """
        create schema leaks; grant usage on schema leaks to public;
        create function leaks.tell(text) returns boolean cost 0.0000001 language plpgsql
            as 'begin raise notice ''%'', $1; return true; end';
        create function leaks.tell(text, text) returns boolean cost 0.0000001 language sql as 'select leaks.tell($1)';
        create operator leaks.<<< (function = leaks.tell, leftarg = text, rightarg = text);
        grant execute on all functions in schema leaks to public
        """
    ) as connection:
        connection.add_log_listener(lambda _, message: heard.append(str(message.message)))
        await put(connection, context_of(mine.tenant))
        await connection.execute(
            f"set local role {role}; set local enable_seqscan = on; set local client_min_messages = notice"
        )
        for relation in await connection.fetch(RELATIONS):
            if relation["kind"] in ("r", "p", "v") and relation["readable"] and not relation["is_partition"]:
                asked = predicate.format(columns=", ".join(relation["readable"]))
                await connection.fetch(f"select from {relation['name']} where {asked}")
                await connection.fetch(f"select from {relation['name']} where {asked} and {asked} or {asked}")
    assert len([text for text in heard if mine.tenant.slug in text]) > 20
    ids = theirs.ids | {str(theirs.tenant.tenant_id), theirs.tenant.slug}
    assert not [text for text in heard if ids & set(re.findall(r"[0-9a-f-]{36}", text)) or theirs.tenant.slug in text]


@pytest.mark.parametrize("mode", ["force_generic_plan", "auto"])
async def test_a_plan_of_one_role_answers_no_other(mode: str, mine: Filled, theirs: Filled) -> None:
    """Attack 18: a table, a CTE, a sub-select and a function that is inlined, on all tables, prepared once and run by
    two tenants and an analyst in turn."""
    async with as_tenant(mine.tenant) as connection:
        tables = [each for each in await tables_for(connection) if each.can_be_asked]
    async with as_analyst(mine.tenant) as connection:
        analyst = await connection.fetchval("select current_user::text")
        common = [each.name for each in await tables_for(connection) if each.can_be_asked]
    tables = [each for each in tables if each.name in common]
    function = "create function plans.rows_{}() returns setof uuid language sql stable as 'select tenant_id from {}';"
    functions = " ".join(function.format(number, each.name) for number, each in enumerate(tables))
    kinds = {
        "tables": "select tenant_id from {table}",
        "ctes": "select * from (with c as (select tenant_id from {table}) select * from c) c",
        "sublinks": "select core.tenant_id() where core.tenant_id() in (select tenant_id from {table})"
        " or exists (select from {table} where tenant_id <> core.tenant_id())",
        "functions": "select * from plans.rows_{number}()",
    }
    async with scene(
        f"create schema plans; grant usage on schema plans to public; {functions}"
        "grant execute on all functions in schema plans to public"
    ) as connection:
        await connection.execute(f"set local plan_cache_mode = {mode}; set local app.role = 'owner'")
        await connection.execute(f"set local role {mine.tenant.database_role}")
        for name, kind in kinds.items():
            every = [kind.format(table=each.name, number=number) for number, each in enumerate(tables)]
            await connection.execute(f"prepare {name} as {' union all '.join(every)}")
        turns = [(mine.tenant.database_role, mine), (theirs.tenant.database_role, theirs), (analyst, mine)]
        for role, whose in turns * 3:
            await connection.execute(f"set local role {role}")
            for name in kinds:
                seen = {row[0] for row in await connection.fetch(f"execute {name}")}
                assert seen == {whose.tenant.tenant_id}, (name, role)
        await connection.execute("reset role; deallocate all")


async def test_a_cursor_shows_no_row_of_others(actor: asyncpg.Connection, mine: Filled, theirs: Filled) -> None:
    for table in await tables_for(actor):
        if table.can_be_asked:
            async with actor.transaction():
                await actor.execute(f"declare every scroll cursor for select tenant_id from {table.name}")
                seen = {row[0] for row in await actor.fetch("fetch forward 10000 from every")}
                assert seen <= {mine.tenant.tenant_id}, table.name
                assert {row[0] for row in await actor.fetch("fetch backward all from every")} <= seen, table.name


async def test_copying_out_is_filtered_and_copying_in_is_refused(
    actor: asyncpg.Connection, mine: Filled, theirs: Filled
) -> None:
    """Attack 21."""
    for table in await tables_for(actor):
        if table.can_be_asked:
            out = io.BytesIO()
            schema, _, name = table.name.partition(".")
            await actor.copy_from_table(name, schema_name=schema, columns=["tenant_id"], output=out)
            assert {UUID(line) for line in out.getvalue().decode().split()} <= {mine.tenant.tenant_id}, table.name
        with pytest.raises((REFUSED, asyncpg.FeatureNotSupportedError)):
            await actor.execute(f"copy {table.name} from stdin")


async def test_row_security_is_never_off(actor: asyncpg.Connection, theirs: Filled) -> None:
    """Attack 20."""
    await actor.execute("set row_security = off")
    for table in await tables_for(actor):
        if table.can_be_asked:
            with pytest.raises(REFUSED, match="row-level security"):
                await actor.fetch(f"select tenant_id from {table.name}")


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_nobody_who_is_bound_by_a_policy_changes_it(entrance: Any, mine: Filled) -> None:
    async with entrance(mine.tenant) as connection:
        policies = await connection.fetch("select polname, polrelid::regclass::text from pg_policy")
        assert len(policies) > 3 * TABLES
        for policy, table in policies:
            for statement in (
                f"alter policy {policy} on {table} using (true)",
                f"drop policy {policy} on {table}",
                f"create policy wider on {table} using (true)",
                f"alter table {table} no force row level security",
            ):
                with pytest.raises((REFUSED, asyncpg.UndefinedTableError)):
                    await connection.execute(statement)


async def test_a_dump_by_whom_policies_bind_is_refused_or_filtered(mine: Filled, theirs: Filled) -> None:
    """Dump and restore with row_security: pg_dump switches it off, and is refused; asked not to, it dumps one's own."""
    async with as_owner(mine.tenant):
        database = await the_database()
        name = f"owner_test_{mine.tenant.tenant_id.hex}"
        address = urlsplit(database.admin_url)
        url = urlunsplit(address._replace(netloc=f"{name}:{_logins[name]}@{address.hostname}:{address.port}"))
    program = (bin_directory(MAJOR_VERSION) or wheel_bin_directory()) / "pg_dump"

    async def dumped(*options: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            program, "--data-only", "--inserts", "--schema=billing", *options, url, stdout=-1, stderr=-1,
            env={**program_environment(), "PGOPTIONS": "-c app.role=owner"},
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    status, out, refusal = await dumped()
    assert (status, mine.tenant.slug in out, theirs.tenant.slug in out) == (1, False, False)
    assert "row-level security" in refusal
    status, out, _ = await dumped("--enable-row-security")
    assert (status, mine.tenant.slug in out, theirs.tenant.slug in out) == (0, True, False)


async def test_who_is_bound_by_nothing_is_nobody_of_ours(theirs: Filled) -> None:
    """Owner, superuser and BYPASSRLS: the superuser passes by the policies, and no role of the house is one, or may."""
    async with as_superuser() as connection:
        assert await connection.fetchval("select count(distinct tenant_id) from billing.clients") > 1
        passing = "select rolname::text from pg_roles where (rolsuper or rolbypassrls) and rolname !~ '^pg_'"
        assert {row[0] for row in await connection.fetch(passing)} == {"postgres"}


async def test_no_two_policies_could_be_applied_in_another_order(mine: Filled) -> None:
    """Permissive and restrictive order: there is one permissive policy for each role and command, and no restrictive
    one whose place among them could matter."""
    async with as_superuser() as connection:
        assert await connection.fetchval("select count(*) from pg_policy where not polpermissive") == 0
        doubled = """
            select polrelid::regclass, r, c, count(*) from pg_policy cross join unnest(polroles) r
            cross join unnest(case polcmd when '*' then array['r', 'a', 'w', 'd'] else array[polcmd::text] end) c
            group by 1, 2, 3 having count(*) > 1
        """
        assert await connection.fetch(doubled) == []
