-- An archived order is one that nothing has happened to for two years: it is moved here as it is, with its items, and read on,
-- never changed. How it comes here stands in order_archiving.sql.

create table trade.archived_orders (
    like trade.orders,
    primary key (tenant_id, id),
    -- What its items copy from it.
    constraint archived_orders_parties_unique unique (tenant_id, id, retailer_id, vendor_id),
    constraint archived_orders_order_number_unique unique (tenant_id, order_number),
    constraint archived_orders_invoice_number_unique unique (tenant_id, invoice_number),
    foreign key (tenant_id, credit_line_id, retailer_id, vendor_id, currency)
        references trade.credit_lines (tenant_id, id, retailer_id, vendor_id, currency),
    foreign key (tenant_id, hold_id) references ledger.holds,
    constraint archived_orders_archived_at_check check (archived_at is not null)
);

comment on table trade.archived_orders is 'Orders to which nothing has happened for two years, as they were.';
comment on constraint archived_orders_parties_unique on trade.archived_orders is 'ORDER_KNOWN: This order is there already.';
comment on constraint archived_orders_order_number_unique on trade.archived_orders is
    'NUMBER_TAKEN: Another order has this number already.';
comment on constraint archived_orders_invoice_number_unique on trade.archived_orders is
    'NUMBER_TAKEN: Another order has this invoice number already.';
comment on constraint archived_orders_archived_at_check on trade.archived_orders is
    'ARCHIVED_WITHOUT_TIME: What is archived says when it was.';

-- The orders' own, so that lists of both are read in order from both.
create index archived_orders_retailer on trade.archived_orders (tenant_id, retailer_id, created_at, id);
create index archived_orders_vendor on trade.archived_orders (tenant_id, vendor_id, created_at, id);
create index archived_orders_credit_line on trade.archived_orders (tenant_id, credit_line_id, created_at, id);
create index archived_orders_status on trade.archived_orders (tenant_id, status, payment_status, created_at, id);
create index archived_orders_payment_status on trade.archived_orders (tenant_id, payment_status, created_at, id);
create index archived_orders_placed_at on trade.archived_orders (tenant_id, placed_at, id);
create index archived_orders_due_date on trade.archived_orders (tenant_id, due_date, id);
create index archived_orders_total on trade.archived_orders (tenant_id, total_minor, id);
create index archived_orders_open on trade.archived_orders (tenant_id, open_minor, id);
create index archived_orders_number on trade.archived_orders (tenant_id, order_number, id);
create index archived_orders_created_at on trade.archived_orders (tenant_id, created_at, id);

alter table trade.archived_orders enable row level security;
alter table trade.archived_orders force row level security;

-- As the orders': a vendor and a retailer see those that are theirs.
create policy tenant on trade.archived_orders to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or vendor_id = any (core.scope_ids()) or retailer_id = any (core.scope_ids()))
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.archived_orders for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, order_number, invoice_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, status,
    currency, subtotal, tax, total, prepaid, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax, paid_amount,
    placed_at, confirmed_at, shipped_at, delivered_at, due_date, returned_at, cancelled_at, expires_at, cancel_reason, metadata,
    created_at, created_by, updated_at, archived_at, credit_used, charged, returned_total, open_amount, payment_status, total_minor,
    open_minor
) on trade.archived_orders to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: not the hold, as of orders, and nothing is written by anybody: orders come here by trade.archive().

create trigger never_changed before update or delete on trade.archived_orders
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.archived_orders
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: its log is the order's, and archived_at says when that ended.

create view trade.all_orders with (security_invoker = true) as
select
    tenant_id, id, order_number, invoice_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, status,
    currency, subtotal, tax, total, prepaid, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax, paid_amount,
    placed_at, confirmed_at, shipped_at, delivered_at, due_date, returned_at, cancelled_at, expires_at, cancel_reason, metadata,
    created_at, created_by, updated_at, archived_at, credit_used, charged, returned_total, open_amount, payment_status, total_minor,
    open_minor
from trade.orders
union all
select
    tenant_id, id, order_number, invoice_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, status,
    currency, subtotal, tax, total, prepaid, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax, paid_amount,
    placed_at, confirmed_at, shipped_at, delivered_at, due_date, returned_at, cancelled_at, expires_at, cancel_reason, metadata,
    created_at, created_by, updated_at, archived_at, credit_used, charged, returned_total, open_amount, payment_status, total_minor,
    open_minor
from trade.archived_orders;
comment on view trade.all_orders is 'Orders, those that are archived too. Read with the rights of whoever asks.';
grant select (
    tenant_id, id, order_number, invoice_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, status,
    currency, subtotal, tax, total, prepaid, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax, paid_amount,
    placed_at, confirmed_at, shipped_at, delivered_at, due_date, returned_at, cancelled_at, expires_at, cancel_reason, metadata,
    created_at, created_by, updated_at, archived_at, credit_used, charged, returned_total, open_amount, payment_status, total_minor,
    open_minor
) on trade.all_orders to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
