"""What a tenant's role, an analyst's login and the owner's rights can reach, tried out on everything there is.

The catalog says that each rule is kept; here somebody walks through the house and rattles at every door. Nothing is
named but what fills the tables, so that the next noun is walked through as well: an empty table, or an argument of an
unknown type, fails a test until it is filled or known.
"""

import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from tests.harness.actors import as_analyst, as_nobody, as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_tenant

OURS: Final = "nspname !~ '^pg_' and nspname not in ('information_schema', 'public')"
RELATIONS: Final = f"""
    select format('%I.%I', nspname, relname) as name, relkind::text as kind, relispartition as is_partition,
        array(select attname::text from pg_catalog.pg_attribute
            where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum) as columns,
        array(select attname::text from pg_catalog.pg_attribute
            where attrelid = c.oid and attnum > 0 and not attisdropped
                and pg_catalog.has_column_privilege(c.oid, attnum, 'select') order by attnum) as readable
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace
    where {OURS} and relkind in ('r', 'p', 'v', 'm') order by 1
"""
FUNCTIONS: Final = f"""
    select format('%I.%I', nspname, proname) as name, pg_catalog.oidvectortypes(proargtypes) as arguments
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = pronamespace
    where {OURS} and pg_catalog.has_schema_privilege(n.oid, 'usage')
        and pg_catalog.has_function_privilege(p.oid, 'execute') order by 1, 2
"""
HOSTILE: Final = "x'; reset role; select * from billing.clients; --"
REFUSED: Final = asyncpg.InsufficientPrivilegeError


@dataclass(frozen=True, slots=True)
class Filled:
    """An organisation with a row in every table, and all its rows by table."""

    tenant: Tenant
    client_ids: tuple[UUID, UUID]
    rows: dict[str, list[dict[str, Any]]]

    @property
    def ids(self) -> set[str]:
        return {row["id"] for rows in self.rows.values() for row in rows if row.get("id")}

    def marks(self, other: "Filled") -> set[str]:
        """Every id and text that is in this organisation's rows and not in the other's."""
        return _texts(self.rows) - _texts(other.rows)


def _texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(_texts, value))
    return {value} if isinstance(value, str) and len(value) > 8 and not re.match(r"\d{4}-\d\d-\d\d", value) else set()


