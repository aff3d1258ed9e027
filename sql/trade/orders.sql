-- An order is what a retailer buys of a vendor on their credit line: a draft, then placed with room kept on the line and units
-- kept in stock, then shipped, delivered and posted. What must always be true of it stands here, whoever writes; what can be
-- done with it stands in order_changes.sql.

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
comment on column trade.orders.expires_at is 'When it expires unless it is confirmed: seven days after it was placed.';
comment on column trade.orders.cancel_reason is 'Why it was cancelled: 1 to 500 characters.';
comment on column trade.orders.hold_id is 'The hold that keeps, or kept, room for it on the line''s account.';
comment on column trade.orders.metadata is 'Facts of your own, as a JSON object.';
comment on column trade.orders.created_at is 'When it was entered.';
comment on column trade.orders.created_by is 'Who entered it.';
comment on column trade.orders.updated_at is 'When it last changed.';
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
comment on constraint orders_moments_check on trade.orders is
    'ORDER_OUT_OF_STEP: An order has the moments and numbers of what it went through, and no others.';

create index orders_retailer on trade.orders (tenant_id, retailer_id, created_at, id);
create index orders_vendor on trade.orders (tenant_id, vendor_id, created_at, id);
create index orders_credit_line on trade.orders (tenant_id, credit_line_id, created_at, id);
create index orders_status on trade.orders (tenant_id, status, payment_status, created_at, id);
create index orders_payment_status on trade.orders (tenant_id, payment_status, created_at, id);
create index orders_placed_at on trade.orders (tenant_id, placed_at, id);
create index orders_due_date on trade.orders (tenant_id, due_date, id);
create index orders_total on trade.orders (tenant_id, total_minor, id);
create index orders_open on trade.orders (tenant_id, open_minor, id);
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
-- The worker sees which may have expired.
create policy worker on trade.orders for select to countinghouse_worker using (status = 'PLACED');

grant select (
    tenant_id, id, order_number, invoice_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, status,
    currency, subtotal, tax, total, prepaid, delivered_subtotal, delivered_tax, returned_subtotal, returned_tax, paid_amount,
    placed_at, confirmed_at, shipped_at, delivered_at, due_date, returned_at, cancelled_at, expires_at, cancel_reason, metadata,
    created_at, created_by, updated_at, credit_used, charged, returned_total, open_amount, payment_status, total_minor, open_minor
) on trade.orders to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
grant select (tenant_id, id, status, expires_at) on trade.orders to countinghouse_worker;
-- NOTE: not the hold: whoever sees the ledger finds it there by the order.
-- NOTE: no INSERT, UPDATE or DELETE for anybody: orders are written by the functions of order_changes.sql.

create function trade.order_is_open(status text) returns boolean
language sql immutable parallel safe
return status in ('PLACED', 'CONFIRMED', 'SHIPPED');
comment on function trade.order_is_open(text) is 'Whether an order of that status keeps room on its line and units in stock.';

create function trade.order_may(before text, after text) returns boolean
language sql immutable parallel safe
return case before
    when 'DRAFT' then after in ('PLACED', 'CANCELLED')
    when 'PLACED' then after in ('CONFIRMED', 'CANCELLED', 'EXPIRED')
    when 'CONFIRMED' then after in ('SHIPPED', 'CANCELLED')
    when 'SHIPPED' then after = 'DELIVERED'
    when 'DELIVERED' then after = 'RETURNED'
    when 'CANCELLED' then after = 'DRAFT'
    when 'EXPIRED' then after = 'DRAFT'
    else false
end;
comment on function trade.order_may(text, text) is 'Whether an order goes from one status to the other.';

create function trade.order_refuse(o trade.orders) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.refuse(
        'CONFLICT', 'ORDER_STATUS',
        format(
            'Order %s is %s. It can be %s.', o.order_number, lower(o.status),
            case o.status
                when 'DRAFT' then 'changed, placed or cancelled'
                when 'PLACED' then 'changed, confirmed, cancelled or left to expire'
                when 'CONFIRMED' then 'shipped or cancelled'
                when 'SHIPPED' then 'shipped further or delivered'
                when 'DELIVERED' then 'returned, whole or in part'
                when 'RETURNED' then 'read, and nothing else'
                else 'reopened'
            end
        ),
        'input.id'
    );
end
$$;
comment on function trade.order_refuse(trade.orders) is 'Refuses what an order''s status does not allow, and says what it allows.';

create function trade.order_check(o trade.orders) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    vendor trade.vendors := trade.vendor_known(o.vendor_id, 'input.id');
    items integer;
