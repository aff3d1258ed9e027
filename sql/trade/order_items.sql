-- An order item is so many units of one vendor's product, at the price and the tax that it had when it was entered. Items are
-- written with their order, and never removed: one that a change of the order replaces says when, and counts no more.

create table trade.order_items (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    order_id uuid not null,
    retailer_id uuid not null,
    vendor_id uuid not null,
    vendor_product_id uuid not null,
    position integer not null,
    product_name text not null,
    product_sku text collate "C" not null,
    unit_price core.money not null,
    tax_rate core.tax_rate not null,
    quantity integer not null,
    quantity_shipped integer not null default 0,
    quantity_returned integer not null default 0,
    reserved integer not null default 0,
    replaced_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    current_order_id uuid generated always as (case when replaced_at is null then order_id end) stored,
    amount core.money not null generated always as (round(quantity * unit_price, 2)) stored,
    tax_amount core.money not null generated always as (round(round(quantity * unit_price, 2) * tax_rate / 100, 2)) stored,
    shipped_amount core.money not null generated always as (round(quantity_shipped * unit_price, 2)) stored,
    shipped_tax core.money not null generated always as (
        round(round(quantity_shipped * unit_price, 2) * tax_rate / 100, 2)
    ) stored,
    returned_amount core.money not null generated always as (round(quantity_returned * unit_price, 2)) stored,
    returned_tax core.money not null generated always as (
        round(round(quantity_returned * unit_price, 2) * tax_rate / 100, 2)
    ) stored,
    primary key (tenant_id, id),
    -- Retailer and vendor come along for the policies, and are kept equal to the order's by the key.
    foreign key (tenant_id, order_id, retailer_id, vendor_id) references trade.orders (tenant_id, id, retailer_id, vendor_id),
    foreign key (tenant_id, vendor_product_id, vendor_id) references trade.vendor_products (tenant_id, id, vendor_id),
    constraint order_items_position_unique unique (tenant_id, current_order_id, position),
    constraint order_items_product_unique unique (tenant_id, current_order_id, vendor_product_id),
    constraint order_items_position_check check (position between 1 and 1000),
    constraint order_items_quantity_check check (quantity between 1 and 1000000000),
    constraint order_items_shipped_check check (quantity_shipped between 0 and quantity),
    constraint order_items_returned_check check (quantity_returned between 0 and quantity_shipped),
    constraint order_items_reserved_check check (reserved between 0 and quantity)
);

comment on table trade.order_items is 'So many units of a vendor''s product on an order, at the price that they had.';
comment on column trade.order_items.tenant_id is 'The organisation.';
comment on column trade.order_items.id is 'The item''s id.';
comment on column trade.order_items.order_id is 'Its order.';
comment on column trade.order_items.retailer_id is 'The retailer of its order.';
comment on column trade.order_items.vendor_id is 'The vendor of its order.';
comment on column trade.order_items.vendor_product_id is 'The vendor''s product that is bought.';
comment on column trade.order_items.position is 'Its place on the order, from 1.';
comment on column trade.order_items.product_name is 'The product''s name as it was when the item was entered.';
comment on column trade.order_items.product_sku is 'The vendor''s number for it as it was then.';
comment on column trade.order_items.unit_price is 'What one unit cost then, without tax.';
comment on column trade.order_items.tax_rate is 'The product''s tax rate then, in per cent.';
comment on column trade.order_items.quantity is 'How many units are ordered.';
comment on column trade.order_items.quantity_shipped is 'How many of them were shipped.';
comment on column trade.order_items.quantity_returned is 'How many of those came back.';
comment on column trade.order_items.reserved is 'How many units are kept in stock for it: those that are placed and not shipped.';
comment on column trade.order_items.replaced_at is 'When a change of the order replaced it. It counts no more.';
comment on column trade.order_items.created_at is 'When it was entered.';
comment on column trade.order_items.created_by is 'Who entered it.';
comment on column trade.order_items.updated_at is 'When it last changed.';
comment on column trade.order_items.current_order_id is 'Its order while it counts; empty once it is replaced.';
comment on column trade.order_items.amount is 'Quantity times price, without tax, rounded half away from zero to two decimals.';
comment on column trade.order_items.tax_amount is 'The tax on the amount, rounded for each item.';
comment on column trade.order_items.shipped_amount is 'What the shipped units come to, without tax.';
comment on column trade.order_items.shipped_tax is 'The tax on the shipped units.';
comment on column trade.order_items.returned_amount is 'What the returned units come to, without tax.';
comment on column trade.order_items.returned_tax is 'The tax on the returned units.';
comment on constraint order_items_position_unique on trade.order_items is
    'POSITION_TAKEN input.items: Two items of an order cannot have the same place.';
