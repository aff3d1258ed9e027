-- A vendor sells to retailers, on the credit that the organisation keeps the books of.

reset role;
create schema trade authorization countinghouse_owner;
comment on schema trade is 'Wholesale on credit: vendors, retailers, their credit lines, products, orders and payments.';
grant usage on schema trade to countinghouse_tenant, countinghouse_analyst, countinghouse_reader, countinghouse_worker;
set local role countinghouse_owner;

create table trade.vendors (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    vendor_code text collate "C" not null,
    name text not null,
    contact text,
    email text,
    phone text,
    address text,
    currency core.currency not null,
    is_approved boolean not null default false,
    suspension_reason text,
    credit_limit core.money not null default 0,
    total_sales core.money not null default 0,
    metadata core.json_object not null default '{}',
    deleted_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    name_key text collate "C" not null generated always as (lower(name)) stored,
    primary key (tenant_id, id),
    -- What a vendor's products and lines copy from it.
    constraint vendors_approval_unique unique (tenant_id, id, is_approved),
    constraint vendors_currency_unique unique (tenant_id, id, currency),
    constraint vendors_vendor_code_unique unique (tenant_id, vendor_code),
    constraint vendors_vendor_code_check check (vendor_code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$'),
    constraint vendors_name_check check (name = btrim(name) and char_length(name) between 1 and 200),
    constraint vendors_email_check check (email ~ '^[^[:space:]@]+@[^[:space:]@]+$' and char_length(email) <= 254),
    constraint vendors_credit_limit_check check (credit_limit >= 0),
    constraint vendors_suspension_check check (suspension_reason is null or not is_approved),
    constraint vendors_text_length_check check (
        greatest(char_length(contact), char_length(phone), char_length(address)) <= 500
        and char_length(suspension_reason) between 1 and 500
    )
);

comment on table trade.vendors is 'Who sells to the organisation''s retailers on credit.';
comment on column trade.vendors.tenant_id is 'The organisation.';
comment on column trade.vendors.id is 'The vendor''s id.';
comment on column trade.vendors.vendor_code is 'Its short name, such as V-017; unique in the organisation.';
comment on column trade.vendors.name is 'The vendor''s name: 1 to 200 characters.';
comment on column trade.vendors.contact is 'Whom to ask for there.';
comment on column trade.vendors.email is 'E-mail address.';
comment on column trade.vendors.phone is 'Telephone number.';
comment on column trade.vendors.address is 'Street, number and town.';
comment on column trade.vendors.currency is 'The currency of its prices and lines, by its ISO 4217 code; the organisation''s unless said otherwise.';
comment on column trade.vendors.is_approved is 'Whether new orders may be placed with it, and retailers see its catalogue.';
comment on column trade.vendors.suspension_reason is 'Why it was suspended; empty while it is approved, and before it first was.';
comment on column trade.vendors.credit_limit is 'The limit of a new credit line with it, unless the line is given another.';
comment on column trade.vendors.total_sales is 'All that was delivered of it, without tax, less what came back: the balance of its sales account.';
comment on column trade.vendors.metadata is 'Facts of your own, as a JSON object.';
comment on column trade.vendors.deleted_at is 'When it was deleted. Deleted vendors stand in no list; their orders still name them.';
comment on column trade.vendors.created_at is 'When it was entered.';
comment on column trade.vendors.created_by is 'Who entered it.';
comment on column trade.vendors.updated_at is 'When it last changed.';
comment on column trade.vendors.name_key is 'The name in small letters, by which vendors are ordered and found.';
comment on constraint vendors_approval_unique on trade.vendors is 'VENDOR_KNOWN: This vendor is there already.';
comment on constraint vendors_currency_unique on trade.vendors is 'VENDOR_KNOWN: This vendor is there already.';
comment on constraint vendors_vendor_code_unique on trade.vendors is
    'VENDOR_CODE_TAKEN input.vendorCode: Another vendor has this code already.';
comment on constraint vendors_vendor_code_check on trade.vendors is
    'VENDOR_CODE_INVALID input.vendorCode: A code has 1 to 50 letters, digits, dots, dashes and underscores, and begins with a letter or digit.';
comment on constraint vendors_name_check on trade.vendors is
    'NAME_INVALID input.name: A name has 1 to 200 characters, without blanks around them.';
comment on constraint vendors_email_check on trade.vendors is
    'EMAIL_INVALID input.email: An e-mail address looks like name@example.com.';
comment on constraint vendors_credit_limit_check on trade.vendors is
    'CREDIT_LIMIT_NEGATIVE input.creditLimit: A credit limit is zero or more.';
comment on constraint vendors_suspension_check on trade.vendors is
    'VENDOR_SUSPENSION: A vendor that is approved is not suspended.';
comment on constraint vendors_text_length_check on trade.vendors is
    'TEXT_TOO_LONG: Contact, telephone number, address and reason have at most 500 characters.';

create index vendors_vendor_code on trade.vendors (tenant_id, vendor_code, id);
create index vendors_name on trade.vendors (tenant_id, name_key, id);
create index vendors_approved on trade.vendors (tenant_id, is_approved, deleted_at, name_key, id);
create index vendors_created_at on trade.vendors (tenant_id, created_at, id);

alter table trade.vendors enable row level security;
alter table trade.vendors force row level security;

-- The tenant's vendors; a vendor sees itself, and a retailer those that it may order from.
create policy tenant on trade.vendors to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (
        tenant_id = core.tenant_id()
        and (core.sees_all() or id = any (core.scope_ids()) or core.role() = 'retailer' and is_approved)
    )
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.vendors for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, vendor_code, name, contact, email, phone, address, currency, is_approved, suspension_reason, credit_limit,
    total_sales, metadata, deleted_at, created_at, created_by, updated_at, name_key
) on trade.vendors to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: vendors are written by the functions below.