begin
    if not vendor.is_approved then
        perform core.refuse(
            'CONFLICT', 'VENDOR_NOT_APPROVED', format('%s is not approved. No order can be placed with it now.', vendor.name), 'input.id'
        );
    end if;
    perform from trade.vendor_products
    where tenant_id = o.tenant_id and id in (
        select vendor_product_id from trade.order_items where tenant_id = o.tenant_id and current_order_id = o.id
    )
    order by id for no key update;
    select count(trade.order_item_check(item)) into items
    from (
        select * from trade.order_items where tenant_id = o.tenant_id and current_order_id = o.id order by position
    ) as item;
    if items = 0 then
        perform core.refuse('CONFLICT', 'ORDER_EMPTY', 'The order has no items. Add what is bought first.', 'input.id');
    end if;
end
$$;
comment on function trade.order_check(trade.orders) is
    'Refuses to place an order that is empty, with a vendor that is not approved, or of what cannot be had. Locks what it looks at.';

create function trade.order_hold(o trade.orders, wanted numeric) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    line trade.credit_lines := trade.credit_line_found(o.credit_line_id);
begin
    if line.state = 'SUSPENDED' then
        perform core.refuse(
            'CONFLICT', 'CREDIT_LINE_SUSPENDED',
            format('The credit line is suspended: %s. No order can be placed on it now.', rtrim(line.state_reason, '. ')), 'input.id'
        );
    elsif line.debt + line.held::numeric + wanted > line.credit_limit then
        perform core.refuse(
            'CONFLICT', 'CREDIT_LIMIT_EXCEEDED',
            format(
                'The credit line has a limit of %s, of which %s is used and %s is held by other orders. This order needs %s.',
                round(line.credit_limit, 2), round(line.debt, 2), round(line.held, 2), round(wanted, 2)
            ),
            'input.id'
        );
    end if;
    return case when wanted > 0 then ledger.hold(line.account_id, 'UP', wanted, 'ORDER', o.id) end;
end
$$;
comment on function trade.order_hold(trade.orders, numeric) is
    'Keeps room for an order on its line, if there is any; one that is paid beforehand needs none.';

-- Numbers, moments, figures and holds are always made here, so that nobody can choose them.

create function trade.order_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_step constant boolean := tg_op = 'UPDATE' and new.status is distinct from old.status;
begin
    if tg_op = 'INSERT' then
        if new.status <> 'DRAFT' then
            perform core.refuse('CONFLICT', 'ORDER_STARTS_AS_DRAFT', 'An order begins as a draft. Place it when its items are there.');
        end if;
        new.order_number := trade.next_number(new.tenant_id, 'ORD');
    elsif (new.tenant_id, new.id, new.order_number, new.retailer_id, new.vendor_id, new.credit_line_id, new.currency, new.created_at)
        is distinct from (
            old.tenant_id, old.id, old.order_number, old.retailer_id, old.vendor_id, old.credit_line_id, old.currency, old.created_at
        )
    then
        perform core.refuse('CONFLICT', 'ORDER_FIXED', 'An order keeps its number, its retailer and its vendor.', 'input.id');
    elsif is_step and not trade.order_may(old.status, new.status)
        or new.prepaid <> old.prepaid and old.status not in ('DRAFT', 'PLACED')
        or new.cancel_reason is distinct from old.cancel_reason and not (is_step and new.status in ('CANCELLED', 'DRAFT'))
    then
        perform trade.order_refuse(old);
    end if;
    if tg_op = 'INSERT' or new.status = 'DRAFT' then
        select null, null, null, null, null, null, null, null, null, null, null
        into new.placed_at, new.confirmed_at, new.shipped_at, new.delivered_at, new.due_date, new.returned_at, new.cancelled_at,
             new.expires_at, new.hold_id, new.invoice_number, new.cancel_reason;
    else
        select old.placed_at, old.confirmed_at, old.shipped_at, old.delivered_at, old.due_date, old.returned_at, old.cancelled_at,
               old.expires_at, old.hold_id, old.invoice_number
        into new.placed_at, new.confirmed_at, new.shipped_at, new.delivered_at, new.due_date, new.returned_at, new.cancelled_at,
             new.expires_at, new.hold_id, new.invoice_number;
    end if;
    if tg_op = 'INSERT' or is_step and new.status = 'PLACED' then
        new.retailer_name := (select name from trade.retailers where tenant_id = new.tenant_id and id = new.retailer_id);
        new.vendor_name := (select name from trade.vendors where tenant_id = new.tenant_id and id = new.vendor_id);
    else
        new.retailer_name := old.retailer_name;
        new.vendor_name := old.vendor_name;
    end if;
    select coalesce(sum(amount), 0), coalesce(sum(tax_amount), 0), coalesce(sum(returned_amount), 0), coalesce(sum(returned_tax), 0),
           coalesce(sum(shipped_amount) filter (where new.status in ('DELIVERED', 'RETURNED')), 0),
           coalesce(sum(shipped_tax) filter (where new.status in ('DELIVERED', 'RETURNED')), 0)
    into new.subtotal, new.tax, new.returned_subtotal, new.returned_tax, new.delivered_subtotal, new.delivered_tax
    from trade.order_items where tenant_id = new.tenant_id and current_order_id = new.id;
    new.total := new.subtotal + new.tax;
    new.paid_amount := trade.order_paid(new.tenant_id, new.id);
    if not is_step then
        if new.status = 'PLACED' and new.total - new.prepaid <> old.total - old.prepaid then
            -- An order that is placed and changed gives its room back and asks for what it needs now.
            perform ledger.void_hold(old.hold_id) where old.hold_id is not null;
            new.hold_id := trade.order_hold(new, new.total - new.prepaid);
        end if;
        return new;
    end if;
    case new.status
        when 'PLACED' then
            perform trade.order_check(new);
            new.placed_at := statement_timestamp();
            new.expires_at := new.placed_at + interval '7 days';
            new.hold_id := trade.order_hold(new, new.total - new.prepaid);
        when 'CONFIRMED' then
            new.confirmed_at := statement_timestamp();
            new.expires_at := null;
        when 'SHIPPED' then
            new.shipped_at := statement_timestamp();
        when 'DELIVERED' then
            new.delivered_at := statement_timestamp();
            new.due_date := core.today() + (
                select terms_days from trade.credit_lines where tenant_id = new.tenant_id and id = new.credit_line_id
            );
            new.invoice_number := trade.next_number(new.tenant_id, 'TI');
        when 'RETURNED' then
            new.returned_at := statement_timestamp();
        when 'CANCELLED' then
            new.cancelled_at := statement_timestamp();
        else
            null;
    end case;
    if new.status in ('CANCELLED', 'EXPIRED') and old.hold_id is not null then
        perform ledger.void_hold(old.hold_id);
    end if;
    return new;
