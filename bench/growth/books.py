"""One tenant whose books grow: every step adds invoices that are younger than all before, each with one line.

As in the dataset, rows are written beside the triggers, with the figures that those would have made.
"""

import random
from collections.abc import Callable
from typing import Final

import asyncpg

from bench.dataset import DEEP, PAGE, make_tenant, write_made
from bench.growth import paying
from bench.works import Facts

CHUNK: Final = 50_000
INVOICES_OF_A_CLIENT: Final = 200
SAMPLED: Final = 5_000
"""Invoices that are asked for one at a time: more than stay in PostgreSQL's own caches by chance."""
_CLIENTS: Final = """
    insert into billing.clients (tenant_id, name, email, city, country, payment_terms, currency, created_by)
    select $1, 'Client ' || lpad(k::text, 6, '0'), 'accounts' || k || '@client.example.org', 'Galway', 'IE',
           (array['NET_15', 'NET_30', 'NET_60'])[k % 3 + 1], 'EUR', $2
    from generate_series($3::integer, $4::integer) as k
"""
_NUMBERED: Final = """
    create temporary table numbered as
    select row_number() over (order by name) as k, id, name from billing.clients where tenant_id = '{tenant}'
"""
# Of twenty invoices one is a draft, one void and one worth nothing, as in the dataset.
_MADE: Final = """
    create temporary table made as
    select '{tenant}'::uuid as tenant_id, numbered.id as client_id, numbered.name, n, '{user}'::uuid as created_by,
           current_date - {oldest} + ((n - {first}) * {days} / {count})::integer as issue_date,
           (array[15, 30, 60])[n % 3 + 1] as days, n % 20 as kind, case when n % 20 <> 0 then n - n / 20 end as number,
           core.new_id() as id
    from generate_series({start}::bigint, {end}::bigint) as n
    join numbered on numbered.k = n * 7919 % {clients} + 1
    order by n
"""
_PAGE49: Final = """
    select issue_date::text, id::text from billing.invoices where tenant_id = $1
    order by issue_date desc, id desc limit 1 offset least($2::bigint, $3::bigint) - 1
"""
_IDS: Final = """
    select invoices.id::text
    from unnest($2::bigint[]) as k
    join billing.invoices on invoices.tenant_id = $1 and invoices.number = billing.number_text('INV', k)
    order by md5(invoices.id::text)
"""


class Books:
    """The clients and invoices of one tenant, made by a superuser's connection."""

    def __init__(
        self, connection: asyncpg.Connection, tenant_id: str, user_id: str, *, has_payments: bool = False
    ) -> None:
        self._connection = connection
        self._tenant, self._user = tenant_id, user_id
        self._has_payments = has_payments
        self.invoices = 0
        self.clients = 0

    @classmethod
    async def open(cls, connection: asyncpg.Connection, number: int, *, has_payments: bool = False) -> "Books":
        """The books of a new tenant, whose invoices are paid where it has payments."""
        return cls(connection, *await make_tenant(connection, number), has_payments=has_payments)

    async def grow(self, invoices: int, days: tuple[int, int], made: Callable[[int], None] = lambda _: None) -> None:
        """Add invoices until there are so many, issued between so many days ago and so many. `made` is told of each
        chunk."""
        run = self._connection.execute
        first, count = self.invoices + 1, invoices - self.invoices
        clients = max(3, invoices // INVOICES_OF_A_CLIENT)
        await run("set session_replication_role = replica; set jit = off; set synchronous_commit = off")
        try:
            await run(_CLIENTS, self._tenant, self._user, self.clients + 1, clients)
            await run("analyze billing.clients")
            await run("drop table if exists numbered")
            await run(_NUMBERED.format(tenant=self._tenant))
            await run("create unique index on numbered (k); analyze numbered")
            for start in range(first, invoices + 1, CHUNK):
                end = min(start + CHUNK - 1, invoices)
                words = {"tenant": self._tenant, "user": self._user, "clients": clients, "oldest": days[0]}
                span = {"days": days[0] - days[1], "first": first, "count": count, "start": start, "end": end}
                async with self._connection.transaction():
                    await run(_MADE.format(**words, **span))
                    if self._has_payments:
                        await paying.write_paid(self._connection)
                    else:
                        await write_made(self._connection, 1)
                    await run("drop table made")
                made(end - start + 1)
            await run("drop table numbered")
            if self._has_payments:
                await paying.count_clients(self._connection, self._tenant)
        finally:
            await run("reset session_replication_role; reset jit; reset synchronous_commit")
        self.invoices, self.clients = invoices, clients

    async def facts(self) -> Facts:
        """What the works need to know, with a random sample of the issued invoices."""
        issued = self.invoices - self.invoices // 20
        numbers = random.Random(self.invoices).sample(range(1, issued + 1), min(SAMPLED, issued))
        ids = [row[0] for row in await self._connection.fetch(_IDS, self._tenant, numbers)]
        deep = await self._connection.fetchrow(_PAGE49, self._tenant, DEEP * PAGE, max(self.invoices - PAGE, 1))
        assert deep is not None
        client = await self._connection.fetchval(
            "select id::text from billing.clients where tenant_id = $1 limit 1", self._tenant
        )
        role = "tenant_" + self._tenant.replace("-", "")
        return Facts(self._tenant, self._user, role, client, tuple(ids), deep[0], deep[1])
