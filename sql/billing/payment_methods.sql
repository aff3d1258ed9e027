-- A payment method is a way in which clients pay. Every organisation begins with fifteen and may add its own.

create table billing.payment_methods (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    method_name text not null,
    display_name text not null,
    icon text,
    category text not null,
    processing_minutes integer not null default 0,
    is_active boolean not null default true,
    requires_reference boolean not null default true,
    metadata core.json_object not null default '{}',
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    method_name_key text collate "C" not null generated always as (lower(method_name)) stored,
    primary key (tenant_id, id),
    constraint payment_methods_name_unique unique (tenant_id, method_name),
    constraint payment_methods_method_name_check check (method_name ~ '^[A-Z][A-Z0-9_]{0,49}$'),
    constraint payment_methods_display_name_check check (char_length(btrim(display_name)) between 1 and 100),
    constraint payment_methods_icon_check check (char_length(icon) between 1 and 200),
    constraint payment_methods_category_check check (category in ('TRADITIONAL', 'MOBILE', 'CRYPTO', 'DIGITAL')),
    constraint payment_methods_processing_minutes_check check (processing_minutes between 0 and 525600)
);

comment on table billing.payment_methods is 'A way in which clients pay, such as bank transfer or cash.';
comment on column billing.payment_methods.tenant_id is 'The organisation.';
comment on column billing.payment_methods.id is 'The method''s id.';
comment on column billing.payment_methods.method_name is 'Its name in the API, such as BANK_TRANSFER; unique in the organisation.';
comment on column billing.payment_methods.display_name is 'Its name for people.';
comment on column billing.payment_methods.icon is 'The name or address of its picture.';
comment on column billing.payment_methods.category is 'TRADITIONAL, MOBILE, CRYPTO or DIGITAL.';
comment on column billing.payment_methods.processing_minutes is 'How many minutes a payment by it usually takes.';
comment on column billing.payment_methods.is_active is 'Whether new payments may name it.';
comment on column billing.payment_methods.requires_reference is 'Whether a payment by it must carry a reference, such as the bank''s.';
comment on column billing.payment_methods.metadata is 'Facts of your own, as a JSON object.';
comment on column billing.payment_methods.created_at is 'When it was entered.';
comment on column billing.payment_methods.created_by is 'Who entered it; empty for those that an organisation begins with.';
comment on column billing.payment_methods.updated_at is 'When it last changed.';
comment on column billing.payment_methods.method_name_key is 'The name in small letters, by which methods are ordered and found.';
comment on constraint payment_methods_name_unique on billing.payment_methods is
    'METHOD_NAME_TAKEN input.methodName: Another payment method has this name already.';
comment on constraint payment_methods_method_name_check on billing.payment_methods is
    'METHOD_NAME_INVALID input.methodName: A method''s name has 1 to 50 capital letters, digits and underscores, and begins with a letter.';
comment on constraint payment_methods_display_name_check on billing.payment_methods is
    'DISPLAY_NAME_INVALID input.displayName: A name for people has 1 to 100 characters.';
comment on constraint payment_methods_icon_check on billing.payment_methods is
    'ICON_INVALID input.icon: An icon is named in 1 to 200 characters.';
comment on constraint payment_methods_category_check on billing.payment_methods is
    'METHOD_CATEGORY_UNKNOWN input.category: A method is TRADITIONAL, MOBILE, CRYPTO or DIGITAL.';
comment on constraint payment_methods_processing_minutes_check on billing.payment_methods is
    'PROCESSING_MINUTES_RANGE input.processingMinutes: A payment takes between 0 minutes and a year.';

create index payment_methods_name on billing.payment_methods (tenant_id, method_name_key, id);
create index payment_methods_category on billing.payment_methods (tenant_id, category, method_name_key, id);
create index payment_methods_active on billing.payment_methods (tenant_id, is_active, method_name_key, id);

alter table billing.payment_methods enable row level security;
alter table billing.payment_methods force row level security;

-- The tenant's methods, for those who see all of it.
create policy tenant on billing.payment_methods to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on billing.payment_methods for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, method_name, display_name, icon, category, processing_minutes, is_active, requires_reference, metadata,
    created_at, created_by, updated_at, method_name_key
) on billing.payment_methods to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: methods are written by the functions below.

create trigger touch before update on billing.payment_methods for each row execute function core.touch();
create trigger never_deleted before delete on billing.payment_methods for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.payment_methods
    for each statement execute function core.refuse_change();
