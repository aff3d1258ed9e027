-- A vendor product is what one vendor asks for a product, and how much of it is there.

create table trade.vendor_products (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    vendor_id uuid not null,
    product_id uuid not null,
    sku text collate "C" not null,
    vendor_price core.money not null,
    currency core.currency not null,
    stock integer not null default 0,
    reserved integer not null default 0,
    low_stock_level integer not null default 0,
    is_available boolean not null default true,
    vendor_is_approved boolean not null,
    stocked_at timestamptz,
    stock_note text,
    metadata core.json_object not null default '{}',
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    free_stock integer not null generated always as (stock - reserved) stored,
    is_low boolean not null generated always as (stock - reserved <= low_stock_level) stored,
    vendor_price_minor bigint not null generated always as ((vendor_price * 100)::bigint) stored,
    primary key (tenant_id, id),
    -- What order items copy from it.
    constraint vendor_products_vendor_unique unique (tenant_id, id, vendor_id),
    constraint vendor_products_product_unique unique (tenant_id, vendor_id, product_id),
    constraint vendor_products_sku_unique unique (tenant_id, vendor_id, sku),
    foreign key (tenant_id, product_id) references trade.products,
    foreign key (tenant_id, vendor_id, currency) references trade.vendors (tenant_id, id, currency),
    -- Deferred, because the vendor changes first and its catalogue follows.
    foreign key (tenant_id, vendor_id, vendor_is_approved) references trade.vendors (tenant_id, id, is_approved)
        deferrable initially deferred,
    constraint vendor_products_sku_check check (sku ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,49}$'),
    constraint vendor_products_vendor_price_check check (vendor_price >= 0),
    constraint vendor_products_stock_check check (stock between 0 and 1000000000),
    constraint vendor_products_reserved_check check (reserved between 0 and stock),
    constraint vendor_products_low_stock_level_check check (low_stock_level between 0 and 1000000000),
    constraint vendor_products_stock_note_check check (stock_note = btrim(stock_note) and char_length(stock_note) between 1 and 500)
);

comment on table trade.vendor_products is 'What a vendor asks for a product, and how much of it there is.';
comment on column trade.vendor_products.tenant_id is 'The organisation.';
comment on column trade.vendor_products.id is 'The id of this offer.';
comment on column trade.vendor_products.vendor_id is 'Who sells.';
comment on column trade.vendor_products.product_id is 'What is sold.';
comment on column trade.vendor_products.sku is 'The vendor''s own number for it; unique with the vendor.';
comment on column trade.vendor_products.vendor_price is 'What one unit costs, without tax.';
comment on column trade.vendor_products.currency is 'The vendor''s currency.';
comment on column trade.vendor_products.stock is 'How many units are there, those included that are kept for orders.';
comment on column trade.vendor_products.reserved is 'How many of them are kept for orders that are placed and not shipped.';
comment on column trade.vendor_products.low_stock_level is 'From how few free units on the stock counts as low.';
comment on column trade.vendor_products.is_available is 'Whether it can be ordered.';
comment on column trade.vendor_products.vendor_is_approved is 'Whether the vendor is approved: retailers see it only then.';
comment on column trade.vendor_products.stocked_at is 'When stock was last received or adjusted; the audit log has the earlier times.';
comment on column trade.vendor_products.stock_note is 'What was said of it then: a note on what came, or why it was adjusted.';
comment on column trade.vendor_products.metadata is 'Facts of your own, as a JSON object.';
comment on column trade.vendor_products.created_at is 'When it was entered.';
comment on column trade.vendor_products.created_by is 'Who entered it.';
comment on column trade.vendor_products.updated_at is 'When it last changed.';
comment on column trade.vendor_products.free_stock is 'How many units can be ordered: the stock less what is reserved.';
comment on column trade.vendor_products.is_low is 'Whether no more units are free than the low level.';
comment on column trade.vendor_products.vendor_price_minor is 'The price in hundredths, by which offers are filtered and ordered.';
comment on constraint vendor_products_vendor_unique on trade.vendor_products is 'VENDOR_PRODUCT_KNOWN: This offer is there already.';
comment on constraint vendor_products_product_unique on trade.vendor_products is
    'VENDOR_PRODUCT_TAKEN input.productId: This vendor sells this product already.';
