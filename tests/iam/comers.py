"""People who come from elsewhere, invites to them, and what they were told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gql.errors import ApiError
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.tenants import Person, Tenant, make_person
from tests.harness.verbs import call, the_row


def new_address() -> str:
    return f"comer.{uuid4().hex[:12]}@example.org"


async def make_comer(home: Tenant, *, verified: bool = True, role: str = "viewer") -> Person:
    """Somebody who works elsewhere and has shown, or not, that their address is theirs."""
    person = await make_person(home, role, name="Robin Comer")
    if verified:
        await verify(person.user_id)
    return person


async def verify(user_id: UUID) -> None:
    async with as_superuser() as connection:
        await connection.execute("update iam.users set email_verified_at = now() where id = $1", user_id)


async def invite(tenant: Tenant, address: str, role: str = "viewer", **facts: Any) -> UUID:
    """An invite by the owner."""
    async with as_tenant(tenant) as connection:
        made = await call(connection, "iam.invite_create", address=address, role=role, **facts)
    assert isinstance(made, UUID)
    return made


async def the_invite(invite_id: UUID) -> dict[str, Any]:
    async with as_superuser() as connection:
        return await the_row(connection, "iam.invites", invite_id)


async def membership_of(tenant: Tenant, user_id: UUID) -> dict[str, Any] | None:
    async with as_superuser() as connection:
        row = await connection.fetchrow(
            "select role, scope_ids, is_active, created_by from iam.memberships where tenant_id = $1 and user_id = $2",
            tenant.tenant_id,
            user_id,
        )
    return dict(row) if row is not None else None


async def told(address: str) -> list[asyncpg.Record]:
    """The notices to this address, the newest last."""
    async with as_superuser() as connection:
        return await connection.fetch(
            "select tenant_id, subject, text from iam.notices where recipient = $1 order by created_at, id", address
        )


async def mine(tenant: Tenant, user_id: UUID, function: str) -> list[asyncpg.Record]:
    """What a person sees of their own while they work in this organisation."""
    async with as_tenant(tenant, "viewer", user_id=user_id) as connection:
        return await connection.fetch(f"select * from iam.{function}()")


async def make_older(table: str, wanted: UUID, interval: str, *moments: str) -> None:
    """As if so much time had gone by since it was made."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")  # created_at never changes otherwise
        earlier = ", ".join(f"{moment} = {moment} - $2::text::interval" for moment in ("created_at", *moments))
        await connection.execute(f"update iam.{table} set {earlier} where id = $1", wanted, interval)


@contextmanager
def refused(code: str, reason: str) -> Iterator[pytest.ExceptionInfo[ApiError]]:
    """The body is refused by a service with this code and reason."""
    with pytest.raises(ApiError) as problem:
        yield problem
    assert (problem.value.code.value, problem.value.reason) == (code, reason)
