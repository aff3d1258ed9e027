-- A product is something that vendors sell, whoever sells it.

create table trade.products (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    product_code text collate "C" not null,
    name text not null,
    hsn_code text,
    barcode text,
    category text collate "C" not null default '',
    sub_category text collate "C" not null default '',
    tax_rate core.tax_rate not null default 0,
    is_active boolean not null default true,
    metadata core.json_object not null default '{}',
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    name_key text collate "C" not null generated always as (lower(name)) stored,
    primary key (tenant_id, id),
    constraint products_product_code_unique unique (tenant_id, product_code),
    constraint products_product_code_check check (product_code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$'),
    constraint products_name_check check (name = btrim(name) and char_length(name) between 1 and 200),
    constraint products_hsn_code_check check (hsn_code ~ '^[0-9]{4,8}$'),
    constraint products_barcode_check check (barcode ~ '^[0-9A-Za-z-]{4,40}$'),
    constraint products_text_length_check check (char_length(category) <= 100 and char_length(sub_category) <= 100)
);

comment on table trade.products is 'Something that vendors sell.';
comment on column trade.products.tenant_id is 'The organisation.';
comment on column trade.products.id is 'The product''s id.';
comment on column trade.products.product_code is 'Its short name, such as RICE-5KG; unique in the organisation.';
comment on column trade.products.name is 'The product''s name: 1 to 200 characters.';
comment on column trade.products.hsn_code is 'Its tax class: 4 to 8 digits of the Harmonized System.';
comment on column trade.products.barcode is 'What a scanner reads, such as an EAN.';
comment on column trade.products.category is 'What kind of product it is; empty for none.';
comment on column trade.products.sub_category is 'What kind within the category; empty for none.';
comment on column trade.products.tax_rate is 'Tax in per cent, with at most two decimals.';
comment on column trade.products.is_active is 'Whether it can be ordered and is found by a search.';
comment on column trade.products.metadata is 'Facts of your own, as a JSON object.';
comment on column trade.products.created_at is 'When it was entered.';
comment on column trade.products.created_by is 'Who entered it.';
comment on column trade.products.updated_at is 'When it last changed.';
comment on column trade.products.name_key is 'The name in small letters, by which products are ordered and found.';
comment on constraint products_product_code_unique on trade.products is
    'PRODUCT_CODE_TAKEN input.productCode: Another product has this code already.';
comment on constraint products_product_code_check on trade.products is
    'PRODUCT_CODE_INVALID input.productCode: A code has 1 to 50 letters, digits, dots, dashes and underscores, and begins with a letter or digit.';
comment on constraint products_name_check on trade.products is
    'NAME_INVALID input.name: A name has 1 to 200 characters, without blanks around them.';
comment on constraint products_hsn_code_check on trade.products is 'HSN_CODE_INVALID input.hsnCode: An HSN code has 4 to 8 digits.';
comment on constraint products_barcode_check on trade.products is
    'BARCODE_INVALID input.barcode: A barcode has 4 to 40 letters, digits and dashes.';
comment on constraint products_text_length_check on trade.products is
    'TEXT_TOO_LONG: Category and sub-category have at most 100 characters.';

create index products_product_code on trade.products (tenant_id, product_code, id);
create index products_name on trade.products (tenant_id, name_key, id);
create index products_category on trade.products (tenant_id, category, sub_category, name_key, id);
create index products_active on trade.products (tenant_id, is_active, name_key, id);
create index products_created_at on trade.products (tenant_id, created_at, id);
-- Without a list of what is pending, which every search would have to read.
create index products_name_trigrams on trade.products using gin (tenant_id, name_key trigrams.gin_trgm_ops)
    with (fastupdate = off) where is_active;

alter table trade.products enable row level security;
alter table trade.products force row level security;

-- What there is to sell is no secret within the organisation.
create policy tenant on trade.products to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id()) with check (tenant_id = core.tenant_id() and core.sees_all());
-- A search names the tenant itself.
create policy search on trade.products for select to countinghouse_search using (true);
create policy analyst on trade.products for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, product_code, name, hsn_code, barcode, category, sub_category, tax_rate, is_active, metadata, created_at,
    created_by, updated_at, name_key
) on trade.products to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
grant select (tenant_id, id, is_active, name_key) on trade.products to countinghouse_search;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: products are written by the functions below.

