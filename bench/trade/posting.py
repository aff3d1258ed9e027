"""What orders and payments brought to the ledger, and to the credit ledger of their lines.

Postings are in the order of their moments. Deliveries are posted, without the hold that they came from:
of holds, those of open orders are there.
"""

from typing import Final

# One payment pays up to five orders of a line, within the days that the chunk is of.
PAYMENTS: Final = """
    create temporary table allocated as
    select id as order_id, retailer_id, vendor_id, credit_line_id, account_id, retailer_name, paid as amount,
           delivered_at, n, null::uuid as payment_id,
           (row_number() over (partition by credit_line_id order by n) - 1) / 5 as bundle
    from figured where paid > 0;
    create temporary table paying as
    select core.new_id() as id, core.new_id() as transfer_id, credit_line_id, bundle, retailer_id, vendor_id,
           account_id, retailer_name, amount, received_at,
           {payments} + row_number() over (order by received_at, first) as number
    from (
        select credit_line_id, bundle, retailer_id, vendor_id, account_id, retailer_name, sum(amount) as amount,
               min(n) as first,
               least(
                   max(delivered_at) + min(n) % 25 * interval '1 day' + interval '1 hour',
                   (select max(delivered_at) + interval '1 minute' from figured)
               ) as received_at
        from allocated
        group by credit_line_id, bundle, retailer_id, vendor_id, account_id, retailer_name
    ) as bundled
    order by received_at, first;
    update allocated set payment_id = paying.id
    from paying where paying.credit_line_id = allocated.credit_line_id and paying.bundle = allocated.bundle;
    insert into trade.retailer_payments (
        tenant_id, id, payment_number, retailer_id, vendor_id, credit_line_id, method_id, transaction_id, amount,
        currency, received_at, transfer_id, created_at, created_by, updated_at
    )
    select {tenant}, paying.id, billing.number_text('RP', number), retailer_id, vendor_id, credit_line_id, method.id,
           'BT-' || number, amount, 'EUR', received_at, transfer_id, received_at, {user}, received_at
    from paying
    join billing.payment_methods as method on method.tenant_id = {tenant} and method.method_name = 'BANK_TRANSFER'
    order by number;
    insert into trade.retailer_payment_allocations (
        tenant_id, payment_id, order_id, retailer_id, vendor_id, credit_line_id, amount, created_at, created_by
    )
    select {tenant}, payment_id, order_id, allocated.retailer_id, allocated.vendor_id, allocated.credit_line_id,
           allocated.amount, received_at, {user}
    from allocated join paying on paying.id = allocated.payment_id
    order by number, n;
"""
POSTINGS: Final = """
    create temporary table postings as
    select core.new_id() as id, *
    from (
        select 'ORDER_DELIVER' as kind, 'ORDER_CREDIT' as credit_type, delivered_at as at, 'ORDER' as noun,
               id as source_id, id as order_id, due_date, credit_line_id, retailer_id, vendor_id, account_id, sales_id,
               delivered as net, delivered_tax as taxed, 0 as cash,
               'Order ' || billing.number_text('ORD', n) || ' to ' || retailer_name || ', invoice '
               || billing.number_text('TI', invoice) as description
        from figured where delivered + delivered_tax > 0
        union all
        select 'ORDER_RETURN', 'RETURN_DEBIT', coalesce(returned_at, delivered_at + interval '1 hour'), 'ORDER', id,
               id, null,
               credit_line_id, retailer_id, vendor_id, account_id, sales_id, - returned, - returned_tax, 0,
               'Return of order ' || billing.number_text('ORD', n) || ' by ' || retailer_name
        from figured where returned + returned_tax > 0
        union all
        select 'RETAILER_PAYMENT', 'PAYMENT_DEBIT', received_at, 'RETAILER_PAYMENT', id, null, null, credit_line_id,
               retailer_id, vendor_id, account_id, null, 0, 0, amount,
               'Payment ' || billing.number_text('RP', number) || ' of ' || retailer_name
        from paying
    ) as posting
    order by at, source_id;
    -- The payment names its transfer already.
    update postings set id = paying.transfer_id from paying where paying.id = postings.source_id;
    insert into ledger.transfers (
        tenant_id, id, kind, effective_date, posted_at, description, source_noun, source_id, created_at, created_by
    )
    select {tenant}, id, kind, (at at time zone 'UTC')::date, at, description, noun, source_id, at, {user}
    from postings order by at, source_id;
    create temporary table legs as
    select core.new_id() as id, postings.id as transfer_id, position, leg.account_id, leg.amount, at, source_id,
           leg.position = 1 as is_of_line, credit_type, credit_line_id, retailer_id, vendor_id, order_id, due_date,
           description, account.version + row_number() over chain as seq,
           account.posted + sum(leg.amount) over chain as balance_after
    from postings
    cross join lateral (
        values (1, account_id, net + taxed - cash), (2, sales_id, - net), (3, {tax_account}, - taxed),
               (4, {cash_account}, cash)
    ) as leg (position, account_id, amount)
    join ledger.accounts as account on account.tenant_id = {tenant} and account.id = leg.account_id
    where leg.amount <> 0
    window chain as (partition by leg.account_id order by at, source_id, postings.kind)
    order by at, source_id, postings.kind, position;
    insert into ledger.entries (
        tenant_id, id, transfer_id, position, account_id, seq, effective_date, currency, amount, balance_before,
        balance_after, created_at, created_by
    )
    select {tenant}, id, transfer_id, position, account_id, seq, (at at time zone 'UTC')::date, 'EUR', amount,
           balance_after - amount, balance_after, at, {user}
    from legs order by at, id;
    update ledger.accounts set posted = posted + moved.amount, version = version + moved.entries
    from (select account_id, sum(amount) as amount, count(*) as entries from legs group by account_id) as moved
    where tenant_id = {tenant} and accounts.id = moved.account_id;
    insert into trade.credit_entries (
        tenant_id, id, credit_line_id, retailer_id, vendor_id, order_id, ledger_number, transaction_type,
        effective_date, due_date, currency, previous_balance, amount, running_balance, description, created_at,
        created_by
    )
    select {tenant}, id, credit_line_id, retailer_id, vendor_id, order_id, seq, credit_type,
           (at at time zone 'UTC')::date,
           due_date, 'EUR', balance_after - amount, abs(amount), balance_after, description, at, {user}
    from legs where is_of_line order by at, id;
"""
"""Runs after the payments of a chunk; {tax_account} and {cash_account} are ids of accounts."""
COUNTED: Final = """
    select (select count(*) from figured where invoice is not null) as invoices,
           (select count(*) from paying) as payments
"""
DROP: Final = "drop table made, figures, figured, allocated, paying, postings, legs"
