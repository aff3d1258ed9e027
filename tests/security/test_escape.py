"""Attack 2: no function that anybody may call makes them somebody else, whatever text it is given."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import asyncpg
import pytest

from tests.database.test_isolation_of_functions import FUNCTIONS
from tests.harness.actors import as_analyst, as_nobody, as_tenant, as_worker
from tests.harness.tenants import Tenant

Entrance = Callable[[Tenant], AbstractAsyncContextManager[asyncpg.Connection]]
ENTRANCES: Final[dict[str, Entrance]] = {
    "a tenant": as_tenant,
    "an analyst": as_analyst,
    "the server": lambda _: as_nobody(),
    "the worker": lambda _: as_worker(),
}
WHO: Final = """
    select session_user::text, current_user::text, current_setting('role'), current_setting('session_authorization'),
        current_setting('row_security'), current_setting('is_superuser')
"""
# Types that carry no text, and a value for each; an argument of another type fails the test until it is known.
PLAIN: Final = {
    "uuid": "00000000-0000-0000-0000-000000000000",
    "uuid[]": "{}",
    "bytea": "\\x00",
    "bytea[]": "{}",
    "integer": "1",
    "integer[]": "{1}",
    "bigint": "1",
    "numeric": "1",
    "date": "2026-01-31",
    "boolean": "true",
    "timestamp with time zone": "2026-01-31T00:00:00Z",
    "core.audit_log": "(,,,,,,,,,,,,)",
}
TEXTS: Final = {"text", "text[]", "jsonb", "name"}
WORDS: Final = ("id", "name", "role", "slug", "content", "status", "code", "reason", "email", "tenant_id", "user_id")


def hostile(other: Tenant) -> list[str]:
    role = other.database_role
    return [
        role,
        f"x'; set role {role}; --",
        f"$$; reset role; set session authorization {role}; $$",
        f"\"; set_config('role', '{role}', false); \"",
        "%I %L %s %%",
        "none",
    ]


def given(kind: str, text: str) -> str:
    if kind == "jsonb":
        return json.dumps(dict.fromkeys(WORDS, text) | {"rows": [dict.fromkeys(WORDS, text)]})
    if kind == "text[]":
        return "{" + json.dumps(text) + "}"
    return text if kind in TEXTS else PLAIN[kind]


@pytest.mark.parametrize("whose", ENTRANCES)
async def test_no_function_makes_anybody_somebody_else(tenant: Tenant, other_tenant: Tenant, whose: str) -> None:
    async with ENTRANCES[whose](tenant) as connection:
        before = await connection.fetchrow(WHO)
        functions = [tuple(row) for row in await connection.fetch(FUNCTIONS)]
        assert len(functions) >= 9
        for name, arguments in functions:
            kinds = [kind for kind in arguments.split(", ") if kind]
            call = f"select {name}({', '.join(f'${place}::text::{kind}' for place, kind in enumerate(kinds, 1))})"
            for text in hostile(other_tenant):
                await _call(connection, call, [given(kind, text) for kind in kinds])
                assert await connection.fetchrow(WHO) == before, (name, text)
                if not TEXTS & set(kinds):
                    break


async def _call(connection: asyncpg.Connection, call: str, values: list[Any]) -> None:
    """Answers and refusals alike; what it wrote is taken back, so that the next is called in the same world."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.fetch(call, *values)
    except asyncpg.PostgresError:
        pass
    finally:
        await transaction.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "set role {role}",
        "set local role {role}",
        "set session authorization {role}",
        "select set_config('role', '{role}', true)",
        "select set_config('role', '{role}', false)",
        "select set_config('session_authorization', '{role}', false)",
        "do $$ begin perform set_config('role', '{role}', false); end $$",
        "grant {role} to current_user",
    ],
)
async def test_an_analyst_who_holds_the_connection_cannot_leave_their_tenant(
    tenant: Tenant, other_tenant: Tenant, statement: str
) -> None:
    """Attack 2, for who writes SQL: nobody but an analyst does, and their login is in no tenant's role."""
    async with as_analyst(tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format(role=other_tenant.database_role))
        assert await connection.fetchval("select core.tenant_id()") == tenant.tenant_id