comment on constraint order_items_product_unique on trade.order_items is
    'ITEM_TWICE input.items.vendorProductId: A product stands on an order once. Add its quantities up.';
comment on constraint order_items_position_check on trade.order_items is
    'TOO_MANY_ITEMS input.items: An order has at most 1000 items.';
comment on constraint order_items_quantity_check on trade.order_items is
    'QUANTITY_RANGE input.items.quantity: A quantity is one unit or more, and at most 1000000000.';
comment on constraint order_items_shipped_check on trade.order_items is
    'SHIPPED_TOO_MANY input.items.quantity: No more units can be shipped than are ordered.';
comment on constraint order_items_returned_check on trade.order_items is
    'RETURNED_TOO_MANY input.items.quantity: No more units can come back than were shipped.';
comment on constraint order_items_reserved_check on trade.order_items is
    'ORDER_OUT_OF_STEP: No more units are kept for an item than are ordered.';

create index order_items_order on trade.order_items (tenant_id, order_id, id);
create index order_items_vendor_product on trade.order_items (tenant_id, vendor_product_id, created_at, id);
-- What is kept of a product, added up without visiting an order.
create index order_items_reserved on trade.order_items (tenant_id, vendor_product_id) include (reserved) where reserved > 0;
create index order_items_created_at on trade.order_items (tenant_id, created_at, id);

alter table trade.order_items enable row level security;
alter table trade.order_items force row level security;

-- Those of the tenant's orders; a vendor and a retailer see those that are theirs.
create policy tenant on trade.order_items to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or vendor_id = any (core.scope_ids()) or retailer_id = any (core.scope_ids()))
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.order_items for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, order_id, retailer_id, vendor_id, vendor_product_id, position, product_name, product_sku, unit_price, tax_rate,
    quantity, quantity_shipped, quantity_returned, reserved, replaced_at, created_at, created_by, updated_at, current_order_id,
    amount, tax_amount, shipped_amount, shipped_tax, returned_amount, returned_tax
) on trade.order_items to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: items are written with their order.

create function trade.order_item_check(item trade.order_items) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    offer trade.vendor_products;
    is_active boolean;
begin
    select * into offer from trade.vendor_products
    where tenant_id = item.tenant_id and id = item.vendor_product_id
    for no key update;
    select p.is_active into is_active from trade.products p where p.tenant_id = offer.tenant_id and p.id = offer.product_id;
    if not (offer.is_available and is_active) then
        perform core.refuse(
            'CONFLICT', 'PRODUCT_UNAVAILABLE', format('%s cannot be ordered now.', item.product_name), 'input.items.vendorProductId'
        );
    elsif item.quantity > offer.free_stock then
        perform core.refuse(
            'CONFLICT', 'STOCK_TOO_LOW',
            format('Of %s, %s are ordered and %s can be had.', item.product_name, item.quantity, offer.free_stock), 'input.items.quantity'
        );
    end if;
    return true;
end
$$;
comment on function trade.order_item_check(trade.order_items) is 'Refuses an item that cannot be ordered, or of which there is too little in stock.';

-- Snapshots are always taken here, and what is kept in stock is always what is still to be shipped.

create function trade.order_item_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    o trade.orders;
begin
    -- The lock comes first: an order stays what it is while its items are written.
    select * into o from trade.orders where tenant_id = new.tenant_id and id = new.order_id for no key update;
    if o.id is null then
        return new;  -- the foreign key refuses it
    end if;
    if tg_op = 'INSERT' then
        if o.status not in ('DRAFT', 'PLACED') then
            perform trade.order_refuse(o);
        end if;
        select p.name, v.sku, v.vendor_price, p.tax_rate into new.product_name, new.product_sku, new.unit_price, new.tax_rate
        from trade.vendor_products v
        join trade.products p on p.tenant_id = v.tenant_id and p.id = v.product_id
        where v.tenant_id = new.tenant_id and v.id = new.vendor_product_id and v.vendor_id = o.vendor_id;
        if new.product_name is null or not found then
            perform core.refuse(
                'NOT_FOUND', 'VENDOR_PRODUCT_NOT_FOUND', 'The order''s vendor has no product with this id.', 'input.items.vendorProductId'
            );
        end if;
        new.retailer_id := o.retailer_id;
        new.vendor_id := o.vendor_id;
        new.quantity_shipped := 0;
        new.quantity_returned := 0;
        new.replaced_at := null;
    else
        if (
            new.tenant_id, new.id, new.order_id, new.retailer_id, new.vendor_id, new.vendor_product_id, new.position, new.product_name,
            new.product_sku, new.unit_price, new.tax_rate, new.quantity
        ) is distinct from (
            old.tenant_id, old.id, old.order_id, old.retailer_id, old.vendor_id, old.vendor_product_id, old.position, old.product_name,
            old.product_sku, old.unit_price, old.tax_rate, old.quantity
        )
            or new.quantity_shipped < old.quantity_shipped or new.quantity_returned < old.quantity_returned
            or old.replaced_at is not null and (
                new.replaced_at is distinct from old.replaced_at or new.quantity_shipped <> 0 or new.quantity_returned <> 0
            )
        then
            perform core.refuse('CONFLICT', 'ITEM_FIXED', 'An item stays as it was entered; what was shipped or came back of it only grows.');
        elsif new.replaced_at is distinct from old.replaced_at and o.status not in ('DRAFT', 'PLACED')
            or new.quantity_shipped <> old.quantity_shipped and o.status <> 'SHIPPED'
            or new.quantity_returned <> old.quantity_returned and o.status <> 'DELIVERED'
        then
            perform trade.order_refuse(o);
        end if;
    end if;
    new.reserved := case
        when new.replaced_at is null and trade.order_is_open(o.status) then greatest(new.quantity - new.quantity_shipped, 0) else 0
    end;
    if tg_op = 'INSERT' and o.status = 'PLACED' then
        perform trade.order_item_check(new);
    end if;
    return new;
