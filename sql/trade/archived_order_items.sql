-- An archived order item is an item of an archived order: moved together with it, as it was.

create table trade.archived_order_items (
    like trade.order_items,
    primary key (tenant_id, id),
    constraint archived_order_items_position_unique unique (tenant_id, current_order_id, position),
    foreign key (tenant_id, order_id, retailer_id, vendor_id)
        references trade.archived_orders (tenant_id, id, retailer_id, vendor_id),
    foreign key (tenant_id, vendor_product_id, vendor_id) references trade.vendor_products (tenant_id, id, vendor_id)
);

comment on table trade.archived_order_items is 'Items of archived orders, as they were.';

comment on constraint archived_order_items_position_unique on trade.archived_order_items is
    'POSITION_TAKEN input.items: Two items of an order cannot have the same place.';

-- The items' own, so that lists of both are read in order from both.
create index archived_order_items_order on trade.archived_order_items (tenant_id, order_id, id);
create index archived_order_items_vendor_product on trade.archived_order_items (tenant_id, vendor_product_id, created_at, id);
create index archived_order_items_created_at on trade.archived_order_items (tenant_id, created_at, id);

alter table trade.archived_order_items enable row level security;
alter table trade.archived_order_items force row level security;

-- As the orders': a vendor and a retailer see those that are theirs.
create policy tenant on trade.archived_order_items to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or vendor_id = any (core.scope_ids()) or retailer_id = any (core.scope_ids()))
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.archived_order_items for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, order_id, retailer_id, vendor_id, vendor_product_id, position, product_name, product_sku, unit_price, tax_rate,
    quantity, quantity_shipped, quantity_returned, reserved, replaced_at, created_at, created_by, updated_at, current_order_id,
    amount, tax_amount, shipped_amount, shipped_tax, returned_amount, returned_tax
) on trade.archived_order_items to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: nothing is written by anybody: items come here by trade.archive().

create trigger never_changed before update or delete on trade.archived_order_items
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.archived_order_items
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: its log is the item's.

create view trade.all_order_items with (security_invoker = true) as
select
    tenant_id, id, order_id, retailer_id, vendor_id, vendor_product_id, position, product_name, product_sku, unit_price, tax_rate,
    quantity, quantity_shipped, quantity_returned, reserved, replaced_at, created_at, created_by, updated_at, current_order_id,
    amount, tax_amount, shipped_amount, shipped_tax, returned_amount, returned_tax
from trade.order_items
union all
select
    tenant_id, id, order_id, retailer_id, vendor_id, vendor_product_id, position, product_name, product_sku, unit_price, tax_rate,
    quantity, quantity_shipped, quantity_returned, reserved, replaced_at, created_at, created_by, updated_at, current_order_id,
    amount, tax_amount, shipped_amount, shipped_tax, returned_amount, returned_tax
from trade.archived_order_items;
comment on view trade.all_order_items is 'Order items, those of archived orders too. Read with the rights of whoever asks.';
grant select (
    tenant_id, id, order_id, retailer_id, vendor_id, vendor_product_id, position, product_name, product_sku, unit_price, tax_rate,
    quantity, quantity_shipped, quantity_returned, reserved, replaced_at, created_at, created_by, updated_at, current_order_id,
    amount, tax_amount, shipped_amount, shipped_tax, returned_amount, returned_tax
) on trade.all_order_items to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
