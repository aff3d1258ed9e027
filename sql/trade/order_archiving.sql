-- How orders leave for the archive: nothing is removed that does not stand there as it was, whoever removes it, and nothing comes
-- there that was no order that has ended. So trade.archive() has no power that its owner lacks, and no other way loses anything.

create function trade.order_is_over(o trade.orders) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return o.status in ('DELIVERED', 'CANCELLED', 'RETURNED', 'EXPIRED') and o.open_minor <= 0
    and o.updated_at < statement_timestamp() - interval '2 years';
comment on function trade.order_is_over(trade.orders) is
    'Whether an order has ended, nothing is owed of it, and nothing has happened to it for two years: whether it may be archived.';

create function trade.archived_as(o trade.orders) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return exists (
    select from trade.archived_orders as kept
    where kept.tenant_id = o.tenant_id and kept.id = o.id and to_jsonb(kept) - 'archived_at' = to_jsonb(o) - 'archived_at'
);
comment on function trade.archived_as(trade.orders) is 'Whether an order stands in the archive, column for column as it is.';

create function trade.archived_as(item trade.order_items) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return exists (
    select from trade.archived_order_items as kept
    where kept.tenant_id = item.tenant_id and kept.id = item.id and to_jsonb(kept) = to_jsonb(item)
);
comment on function trade.archived_as(trade.order_items) is 'Whether an item stands in the archive, column for column as it is.';

create trigger never_deleted before delete on trade.orders
    for each row when (not trade.archived_as(old)) execute function core.refuse_change();
create trigger never_deleted before delete on trade.order_items
    for each row when (not trade.archived_as(old)) execute function core.refuse_change();

create function trade.archived_order_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    o trade.orders;
begin
    select * into o from trade.orders where tenant_id = new.tenant_id and id = new.id for update;
    if o.id is null or not trade.order_is_over(o) or to_jsonb(o) - 'archived_at' <> to_jsonb(new) - 'archived_at' then
        perform core.refuse(
            'CONFLICT', 'NOT_TO_BE_ARCHIVED',
            'An order is archived as it is, when it has ended, nothing is owed of it and nothing has happened to it for two years.'
        );
    end if;
    new.archived_at := statement_timestamp();
    return new;
end
$$;
comment on function trade.archived_order_keep() is 'Lets nothing into the archive but an order that is over, as it is, whoever writes.';
create trigger keep before insert on trade.archived_orders for each row execute function trade.archived_order_keep();

create function trade.archived_order_item_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from trade.order_items as item
        where item.tenant_id = new.tenant_id and item.id = new.id and to_jsonb(item) = to_jsonb(new)
    ) then
        perform core.refuse('CONFLICT', 'NOT_TO_BE_ARCHIVED', 'An item is archived with its order, as it is.');
    end if;
    return new;
end
$$;
comment on function trade.archived_order_item_keep() is 'Lets nothing into the archive but an order''s item, as it is, whoever writes.';
create trigger keep before insert on trade.archived_order_items for each row execute function trade.archived_order_item_keep();

create function trade.archived_order_stands() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from trade.orders where tenant_id = new.tenant_id and id = new.id) then
        perform core.refuse('CONFLICT', 'ARCHIVED_TWICE', 'What is archived is no order any more: it is moved, not copied.');
    end if;
    return null;
end
$$;
comment on function trade.archived_order_stands() is 'Refuses an archived order that still stands among the orders. With the order, all its items have gone.';
create constraint trigger stands after insert on trade.archived_orders
    deferrable initially deferred for each row execute function trade.archived_order_stands();

-- What refers to an order goes on doing so: in place of a foreign key, which knows one table. An order's id never changes, and
-- never goes but into the archive, so that what was found once is found for good.

create function trade.order_referred() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    parties constant jsonb := to_jsonb(new);
begin
    if not exists (
        select from trade.all_orders as o
        where o.tenant_id = new.tenant_id and o.id = new.order_id
          and o.retailer_id = coalesce((parties ->> 'retailer_id')::uuid, o.retailer_id)
          and o.vendor_id = coalesce((parties ->> 'vendor_id')::uuid, o.vendor_id)
    ) then
        perform core.refuse('NOT_FOUND', 'ORDER_NOT_FOUND', 'There is no order with this id of this retailer and this vendor.', 'input.orderId');
    end if;
    return null;