end
$$;
comment on function trade.order_item_keep() is
    'Takes an item''s snapshots when it is entered and keeps them; counts what is shipped, comes back and is kept in stock, whoever writes.';

create function trade.order_item_moved() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    kept integer := new.reserved;
    gone integer := 0;
begin
    if tg_op = 'UPDATE' then
        kept := new.reserved - old.reserved;
        gone := (new.quantity_shipped - old.quantity_shipped) - (new.quantity_returned - old.quantity_returned);
    end if;
    update trade.vendor_products set stock = stock - gone, reserved = reserved + kept
    where tenant_id = new.tenant_id and id = new.vendor_product_id and (kept <> 0 or gone <> 0);
    return null;
end
$$;
comment on function trade.order_item_moved() is 'Takes what is shipped from the stock, puts what comes back there, and keeps there what is ordered.';

-- One order after the other, by its key: the plan is kept, and a join, or a list of keys, that was planned for few orders would
-- walk along all there are later.

create function trade.order_items_changed() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found record;
begin
    for found in select distinct tenant_id, order_id from changed order by order_id loop
        update trade.orders set updated_at = statement_timestamp() where tenant_id = found.tenant_id and id = found.order_id;
    end loop;
    return null;
end
$$;
comment on function trade.order_items_changed() is 'Has the figures of an order made again when its items have changed.';

create function trade.order_items_counted() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found record;
begin
    for found in
        select distinct now_is.tenant_id, now_is.order_id
        from changed as now_is join former using (tenant_id, id)
        where (now_is.replaced_at, now_is.quantity_shipped, now_is.quantity_returned)
            is distinct from (former.replaced_at, former.quantity_shipped, former.quantity_returned)
        order by now_is.order_id
    loop
        update trade.orders set updated_at = statement_timestamp() where tenant_id = found.tenant_id and id = found.order_id;
    end loop;
    return null;
end
$$;
comment on function trade.order_items_counted() is
    'Has the figures of an order made again when items of it are replaced, shipped or come back.';

create trigger keep before insert or update on trade.order_items for each row execute function trade.order_item_keep();
create trigger touch before update on trade.order_items for each row execute function core.touch();
create trigger moved after insert or update on trade.order_items for each row execute function trade.order_item_moved();
create trigger entered after insert on trade.order_items
    referencing new table as changed for each statement execute function trade.order_items_changed();
create trigger counted after update on trade.order_items
    referencing old table as former new table as changed for each statement execute function trade.order_items_counted();
create trigger never_emptied before truncate on trade.order_items for each statement execute function core.refuse_change();
create trigger audit after insert or update on trade.order_items for each row execute function core.audit(
    'ORDER_ITEM', 'retailer_id,vendor_id,current_order_id,reserved,shipped_amount,shipped_tax,returned_amount,returned_tax'
);

create function trade.reserved_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select from trade.vendor_products
        where tenant_id = new.tenant_id and id = new.id and reserved <> (
            select coalesce(sum(i.reserved), 0) from trade.order_items i
            where i.tenant_id = new.tenant_id and i.vendor_product_id = new.id and i.reserved > 0
        )
    ) then
        perform core.refuse('CONFLICT', 'STOCK_OUT_OF_STEP', 'What is kept in stock changes by orders alone.');
    end if;
    return null;
end
$$;
comment on function trade.reserved_stands() is 'Refuses units that are kept in stock for no order.';

create constraint trigger reserved_stands after update of reserved on trade.vendor_products
    deferrable initially deferred for each row execute function trade.reserved_stands();
create constraint trigger reserved_enters after insert on trade.vendor_products
    deferrable initially deferred for each row when (new.reserved <> 0) execute function trade.reserved_stands();
