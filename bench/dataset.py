"""The rows that every peer is asked for: tenants that have worked for two years, each with clients and invoices.

Bulk rows are written beside the triggers, which would take hours; the figures are those that the triggers would have
made. Rows lie in the order of their dates, the tenants among one another, as years of use would have left them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from bench.works import CLIENTS, INVOICES, LINES, TENANTS, Facts

REVISION: Final = 1
"""Counts up whenever what is made here changes, so that a kept dataset is made anew."""
PAGE: Final = 20
DEEP: Final = 49
SAMPLED: Final = 200
"""How many ids of invoices a work about one of them chooses from."""


@dataclass(frozen=True)
class Sizes:
    """How many of each: clients of each tenant, invoices of each client, lines of each invoice."""

    tenants: int = TENANTS
    clients: int = CLIENTS
    invoices: int = INVOICES
    lines: int = LINES

    def __str__(self) -> str:
        return (
            f"{self.tenants} tenants x {self.clients} clients x {self.invoices} invoices x {self.lines} lines"
            f" = {self.tenants * self.clients * self.invoices * self.lines:,} lines"
        )


# Of invoice `made.n`, line `k`: any numbers that look like work, the same on every machine.
_LINE: Final = """
    select k as position,
           (made.n * 7 + k * 3) % 8 + 1 + case when (made.n + k) % 4 = 0 then 0.5 else 0 end as quantity,
           round(((made.n * 7919 + k * 104729) % 49900 + 100) / 100.0, 2) as unit_price
    from generate_series(1, $1::integer) as k
"""
_CLIENTS: Final = """
    insert into billing.clients (tenant_id, name, email, city, country, payment_terms, currency, created_by)
    select tenants.id, 'Client ' || lpad(k::text, 5, '0') || ' of ' || tenants.slug,
           'accounts' || k || '@' || tenants.slug || '.example.org', 'Galway', 'IE',
           (array['NET_15', 'NET_30', 'NET_60'])[k % 3 + 1], 'EUR', memberships.user_id
    from iam.tenants
    join iam.memberships on memberships.tenant_id = tenants.id
    cross join generate_series(1, $1::integer) as k
    where tenants.slug > $2
    order by k, tenants.slug
"""
# Of twenty invoices one is a draft, one void and one worth nothing; half of the others have been seen.
_INVOICES: Final = """
    create temporary table made as
    with numbered as (
        select clients.*, row_number() over (order by clients.name, k)::bigint as n, k
        from billing.clients
        join iam.tenants on tenants.id = clients.tenant_id
        cross join generate_series(1, {invoices}) as k
        where tenants.slug > '{after}'
    ), dated as (
        select tenant_id, id as client_id, name, n, created_by,
               current_date - ((n * 37 + k * 151) % 730)::integer as issue_date,
               (array[15, 30, 60])[n % 3 + 1] as days, n % 20 as kind
        from numbered
    )
    select *,
           case when kind <> 0
               then row_number() over (partition by tenant_id, kind = 0 order by issue_date, n) end as number,
           null::uuid as id
    from dated
    order by issue_date, n
"""
_INSERT_INVOICES: Final = f"""
    insert into billing.invoices (
        tenant_id, id, client_id, number, bill_from, bill_to, issue_date, due_date, currency, tax_rate, subtotal,
        discount, tax_amount, total, issued_at, viewed_at, voided_at, void_reason, created_at, created_by{{columns}}
    )
    select tenant_id, id, client_id, billing.number_text('INV', number),
           case when number is not null then jsonb_build_object('name', 'A tenant', 'country', 'IE') end,
           case when number is not null then jsonb_build_object('name', name, 'city', 'Galway', 'country', 'IE') end,
           issue_date, issue_date + days, 'EUR', 20, subtotal, discount, tax, subtotal - discount + tax,
           case when number is not null then issue_date + time '09:00' end,
           case when number is not null and kind % 2 = 0 then issue_date + time '15:00' end,
           case when kind = 1 then issue_date + time '16:00' end, case when kind = 1 then 'Sent twice' end,
           issue_date + time '08:00', created_by{{values}}
    from made
    cross join lateral (select sum(round(quantity * unit_price, 2)) as subtotal from ({_LINE}) as line) as lines
    cross join lateral (select case when kind = 2 then subtotal else 0 end as discount) as discounts
    cross join lateral (select round((subtotal - discount) * 20 / 100, 2) as tax) as taxes
    order by issue_date, n
