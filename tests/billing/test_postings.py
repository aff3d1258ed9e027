"""What billing posts to the ledger: an invoice at its issue, the reverse when it is void. sql/billing/invoices.sql."""

import asyncio
import random
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import LINE, call, new_client, new_draft, new_invoice, refused, the_row
from tests.ledger.books import wrong

OWED = """
    select c.id, c.outstanding,
           coalesce(sum(i.total) filter (where i.number is not null and i.voided_at is null), 0) as billed
    from billing.clients c
    left join billing.invoices i on i.tenant_id = c.tenant_id and i.client_id = c.id and i.currency = c.currency
    group by c.id, c.outstanding
"""


async def balances(connection: asyncpg.Connection) -> dict[str, Any]:
    """What stands on every account that is not empty, by its code without the id."""
    rows = await connection.fetch(
        "select split_part(code, ':', 1) as code, balance from ledger.accounts where balance <> 0"
    )
    return {row["code"]: row["balance"] for row in rows}


async def outstanding(connection: asyncpg.Connection, client_id: UUID) -> Any:
    return (await the_row(connection, "billing.clients", client_id))["outstanding"]


async def test_an_issued_invoice_is_owed_and_earned_and_its_tax_is_due(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        draft_id = await new_draft(connection, client_id, tax_rate="20", discount="50", issue_date="2026-03-02")
        assert await balances(connection) == {}
        await call(connection, "billing.invoice_issue", id=draft_id)
        assert await balances(connection) == {"RECEIVABLE": 300, "REVENUE": 250, "TAX_PAYABLE": 50}
        assert await outstanding(connection, client_id) == 300
        [transfer] = await connection.fetch("select * from ledger.transfers")
        assert (transfer["kind"], transfer["source_noun"], transfer["source_id"]) == (
            "INVOICE_ISSUE",
            "INVOICE",
            draft_id,
        )
        assert (transfer["effective_date"], transfer["description"]) == (
            date(2026, 3, 2),
            "Invoice INV-000001 to Fen Orchards",
        )


async def test_a_void_invoice_is_owed_no_more_and_both_stand_in_the_books(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id)
        await call(connection, "billing.invoice_void", id=invoice_id, reason="Typed twice")
        assert (await balances(connection), await outstanding(connection, client_id)) == ({}, 0)
        rows = await connection.fetch(
            "select kind, description, reverses_id from ledger.transfers order by reverses_id nulls first"
        )
        assert [row["kind"] for row in rows] == ["INVOICE_ISSUE", "REVERSAL"]
        assert rows[1]["description"] == "Void: Typed twice"
        assert await wrong(connection) == []


async def test_what_is_worth_nothing_and_a_discarded_draft_post_nothing(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        free = await new_invoice(connection, lines=[{**LINE, "unit_price": "0"}])
        await call(connection, "billing.invoice_void", id=free, reason="Nothing in it")
        await call(connection, "billing.invoice_void", id=await new_draft(connection), reason="Not wanted")
        assert await connection.fetchval("select count(*) from ledger.transfers") == 0


async def test_each_currency_has_its_own_account_and_a_client_owes_in_its_own(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection, currency="USD")
        await new_invoice(connection, client_id)
        await new_invoice(connection, client_id, currency="EUR")
        await new_invoice(connection, client_id, currency="EUR")
        assert await outstanding(connection, client_id) == 300
        await call(connection, "billing.client_update", id=client_id, currency="EUR")
        assert await outstanding(connection, client_id) == 600


async def test_who_writes_past_the_verbs_posts_all_the_same_and_sets_no_figure(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_owner(tenant) as owner, as_superuser() as superuser:
        client_id = await new_client(connection)
        draft_id = await new_draft(connection, client_id)
        await owner.execute(
            "update billing.invoices set issued_at = now(), bill_from = '{}', bill_to = '{}' where id = $1", draft_id
        )
        assert await outstanding(connection, client_id) == 300
        await owner.execute("update billing.clients set outstanding = 0")
        assert await outstanding(connection, client_id) == 300
        await superuser.execute("update billing.clients set outstanding = 7 where id = $1", client_id)
        assert await outstanding(connection, client_id) == 300
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update billing.clients set outstanding = 0")


async def test_a_client_who_owes_is_not_deleted(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        invoice_id = await new_invoice(connection, client_id)
        with refused("CONFLICT", "CLIENT_HAS_OPEN_INVOICES"):
            await call(connection, "billing.client_delete", id=client_id)
        await call(connection, "billing.invoice_void", id=invoice_id, reason="Leaving")
        await call(connection, "billing.client_delete", id=client_id)


async def test_many_who_issue_and_void_at_once_keep_books_and_clients_in_step(tenant: Tenant) -> None:
    """Few clients and many writers, two verbs to a transaction: nobody waits for one who waits for them."""
    async with as_tenant(tenant) as connection:
        clients = [await new_client(connection, f"Client {number}") for number in range(3)]

        async def write(number: int) -> None:
            luck = random.Random(number)
            async with as_tenant(tenant) as writer:
                for _ in range(8):
                    async with writer.transaction():
                        invoice_id = await new_invoice(writer, luck.choice(clients))
                        if luck.random() < 0.5:
                            await call(writer, "billing.invoice_void", id=invoice_id, reason="A try")

        await asyncio.gather(*(write(number) for number in range(6)))
        assert [row["id"] for row in await connection.fetch(OWED) if row["outstanding"] != row["billed"]] == []
        assert await wrong(connection) == []