end
$$;
comment on function trade.order_keep() is
    'Takes an order from one status to the next alone, with its numbers, moments, figures and the room that it holds, whoever writes.';

create trigger keep before insert or update on trade.orders for each row execute function trade.order_keep();
create trigger touch before update on trade.orders for each row execute function core.touch();
create trigger never_deleted before delete on trade.orders for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.orders for each statement execute function core.refuse_change();

create function trade.order_post(o trade.orders) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    reason constant text := format('Order %s to %s, invoice %s', o.order_number, o.retailer_name, o.invoice_number);
    legs constant ledger.leg[] := array(
        select leg from unnest(array[
            (trade.sales_account(o), - o.delivered_subtotal),
            (ledger.account('TRADE_TAX', o.currency, 'LIABILITY', 'Tax on trade'), - o.delivered_tax),
            -- Came in otherwise than by the line: whoever enters that money takes it from here.
            (
                ledger.account('TRADE_PREPAID', o.currency, 'ASSET', 'Trade paid beforehand'),
                least(o.prepaid, o.delivered_subtotal + o.delivered_tax)
            )
        ]::ledger.leg[]) as leg
        where leg.amount <> 0
    );
begin
    if o.charged > 0 then
        perform ledger.post_hold_against(o.hold_id, legs, 'ORDER_DELIVER', reason);
        return;
    end if;
    perform ledger.void_hold(o.hold_id) where o.hold_id is not null;
    perform ledger.post('ORDER_DELIVER', legs, core.today(), reason, 'ORDER', o.id) where cardinality(legs) > 0;
end
$$;
comment on function trade.order_post(trade.orders) is
    'Posts what was delivered of an order: from its hold onto the line, the net as sales of the vendor, the tax apart. The rest of the hold is given back.';

create function trade.order_post_return(before trade.orders, after trade.orders) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    net constant numeric := after.returned_subtotal - before.returned_subtotal;
    taxed constant numeric := after.returned_tax - before.returned_tax;
begin
    perform ledger.post(
        'ORDER_RETURN',
        array(
            select leg from unnest(array[
                (line.account_id, - net - taxed),
                (trade.sales_account(after), net),
                (ledger.account('TRADE_TAX', after.currency, 'LIABILITY', 'Tax on trade'), taxed)
            ]::ledger.leg[]) as leg
            where leg.amount <> 0
        ),
        core.today(), format('Return of order %s by %s', after.order_number, after.retailer_name), 'ORDER', after.id
    )
    from trade.credit_lines as line
    where line.tenant_id = after.tenant_id and line.id = after.credit_line_id and net + taxed > 0;
end
$$;
comment on function trade.order_post_return(trade.orders, trade.orders) is
    'Posts what came back of an order since: off the line, at the price and the tax of its items.';

