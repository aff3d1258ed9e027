-- What can be done with an order. Each function locks the order, then its vendor, then the vendor's products in the order of
-- their ids; the triggers of order_steps.sql take the ledger's accounts after these.

create function trade.order_found(wanted uuid, more uuid[] default '{}') returns trade.orders
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    o trade.orders;
begin
    select * into o from trade.orders where tenant_id = core.tenant_id() and id = wanted for no key update;
    if o.id is null then
        perform trade.refuse_archived(array[wanted]);
        perform core.refuse('NOT_FOUND', 'ORDER_NOT_FOUND', 'There is no order with this id.', 'input.id');
    end if;
    -- Its orders go on when a vendor is suspended or deleted.
    perform from trade.vendors where tenant_id = core.tenant_id() and id = o.vendor_id for key share;
    perform from trade.vendor_products
    where tenant_id = core.tenant_id() and id = any (
        more || array(select vendor_product_id from trade.order_items where tenant_id = core.tenant_id() and current_order_id = o.id)
    )
    order by id for no key update;
    return o;
end
$$;
comment on function trade.order_found(uuid, uuid[]) is
    'The order of that id, locked with the products on it and with those that are to come onto it; refuses where there is none.';

create function trade.order_step(wanted uuid, next_status text, reason text default null, moment text default null) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    o trade.orders := trade.order_found(wanted);
begin
    if not trade.order_may(o.status, next_status) then
        perform trade.order_refuse(o);
    end if;
    update trade.orders set
        status = next_status, cancel_reason = coalesce(reason, cancel_reason),
        placed_at = case next_status when 'PLACED' then moment::timestamptz else placed_at end,
        confirmed_at = case next_status when 'CONFIRMED' then moment::timestamptz else confirmed_at end,
        delivered_at = case next_status when 'DELIVERED' then moment::timestamptz else delivered_at end
    where tenant_id = core.tenant_id() and id = o.id;
    return o.id;
end
$$;
comment on function trade.order_step(uuid, text, text, text) is
    'Takes an order to its next status, now or as of the moment that is said; refuses where its status does not lead there.';

create function trade.order_items_given(items jsonb) returns table (place integer, id uuid, quantity integer)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select given.place::integer, coalesce(given.item ->> 'vendor_product_id', given.item ->> 'item_id')::uuid, (given.item ->> 'quantity')::integer
    from jsonb_array_elements(case when jsonb_typeof(items) = 'array' then items else '[]' end) with ordinality as given (item, place)
$$;
comment on function trade.order_items_given(jsonb) is 'The items of an input: of which product or item how many, in the order given.';