create function trade.vendor_figures() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    new.total_sales := coalesce(
        (
            select balance from ledger.accounts
            where tenant_id = new.tenant_id and code = 'TRADE_SALES:' || new.id and currency = new.currency
        ), 0
    );
    return new;
end
$$;
comment on function trade.vendor_figures() is 'Has a vendor''s sales be what its sales account says, whatever somebody writes.';

create function trade.vendor_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.currency <> old.currency then
        perform core.refuse(
            'CONFLICT', 'CURRENCY_FIXED', 'A vendor keeps its currency: its prices and lines are in it.', 'input.currency'
        );
    end if;
    return new;
end
$$;
comment on function trade.vendor_keep() is 'Has a vendor keep its currency.';

create trigger figures before insert or update on trade.vendors for each row execute function trade.vendor_figures();
create trigger keep before update on trade.vendors for each row execute function trade.vendor_keep();
create trigger touch before update on trade.vendors for each row execute function core.touch();
create trigger never_deleted before delete on trade.vendors for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.vendors for each statement execute function core.refuse_change();
create trigger audit after insert or update on trade.vendors
    for each row execute function core.audit('VENDOR', 'name_key,total_sales');
-- NOTE: no audit of sales: the entries of its account are their log.

create function trade.vendor_sales_moved() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update trade.vendors set updated_at = statement_timestamp() where tenant_id = new.tenant_id and id = new.owner_id;
    return null;
end
$$;
comment on function trade.vendor_sales_moved() is 'Has a vendor''s sales read again when its account has moved.';
create trigger vendor_sales after update of posted on ledger.accounts
    for each row when (new.owner_noun = 'VENDOR') execute function trade.vendor_sales_moved();

create function trade.vendor_found(wanted uuid, field text default 'input.id') returns trade.vendors
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    vendor trade.vendors;
begin
    select * into vendor from trade.vendors
    where tenant_id = core.tenant_id() and id = wanted and deleted_at is null
    for update;
    if vendor.id is null then
        perform core.refuse('NOT_FOUND', 'VENDOR_NOT_FOUND', 'There is no vendor with this id.', field);
    end if;
    return vendor;
end
$$;
comment on function trade.vendor_found(uuid, text) is 'The vendor of that id, locked; refuses where there is none.';

