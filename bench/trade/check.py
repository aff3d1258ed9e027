"""What should never be in the books of trade, each counted: of one tenant, however many orders it has."""

from typing import Final

import asyncpg

_WRONG: Final = """
    select 'lines that are not what their accounts say, or over their limit', count(*)
    from trade.credit_lines l join ledger.accounts a on a.tenant_id = l.tenant_id and a.id = l.account_id
    where l.tenant_id = $1 and (
        (l.debt, l.held, l.credit_limit) is distinct from (a.balance, a.held_up, a.ceiling)
        or l.debt + l.held > l.credit_limit
    )
    union all
    select 'retailers whose debt or credit is not that of their lines', count(*) from (
        select from trade.retailers r
        left join trade.credit_lines l on l.tenant_id = r.tenant_id and l.retailer_id = r.id
        where r.tenant_id = $1
        group by r.id, outstanding_debt, available_credit
        having outstanding_debt <> coalesce(sum(debt), 0)
            or available_credit <> coalesce(sum(available) filter (where state = 'ACTIVE'), 0)
    ) as found
    union all
    select 'vendors whose sales are not what was delivered and stayed', count(*) from (
        select from trade.vendors v left join trade.orders o on o.tenant_id = v.tenant_id and o.vendor_id = v.id
        where v.tenant_id = $1
        group by v.id, total_sales having total_sales <> coalesce(sum(delivered_subtotal - returned_subtotal), 0)
    ) as found
    union all
    select 'products of which other is kept than is open, or less is there', count(*) from (
        select from trade.vendor_products v
        left join trade.order_items i on i.tenant_id = v.tenant_id and i.vendor_product_id = v.id and i.reserved > 0
        where v.tenant_id = $1
        group by v.id, v.reserved, v.stock having v.reserved <> coalesce(sum(i.reserved), 0) or v.stock < v.reserved
    ) as found
    union all
    select 'orders that are not their items', count(*) from (
        select from trade.orders o
        left join trade.order_items i on i.tenant_id = o.tenant_id and i.order_id = o.id and i.replaced_at is null
        where o.tenant_id = $1
        group by o.id, o.status, o.subtotal, o.tax, o.total, o.delivered_subtotal, o.returned_subtotal, o.returned_tax
        having (o.subtotal, o.tax, o.returned_subtotal, o.returned_tax)
            <> (sum(i.amount), sum(i.tax_amount), sum(i.returned_amount), sum(i.returned_tax))
            or o.delivered_subtotal
            <> case when o.status in ('DELIVERED', 'RETURNED') then sum(shipped_amount) else 0 end
            or count(i.id) = 0
    ) as found
    union all
    select 'orders that hold other than they need', count(*)
    from trade.orders o
    left join ledger.holds h on h.tenant_id = o.tenant_id and h.id = o.hold_id and h.state = 'PENDING'
    where o.tenant_id = $1 and coalesce(h.amount, 0)
        <> case when o.status in ('PLACED', 'CONFIRMED', 'SHIPPED') then o.credit_used else 0 end
    union all
    select 'orders that are paid other than payments have paid them', count(*) from (
        select from trade.orders o
        left join trade.retailer_payment_allocations a on a.tenant_id = o.tenant_id and a.order_id = o.id
        where o.tenant_id = $1
        group by o.id, o.paid_amount having o.paid_amount <> coalesce(sum(a.amount), 0)
    ) as found
    union all
    select 'payments that are not what is allocated of them', count(*) from (
        select from trade.retailer_payments p
        left join trade.retailer_payment_allocations a on a.tenant_id = p.tenant_id and a.payment_id = p.id
        where p.tenant_id = $1
        group by p.id, p.amount having p.amount < coalesce(sum(a.amount), 0)
    ) as found
    union all
    select 'accounts that are not the sum of their entries', count(*) from (
        select from ledger.accounts a left join ledger.entries e on e.tenant_id = a.tenant_id and e.account_id = a.id
        where a.tenant_id = $1
        group by a.id, a.posted, a.version
        having a.posted <> coalesce(sum(e.amount), 0) or a.version <> count(e.id)
            or a.version <> coalesce(max(e.seq), 0)
    ) as found
    union all
    select 'entries whose balances do not follow', count(*) from (
        select balance_before, lag(balance_after, 1, 0::numeric) over (partition by account_id
               order by seq) as last_balance
        from ledger.entries where tenant_id = $1
    ) as found
    where balance_before <> last_balance
    union all
    select 'accounts that hold other than their pending holds', count(*) from (
        select from ledger.accounts a
        left join ledger.holds h on h.tenant_id = a.tenant_id and h.account_id = a.id and h.state = 'PENDING'
        where a.tenant_id = $1
        group by a.id, a.held_up having a.held_up <> coalesce(sum(h.amount), 0)
    ) as found
    union all
    select 'entries of lines without a credit entry, or other than it', count(*)
    from ledger.accounts a
    join ledger.entries e on e.tenant_id = a.tenant_id and e.account_id = a.id
    left join trade.credit_entries c on c.tenant_id = e.tenant_id and c.id = e.id
    where a.tenant_id = $1 and a.owner_noun = 'CREDIT_LINE'
      and (c.ledger_number, c.running_balance, c.amount) is distinct from (e.seq, e.balance_after, abs(e.amount))
    union all
    select 'orders whose open amounts are not what their lines owe, in the whole', 1
    where (select coalesce(sum(open_amount), 0) from trade.orders where tenant_id = $1)
        <> (select coalesce(sum(debt), 0) from trade.credit_lines where tenant_id = $1)
    union all
    select 'currencies whose trial balance is not zero', count(*) from (
        select from ledger.accounts where tenant_id = $1 group by currency having sum(posted) <> 0
    ) as found
"""


class WrongBooksError(Exception):
    """What was written beside the triggers is not what they would have written, or what people did has put it out."""


async def check(connection: asyncpg.Connection, tenant_id: str, *, is_untouched: bool = True) -> None:
    """Raises WrongBooksError where anything does not add up. People may adjust a line, so that it owes other than its
    orders say: that is looked at only while nobody has touched the books."""
    rows = await connection.fetch(_WRONG, tenant_id)
    found = [f"{count} {what}" for what, count in rows if count and (is_untouched or "in the whole" not in what)]
    if found:
        raise WrongBooksError("There are " + "; ".join(found) + ".")
