-- An order is what a retailer buys of a vendor on their credit line: a draft, then placed with room kept on the line and units
-- kept in stock, then shipped, delivered and posted. How it goes from one to the next stands in order_steps.sql, what it brings
-- to the books in order_posting.sql, what can be done with it in order_changes.sql, and how it leaves in order_archiving.sql.

create table trade.orders (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    order_number text collate "C" not null,
    invoice_number text collate "C",
    retailer_id uuid not null,
    vendor_id uuid not null,
    credit_line_id uuid not null,
    retailer_name text not null,
    vendor_name text not null,
    status text not null default 'DRAFT',
    currency core.currency not null,
    subtotal core.money not null default 0,
    tax core.money not null default 0,
    total core.money not null default 0,
    prepaid core.money not null default 0,
    delivered_subtotal core.money not null default 0,
    delivered_tax core.money not null default 0,
    returned_subtotal core.money not null default 0,
    returned_tax core.money not null default 0,
    paid_amount core.money not null default 0,
    placed_at timestamptz,
    confirmed_at timestamptz,
    shipped_at timestamptz,
    delivered_at timestamptz,
    due_date date,
    returned_at timestamptz,
    cancelled_at timestamptz,
    expires_at timestamptz,
    cancel_reason text,
    hold_id uuid,
    metadata core.json_object not null default '{}',
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    archived_at timestamptz,
    credit_used core.money not null generated always as (total - prepaid) stored,
    charged core.money not null generated always as (greatest(delivered_subtotal + delivered_tax - prepaid, 0)) stored,
    returned_total core.money not null generated always as (returned_subtotal + returned_tax) stored,
    open_amount core.money not null generated always as (
        greatest(delivered_subtotal + delivered_tax - prepaid, 0) - returned_subtotal - returned_tax - paid_amount
    ) stored,
    payment_status text not null generated always as (
        case
            when delivered_at is not null
                and paid_amount + returned_subtotal + returned_tax >= greatest(delivered_subtotal + delivered_tax - prepaid, 0)
            then 'PAID'
            when paid_amount > 0 or prepaid > 0 then 'PARTIAL'
            else 'UNPAID'
        end
    ) stored,
    total_minor bigint not null generated always as ((total * 100)::bigint) stored,
    open_minor bigint not null generated always as (
        (
            (greatest(delivered_subtotal + delivered_tax - prepaid, 0) - returned_subtotal - returned_tax - paid_amount) * 100
        )::bigint
    ) stored,
    primary key (tenant_id, id),
    -- What its items and entries copy from it.
    constraint orders_parties_unique unique (tenant_id, id, retailer_id, vendor_id),
    constraint orders_order_number_unique unique (tenant_id, order_number),
    constraint orders_invoice_number_unique unique (tenant_id, invoice_number),
    foreign key (tenant_id, credit_line_id, retailer_id, vendor_id, currency)
        references trade.credit_lines (tenant_id, id, retailer_id, vendor_id, currency),
    foreign key (tenant_id, hold_id) references ledger.holds,
    constraint orders_status_check check (
        status in ('DRAFT', 'PLACED', 'CONFIRMED', 'SHIPPED', 'DELIVERED', 'CANCELLED', 'RETURNED', 'EXPIRED')
    ),
    constraint orders_payment_status_check check (payment_status in ('UNPAID', 'PARTIAL', 'PAID')),
    constraint orders_total_check check (total = subtotal + tax and subtotal >= 0 and tax >= 0),
    constraint orders_prepaid_check check (prepaid >= 0),
    constraint orders_paid_amount_check check (
        paid_amount between 0 and greatest(delivered_subtotal + delivered_tax - prepaid, 0)
    ),
    constraint orders_cancel_reason_check check (
        (cancelled_at is null) = (cancel_reason is null) and char_length(btrim(cancel_reason)) between 1 and 500
    ),
    constraint orders_archived_at_check check (archived_at is null),
    constraint orders_moments_check check (
        (status = 'CANCELLED') = (cancelled_at is not null)
        and (status in ('DELIVERED', 'RETURNED')) = (delivered_at is not null)
        and (delivered_at is null) = (invoice_number is null)
        and (delivered_at is null) = (due_date is null)
        and (status = 'RETURNED') = (returned_at is not null)
        and (status <> 'DRAFT' or num_nonnulls(placed_at, confirmed_at, shipped_at, expires_at, hold_id) = 0)
        and (status in ('DRAFT', 'CANCELLED') or placed_at is not null)
        and (status not in ('CONFIRMED', 'SHIPPED', 'DELIVERED', 'RETURNED') or confirmed_at is not null)
        and (status not in ('SHIPPED', 'DELIVERED', 'RETURNED') or shipped_at is not null)
        and (status <> 'PLACED' or expires_at is not null)
    )
);

