"""Mutations for the tests of this room: invoices to be issued, and what has become of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from gql.database.pool import Database
from gql.settings import Settings
from tests.harness.actors import as_superuser, as_tenant
from tests.harness.proxy import Proxy, proxy_before
from tests.harness.tenants import Person, Tenant
from tests.harness.verbs import new_client, new_draft
from tests.http.servers import Running, running

ISSUE: Final = "mutation Issue($id: ID!) { invoiceIssue(input: {id: $id}) { invoice { id number status } } }"
CREATE: Final = "mutation ($input: ClientCreateInput!) { clientCreate(input: $input) { client { id name } } }"


@dataclass
class Desk:
    """Somebody at work in an organisation, on one server."""

    server: Running
    tenant: Tenant
    person: Person

    @property
    def database(self) -> Database:
        return self.server.app.database

    async def send(
        self, query: str, *, key: str | None = None, prefer: str | None = None, **variables: Any
    ) -> httpx.Response:
        """Send the operation, under this key and with this preference, if any."""
        headers = {name: text for name, text in (("Idempotency-Key", key), ("Prefer", prefer)) if text is not None}
        token = self.server.token(self.person, self.tenant)
        return await self.server.ask(query, token=token, headers=headers, variables=variables)

    async def create(self, name: str, key: str | None = None, **more: Any) -> httpx.Response:
        """Make a client of this name."""
        return await self.send(CREATE, key=key, input={"name": name}, **more)

    async def draft(self) -> str:
        """A draft that can be issued."""
        async with as_tenant(self.tenant) as connection:
            return str(await new_draft(connection))

    async def client(self, name: str) -> str:
        """A client."""
        async with as_tenant(self.tenant) as connection:
            return str(await new_client(connection, name))

    async def clients(self) -> list[str]:
        """The names of all clients."""
        return await self._column("select name from billing.clients where tenant_id = $1 order by name")

    async def cities(self) -> set[str]:
        """The cities of all clients."""
        return set(await self._column("select city from billing.clients where tenant_id = $1"))

    async def numbers(self) -> list[str]:
        """The numbers of all issued invoices."""
        return await self._column(
            "select number from billing.invoices where tenant_id = $1 and number is not null order by number"
        )

    async def keys(self) -> list[str]:
        """All keys that are kept."""
        return await self._column("select key from core.idempotency_keys where tenant_id = $1 order by key")

    async def entries(self) -> int:
        """How many entries the audit log has of what was done in the organisation's books."""
        [found] = await self._column(
            "select count(*) from core.audit_log where tenant_id = $1"
            " and entity_type not in ('TENANT', 'MEMBERSHIP', 'USER')"
        )
        return int(found)

    async def _column(self, question: str) -> list[Any]:
        async with as_superuser() as connection:
            return [row[0] for row in await connection.fetch(question, self.tenant.tenant_id)]


@asynccontextmanager
async def behind_proxy(settings: Settings, url: str, tenant: Tenant) -> AsyncIterator[tuple[Desk, Proxy]]:
    """A desk on a server whose connections to the database go through a proxy."""
    async with proxy_before(url) as proxy, running(settings, proxy.address(url)) as server:
        yield Desk(server, tenant, tenant.owner), proxy