create function trade.vendor_known(wanted uuid, field text) returns trade.vendors
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    vendor trade.vendors;
begin
    -- Its approval stays as it is until the transaction ends; its sales may grow meanwhile.
    select * into vendor from trade.vendors
    where tenant_id = core.tenant_id() and id = wanted and deleted_at is null
    for key share;
    if vendor.id is null then
        perform core.refuse('NOT_FOUND', 'VENDOR_NOT_FOUND', 'There is no vendor with this id.', field);
    end if;
    return vendor;
end
$$;
comment on function trade.vendor_known(uuid, text) is 'The vendor of that id, whose figures others may go on to change; refuses where there is none.';

create function trade.vendor_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given trade.vendors := jsonb_populate_record(null::trade.vendors, input - 'id');
    made uuid;
begin
    perform core.demand('trade:write');
    insert into trade.vendors (
        tenant_id, vendor_code, name, contact, email, phone, address, currency, credit_limit, metadata
    ) values (
        core.tenant_id(), given.vendor_code, given.name, given.contact, given.email, given.phone, given.address,
        coalesce(given.currency, (select currency from iam.organisation())), coalesce(given.credit_limit, 0),
        coalesce(given.metadata, '{}')
    )
    returning id into made;
    return made;
end
$$;
comment on function trade.vendor_create(jsonb) is 'Enters a vendor. Orders may be placed with it once it is approved.';

create function trade.vendor_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before trade.vendors;
    after trade.vendors;
begin
    perform core.demand('trade:write');
    before := trade.vendor_found((input ->> 'id')::uuid);
    after := jsonb_populate_record(before, input - 'currency');
    update trade.vendors set
        vendor_code = after.vendor_code, name = after.name, contact = after.contact, email = after.email, phone = after.phone,
        address = after.address, credit_limit = after.credit_limit, metadata = after.metadata
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function trade.vendor_update(jsonb) is 'Changes a vendor. What is left out stays as it is; lines that it has keep their limits.';

create function trade.vendor_approve(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    vendor trade.vendors;
begin
    perform core.demand('trade:write');
    vendor := trade.vendor_found((input ->> 'id')::uuid);
    if vendor.is_approved then
        perform core.refuse('CONFLICT', 'VENDOR_APPROVED', 'This vendor is approved already.', 'input.id');
    end if;
    update trade.vendors set is_approved = true, suspension_reason = null where tenant_id = core.tenant_id() and id = vendor.id;
    return vendor.id;
end
$$;
comment on function trade.vendor_approve(jsonb) is 'Lets orders be placed with a vendor, and retailers see its catalogue; also again after it was suspended.';

create function trade.vendor_suspend(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    vendor trade.vendors;
begin
    perform core.demand('trade:write');
    vendor := trade.vendor_found((input ->> 'id')::uuid);
    if not vendor.is_approved then
        perform core.refuse('CONFLICT', 'VENDOR_NOT_APPROVED', 'This vendor is not approved.', 'input.id');
    elsif btrim(coalesce(input ->> 'reason', '')) = '' then
        perform core.refuse('BAD_USER_INPUT', 'REASON_REQUIRED', 'Say why the vendor is suspended.', 'input.reason');
    end if;
    update trade.vendors set is_approved = false, suspension_reason = input ->> 'reason'
    where tenant_id = core.tenant_id() and id = vendor.id;
    return vendor.id;
end
$$;
comment on function trade.vendor_suspend(jsonb) is
    'Keeps new orders from a vendor and hides its catalogue from retailers. Orders that are placed go on.';

create function trade.vendor_delete(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    vendor trade.vendors;
begin
    perform core.demand('trade:write');
    vendor := trade.vendor_found((input ->> 'id')::uuid);
    if vendor.is_approved then
        perform core.refuse('CONFLICT', 'VENDOR_APPROVED', 'Suspend the vendor first: orders may be placed with it.', 'input.id');
    end if;
    update trade.vendors set deleted_at = statement_timestamp() where tenant_id = core.tenant_id() and id = vendor.id;
    return vendor.id;
end
$$;
comment on function trade.vendor_delete(jsonb) is 'Takes a vendor that is not approved out of all lists. Its orders and lines keep naming it.';

grant execute on function
    trade.vendor_create(jsonb), trade.vendor_update(jsonb), trade.vendor_approve(jsonb), trade.vendor_suspend(jsonb),
    trade.vendor_delete(jsonb)
    to countinghouse_tenant;