create trigger audit after insert or update on billing.payment_methods
    for each row execute function core.audit('PAYMENT_METHOD', 'method_name_key');

create function billing.payment_methods_give() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into billing.payment_methods (
        tenant_id, method_name, display_name, category, processing_minutes, requires_reference
    )
    select new.id, given.method_name, given.display_name, given.category, given.processing_minutes, given.method_name <> 'CASH'
    from (values
        ('BANK_TRANSFER', 'Bank Transfer', 'TRADITIONAL', 1440),
        ('CASH', 'Cash Payment', 'TRADITIONAL', 5),
        ('CHEQUE', 'Cheque', 'TRADITIONAL', 2880),
        ('ACH_TRANSFER', 'ACH Transfer', 'TRADITIONAL', 2880),
        ('WIRE_TRANSFER', 'Wire Transfer', 'TRADITIONAL', 1440),
        ('DIRECT_DEBIT', 'Direct Debit', 'TRADITIONAL', 1440),
        ('OTHER', 'Other', 'TRADITIONAL', 0),
        ('MOBILE_MONEY', 'Mobile Money', 'MOBILE', 5),
        ('CRYPTOCURRENCY', 'Cryptocurrency', 'CRYPTO', 60),
        ('CARD', 'Credit/Debit Card', 'DIGITAL', 5),
        ('DIGITAL_WALLET', 'Digital Wallet', 'DIGITAL', 10),
        ('BUY_NOW_PAY_LATER', 'Buy Now, Pay Later', 'DIGITAL', 0),
        ('INVOICE_FINANCING', 'Invoice Financing', 'DIGITAL', 2880),
        ('PAYPAL', 'PayPal', 'DIGITAL', 5),
        ('STRIPE', 'Stripe', 'DIGITAL', 5)
    ) as given (method_name, display_name, category, processing_minutes);
    return null;
end
$$;
comment on function billing.payment_methods_give() is 'Gives a new organisation the methods that everybody begins with.';

create trigger give_payment_methods after insert on iam.tenants
    for each row execute function billing.payment_methods_give();

create function billing.payment_method_named(wanted text, field text) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    method uuid;
begin
    select id into method from billing.payment_methods where tenant_id = core.tenant_id() and method_name = wanted;
    if method is null and wanted is not null then
        perform core.refuse(
            'BAD_USER_INPUT', 'PAYMENT_METHOD_UNKNOWN', 'There is no payment method of this name. See paymentMethods.', field
        );
    end if;
    return method;
end
$$;
comment on function billing.payment_method_named(text, text) is 'The payment method of that name; refuses a name that none has.';

create function billing.payment_method_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given billing.payment_methods := jsonb_populate_record(null::billing.payment_methods, input - 'id');
    made uuid;
begin
    perform core.demand('billing:write');
    insert into billing.payment_methods (
        tenant_id, method_name, display_name, icon, category, processing_minutes, is_active, requires_reference, metadata
    ) values (
        core.tenant_id(), given.method_name, given.display_name, given.icon, given.category,
        coalesce(given.processing_minutes, 0), coalesce(given.is_active, true), coalesce(given.requires_reference, true),
        coalesce(given.metadata, '{}')
    )
    returning id into made;
    return made;
end
$$;
comment on function billing.payment_method_create(jsonb) is 'Adds a payment method of the organisation''s own.';

create function billing.payment_method_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before billing.payment_methods;
    after billing.payment_methods;
begin
    perform core.demand('billing:write');
    select * into before from billing.payment_methods
    where tenant_id = core.tenant_id() and id = (input ->> 'id')::uuid for update;
    if before.id is null then
        perform core.refuse('NOT_FOUND', 'PAYMENT_METHOD_NOT_FOUND', 'There is no payment method with this id.', 'input.id');
    end if;
    after := jsonb_populate_record(before, input - 'method_name');
    update billing.payment_methods set
        display_name = after.display_name, icon = after.icon, category = after.category,
        processing_minutes = after.processing_minutes, is_active = after.is_active,
        requires_reference = after.requires_reference, metadata = after.metadata
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function billing.payment_method_update(jsonb) is
    'Changes a payment method, or takes it out of use. What is left out stays as it is; payments keep the method that they named.';

grant execute on function billing.payment_method_create(jsonb), billing.payment_method_update(jsonb) to countinghouse_tenant;