async def _rows_of(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    async with as_superuser() as connection:
        rows = {}
        for relation in await connection.fetch(RELATIONS):
            if relation["kind"] in ("r", "p") and not relation["is_partition"] and "tenant_id" in relation["columns"]:
                found = await connection.fetch(
                    f"select to_jsonb(t) from {relation['name']} t where tenant_id = $1 order by 1", tenant.tenant_id
                )
                rows[relation["name"]] = [json.loads(row[0]) for row in found]
        return rows


async def _fill(name: str) -> Filled:
    tenant = await make_tenant(name)
    async with as_tenant(tenant) as connection:

        async def call(function: str, **facts: Any) -> UUID:
            made = await connection.fetchval(f"select {function}($1::jsonb)", json.dumps(facts))
            assert isinstance(made, UUID)
            return made

        clients = []
        for ordinal in ("first", "second"):
            of = f"{ordinal} client of {tenant.slug}"
            client_id = await call("billing.client_create", name=f"The {of}", email=f"{ordinal}@{tenant.slug}.example")
            about = {"client_id": str(client_id)}
            await call("billing.client_contact_create", **about, name=f"Contact at the {of}")
            await call("billing.client_note_create", **about, content=f"Note about the {of}")
            line = {"description": f"Work for the {of}", "quantity": "2", "unit_price": "10.00"}
            invoice_id = await call("billing.invoice_create", **about, lines=[line])
            await call("billing.invoice_issue", id=str(invoice_id))
            clients.append(client_id)
    return Filled(tenant, (clients[0], clients[1]), await _rows_of(tenant))


@pytest.fixture(scope="module")
async def mine() -> Filled:
    return await _fill("Harbour Lights")


@pytest.fixture(scope="module")
async def theirs() -> Filled:
    return await _fill("Quarry and Sons")


ACTORS: Final = {"tenant": as_tenant, "analyst": as_analyst, "owner": as_owner}


@pytest.fixture(params=ACTORS)
async def actor(request: pytest.FixtureRequest, mine: Filled, theirs: Filled) -> AsyncIterator[asyncpg.Connection]:
    """Everyone who reads as one organisation, in turn."""
    entrance: AbstractAsyncContextManager[asyncpg.Connection] = ACTORS[request.param](mine.tenant)
    async with entrance as connection:
        yield connection


async def _readable(connection: asyncpg.Connection) -> dict[str, list[dict[str, Any]]]:
    """All that this connection can read, by relation."""
    return {
        relation["name"]: [
            json.loads(row[0])
            for row in await connection.fetch(
                f"select to_jsonb(t) from (select {', '.join(relation['readable'])} from {relation['name']}) t"
            )
        ]
        for relation in await connection.fetch(RELATIONS)
        if relation["readable"]
    }


def test_every_table_of_tenants_has_rows_of_both_organisations(mine: Filled, theirs: Filled) -> None:
    """Else the walk would prove nothing about it."""
    for filled in (mine, theirs):
        assert [name for name, rows in filled.rows.items() if not rows] == []
    assert len(theirs.marks(mine)) > 20


async def test_nobody_reads_a_row_or_a_word_of_another_organisation(
    actor: asyncpg.Connection, mine: Filled, theirs: Filled
) -> None:
    seen = await _readable(actor)
    assert len(seen["billing.clients"]) == 2
    assert len(seen["billing.invoices"]) == 2
    for name, rows in seen.items():
        assert {row["tenant_id"] for row in rows if "tenant_id" in row} <= {str(mine.tenant.tenant_id)}, name
    text = json.dumps(seen)
    assert not [mark for mark in theirs.marks(mine) if mark in text]


async def test_a_tenant_reads_every_row_of_its_own(mine: Filled) -> None:
    async with as_tenant(mine.tenant) as connection:
        seen = await _readable(connection)
    for name, rows in mine.rows.items():
        if name in seen:
            assert len(seen[name]) == len(rows), name


async def test_an_analyst_cannot_widen_what_they_see_by_any_setting(mine: Filled, theirs: Filled) -> None:
    async with as_analyst(mine.tenant) as connection:
        before = await _readable(connection)
        for setting in ("app.tenant_id", "app.user_id", "app.role", "app.scope_ids", "app.context", "app.time_zone"):
            for value in (str(theirs.tenant.tenant_id), f"{{{theirs.client_ids[0]}}}", "owner", ""):
                await connection.execute("select set_config($1, $2, false)", setting, value)
                assert await _readable(connection) == before, (setting, value)


async def test_a_scoped_person_reads_their_own_client_alone(mine: Filled) -> None:
    first, second = map(str, mine.client_ids)
    async with as_tenant(mine.tenant, "member", [mine.client_ids[0]]) as connection:
        seen = await _readable(connection)
    assert [row["id"] for row in seen["billing.clients"]] == [first]
    assert len(seen["billing.invoices"]) == len(seen["billing.invoice_lines"]) == 1
    assert seen["billing.client_notes"] == []
    assert second not in json.dumps(seen)


@pytest.mark.parametrize("role", ["member", "", "superuser", "OWNER"])
async def test_a_person_without_scope_or_with_no_known_role_reads_nothing(mine: Filled, role: str) -> None:
    async with as_tenant(mine.tenant, role) as connection:
        seen = await _readable(connection)
    assert {name: rows for name, rows in seen.items() if rows and name.startswith("billing.")} == {}


async def test_a_scope_of_another_organisation_opens_nothing(mine: Filled, theirs: Filled) -> None:
    async with as_tenant(mine.tenant, "member", theirs.client_ids) as connection:
        seen = await _readable(connection)
    assert {name: rows for name, rows in seen.items() if rows and name.startswith("billing.")} == {}


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_nobody_writes_past_the_functions(entrance: Any, mine: Filled) -> None:
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
                with pytest.raises((REFUSED, asyncpg.WrongObjectTypeError, asyncpg.ObjectNotInPrerequisiteStateError)):
                    async with connection.transaction():
                        await connection.execute(statement)
            if relation["kind"] in ("r", "p"):
                schema, table = name.split(".")
                with pytest.raises((REFUSED, asyncpg.FeatureNotSupportedError)):
                    await connection.copy_to_table(table, schema_name=schema, source=io.BytesIO(b"\n"))


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_a_partition_cannot_be_read_by_itself(entrance: Any, mine: Filled) -> None:
    async with entrance(mine.tenant) as connection:
        partitions = [row["name"] for row in await connection.fetch(RELATIONS) if row["is_partition"]]
        assert partitions
        for partition in partitions:
            with pytest.raises(REFUSED):
                await connection.fetch(f"select count(*) from {partition}")


async def test_people_are_out_of_reach(actor: asyncpg.Connection, mine: Filled) -> None:
    """Those who own the tables can ask, and see nobody but the organisation itself."""
    for table in ("iam.users", "iam.tenants"):
        try:
            rows = await actor.fetch(f"select id from {table}")
        except REFUSED:
            continue
        assert {row["id"] for row in rows} <= {mine.tenant.tenant_id, mine.tenant.owner_id}


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_copy_out_is_filtered_like_a_select(entrance: Any, mine: Filled) -> None:
    async with entrance(mine.tenant) as connection:
        out = io.BytesIO()
        await connection.copy_from_query("select id from billing.clients", output=out)
        assert sorted(out.getvalue().decode().split()) == sorted(map(str, mine.client_ids))


@pytest.mark.parametrize("entrance", [as_tenant, as_analyst])
async def test_statistics_show_nothing(entrance: Any, mine: Filled, theirs: Filled) -> None:
    ask = f"select count(*) from pg_catalog.pg_stats join pg_catalog.pg_namespace on nspname = schemaname where {OURS}"
    async with as_superuser() as connection:
        await connection.execute("analyze")
        assert await connection.fetchval(ask) > 20
    async with entrance(mine.tenant) as connection:
        assert await connection.fetchval(ask) == 0
        with pytest.raises(REFUSED):
            await connection.execute("select * from pg_catalog.pg_statistic")


async def test_row_security_cannot_be_switched_off(actor: asyncpg.Connection) -> None:
    await actor.execute("set row_security = off")
    with pytest.raises(REFUSED, match="row-level security"):
        await actor.fetch("select id from billing.clients")


async def test_a_leaky_predicate_sees_no_row_that_the_policy_hides(actor: asyncpg.Connection, mine: Filled) -> None:
    """A cast that fails on another organisation's row would tell its text; it is applied after the policy."""
    rows = await actor.fetch(
        "select id from billing.clients where name like $1 or name::int > 0", f"%{mine.tenant.slug}"
    )
    assert len(rows) == 2


async def test_a_plan_is_not_carried_from_one_organisation_to_the_next(mine: Filled, theirs: Filled) -> None:
    """One connection, one prepared statement with a generic plan, two tenants in turn."""
    async with as_nobody() as connection:
        await connection.execute("set plan_cache_mode = force_generic_plan; set app.role = 'owner'")
        await connection.execute(f"set role {mine.tenant.database_role}")
        await connection.execute(
            "prepare names as with c as (select id from billing.clients) select id from c where id in (table c)"
        )
        for filled in (mine, theirs) * 4:
            await connection.execute(f"set role {filled.tenant.database_role}")
            assert {row["id"] for row in await connection.fetch("execute names")} == set(filled.client_ids)
        await connection.execute("reset role")
        with pytest.raises(REFUSED):
            await connection.fetch("execute names")


async def test_an_analyst_cannot_become_anyone_else(mine: Filled, theirs: Filled) -> None:
    roles = [
        mine.tenant.database_role,
        theirs.tenant.database_role,
        "countinghouse_owner",
        "countinghouse_api",
        "countinghouse_tenant",
        "countinghouse_reader",
        "countinghouse_auth",
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
        "create extension pg_trgm",
        "select pg_advisory_lock(1)",
        "select pg_advisory_xact_lock(1)",
        "select pg_try_advisory_lock(1)",
        "select lo_create(0)",
        "select lo_from_bytea(0, 'x')",
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


async def test_the_server_s_login_reads_nothing_until_it_is_somebody(mine: Filled) -> None:
    async with as_nobody() as connection:
        for relation in await connection.fetch(RELATIONS):
            with pytest.raises(REFUSED):
                await connection.fetch(f"select * from {relation['name']}")


async def test_the_read_door_shows_what_the_tenant_sees(mine: Filled, theirs: Filled) -> None:
    async with as_tenant(mine.tenant) as connection:
        await connection.execute(
            "prepare everything as select convert_to(coalesce(string_agg(id::text, ' ' order by id), ''), 'UTF8')"
            " from billing.clients"
        )
        answer = await connection.fetchval("select core.read('everything', '{}')")
        assert answer.decode().split() == sorted(map(str, mine.client_ids))


@pytest.mark.parametrize(
    "statement",
    [
        "select convert_to(set_config('role', '{theirs}', false), 'UTF8')",
        "select convert_to(set_config('role', 'none', true), 'UTF8')",
        "select convert_to(set_config('session_authorization', '{theirs}', true), 'UTF8')",
        "delete from billing.clients returning ''::bytea",
        "insert into billing.clients default values returning ''::bytea",
        "select convert_to(email, 'UTF8') from iam.users",
    ],
)
async def test_the_read_door_does_not_open_wider_than_the_tenant_s_own(
    mine: Filled, theirs: Filled, statement: str
) -> None:
    async with as_tenant(mine.tenant) as connection:
        await connection.execute(f"prepare sneak as {statement.format(theirs=theirs.tenant.database_role)}")
        with pytest.raises((REFUSED, asyncpg.InvalidParameterValueError)):
            await connection.fetchval("select core.read('sneak', '{}')")
        assert await connection.fetchval("select current_user::text") == mine.tenant.database_role


@pytest.mark.parametrize("name", [HOSTILE, "names; reset role", "select 1", "names(1)", "", 'a"b', "ÅÄÖ"])
async def test_the_read_door_takes_the_name_of_a_statement_only(mine: Filled, name: str) -> None:
    async with as_tenant(mine.tenant) as connection:
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await connection.fetchval("select core.read($1, '{}')", name)
        assert (refusal.value.sqlstate or "").startswith(("CH", "26"))


async def test_no_function_changes_or_tells_of_another_organisation(tenant: Tenant, theirs: Filled) -> None:
    """Every function a tenant may call, with every id of the other organisation as every argument it could take."""
    marks = {mark for mark in _texts(theirs.rows) if theirs.tenant.slug in mark}
    assert len(marks) > 10
    async with as_tenant(tenant) as connection:
        functions = await connection.fetch(FUNCTIONS)
        assert len(functions) > 10
        for function in functions:
            for given in sorted(theirs.ids):
                answer = await _call(connection, function["name"], function["arguments"], given)
                assert not [mark for mark in marks if mark in answer], (function["name"], answer)
    assert await _rows_of(theirs.tenant) == theirs.rows


async def _call(connection: asyncpg.Connection, name: str, arguments: str, given: str) -> str:
    """Call a function so that everything it could take for an id is the one given; its answer or refusal as text."""
    facts = dict.fromkeys(("id", "client_id", "invoice_id", "contact_id", "note_id", "tenant_id", "parent_id"), given)
    line = {"description": HOSTILE, "quantity": "1", "unit_price": "1.00", **facts}
    everything = {"name": HOSTILE, "content": HOSTILE, "status": "ARCHIVED", "lines": [line], **facts}
    samples = {
        "jsonb": json.dumps({**everything, "rows": [everything]}),
        "uuid": given,
        "uuid[]": f"{{{given}}}",
        "text": HOSTILE,
        "text[]": f'{{"{given}"}}',
        "integer": "1",
        "bigint": "1",
        "numeric": "1",
        "date": "2026-01-31",
        "boolean": "true",
        "timestamp with time zone": "2026-01-31T00:00:00Z",
    }
    types = [kind for kind in arguments.split(", ") if kind]
    call = f"{name}({', '.join(f'${number}::text::{kind}' for number, kind in enumerate(types, 1))})"
    try:
        return str(await connection.fetch(f"select {call}", *(samples[kind] for kind in types)))
    except asyncpg.PostgresError as refusal:
        return f"{refusal} {refusal.as_dict()}"
