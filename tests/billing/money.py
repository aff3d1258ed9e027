"""Paying in tests, and what must be true of invoices, payments, clients and the ledger whatever was done."""

from typing import Any, Final
from uuid import UUID

import asyncpg

from tests.harness.verbs import call
from tests.ledger.books import wrong as wrong_books

WRONG: Final = """
    -- Each line names what should never be, and counts how often it is.
    select 'invoices whose paid amount is not what stands on them', count(*) from (
        select from billing.invoices i
        left join billing.allocations a
            on a.tenant_id = i.tenant_id and a.invoice_id = i.id and a.payment_id is not null
        group by i.id, i.paid_amount having i.paid_amount <> coalesce(sum(a.net), 0)
    ) as found
    union all
    select 'invoices whose credit is not what stands on them', count(*) from (
        select from billing.invoices i
        left join billing.allocations a on a.tenant_id = i.tenant_id and a.invoice_id = i.id and a.payment_id is null
        group by i.id, i.credited having i.credited <> coalesce(sum(a.net), 0)
    ) as found
    union all
    select 'invoices with a wrong balance or status', count(*) from billing.invoices
    where balance < 0
       or voided_at is null and balance <> total - paid_amount - credited - written_off
       or (status = 'PAID') <> (issued_at is not null and voided_at is null and written_off = 0
                                and disputed_at is null and balance = 0)
       or (status = 'PARTIALLY_PAID') and not (paid_amount > 0 and balance > 0)
       or payment_count < partial_payment_count
    union all
    select 'invoices whose payments are miscounted', count(*) from (
        select from billing.invoices i
        left join billing.allocations a
            on a.tenant_id = i.tenant_id and a.invoice_id = i.id and a.payment_id is not null and a.net > 0
        left join billing.payments p on p.tenant_id = a.tenant_id and p.id = a.payment_id
        group by i.id, i.payment_count, i.last_payment_date
        having i.payment_count <> count(distinct p.id) or i.last_payment_date is distinct from max(p.received_on)
    ) as found
    union all
    select 'payments that are used for more than they are', count(*) from (
        select from billing.payments p
        left join billing.allocations a on a.tenant_id = p.tenant_id and a.payment_id = p.id
        group by p.id, p.applied_amount, p.amount, p.refunded_amount
        having p.applied_amount <> coalesce(sum(a.net), 0) or p.applied_amount + p.refunded_amount > p.amount
    ) as found
    union all
    select 'payments whose refunds are miscounted', count(*) from (
        select from billing.payments p
        left join billing.payment_refunds r on r.tenant_id = p.tenant_id and r.payment_id = p.id
        group by p.id, p.refunded_amount having p.refunded_amount <> coalesce(sum(r.amount), 0)
    ) as found
    union all
    -- The ledger's side: what clients owe, and their credit, is what their documents say.
    select 'receivable accounts that are not the balances of their invoices', count(*) from (
        select from billing.clients c
        left join billing.invoices i
            on i.tenant_id = c.tenant_id and i.client_id = c.id and i.currency = c.currency and i.issued_at is not null
        left join ledger.accounts a
            on a.tenant_id = c.tenant_id and a.code = 'RECEIVABLE:' || c.id and a.currency = c.currency
        group by c.id, c.outstanding, a.balance
        having coalesce(sum(i.balance), 0) <> c.outstanding or c.outstanding <> coalesce(a.balance, 0)
    ) as found
    union all
    -- Rebuilt from the entries of the ledger alone: each transfer says which document it came from.
    select 'invoices whose balance is not what the ledger says', count(*) from (
        select from billing.invoices i
        left join (
            select coalesce(a.invoice_id, t.source_id) as invoice_id, sum(e.amount) as amount
            from ledger.entries e
            join ledger.accounts r on r.tenant_id = e.tenant_id and r.id = e.account_id and r.code like 'RECEIVABLE:%'
            join ledger.transfers t on t.tenant_id = e.tenant_id and t.id = e.transfer_id
            left join billing.allocations a on a.tenant_id = t.tenant_id and a.id = t.source_id
            group by 1
        ) as booked on booked.invoice_id = i.id
        where i.issued_at is not null and i.balance <> coalesce(booked.amount, 0)
    ) as found
    union all
    select 'clients who were billed or have paid other than the ledger says', count(*) from (
        select from billing.clients c
        left join (
            select coalesce(i.client_id, n.client_id, p.client_id) as client_id, e.currency,
                   - sum(e.amount) filter (where r.code in ('REVENUE', 'TAX_PAYABLE')) as billed,
                   sum(e.amount) filter (where r.code = 'CASH') as paid
            from ledger.entries e
            join ledger.accounts r on r.tenant_id = e.tenant_id and r.id = e.account_id
            join ledger.transfers t on t.tenant_id = e.tenant_id and t.id = e.transfer_id
            left join billing.invoices i on i.tenant_id = t.tenant_id and i.id = t.source_id
            left join billing.credit_notes n on n.tenant_id = t.tenant_id and n.id = t.source_id
            left join billing.payments p on p.tenant_id = t.tenant_id and p.id = t.source_id
            group by 1, 2
        ) as booked on booked.client_id = c.id and booked.currency = c.currency
        where (c.lifetime_billed, c.lifetime_paid) <> (coalesce(booked.billed, 0), coalesce(booked.paid, 0))
    ) as found
    union all
    select 'credit accounts that are not what is unapplied', count(*) from (
        select from billing.clients c
        left join ledger.accounts a
            on a.tenant_id = c.tenant_id and a.code = 'CUSTOMER_CREDIT:' || c.id and a.currency = c.currency
        where coalesce(a.balance, 0) <> (
            select coalesce(sum(unapplied_amount), 0) from billing.payments p
            where p.tenant_id = c.tenant_id and p.client_id = c.id and p.currency = c.currency
        ) + (
            select coalesce(sum(unapplied_amount), 0) from billing.credit_notes n
            where n.tenant_id = c.tenant_id and n.client_id = c.id and n.currency = c.currency
        ) or c.balance <> c.outstanding - coalesce(a.balance, 0)
    ) as found
    union all
    select 'cash that is not what was received less what went back', count(*) from (
        select from (select distinct currency from billing.payments) as kinds
        left join ledger.accounts a on a.code = 'CASH' and a.currency = kinds.currency
        where coalesce(a.balance, 0) <> (
            select coalesce(sum(amount - refunded_amount), 0) from billing.payments
            where currency = kinds.currency and confirmed_at is not null and reversed_at is null
        )
    ) as found
    union all
    select 'revenue and tax that are not what was issued less what was credited', count(*) from (
        select from (select distinct currency from billing.invoices) as kinds
        where coalesce((
            select sum(balance) from ledger.accounts
            where code in ('REVENUE', 'TAX_PAYABLE') and currency = kinds.currency
        ), 0) <> (
            select coalesce(sum(total), 0) from billing.invoices
            where currency = kinds.currency and issued_at is not null and voided_at is null
        ) - (
            select coalesce(sum(total), 0) from billing.credit_notes where currency = kinds.currency
        )
    ) as found
"""