"""
_INSERT_LINES: Final = f"""
    insert into billing.invoice_lines (
        tenant_id, client_id, invoice_id, position, description, quantity, unit_price, tax_rate, created_at, created_by
    )
    select tenant_id, client_id, id, position, 'Work of day ' || position || ' on matter ' || n, quantity, unit_price,
           20, issue_date + time '08:00', created_by
    from made cross join lateral ({_LINE}) as line
    order by issue_date, n, position
"""
_SERIES: Final = """
    insert into billing.number_series (tenant_id, series, last_number)
    select tenant_id, 'INV', max(number) from made group by tenant_id
    on conflict (tenant_id, series) do update set last_number = excluded.last_number
"""
_FACTS: Final = f"""
    select tenants.id::text as tenant_id, memberships.user_id::text,
           'tenant_' || replace(tenants.id::text, '-', '') as role,
           (select id::text from billing.clients where tenant_id = tenants.id order by name_key limit 1) as client_id,
           (
               select array_agg(id::text) from (
                   select id from billing.invoices where tenant_id = tenants.id order by md5(id::text) limit {SAMPLED}
               ) as sampled
           ) as invoice_ids,
           deep.issue_date::text, deep.id::text
    from iam.tenants
    join iam.memberships on memberships.tenant_id = tenants.id
    cross join lateral (
        select issue_date, id from billing.invoices where tenant_id = tenants.id order by issue_date desc, id desc
        limit 1 offset least(
            {DEEP * PAGE}, greatest((select count(*) from billing.invoices where tenant_id = tenants.id) - {PAGE}, 1)
        ) - 1
    ) as deep
    order by tenants.slug
"""


def short_name(number: int) -> str:
    """What a tenant is called in addresses; the first one has number 1."""
    return f"bench-{number:05}"


async def make_tenant(connection: asyncpg.Connection, number: int) -> tuple[str, str]:
    """A sign-up through the operator's own functions: a tenant with its owner. Answers the ids of both."""
    slug = short_name(number)
    tenant = {"slug": slug, "name": f"Tenant {number:05}", "currency": "EUR", "country": "IE", "time_zone": "UTC"}
    person = {"email": f"owner@{slug}.example.org", "name": f"Owner of tenant {number:05}"}
    tenant_id = str(await connection.fetchval("select iam.tenant_create($1::jsonb)", json.dumps(tenant)))
    user_id = str(await connection.fetchval("select iam.user_create($1::jsonb)", json.dumps(person)))
    membership = {"tenant_id": tenant_id, "user_id": user_id, "role": "owner"}
    await connection.fetchval("select iam.membership_create($1::jsonb)", json.dumps(membership))
    return tenant_id, user_id


async def write_made(connection: asyncpg.Connection, lines: int, columns: str = "", values: str = "") -> None:
    """Write the invoices of the temporary table `made`, each with so many lines, and with more columns where these
    are named with their values."""
    await connection.execute(_INSERT_INVOICES.format(columns=columns, values=values), lines)
    await connection.execute(_INSERT_LINES, lines)
    await connection.execute(_SERIES)


async def settle(connection: asyncpg.Connection) -> None:
    """What autovacuum, which is off, would have done by now."""
    await connection.execute("vacuum (analyze)")
    await connection.execute("checkpoint")


async def fill(
    connection: asyncpg.Connection, sizes: Sizes, *, there: int = 0, made: Callable[[int], None] = lambda _: None
) -> None:
    """Make the tenants through the operator's own functions, and their books in bulk. As superuser, on a loaded
    database in which the first `there` tenants stand already. `made` is called with 1 for each tenant."""
    for number in range(there + 1, sizes.tenants + 1):
        await make_tenant(connection, number)
        made(1)
    after = short_name(there)
    async with connection.transaction():
        await connection.execute("set local session_replication_role = replica; set local jit = off")
        await connection.execute(_CLIENTS, sizes.clients, after)
        await connection.execute(_INVOICES.format(invoices=sizes.invoices, after=after))
        # One after the other, so that ids grow with the dates.
        await connection.execute("update made set id = core.new_id()")
        await write_made(connection, sizes.lines)
        await connection.execute("drop table made")
    await settle(connection)


async def read_facts(connection: asyncpg.Connection) -> list[Facts]:
    """What works need to know of each tenant, in the order of their short names."""
    return [
        Facts(row[0], row[1], row[2], row[3], tuple(row[4]), row[5], row[6]) for row in await connection.fetch(_FACTS)
    ]