comment on constraint vendor_products_sku_unique on trade.vendor_products is
    'SKU_TAKEN input.sku: This vendor has another product of this number already.';
comment on constraint vendor_products_sku_check on trade.vendor_products is
    'SKU_INVALID input.sku: A number has 1 to 50 letters, digits, dots, dashes, slashes and underscores, and begins with a letter or digit.';
comment on constraint vendor_products_vendor_price_check on trade.vendor_products is
    'PRICE_NEGATIVE input.vendorPrice: A price is zero or more.';
comment on constraint vendor_products_stock_check on trade.vendor_products is
    'STOCK_RANGE: A stock is zero or more units, and at most 1000000000.';
comment on constraint vendor_products_reserved_check on trade.vendor_products is
    'STOCK_RESERVED: There are never more units reserved than are there.';
comment on constraint vendor_products_low_stock_level_check on trade.vendor_products is
    'LOW_STOCK_LEVEL_RANGE input.lowStockLevel: A low level is zero or more units.';
comment on constraint vendor_products_stock_note_check on trade.vendor_products is
    'NOTE_LENGTH: A note or reason has 1 to 500 characters, without blanks around them.';

create index vendor_products_product on trade.vendor_products (tenant_id, product_id, created_at, id);
create index vendor_products_vendor on trade.vendor_products (tenant_id, vendor_id, created_at, id);
create index vendor_products_available on trade.vendor_products (tenant_id, vendor_id, is_available, id);
create index vendor_products_free_stock on trade.vendor_products (tenant_id, free_stock, id);
create index vendor_products_low on trade.vendor_products (tenant_id, is_low, free_stock, id);
create index vendor_products_price on trade.vendor_products (tenant_id, vendor_price_minor, id);
create index vendor_products_sku on trade.vendor_products (tenant_id, sku, id);
create index vendor_products_created_at on trade.vendor_products (tenant_id, created_at, id);

alter table trade.vendor_products enable row level security;
alter table trade.vendor_products force row level security;

-- The tenant's offers; a vendor sees its own, and a retailer those of vendors that it may order from.
create policy tenant on trade.vendor_products to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or vendor_id = any (core.scope_ids()) or core.role() = 'retailer' and vendor_is_approved)
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.vendor_products for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, vendor_id, product_id, sku, vendor_price, currency, stock, reserved, low_stock_level, is_available,
    vendor_is_approved, stocked_at, stock_note, metadata, created_at, created_by, updated_at, free_stock, is_low,
    vendor_price_minor
) on trade.vendor_products to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: offers are written by the functions below.

create trigger touch before update on trade.vendor_products for each row execute function core.touch();
create trigger never_deleted before delete on trade.vendor_products for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.vendor_products
    for each statement execute function core.refuse_change();
create trigger audit after insert or update on trade.vendor_products
    for each row execute function core.audit('VENDOR_PRODUCT', 'free_stock,is_low,vendor_price_minor');

create function trade.vendor_approval_copied() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update trade.vendor_products set vendor_is_approved = new.is_approved where tenant_id = new.tenant_id and vendor_id = new.id;
    return null;
end
$$;
comment on function trade.vendor_approval_copied() is 'Has a vendor that is approved or suspended take its catalogue along.';
create trigger approval after update of is_approved on trade.vendors
    for each row when (new.is_approved <> old.is_approved) execute function trade.vendor_approval_copied();

create function trade.vendor_product_found(wanted uuid, field text default 'input.id') returns trade.vendor_products
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    offer trade.vendor_products;
begin
    -- Nothing here changes what others refer to, so that orders of other things of this vendor need not wait.
    select * into offer from trade.vendor_products where tenant_id = core.tenant_id() and id = wanted for no key update;
    if offer.id is null then
        perform core.refuse('NOT_FOUND', 'VENDOR_PRODUCT_NOT_FOUND', 'There is no vendor product with this id.', field);
    end if;
    return offer;
end
$$;
comment on function trade.vendor_product_found(uuid, text) is
    'The offer of that id, locked for a change of its stock; refuses where there is none.';