COUNTED: Final = """
    select c.id, c.name from billing.clients c,
        lateral billing.client_counted(c.tenant_id, c.id, c.currency) as anew
    where (c.lifetime_billed, c.lifetime_paid, c.total_payments, c.total_received, c.last_payment_date,
           c.paid_invoices, c.paid_days, c.oldest_due_date)
        is distinct from
          (anew.lifetime_billed, anew.lifetime_paid, anew.total_payments, anew.total_received, anew.last_payment_date,
           anew.paid_invoices, anew.paid_days, anew.oldest_due_date)
"""
"""Clients whose figures are not what counting their documents anew would make them. As the owner."""


async def wrong(connection: asyncpg.Connection) -> list[Any]:
    """What is wrong with the documents and the books of the connection's tenant. Nothing should be."""
    found = [f"{count} {what}" for what, count in await connection.fetch(WRONG) if count]
    return found + await wrong_books(connection)


async def miscounted(owner: asyncpg.Connection) -> list[Any]:
    """Clients whose figures are not what their documents say. Nobody should be."""
    return [row["name"] for row in await owner.fetch(COUNTED)]


async def pay(connection: asyncpg.Connection, client_id: UUID, amount: str, **facts: Any) -> UUID:
    """A confirmed payment in cash, unless said otherwise."""
    given = {"client_id": client_id, "method": "CASH", "amount": amount, "status": "CONFIRMED", **facts}
    made = await call(connection, "billing.payment_record", **given)
    assert isinstance(made, UUID)
    return made


def on(invoice_id: UUID, amount: str) -> list[dict[str, Any]]:
    """The allocation of an amount to one invoice."""
    return [{"invoice_id": invoice_id, "amount": amount}]