end
$$;
comment on function trade.order_referred() is 'Refuses what refers to no order of its retailer and its vendor.';
create trigger order_referred after insert or update of order_id on trade.credit_entries
    for each row when (new.order_id is not null) execute function trade.order_referred();
create trigger order_referred after insert on trade.retailer_payment_allocations
    for each row execute function trade.order_referred();
create trigger order_referred after insert or update of order_id on trade.messages
    for each row when (new.order_id is not null) execute function trade.order_referred();

create function trade.refuse_archived(wanted uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_number text;
begin
    select order_number into found_number from trade.archived_orders
    where tenant_id = core.tenant_id() and id = any (wanted) order by order_number limit 1;
    if found_number is not null then
        perform core.refuse(
            'CONFLICT', 'ORDER_ARCHIVED',
            format('Order %s is archived, and changes no more. What is owed after all is entered with creditAdjust.', found_number), 'input.id'
        );
    end if;
end
$$;
comment on function trade.refuse_archived(uuid[]) is 'Refuses a change to any of these orders that is archived.';

create function trade.archive_due() returns table (tenant_id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select tenant.id from iam.tenants as tenant
    where tenant.suspended_at is null and exists (
        select from trade.orders as o
        where o.tenant_id = tenant.id and o.created_at < statement_timestamp() - interval '2 years'
          and o.updated_at < statement_timestamp() - interval '2 years'
          -- The worker sees no amount: of what is delivered and PAID nothing is owed.
          and (o.status in ('CANCELLED', 'RETURNED', 'EXPIRED') or o.status = 'DELIVERED' and o.payment_status = 'PAID')
    )
$$;
comment on function trade.archive_due() is 'The organisations with orders that may be archived. For the worker.';

create function trade.archive(most integer default 200) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    moving uuid[];
    before record;
    after record;
begin
    perform core.demand('core:work');
    select array_agg(id) into moving from (
        -- By an index: what nothing has happened to for two years was entered before.
        select id from trade.orders
        where tenant_id = core.tenant_id() and created_at < statement_timestamp() - interval '2 years' and trade.order_is_over(orders)
        order by created_at, id limit most for update skip locked
    ) as found;
    if moving is null then
        return false;
    end if;
    select * into before from trade.archive_counted(moving, false);
    insert into trade.archived_orders select * from trade.orders where tenant_id = core.tenant_id() and id = any (moving);
    insert into trade.archived_order_items select * from trade.order_items where tenant_id = core.tenant_id() and order_id = any (moving);
    delete from trade.order_items where tenant_id = core.tenant_id() and order_id = any (moving);
    delete from trade.orders where tenant_id = core.tenant_id() and id = any (moving);
    select * into after from trade.archive_counted(moving, true);
    if before is distinct from after then
        perform core.refuse('CONFLICT', 'ARCHIVE_INCOMPLETE', 'What stands in the archive is not what was to be moved there. Nothing was moved.');
    end if;
    return cardinality(moving) = most;
end
$$;
comment on function trade.archive(integer) is
    'Moves so many orders that are over to the archive, with their items, the oldest first, and proves that nothing was lost: each row is '
    'compared before it leaves, and the counts and sums of all afterwards. For the worker; true while there may be more.';

create function trade.archive_counted(moved uuid[], is_archived boolean) returns table (
    orders bigint, total numeric, charged numeric, returned numeric, paid numeric, items bigint, amount numeric, tax_amount numeric,
    quantity bigint
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        (select count(*) from trade.all_orders as o where o.tenant_id = core.tenant_id() and o.id = any (moved)
            and (o.archived_at is not null) = is_archived),
        o.total, o.charged, o.returned, o.paid, i.items, i.amount, i.tax_amount, i.quantity
    from (
        select sum(total::numeric) as total, sum(charged::numeric) as charged, sum(returned_total::numeric) as returned,
               sum(paid_amount::numeric) as paid
        from trade.all_orders where tenant_id = core.tenant_id() and id = any (moved)
    ) as o
    cross join (
        select count(*) as items, sum(amount::numeric) as amount, sum(tax_amount::numeric) as tax_amount, sum(quantity) as quantity
        from trade.all_order_items where tenant_id = core.tenant_id() and order_id = any (moved)
    ) as i
$$;
comment on function trade.archive_counted(uuid[], boolean) is
    'How many of these orders are archived, or are not, and what they and their items come to wherever they stand.';

grant execute on function trade.archive_due() to countinghouse_worker;
grant execute on function trade.archive(integer) to countinghouse_tenant;