create function trade.vendor_product_set(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given trade.vendor_products := jsonb_populate_record(null::trade.vendor_products, input - array['id', 'currency']);
    vendor trade.vendors;
    before trade.vendor_products;
    after trade.vendor_products;
    made uuid;
begin
    perform core.demand('trade:write');
    vendor := trade.vendor_known(given.vendor_id, 'input.vendorId');
    perform trade.product_known(given.product_id, 'input.productId');
    -- For update: a number may change, which is a key of the row.
    select * into before from trade.vendor_products
    where tenant_id = core.tenant_id() and vendor_id = given.vendor_id and product_id = given.product_id
    for update;
    if before.id is null then
        insert into trade.vendor_products (
            tenant_id, vendor_id, product_id, sku, vendor_price, currency, low_stock_level, is_available, vendor_is_approved, metadata
        ) values (
            core.tenant_id(), vendor.id, given.product_id, given.sku, given.vendor_price, vendor.currency,
            coalesce(given.low_stock_level, 0), coalesce(given.is_available, true), vendor.is_approved,
            coalesce(given.metadata, '{}')
        )
        returning id into made;
        return made;
    end if;
    after := jsonb_populate_record(before, input - array['id', 'currency']);
    update trade.vendor_products set
        sku = after.sku, vendor_price = after.vendor_price, low_stock_level = after.low_stock_level,
        is_available = after.is_available, metadata = after.metadata
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function trade.vendor_product_set(jsonb) is
    'Enters what a vendor asks for a product, or changes it: what is left out stays as it is. A new offer needs a number and a price, and has no stock yet; placed orders keep their price.';

create function trade.stock_receive(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    quantity constant bigint := (input ->> 'quantity')::bigint;
    offer trade.vendor_products;
begin
    perform core.demand('trade:write');
    offer := trade.vendor_product_found((input ->> 'id')::uuid);
    if coalesce(quantity, 0) <= 0 then
        perform core.refuse('BAD_USER_INPUT', 'QUANTITY_POSITIVE', 'What comes in is one unit or more.', 'input.quantity');
    end if;
    -- One more than the most is enough for the constraint to refuse.
    update trade.vendor_products set
        stock = least(stock + quantity, 1000000001), stocked_at = statement_timestamp(), stock_note = input ->> 'note'
    where tenant_id = core.tenant_id() and id = offer.id;
    return offer.id;
end
$$;
comment on function trade.stock_receive(jsonb) is 'Adds units that have come in to the stock of a vendor product.';

create function trade.stock_adjust(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    quantity constant bigint := (input ->> 'quantity')::bigint;
    offer trade.vendor_products;
begin
    perform core.demand('trade:write');
    offer := trade.vendor_product_found((input ->> 'id')::uuid);
    if coalesce(quantity, 0) = 0 then
        perform core.refuse(
            'BAD_USER_INPUT', 'QUANTITY_ZERO', 'Say by how many units the stock is more, or with a minus less.', 'input.quantity'
        );
    elsif btrim(coalesce(input ->> 'reason', '')) = '' then
        perform core.refuse('BAD_USER_INPUT', 'REASON_REQUIRED', 'Say why the stock is adjusted.', 'input.reason');
    elsif offer.stock + quantity < offer.reserved then
        perform core.refuse(
            'CONFLICT', 'STOCK_RESERVED',
            format(
                'There are %s units, and %s of them are kept for orders: the stock cannot be less by %s.',
                offer.stock, offer.reserved, -quantity
            ),
            'input.quantity'
        );
    end if;
    update trade.vendor_products set
        stock = least(stock + quantity, 1000000001), stocked_at = statement_timestamp(), stock_note = input ->> 'reason'
    where tenant_id = core.tenant_id() and id = offer.id;
    return offer.id;
end
$$;
comment on function trade.stock_adjust(jsonb) is
    'Changes the stock of a vendor product by so many units, up or with a minus down, because of a count, breakage or loss. It never goes below what is kept for orders.';

grant execute on function trade.vendor_product_set(jsonb), trade.stock_receive(jsonb), trade.stock_adjust(jsonb)
    to countinghouse_tenant;