comment on table trade.orders is 'What a retailer buys of a vendor on their credit line, from draft to delivery and return.';
comment on column trade.orders.tenant_id is 'The organisation.';
comment on column trade.orders.id is 'The order''s id.';
comment on column trade.orders.order_number is 'Its number, such as ORD-000042: given when it is entered.';
comment on column trade.orders.invoice_number is 'The number of its invoice, such as TI-000017: given at delivery, without gaps.';
comment on column trade.orders.retailer_id is 'Who buys.';
comment on column trade.orders.vendor_id is 'Who sells.';
comment on column trade.orders.credit_line_id is 'The credit line of both that it is bought on.';
comment on column trade.orders.retailer_name is 'The retailer''s name as it was when the order was placed; of a draft, when it was entered.';
comment on column trade.orders.vendor_name is 'The vendor''s name as it was when the order was placed; of a draft, when it was entered.';
comment on column trade.orders.status is
    'DRAFT, PLACED, CONFIRMED, SHIPPED (in part, too: the items say how much), DELIVERED, CANCELLED, RETURNED (all of it), EXPIRED.';
comment on column trade.orders.currency is 'The currency of all its amounts: the credit line''s.';
comment on column trade.orders.subtotal is 'The sum of its items'' amounts, without tax.';
comment on column trade.orders.tax is 'The sum of its items'' tax.';
comment on column trade.orders.total is 'Subtotal and tax.';
comment on column trade.orders.prepaid is 'What the retailer has paid beforehand, so that it is not bought on credit.';
comment on column trade.orders.delivered_subtotal is 'What was delivered of it, without tax; nothing before its delivery.';
comment on column trade.orders.delivered_tax is 'The tax on what was delivered.';
comment on column trade.orders.returned_subtotal is 'What came back of it, without tax.';
comment on column trade.orders.returned_tax is 'The tax on what came back.';
comment on column trade.orders.paid_amount is 'What payments have paid of it since.';
comment on column trade.orders.placed_at is 'When it was placed.';
comment on column trade.orders.confirmed_at is 'When the vendor confirmed it.';
comment on column trade.orders.shipped_at is 'When the first of it was shipped.';
comment on column trade.orders.delivered_at is 'When it was delivered.';
comment on column trade.orders.due_date is 'The day by which it is to be paid: so many days after delivery as the line''s terms say.';
comment on column trade.orders.returned_at is 'When the last of it came back.';
comment on column trade.orders.cancelled_at is 'When it was cancelled.';
comment on column trade.orders.expires_at is 'When it expires unless it is confirmed: seven days after its placing was entered.';
comment on column trade.orders.cancel_reason is 'Why it was cancelled: 1 to 500 characters.';
comment on column trade.orders.hold_id is 'The hold that keeps, or kept, room for it on the line''s account.';
comment on column trade.orders.metadata is 'Facts of your own, as a JSON object.';
comment on column trade.orders.created_at is 'When it was entered.';
comment on column trade.orders.created_by is 'Who entered it.';
comment on column trade.orders.updated_at is 'When it last changed.';
comment on column trade.orders.archived_at is
    'When it was moved to the archive, two years after it last changed: it is read there, and changes no more. Empty for all others.';
comment on column trade.orders.credit_used is 'What it needs of the credit line: the total less what was paid beforehand.';
comment on column trade.orders.charged is 'What its delivery added to the retailer''s debt: what was delivered, with tax, less what was paid beforehand.';
comment on column trade.orders.returned_total is 'What came back of it, with tax: so much less the retailer owes.';
comment on column trade.orders.open_amount is
    'What is still to be paid: what was charged less what came back and what was paid. Below zero where it came back after it was paid.';
comment on column trade.orders.payment_status is
    'PAID once it is delivered and nothing of it is to be paid any more, PARTIAL where some is paid or was beforehand, else UNPAID.';