create trigger touch before update on trade.products for each row execute function core.touch();
create trigger never_deleted before delete on trade.products for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.products for each statement execute function core.refuse_change();
create trigger audit after insert or update on trade.products for each row execute function core.audit('PRODUCT', 'name_key');

create function trade.product_found(wanted uuid, field text default 'input.id') returns trade.products
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    product trade.products;
begin
    select * into product from trade.products where tenant_id = core.tenant_id() and id = wanted for update;
    if product.id is null then
        perform core.refuse('NOT_FOUND', 'PRODUCT_NOT_FOUND', 'There is no product with this id.', field);
    end if;
    return product;
end
$$;
comment on function trade.product_found(uuid, text) is 'The product of that id, locked; refuses where there is none.';

create function trade.product_known(wanted uuid, field text) returns trade.products
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    product trade.products;
begin
    -- What is said of it may change meanwhile; that it is there stays so.
    select * into product from trade.products where tenant_id = core.tenant_id() and id = wanted for key share;
    if product.id is null then
        perform core.refuse('NOT_FOUND', 'PRODUCT_NOT_FOUND', 'There is no product with this id.', field);
    end if;
    return product;
end
$$;
comment on function trade.product_known(uuid, text) is 'The product of that id, which others may go on to change; refuses where there is none.';

create function trade.product_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given trade.products := jsonb_populate_record(null::trade.products, input - 'id');
    made uuid;
begin
    perform core.demand('trade:write');
    insert into trade.products (
        tenant_id, product_code, name, hsn_code, barcode, category, sub_category, tax_rate, is_active, metadata
    ) values (
        core.tenant_id(), given.product_code, given.name, given.hsn_code, given.barcode, coalesce(given.category, ''),
        coalesce(given.sub_category, ''), coalesce(given.tax_rate, 0), coalesce(given.is_active, true),
        coalesce(given.metadata, '{}')
    )
    returning id into made;
    return made;
end
$$;
comment on function trade.product_create(jsonb) is 'Enters a product. Vendors sell it once they have a price for it.';

create function trade.product_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before trade.products;
    after trade.products;
begin
    perform core.demand('trade:write');
    before := trade.product_found((input ->> 'id')::uuid);
    after := jsonb_populate_record(before, input);
    update trade.products set
        product_code = after.product_code, name = after.name, hsn_code = after.hsn_code, barcode = after.barcode,
        category = coalesce(after.category, ''), sub_category = coalesce(after.sub_category, ''), tax_rate = after.tax_rate,
        is_active = after.is_active, metadata = after.metadata
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function trade.product_update(jsonb) is
    'Changes a product. What is left out stays as it is; orders keep the name and tax that they were made with.';

grant execute on function trade.product_create(jsonb), trade.product_update(jsonb) to countinghouse_tenant;

create function trade.products_search(term text) returns uuid[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select array(
        select id from trade.products where tenant_id = core.tenant_id() and is_active and name_key like core.part_of(term)
    )
$$;
comment on function trade.products_search(text) is
    'The ids of the active products whose name holds this text somewhere, whatever the capitals.';

-- What few names hold is found by its trigrams, and then it is all of them; what many hold, along the names, until the page is
-- full. Nobody knows beforehand which it is: the trigrams are asked for so many and no more.
create function trade.products_search(term text, most integer, after_key text, after_id uuid) returns uuid[]
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    pattern constant text := core.part_of(term);
    -- No name is empty, so that all of them come after this.
    begin_key constant text := coalesce(after_key, '');
    begin_id constant uuid := coalesce(after_id, '00000000-0000-0000-0000-000000000000');
    few constant integer := 2000;
    found uuid[];
begin
    found := array(
        select id from trade.products where tenant_id = core.tenant_id() and is_active and name_key like pattern limit few
    );
    if cardinality(found) < few then
        return found;
    end if;
    return array(
        select id from (
            select id, name_key from trade.products
            where tenant_id = core.tenant_id() and is_active and (name_key, id) > (begin_key, begin_id)
            order by name_key, id offset 0
        ) as next
        where name_key like pattern limit most
    );
end
$$;
comment on function trade.products_search(text, integer, text, uuid) is
    'So many of them, the first by name or the next after this name and id; where they are few, all of them.';

reset role;
grant usage on schema trade to countinghouse_search;
alter function trade.products_search(text) owner to countinghouse_search;
alter function trade.products_search(text, integer, text, uuid) owner to countinghouse_search;
grant execute on function trade.products_search(text), trade.products_search(text, integer, text, uuid)
    to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
set local role countinghouse_owner;
