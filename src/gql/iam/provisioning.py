"""Making organisations, people and memberships, as the operator of the house: a superuser's connection is needed."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from gql.database.refusals import translate


@dataclass(frozen=True, slots=True)
class Provisioner:
    """The functions of sql/iam that only the operator may call. What they refuse leaves as ApiError, with the sentence
    of the broken rule."""

    connection: asyncpg.Connection

    async def tenant_id(self, slug: str) -> UUID | None:
        """The organisation with this short name, if there is one."""
        found: UUID | None = await self.connection.fetchval("select id from iam.tenants where slug = $1", slug)
        return found

    async def user_id(self, email: str) -> UUID | None:
        """The account with this e-mail address, if there is one."""
        found: UUID | None = await self.connection.fetchval("select id from iam.users where email = lower($1)", email)
        return found

    async def create_tenant(self, **profile: Any) -> UUID:
        """Make an organisation together with its database role; `profile` is its columns."""
        return await self._call("iam.tenant_create", profile)

    async def create_user(self, email: str, name: str, password_hash: str) -> UUID:
        """Make a person's account."""
        return await self._call("iam.user_create", {"email": email, "name": name, "password_hash": password_hash})

    async def create_membership(
        self, tenant_id: UUID, user_id: UUID, role: str, scope_ids: Iterable[UUID] = ()
    ) -> UUID:
        """Let a person into an organisation. A member needs the ids of the clients that they speak for."""
        membership = {"tenant_id": str(tenant_id), "user_id": str(user_id), "role": role}
        return await self._call(
            "iam.membership_create", {**membership, "scope_ids": [str(scope_id) for scope_id in scope_ids]}
        )

    async def suspend_tenant(self, slug: str, reason: str) -> UUID:
        """Let nobody work in an organisation, from now on. Its analysts' connections are ended by
        `end_connections`, once this is committed."""
        return await self._call("iam.tenant_suspend", {"slug": slug, "reason": reason})

    async def resume_tenant(self, slug: str) -> UUID:
        """Have an organisation go on as before."""
        return await self._call("iam.tenant_resume", {"slug": slug})

    async def end_connections(self, tenant_id: UUID) -> int:
        """Put out whoever has logged in as one of its roles. Answers how many connections that were."""
        return int(await self.connection.fetchval("select iam.tenant_connections_end($1)", tenant_id))

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Everything in the body, or nothing of it."""
        async with self.connection.transaction():
            yield

    async def _call(self, function: str, facts: dict[str, Any]) -> UUID:
        try:
            answer = await self.connection.fetchval(f"select {function}($1::jsonb)", json.dumps(facts))
        except asyncpg.PostgresError as error:
            raise translate(error) from error
        assert isinstance(answer, UUID)
        return answer
