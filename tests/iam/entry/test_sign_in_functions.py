"""What the server may ask before it knows who is there, and nobody else: sql/iam/sign_in.sql."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_bytes
from typing import Final
from uuid import uuid4

import asyncpg
import pytest

from tests.harness.actors import as_nobody, as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person

FUNCTIONS: Final = {
    "iam.sign_in_lookup(text)": "('x@example.org')",
    "iam.sign_in_refused(text, text, text, text, text)": "('x@example.org', 'WRONG', null, null, null)",
    "iam.context(uuid, uuid, uuid)": "(gen_random_uuid(), gen_random_uuid(), null)",
    "iam.session_begin(uuid, uuid, bytea, text, text, text, text)": "(null, null, null, null, null, null, null)",
    "iam.session_noted(uuid, uuid, text, jsonb, text, text, text)": "(null, null, null, null, null, null, null)",
    "iam.session_refresh(bytea, bytea[], text, text, text)": "(null, null, null, null, null)",
    "iam.session_switch(uuid, uuid, text, text, text, text)": "(null, null, null, null, null, null)",
    "iam.session_end(uuid, uuid, text, text, text, text)": "(null, null, null, null, null, null)",
    "iam.throttle(text[], integer[])": "('{}', '{}')",
    "iam.throttle_forgive(text[], text[])": "('{}', '{}')",
}
BEGIN: Final = "select iam.session_begin($1, $2, $3, null, null, 'r')"
WHO_MAY: Final = """
select rolname::text from pg_roles
where has_function_privilege(oid, $1, 'execute') and not rolsuper and rolname !~ '^(pg|analyst_test|owner_test)_'
order by 1
"""


@asynccontextmanager
async def as_role(role: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that has nothing but what this role of the house has."""
    async with as_superuser() as connection:
        await connection.execute(f"set session authorization {role}")
        yield connection


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_the_server_alone_may_call_them(function: str) -> None:
    async with as_superuser() as connection:
        may = {row[0] for row in await connection.fetch(WHO_MAY, function)}
    # A new password signs its person out everywhere.
    others = {"countinghouse_accounts"} if function.startswith("iam.session_end") else set()
    assert may == {"countinghouse_api", "countinghouse_auth"} | others


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_they_run_as_their_owner_with_a_pinned_path(function: str) -> None:
    async with as_superuser() as connection:
        row = await connection.fetchrow(
            "select prosecdef, proowner::regrole::text, proconfig from pg_proc where oid = $1::regprocedure", function
        )
    assert row is not None
    assert tuple(row) == (True, "countinghouse_auth", ["search_path=pg_catalog, pg_temp"])


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "role", ["countinghouse_reader", "countinghouse_provisioner", "countinghouse_tenant", "countinghouse_owner"]
)
async def test_every_other_role_of_the_house_is_refused(function: str, role: str) -> None:
    async with as_role(role) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"select {function.partition('(')[0]}{FUNCTIONS[function]}")


async def test_the_server_loses_them_when_it_becomes_a_tenant(tenant: Tenant) -> None:
    async with as_nobody() as connection:
        assert await connection.fetch("select from iam.sign_in_lookup($1)", tenant.owner_email)
        await connection.execute(f"set role {tenant.database_role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select from iam.sign_in_lookup($1)", tenant.owner_email)


@pytest.mark.parametrize(
    "statement",
    [
        "update iam.users set password_hash = null",
        "update iam.users set email = 'x@example.org'",
        "update iam.users set is_active = true, deleted_at = null",
        "delete from iam.users",
        "insert into iam.users (email, name) values ('x@example.org', 'X')",
        "update iam.memberships set role = 'owner'",
        "update iam.memberships set is_active = true",
        "delete from iam.memberships",
        "insert into iam.memberships (tenant_id, user_id, role) values (gen_random_uuid(), gen_random_uuid(), 'owner')",
        "update iam.tenants set suspended_at = null",
        "select * from core.audit_log",
        "delete from core.audit_log",
        "select * from billing.clients",
    ],
)
async def test_even_a_fault_in_them_could_not_do_this(statement: str) -> None:
    """What their owner may not, they may not."""
    async with as_role("countinghouse_auth") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_an_address_is_compared_and_never_a_pattern_or_a_statement(tenant: Tenant) -> None:
    account, _, host = tenant.owner_email.partition("@")
    for email in (
        f"%@{host}",
        f"{account}@%",
        f"{account}@{host}' or true --",
        account,
        host,
        tenant.owner_email + ".",
    ):
        async with as_nobody() as connection:
            assert not await connection.fetch("select from iam.sign_in_lookup($1)", email)


async def test_finding_an_account_uses_its_index(tenant: Tenant) -> None:
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch(
            "explain (costs off) select 1 from iam.users where users.email = lower(btrim($1::text))", tenant.owner_email
        )
    assert any("users_email_unique" in row[0] for row in plan)


async def test_recording_a_sign_in_tells_nobody_and_touches_that_person_alone(tenant: Tenant) -> None:
    colleague = await make_person(tenant, "viewer")
    async with as_nobody() as connection:
        await connection.execute(BEGIN, tenant.owner_id, tenant.tenant_id, token_bytes(32))
    async with as_superuser() as connection:
        last = {
            row["id"]: row["last_login_at"]
            for row in await connection.fetch(
                "select id, last_login_at from iam.users where id = any($1)", [tenant.owner_id, colleague.user_id]
            )
        }
    assert last[tenant.owner_id] is not None
    assert last[colleague.user_id] is None


async def test_the_sign_ins_of_one_organisation_are_not_in_the_log_of_another(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    async with as_nobody() as connection:
        await connection.execute(BEGIN, tenant.owner_id, tenant.tenant_id, token_bytes(32))
    count = "select count(*) from core.audit_log where action = 'SIGN_IN' and tenant_id = $1"
    async with as_superuser() as connection:
        assert await connection.fetchval(count, tenant.tenant_id) == 1
        assert await connection.fetchval(count, other_tenant.tenant_id) == 0


async def test_a_context_is_answered_for_one_person_in_one_organisation(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_nobody() as connection:
        ask = "select count(*) from iam.context($1, $2, null)"
        assert await connection.fetchval(ask, tenant.owner_id, tenant.tenant_id) == 1
        for user_id, tenant_id in (
            (tenant.owner_id, other_tenant.tenant_id),
            (other_tenant.owner_id, tenant.tenant_id),
            (tenant.tenant_id, tenant.owner_id),
            (uuid4(), tenant.tenant_id),
            (None, tenant.tenant_id),
            (tenant.owner_id, None),
            (None, None),
        ):
            assert await connection.fetchval(ask, user_id, tenant_id) == 0


async def test_a_person_sees_their_own_hash_nowhere(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        columns = await connection.fetch(
            "select table_schema || '.' || table_name || '.' || column_name from information_schema.column_privileges"
            " where privilege_type = 'SELECT' and column_name ~ '(password|hash|secret|token)'"
            " and table_schema in ('core', 'iam', 'ledger', 'reports', 'billing', 'trade')"
        )
    assert columns == []