create function trade.sales_account(o trade.orders) returns uuid
language sql
set search_path = pg_catalog, pg_temp
return ledger.account('TRADE_SALES', o.currency, 'INCOME', left(format('Sales of %s', o.vendor_name), 300), 'VENDOR', o.vendor_id);
comment on function trade.sales_account(trade.orders) is 'The account of what a vendor has sold, without tax.';

create function trade.order_moved() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if trade.order_is_open(new.status) <> trade.order_is_open(old.status) then
        update trade.order_items set updated_at = statement_timestamp()
        where tenant_id = new.tenant_id and current_order_id = new.id;
    end if;
    if new.placed_at > old.placed_at or old.placed_at is null then
        update trade.retailers set last_order_at = new.placed_at
        where tenant_id = new.tenant_id and id = new.retailer_id and new.placed_at is not null;
    end if;
    if new.delivered_at is not null and old.delivered_at is null then
        perform trade.order_post(new);
    end if;
    if (new.returned_subtotal, new.returned_tax) is distinct from (old.returned_subtotal, old.returned_tax) then
        perform trade.order_post_return(old, new);
    end if;
    return null;
end
$$;
comment on function trade.order_moved() is
    'Has the stock that an order keeps follow its status, and posts what was delivered and what came back, whoever writes.';

create trigger moved after update on trade.orders for each row execute function trade.order_moved();
create trigger audit after insert or update on trade.orders for each row execute function core.audit(
    'ORDER', 'total_minor,open_minor,open_amount,charged,returned_total,credit_used,payment_status'
);

-- What must hold when a transaction commits, whoever wrote. With the rights of the owner, as in the ledger.

create function trade.order_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted uuid;
    o trade.orders;
    items record;
    held numeric;
    is_open boolean;
begin
    if tg_table_name = 'holds' then
        wanted := new.source_id;
    else
        wanted := new.id;
    end if;
    select * into o from trade.orders where tenant_id = new.tenant_id and id = wanted;
    if o.id is null and tg_table_name = 'holds' then
        return null;  -- no order's
    end if;
    select count(*) as items, coalesce(sum(amount), 0) as subtotal, coalesce(sum(tax_amount), 0) as tax,
           coalesce(sum(quantity), 0) as ordered, coalesce(sum(quantity_shipped), 0) as shipped,
           coalesce(sum(quantity_returned), 0) as returned, coalesce(sum(reserved), 0) as reserved
    into items
    from trade.order_items where tenant_id = o.tenant_id and current_order_id = o.id;
    select coalesce(sum(hold.amount) filter (where hold.account_id = line.account_id and hold.id = o.hold_id), 0)
           - coalesce(sum(hold.amount) filter (where hold.account_id <> line.account_id or hold.id <> o.hold_id or o.hold_id is null), 0)
    into held
    from ledger.holds as hold
    join trade.credit_lines as line on line.tenant_id = hold.tenant_id and line.id = o.credit_line_id
    where hold.tenant_id = o.tenant_id and hold.source_id = o.id and hold.source_noun = 'ORDER' and hold.state = 'PENDING';
    is_open := trade.order_is_open(o.status);
    if is_open and items.items = 0 then
        perform core.refuse('CONFLICT', 'ORDER_EMPTY', 'An order that is placed keeps at least one item. Cancel it instead.', 'input.items');
    elsif is_open and o.prepaid > o.total then
        perform core.refuse(
            'BAD_USER_INPUT', 'PREPAID_RANGE',
            format('The order comes to %s. No more than that can be paid beforehand.', round(o.total, 2)), 'input.prepaid'
        );
    elsif (o.subtotal, o.tax) is distinct from (items.subtotal, items.tax)
        or held is distinct from (case when is_open then greatest(o.credit_used, 0) else 0 end)
        or items.reserved is distinct from (case when is_open then items.ordered - items.shipped else 0 end)
        or (o.status in ('SHIPPED', 'DELIVERED', 'RETURNED')) is distinct from (items.shipped > 0)
        or (o.status = 'RETURNED') is distinct from (items.shipped > 0 and items.returned = items.shipped)
    then
        perform core.refuse(
            'CONFLICT', 'ORDER_OUT_OF_STEP', 'An order comes to what its items come to, and holds and keeps what is still to be delivered of it.'
        );
    end if;
    return null;
end
$$;
comment on function trade.order_stands() is
    'Refuses an order whose figures are not its items'', or that holds or keeps in stock anything but what is still to be delivered of it.';

create constraint trigger stands after insert or update on trade.orders
    deferrable initially deferred for each row execute function trade.order_stands();
create constraint trigger order_stands after insert or update on ledger.holds
    deferrable initially deferred for each row when (new.source_noun = 'ORDER') execute function trade.order_stands();
