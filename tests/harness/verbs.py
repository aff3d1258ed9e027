"""Calling the verbs of the database, and saying what they must refuse."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from gql.database.refusals import translate

LINE: Final[Mapping[str, str]] = {"description": "Oak table", "quantity": "2", "unit_price": "150.00"}


async def call(connection: asyncpg.Connection, function: str, **facts: Any) -> Any:
    """Call a verb with its input; ids and dates may be given as they are. Answers the id, or the report as a dict."""
    answer = await connection.fetchval(f"select {function}($1::jsonb)", json.dumps(facts, default=str))
    return json.loads(answer) if isinstance(answer, str) else answer


async def new_client(connection: asyncpg.Connection, name: str = "Fen Orchards", **facts: Any) -> UUID:
    """A client of the connection's tenant."""
    made = await call(connection, "billing.client_create", name=name, **facts)
    assert isinstance(made, UUID)
    return made


async def new_draft(connection: asyncpg.Connection, client_id: UUID | None = None, **facts: Any) -> UUID:
    """A draft of one line of 300.00, unless `lines` says otherwise, for a new client unless one is named."""
    client_id = client_id or await new_client(connection)
    made = await call(connection, "billing.invoice_create", **{"client_id": client_id, "lines": [LINE], **facts})
    assert isinstance(made, UUID)
    return made


async def new_invoice(connection: asyncpg.Connection, client_id: UUID | None = None, **facts: Any) -> UUID:
    """An issued invoice, made like `new_draft`."""
    made = await new_draft(connection, client_id, **facts)
    await call(connection, "billing.invoice_issue", id=made)
    return made


REQUEST: Final = sha256(b"what was asked").hexdigest()
PERMISSIONS: Final = ("billing:write",)


async def begin_key(connection: asyncpg.Connection, key: str, request: str = REQUEST) -> str | None:
    """Enter an idempotency key with the hash of its request. What was answered under it before, if anything."""
    answer: str | None = await connection.fetchval(
        "select core.idempotency_begin($1, $2, $3)", key, request, PERMISSIONS
    )
    return answer


async def keep_answer(connection: asyncpg.Connection, key: str, answer: str, request: str = REQUEST) -> None:
    """Enter an idempotency key together with what was answered under it."""
    async with connection.transaction():
        assert await begin_key(connection, key, request) is None
        await connection.execute("select core.idempotency_keep($1, $2, $3)", key, answer, PERMISSIONS)


async def the_row(connection: asyncpg.Connection, table: str, wanted: UUID) -> dict[str, Any]:
    """The row with this id: the columns that the connection may read. Fails where there is none."""
    columns = await connection.fetchval(
        "select string_agg(attname, ', ' order by attnum) from pg_catalog.pg_attribute where attrelid = $1::regclass"
        " and attnum > 0 and not attisdropped and has_column_privilege(attrelid, attnum, 'select')",
        table,
    )
    row = await connection.fetchrow(f"select {columns} from {table} where id = $1", wanted)
    assert row is not None
    return dict(row)


@dataclass(slots=True)
class Refusal:
    """What was said to the caller."""

    message: str = ""
    field: str | None = None


@contextmanager
def refused(code: str, reason: str) -> Iterator[Refusal]:
    """The body must be refused with this code and reason, as a caller of the API would read them."""
    told = Refusal()
    with pytest.raises(asyncpg.PostgresError) as caught:
        yield told
    error = translate(caught.value)
    assert (error.code.value, error.reason) == (code, reason), caught.value
    told.message, told.field = error.message, error.field
