"""What clients of the growing books have paid: two payments for each invoice, some for none and some for three.

Rows are written beside the triggers, with the figures that those would have made; afterwards a sample is judged by the
functions that the triggers call. The ledger is left out: no question of everyday looks into it.
"""

from typing import Final

import asyncpg

from bench.dataset import write_made

CHECKED_CLIENTS: Final = 50
CHECKED_INVOICES: Final = 1_000
# Of the seventeen in twenty that can be paid, one is open, one half paid, eight are paid by two payments and seven by
# three, within two months and by today. For each that is void or worth nothing a payment was tried, and failed.
_PLAN: Final = """
    alter table made add draw integer, add parts integer, add is_whole boolean, add last_day date;
    -- Whatever looks like chance: clients take turns too, and each is to have invoices of every kind.
    update made set draw = abs(hashint8(n)::bigint) % 17;
    update made set
        parts = case when kind < 3 or draw = 0 then 0 when draw = 1 then 1 when draw < 10 then 2 else 3 end,
        is_whole = kind > 2 and draw > 1;
    update made set last_day = least(current_date, issue_date + (n * 13 % 30 + parts * 10)::integer) where parts > 0;
"""
_COLUMNS: Final = ", paid_amount, payment_count, partial_payment_count, last_payment_date, settled_on"
_VALUES: Final = """,
    case when parts = 0 then 0 when is_whole then subtotal - discount + tax
         else round((subtotal - discount + tax) / 2, 2) end,
    parts, parts - is_whole::integer, last_day, last_day
"""
_PAYMENTS: Final = """
    create temporary table paying as
    select made.tenant_id, made.client_id, made.created_by, made.id as invoice_id, part, parts = 0 as has_failed,
           case when parts = 0 then 50
                when part < parts then round(invoices.paid_amount / parts, 2)
                else invoices.paid_amount - (parts - 1) * round(invoices.paid_amount / parts, 2) end as amount,
           least(current_date, made.issue_date + (n * 13 % 30 + part * 10)::integer) as day, n, null::uuid as id
    from made
    join billing.invoices on invoices.tenant_id = made.tenant_id and invoices.id = made.id
    cross join lateral generate_series(1, case when kind in (1, 2) then 1 else parts end) as part
    order by day, n, part;
    -- One after the other, so that ids grow with the dates.
    update paying set id = core.new_id();
    insert into billing.payments (
        tenant_id, id, client_id, method_id, amount, currency, received_at, received_on, reference, started_at,
        confirmed_at, failed_at, failure_reason, applied_amount, created_at, created_by
    )
    select paying.tenant_id, paying.id, client_id, methods.id, amount, 'EUR', day + time '12:00', day, 'R-' || n,
           day + time '12:00', case when not has_failed then day + time '12:00' end,
           case when has_failed then day + time '12:00' end, case when has_failed then 'Refused by the bank' end,
           case when has_failed then 0 else amount end, day + time '12:00', paying.created_by
    from paying
    join billing.payment_methods as methods
        on methods.tenant_id = paying.tenant_id
       and methods.method_name = (array['BANK_TRANSFER', 'CARD', 'CHEQUE'])[n % 3 + 1]
    order by paying.id;
    insert into billing.allocations (
        tenant_id, client_id, invoice_id, payment_id, amount, effective_date, position, applied_at, created_at,
        created_by
    )
    select tenant_id, client_id, invoice_id, id, amount, day, part, day + time '12:00', day + time '12:00', created_by
    from paying where not has_failed order by id;
    drop table paying;
"""
_CLIENTS: Final = """
    update billing.clients set
        outstanding = coalesce(owed, 0), balance = coalesce(owed, 0), lifetime_billed = coalesce(billed, 0),
        lifetime_paid = coalesce(received, 0), total_received = coalesce(received, 0),
        total_payments = coalesce(payments, 0), last_payment_date = last_day, paid_invoices = coalesce(paid, 0),
        paid_days = coalesce(days, 0), oldest_due_date = oldest
    from billing.clients as own
    left join (
        select client_id, sum(total) filter (where issued_at is not null and voided_at is null) as billed,
               sum(balance) filter (where issued_at is not null) as owed, count(paid_date) as paid,
               sum(paid_date - issue_date) as days,
               min(due_date) filter (where status in ('SENT', 'VIEWED', 'PARTIALLY_PAID') and balance > 0) as oldest
        from billing.invoices where tenant_id = '{tenant}' group by client_id
    ) as invoiced on invoiced.client_id = own.id
    left join (
        select client_id, sum(amount) as received, count(*) as payments, max(received_on) as last_day
        from billing.payments where tenant_id = '{tenant}' and status = 'CONFIRMED' group by client_id
    ) as paying on paying.client_id = own.id
    where own.tenant_id = '{tenant}' and clients.tenant_id = own.tenant_id and clients.id = own.id
"""
_WRONG_CLIENTS: Final = f"""
    select count(*) from (
        select * from billing.clients where tenant_id = $1 order by md5(id::text) limit {CHECKED_CLIENTS}
    ) as client, lateral billing.client_counted(client.tenant_id, client.id, client.currency) as anew
    where (client.lifetime_billed, client.lifetime_paid, client.total_payments, client.total_received,
           client.last_payment_date, client.paid_invoices, client.paid_days, client.oldest_due_date)
        is distinct from
          (anew.lifetime_billed, anew.lifetime_paid, anew.total_payments, anew.total_received, anew.last_payment_date,
           anew.paid_invoices, anew.paid_days, anew.oldest_due_date)
"""
_WRONG_INVOICES: Final = f"""
    select count(*) from (
        select * from billing.invoices where tenant_id = $1 and issued_at is not null
        order by md5(id::text) limit {CHECKED_INVOICES}
    ) as invoice, lateral billing.invoice_settlement(invoice.tenant_id, invoice.id, invoice.total) as anew
    where (invoice.paid_amount, invoice.credited, invoice.payment_count, invoice.partial_payment_count,
           invoice.last_payment_date, invoice.settled_on)
        is distinct from
          (anew.paid_amount, anew.credited, anew.payment_count, anew.partial_payment_count, anew.last_payment_date,
           anew.settled_on)
"""


class WrongFiguresError(Exception):
    """What was written beside the triggers is not what they would have written."""


async def write_paid(connection: asyncpg.Connection) -> None:
    """Write the invoices of the temporary table `made`, each with one line, and what was paid of them."""
    await connection.execute(_PLAN)
    await write_made(connection, 1, _COLUMNS, _VALUES)
    await connection.execute(_PAYMENTS)


async def count_clients(connection: asyncpg.Connection, tenant_id: str) -> None:
    """Give the clients of a tenant their figures."""
    await connection.execute(_CLIENTS.format(tenant=tenant_id))


async def check(connection: asyncpg.Connection, tenant_id: str) -> None:
    """Raises WrongFiguresError where a sample of clients or invoices is not what the triggers' functions make of it."""
    for sql, what in ((_WRONG_CLIENTS, "clients"), (_WRONG_INVOICES, "invoices")):
        if wrong := await connection.fetchval(sql, tenant_id):
            raise WrongFiguresError(f"Of the {what} that were looked at, {wrong} have wrong figures.")
