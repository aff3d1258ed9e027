-- How an order goes from one status to the next, whoever writes: its numbers, moments, figures and holds are made here, and what
-- it says is compared at commit with its items, its hold and the stock that is kept for it.

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

-- Goods are often entered after they came: the moment of a step may be said as it is taken, and never afterwards.

create function trade.order_moment(given timestamptz, step text, earlier timestamptz default null) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if given > statement_timestamp() then
        perform core.refuse(
            'BAD_USER_INPUT', 'MOMENT_LATER', format('An order is not %s later than now.', step), format('input.%sAt', step)
        );
    elsif given < coalesce(earlier, '1900-01-01T00:00:00Z') then
        perform core.refuse(
            'BAD_USER_INPUT', 'MOMENT_EARLIER',
            format(
                'An order is not %s before %s%s.', step, to_json(coalesce(earlier, '1900-01-01T00:00:00Z')) #>> '{}',
                case when earlier is not null then ', when the step before was taken' end
            ),
            format('input.%sAt', step)
        );
    end if;
    return coalesce(given, statement_timestamp());
end
$$;
comment on function trade.order_moment(timestamptz, text, timestamptz) is
    'When a step was taken: now, or as is said. Refuses what is to come, and what lies before the step that came earlier.';

create function trade.delivery_day(o trade.orders) returns date
language sql stable
set search_path = pg_catalog, pg_temp
return (o.delivered_at at time zone (select time_zone from iam.tenants where id = o.tenant_id))::date;
comment on function trade.delivery_day(trade.orders) is
    'The day of an order''s delivery in the organisation''s time zone, from which it counts in the ledger.';

-- Numbers, moments, figures and holds are always made here, so that nobody can choose them but a moment within its bounds.

create function trade.order_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_step constant boolean := tg_op = 'UPDATE' and new.status is distinct from old.status;
    given constant timestamptz := case new.status
        when 'PLACED' then new.placed_at
        when 'CONFIRMED' then new.confirmed_at
        when 'SHIPPED' then new.shipped_at
        when 'DELIVERED' then new.delivered_at
    end;
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
            new.placed_at := trade.order_moment(given, 'placed');
            -- Since it was entered: whoever enters it late has the time to confirm it, too.
            new.expires_at := statement_timestamp() + interval '7 days';
            new.hold_id := trade.order_hold(new, new.total - new.prepaid);
        when 'CONFIRMED' then
            new.confirmed_at := trade.order_moment(given, 'confirmed', new.placed_at);
            new.expires_at := null;
        when 'SHIPPED' then
            new.shipped_at := trade.order_moment(given, 'shipped', new.confirmed_at);
        when 'DELIVERED' then
            new.delivered_at := trade.order_moment(given, 'delivered', new.shipped_at);
            new.due_date := trade.delivery_day(new) + (
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
    'Takes an order from one status to the next alone, with its numbers, moments, figures and the room that it holds, whoever writes. '
    'The moment of the step that is taken may be said; all others stay.';

create trigger keep before insert or update on trade.orders for each row execute function trade.order_keep();

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
