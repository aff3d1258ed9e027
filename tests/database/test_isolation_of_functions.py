"""What the functions let through that a tenant's role may call: the read door, and every other with the ids of another
organisation.

Nothing is named, so that the next function is called as well: an argument of an unknown type fails the test until it is
known.
"""

import json
from typing import Final

import asyncpg
import pytest

from tests.database.isolation import OURS, REFUSED, Filled, rows_of, texts
from tests.harness.actors import as_tenant
from tests.harness.tenants import Tenant

FUNCTIONS: Final = f"""
    select format('%I.%I', nspname, proname) as name, pg_catalog.oidvectortypes(proargtypes) as arguments
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = pronamespace
    where {OURS} and pg_catalog.has_schema_privilege(n.oid, 'usage')
        and pg_catalog.has_function_privilege(p.oid, 'execute') order by 1, 2
"""
HOSTILE: Final = "x'; reset role; select * from billing.clients; --"


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
    marks = {mark for mark in texts(theirs.rows) if theirs.tenant.slug in mark}
    assert len(marks) > 10
    before = await rows_of(theirs.tenant)  # a worker of another test may have sealed their log since they were filled
    async with as_tenant(tenant) as connection:
        functions = await connection.fetch(FUNCTIONS)
        assert len(functions) > 10
        for function in functions:
            for given in sorted(theirs.ids):
                answer = await _call(connection, function["name"], function["arguments"], given)
                assert not [mark for mark in marks if mark in answer], (function["name"], answer)
    assert await rows_of(theirs.tenant) == before


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
