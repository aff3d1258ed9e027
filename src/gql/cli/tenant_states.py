"""`tenant list`, `suspend` and `resume`: what the operator of the house sees of organisations, and lets be."""

import asyncio
import json
from typing import Annotated, Any, Final

import asyncpg
import typer
from rich.table import Table

from gql.cli.console import OUT, say, write
from gql.cli.databases import Addresses, admin_connection, the_database, the_settings

LIST: Final = """
with invoices as (select tenant_id, count(*) as number from billing.invoices group by tenant_id),
     entries as (select tenant_id, count(*) as number from ledger.entries group by tenant_id)
select slug, name, tenants.id::text, created_at, suspended_at, suspend_reason, offboard_requested_at,
       (select count(*) from iam.memberships where tenant_id = tenants.id and is_active) as people,
       coalesce(invoices.number, 0) as invoices, coalesce(entries.number, 0) as entries
from iam.tenants as tenants
left join invoices on invoices.tenant_id = tenants.id
left join entries on entries.tenant_id = tenants.id
order by slug
"""


def list_tenants(as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False) -> None:
    """List all organisations: since when, how large their books are, which are suspended or want to leave."""
    with the_database(the_settings()) as addresses:
        found = asyncio.run(_list(addresses))
    if as_json:
        say(json.dumps([_told(row) for row in found], ensure_ascii=False, indent=2))
        return
    if not OUT.is_terminal:
        for row in found:
            write("\t".join(_cells(row)) + "\n")
        return
    table = Table("Short name", "Name", "Since", "People", "Invoices", "Entries", "Suspended", "Wants to leave")
    for column in table.columns[3:6]:
        column.justify = "right"
    for row in found:
        table.add_row(*_cells(row))
    OUT.print(table, markup=False)


def suspend(
    slug: Annotated[str, typer.Argument(help="The organisation, by its short name.")],
    reason: Annotated[str, typer.Option(help="Why; its owners may read it in their log when it goes on.")],
) -> None:
    """Let nobody work in an organisation, from this moment on. All that it has is kept as it is."""
    with the_database(the_settings()) as addresses:
        ended = asyncio.run(_suspend(addresses, slug, reason))
    say(f"{slug} is suspended. Its people's tokens are refused, and {_connections(ended)}.")


def resume(slug: Annotated[str, typer.Argument(help="The organisation, by its short name.")]) -> None:
    """Have a suspended organisation go on as it was."""
    with the_database(the_settings()) as addresses:
        asyncio.run(_resume(addresses, slug))
    say(f"{slug} goes on. Its people go on where they were, or sign in again.")


async def _list(addresses: Addresses) -> list[asyncpg.Record]:
    async with admin_connection(addresses) as admin:
        return list(await admin.fetch(LIST))


async def _suspend(addresses: Addresses, slug: str, reason: str) -> int:
    from gql.iam.provisioning import Provisioner

    async with admin_connection(addresses) as admin:
        provisioner = Provisioner(admin)
        return await provisioner.end_connections(await provisioner.suspend_tenant(slug, reason))


async def _resume(addresses: Addresses, slug: str) -> None:
    from gql.iam.provisioning import Provisioner

    async with admin_connection(addresses) as admin:
        await Provisioner(admin).resume_tenant(slug)


def _cells(row: asyncpg.Record) -> tuple[str, ...]:
    figures = (str(row["people"]), f"{row['invoices']:,}", f"{row['entries']:,}")
    suspended = f"{row['suspended_at']:%Y-%m-%d}: {row['suspend_reason'] or ''}" if row["suspended_at"] else ""
    leaving = f"{row['offboard_requested_at']:%Y-%m-%d}" if row["offboard_requested_at"] else ""
    return row["slug"], row["name"], f"{row['created_at']:%Y-%m-%d}", *figures, suspended, leaving


def _told(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "slug": row["slug"],
        "name": row["name"],
        "id": row["id"],
        "createdAt": row["created_at"].isoformat(),
        "suspendedAt": row["suspended_at"] and row["suspended_at"].isoformat(),
        "suspendReason": row["suspend_reason"],
        "offboardRequestedAt": row["offboard_requested_at"] and row["offboard_requested_at"].isoformat(),
        "people": row["people"],
        "invoices": row["invoices"],
        "ledgerEntries": row["entries"],
    }


def _connections(ended: int) -> str:
    return f"{ended} connections of analysts were ended" if ended != 1 else "one connection of an analyst was ended"