comment on column trade.orders.total_minor is 'The total in hundredths, by which orders are filtered and ordered.';
comment on column trade.orders.open_minor is 'What is still to be paid in hundredths, by which orders are filtered and ordered.';
comment on constraint orders_parties_unique on trade.orders is 'ORDER_KNOWN: This order is there already.';
comment on constraint orders_order_number_unique on trade.orders is 'NUMBER_TAKEN: Another order has this number already.';
comment on constraint orders_invoice_number_unique on trade.orders is 'NUMBER_TAKEN: Another order has this invoice number already.';
comment on constraint orders_status_check on trade.orders is
    'STATUS_UNKNOWN: An order is DRAFT, PLACED, CONFIRMED, SHIPPED, DELIVERED, CANCELLED, RETURNED or EXPIRED.';
comment on constraint orders_payment_status_check on trade.orders is
    'STATUS_UNKNOWN: An order is UNPAID, PARTIAL or PAID.';
comment on constraint orders_total_check on trade.orders is 'TOTAL_WRONG: The total is the subtotal and the tax, none below zero.';
comment on constraint orders_prepaid_check on trade.orders is
    'PREPAID_RANGE input.prepaid: What is paid beforehand is zero or more, and no more than the order comes to.';
comment on constraint orders_paid_amount_check on trade.orders is 'OVER_ALLOCATED input.allocations: No more is paid of an order than it was charged.';
comment on constraint orders_cancel_reason_check on trade.orders is
    'REASON_REQUIRED input.reason: Say in 1 to 500 characters why the order is cancelled.';
comment on constraint orders_archived_at_check on trade.orders is
    'ORDER_NOT_ARCHIVED: What is archived stands among the archived orders.';
comment on constraint orders_moments_check on trade.orders is
    'ORDER_OUT_OF_STEP: An order has the moments and numbers of what it went through, and no others.';

create index orders_retailer on trade.orders (tenant_id, retailer_id, created_at, id);
create index orders_vendor on trade.orders (tenant_id, vendor_id, created_at, id);
create index orders_credit_line on trade.orders (tenant_id, credit_line_id, created_at, id);
-- With what policies and totals ask for, so that orders are counted by status without visiting one.
create index orders_status on trade.orders (tenant_id, status, payment_status, created_at, id)
    include (currency, retailer_id, vendor_id);
create index orders_payment_status on trade.orders (tenant_id, payment_status, created_at, id);
create index orders_placed_at on trade.orders (tenant_id, placed_at, id);
create index orders_due_date on trade.orders (tenant_id, due_date, id);
create index orders_total on trade.orders (tenant_id, total_minor, id);
create index orders_open on trade.orders (tenant_id, open_minor, id);
-- What is owed is added up from here: few orders of many, and none of them is visited.
create index orders_owed on trade.orders (tenant_id, due_date, id) include (currency, retailer_id, vendor_id, open_minor)
    where open_minor > 0;
create index orders_number on trade.orders (tenant_id, order_number, id);
create index orders_created_at on trade.orders (tenant_id, created_at, id);
-- The worker looks among all organisations for what has expired.
create index orders_due on trade.orders (expires_at) where status = 'PLACED';

alter table trade.orders enable row level security;
alter table trade.orders force row level security;

-- The tenant's orders; a vendor and a retailer see those that are theirs.
create policy tenant on trade.orders to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or vendor_id = any (core.scope_ids()) or retailer_id = any (core.scope_ids()))
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.orders for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- The worker sees which may have expired, and which may be archived.
create policy worker on trade.orders for select to countinghouse_worker
    using (status = 'PLACED' or updated_at < statement_timestamp() - interval '2 years');

grant select (
    tenant_id, id, order_number, invoice_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, status,
    currency, subtotal, tax, total, prepaid, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax, paid_amount,
    placed_at, confirmed_at, shipped_at, delivered_at, due_date, returned_at, cancelled_at, expires_at, cancel_reason, metadata,
    created_at, created_by, updated_at, archived_at, credit_used, charged, returned_total, open_amount, payment_status, total_minor, open_minor
) on trade.orders to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
grant select (tenant_id, id, status, expires_at, created_at, updated_at, payment_status) on trade.orders to countinghouse_worker;
-- NOTE: not the hold: whoever sees the ledger finds it there by the order.
-- NOTE: no INSERT, UPDATE or DELETE for anybody: orders are written by the functions of order_changes.sql.

create trigger touch before update on trade.orders for each row execute function core.touch();
create trigger never_emptied before truncate on trade.orders for each statement execute function core.refuse_change();
create trigger audit after insert or update on trade.orders for each row execute function core.audit(
    'ORDER', 'total_minor,open_minor,open_amount,charged,returned_total,credit_used,payment_status'
);