create function trade.order_items_insert(wanted uuid, items jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into trade.order_items (
        tenant_id, order_id, retailer_id, vendor_id, vendor_product_id, position, product_name, product_sku, unit_price, tax_rate, quantity
    )
    -- The trigger takes the snapshots.
    select core.tenant_id(), wanted, o.retailer_id, o.vendor_id, given.id, given.place, '', '', 0, 0, given.quantity
    from trade.order_items_given(items) as given
    join trade.orders o on o.tenant_id = core.tenant_id() and o.id = wanted
$$;
comment on function trade.order_items_insert(uuid, jsonb) is 'Enters the items of an order in the order they are given.';

create function trade.order_draft(
    wanted_retailer uuid, wanted_vendor uuid, items jsonb, facts jsonb default '{}', prepaid numeric default 0
) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    vendor constant trade.vendors := trade.vendor_known(wanted_vendor, 'input.vendorId');
    retailer constant trade.retailers := trade.retailer_known(wanted_retailer, 'input.retailerId');
    line trade.credit_lines;
    made uuid;
begin
    select * into line from trade.credit_lines
    where tenant_id = core.tenant_id() and retailer_id = retailer.id and vendor_id = vendor.id;
    if line.id is null then
        perform core.refuse(
            'CONFLICT', 'NO_CREDIT_LINE', format('%s has no credit line with %s. Set one first.', retailer.name, vendor.name),
            'input.vendorId'
        );
    end if;
    insert into trade.orders (
        tenant_id, order_number, retailer_id, vendor_id, credit_line_id, retailer_name, vendor_name, currency, prepaid, metadata
    ) values (
        core.tenant_id(), '', retailer.id, vendor.id, line.id, retailer.name, vendor.name, line.currency, order_draft.prepaid, facts
    )
    returning id into made;
    perform trade.order_items_insert(made, items);
    return made;
end
$$;
comment on function trade.order_draft(uuid, uuid, jsonb, jsonb, numeric) is
    'Makes a draft of these items, at the vendor''s present prices, whoever asks for it.';

create function trade.order_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.order_draft(
        (input ->> 'retailer_id')::uuid, (input ->> 'vendor_id')::uuid, input -> 'items', coalesce(input -> 'metadata', '{}'),
        coalesce((input ->> 'prepaid')::numeric, 0)
    );
end
$$;
comment on function trade.order_create(jsonb) is
    'Enters an order as a draft, at the vendor''s present prices. It holds nothing until it is placed.';

create function trade.order_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before trade.orders;
    after trade.orders;
begin
    perform core.demand('trade:write');
    before := trade.order_found((input ->> 'id')::uuid, array(select id from trade.order_items_given(input -> 'items')));
    if before.status not in ('DRAFT', 'PLACED') then
        perform trade.order_refuse(before);
    end if;
    after := jsonb_populate_record(before, jsonb_strip_nulls(input));
    if jsonb_typeof(input -> 'items') = 'array' then
        -- No row of these is ever removed: what is replaced counts no more.
        update trade.order_items set replaced_at = statement_timestamp()
        where tenant_id = core.tenant_id() and current_order_id = before.id;
        perform trade.order_items_insert(before.id, input -> 'items');
    end if;
    update trade.orders set prepaid = after.prepaid, metadata = after.metadata where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function trade.order_update(jsonb) is
    'Changes an order that is a draft, or placed and not confirmed. What is left out stays as it is; items, when given, replace all '
    'items at present prices. A placed order must find room on its line and units in stock for what it is then.';

create function trade.order_place(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.order_step((input ->> 'id')::uuid, 'PLACED', moment => input ->> 'placed_at');
end
$$;
comment on function trade.order_place(jsonb) is
    'Places a draft: room is held for it on the credit line, and its units are kept in stock. Unless it is confirmed it expires after seven days. '
    'When it was placed may be said, if not now.';

create function trade.order_confirm(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.order_step((input ->> 'id')::uuid, 'CONFIRMED', moment => input ->> 'confirmed_at');
end
$$;
comment on function trade.order_confirm(jsonb) is 'Notes that the vendor will deliver a placed order, now or when is said. It changes and expires no more.';

create function trade.order_quantities(o trade.orders, items jsonb, is_return boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted record;
begin
    if items is null or jsonb_typeof(items) = 'null' then
        update trade.order_items set
            quantity_shipped = case when is_return then quantity_shipped else quantity end,
            quantity_returned = case when is_return then quantity_shipped else quantity_returned end
        where tenant_id = core.tenant_id() and current_order_id = o.id;
        return;
    end if;
    for wanted in
        select given.id, given.quantity, item.id as known, count(*) over (partition by given.id) as times
        from trade.order_items_given(items) as given
        left join trade.order_items item
            on item.tenant_id = core.tenant_id() and item.id = given.id and item.current_order_id = o.id
        order by given.place
    loop
        if wanted.known is null then
            perform core.refuse('NOT_FOUND', 'ORDER_ITEM_NOT_FOUND', 'The order has no item with this id.', 'input.items.itemId');
        elsif wanted.times > 1 then
            perform core.refuse('BAD_USER_INPUT', 'ITEM_TWICE', 'An item is named once. Add its quantities up.', 'input.items.itemId');
        elsif wanted.quantity is null or wanted.quantity < 1 then
            perform core.refuse('BAD_USER_INPUT', 'QUANTITY_RANGE', 'A quantity is one unit or more.', 'input.items.quantity');
        end if;
    end loop;
    update trade.order_items item set
        quantity_shipped = item.quantity_shipped + case when is_return then 0 else given.quantity end,
        quantity_returned = item.quantity_returned + case when is_return then given.quantity else 0 end
    from trade.order_items_given(items) as given
    where item.tenant_id = core.tenant_id() and item.id = given.id;
end
$$;
comment on function trade.order_quantities(trade.orders, jsonb, boolean) is
    'Counts what is shipped of an order, or what comes back: so many of these items, or all that there is.';

create function trade.order_ship(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    o trade.orders;
begin
    perform core.demand('trade:write');
    o := trade.order_found((input ->> 'id')::uuid);
    if o.status not in ('CONFIRMED', 'SHIPPED') then
        perform trade.order_refuse(o);
    elsif jsonb_typeof(input -> 'items') = 'array' and input -> 'items' = '[]'
        or not exists (
            select from trade.order_items
            where tenant_id = core.tenant_id() and current_order_id = o.id and quantity_shipped < quantity
        )
    then
        perform core.refuse('CONFLICT', 'NOTHING_TO_SHIP', 'Nothing of the order is left to ship, or nothing was named.', 'input.items');
    end if;
    update trade.orders set status = 'SHIPPED', shipped_at = coalesce(shipped_at, (input ->> 'shipped_at')::timestamptz)
    where tenant_id = core.tenant_id() and id = o.id;
    perform trade.order_quantities(o, input -> 'items', false);
    return o.id;
end
$$;
comment on function trade.order_ship(jsonb) is
    'Ships a confirmed order, or so much of its items as is said; the rest may follow until it is delivered. Stock goes down by it. '
    'When the first of it was shipped may be said, if not now.';

create function trade.order_deliver(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.order_step((input ->> 'id')::uuid, 'DELIVERED', moment => input ->> 'delivered_at');
end
$$;
comment on function trade.order_deliver(jsonb) is
    'Notes that what was shipped has come, now or when is said. It gets its invoice number, is posted to the line, and is due after the line''s terms; what was '
    'not shipped is given back, on the line and in stock.';

create function trade.order_cancel(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.order_step((input ->> 'id')::uuid, 'CANCELLED', coalesce(input ->> 'reason', ''));
end
$$;
comment on function trade.order_cancel(jsonb) is
    'Cancels an order of which nothing was shipped. The line and the stock get back what it held; afterwards it can only be returned.';

create function trade.order_return(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    o trade.orders;
begin
    perform core.demand('trade:write');
    o := trade.order_found((input ->> 'id')::uuid);
    if o.status <> 'DELIVERED' then
        perform trade.order_refuse(o);
    elsif jsonb_typeof(input -> 'items') = 'array' and input -> 'items' = '[]' then
        perform core.refuse('BAD_USER_INPUT', 'NOTHING_TO_RETURN', 'Say which items came back, or leave them out for all.', 'input.items');
    end if;
    perform trade.order_quantities(o, input -> 'items', true);
    if not exists (
        select from trade.order_items
        where tenant_id = core.tenant_id() and current_order_id = o.id and quantity_returned < quantity_shipped
    ) then
        update trade.orders set status = 'RETURNED' where tenant_id = core.tenant_id() and id = o.id;
    end if;
    return o.id;
end
$$;
comment on function trade.order_return(jsonb) is
    'Takes a delivered order back, or so much of its items as is said: into stock, and off the retailer''s debt at the price and tax of the '
    'order. Once all of it is back it is RETURNED.';

create function trade.order_expire(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.order_step((input ->> 'id')::uuid, 'EXPIRED');
end
$$;
comment on function trade.order_expire(jsonb) is
    'Lets a placed order expire that nobody will confirm, before its time. The line and the stock get back what it held.';

create function trade.order_reopen(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('trade:write');
    return trade.order_step((input ->> 'id')::uuid, 'DRAFT');
end
$$;
comment on function trade.order_reopen(jsonb) is
    'Makes a cancelled or expired order a draft again. Room and stock are looked for when it is placed.';

create function trade.orders_due() returns table (tenant_id uuid, id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select tenant_id, id from trade.orders where status = 'PLACED' and expires_at <= statement_timestamp() order by expires_at
$$;
comment on function trade.orders_due() is 'The orders that have expired, of all organisations. For the worker.';

create function trade.order_lapse(wanted uuid) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('core:work');
    -- Somebody may have confirmed it meanwhile.
    perform from trade.orders where tenant_id = core.tenant_id() and id = wanted for no key update;
    perform trade.order_step(id, 'EXPIRED') from trade.orders
    where tenant_id = core.tenant_id() and id = wanted and status = 'PLACED' and expires_at <= statement_timestamp();
end
$$;
comment on function trade.order_lapse(uuid) is 'Lets a placed order expire whose time has come. For the worker.';

grant execute on function
    trade.order_create(jsonb), trade.order_update(jsonb), trade.order_place(jsonb), trade.order_confirm(jsonb),
    trade.order_ship(jsonb), trade.order_deliver(jsonb), trade.order_cancel(jsonb), trade.order_return(jsonb),
    trade.order_expire(jsonb), trade.order_reopen(jsonb), trade.order_lapse(uuid)
    to countinghouse_tenant;
grant execute on function trade.orders_due() to countinghouse_worker;
