-- A retailer buys from vendors, on the credit lines that it has with them.

create table trade.retailers (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    retailer_code text collate "C" not null,
    name text not null,
    phone text,
    email text,
    address text,
    currency core.currency not null,
    credit_score integer not null default 600,
    last_order_at timestamptz,
    outstanding_debt core.money not null default 0,
    available_credit core.money not null default 0,
    metadata core.json_object not null default '{}',
    deleted_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    name_key text collate "C" not null generated always as (lower(name)) stored,
    risk_category text not null generated always as (
        case when credit_score < 550 then 'HIGH' when credit_score < 700 then 'MEDIUM' else 'LOW' end
    ) stored,
    outstanding_debt_minor bigint not null generated always as ((outstanding_debt * 100)::bigint) stored,
    primary key (tenant_id, id),
    -- What its lines copy from it.
    constraint retailers_currency_unique unique (tenant_id, id, currency),
    constraint retailers_retailer_code_unique unique (tenant_id, retailer_code),
    constraint retailers_retailer_code_check check (retailer_code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$'),
    constraint retailers_name_check check (name = btrim(name) and char_length(name) between 1 and 200),
    constraint retailers_phone_check check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    constraint retailers_email_check check (email ~ '^[^[:space:]@]+@[^[:space:]@]+$' and char_length(email) <= 254),
    constraint retailers_credit_score_check check (credit_score between 300 and 900),
    constraint retailers_text_length_check check (char_length(address) <= 500)
);

comment on table trade.retailers is 'Who buys from vendors on credit.';
comment on column trade.retailers.tenant_id is 'The organisation.';
comment on column trade.retailers.id is 'The retailer''s id.';
comment on column trade.retailers.retailer_code is 'Its short name, such as R-0042; unique in the organisation.';
comment on column trade.retailers.name is 'The retailer''s name: 1 to 200 characters.';
comment on column trade.retailers.phone is 'Telephone number in the form +254712345678 (E.164), by which its messages are known.';
comment on column trade.retailers.email is 'E-mail address.';
comment on column trade.retailers.address is 'Street, number and town.';
comment on column trade.retailers.currency is 'The currency of its lines, by its ISO 4217 code; the organisation''s unless said otherwise.';
comment on column trade.retailers.credit_score is 'How well it pays, from 300 to 900, reckoned each night; 600 until then.';
comment on column trade.retailers.last_order_at is 'When it last placed an order; empty before the first.';
comment on column trade.retailers.outstanding_debt is 'What it owes on all its lines together; negative where it has paid too much.';
comment on column trade.retailers.available_credit is 'What its active lines still have room for: limits less debt and less what placed orders hold.';
comment on column trade.retailers.metadata is 'Facts of your own, as a JSON object.';
comment on column trade.retailers.deleted_at is 'When it was deleted. Deleted retailers stand in no list; their orders still name them.';
comment on column trade.retailers.created_at is 'When it was entered.';
comment on column trade.retailers.created_by is 'Who entered it.';
comment on column trade.retailers.updated_at is 'When it last changed.';
comment on column trade.retailers.name_key is 'The name in small letters, by which retailers are ordered and found.';
comment on column trade.retailers.risk_category is 'HIGH below a score of 550, MEDIUM below 700, else LOW.';
comment on column trade.retailers.outstanding_debt_minor is 'The debt in hundredths, by which retailers are filtered and ordered.';
comment on constraint retailers_currency_unique on trade.retailers is 'RETAILER_KNOWN: This retailer is there already.';
comment on constraint retailers_retailer_code_unique on trade.retailers is
    'RETAILER_CODE_TAKEN input.retailerCode: Another retailer has this code already.';
comment on constraint retailers_retailer_code_check on trade.retailers is
    'RETAILER_CODE_INVALID input.retailerCode: A code has 1 to 50 letters, digits, dots, dashes and underscores, and begins with a letter or digit.';
comment on constraint retailers_name_check on trade.retailers is
    'NAME_INVALID input.name: A name has 1 to 200 characters, without blanks around them.';
comment on constraint retailers_phone_check on trade.retailers is
    'PHONE_INVALID input.phone: A telephone number begins with + and the country, such as +254712345678.';
comment on constraint retailers_email_check on trade.retailers is
    'EMAIL_INVALID input.email: An e-mail address looks like name@example.com.';
comment on constraint retailers_credit_score_check on trade.retailers is
    'CREDIT_SCORE_RANGE: A credit score lies between 300 and 900.';
comment on constraint retailers_text_length_check on trade.retailers is 'TEXT_TOO_LONG: An address has at most 500 characters.';

create index retailers_retailer_code on trade.retailers (tenant_id, retailer_code, id);
create index retailers_name on trade.retailers (tenant_id, name_key, id);
create index retailers_outstanding_debt on trade.retailers (tenant_id, outstanding_debt_minor, id);
create index retailers_credit_score on trade.retailers (tenant_id, credit_score, id);
create index retailers_risk_category on trade.retailers (tenant_id, risk_category, name_key, id);
create index retailers_last_order on trade.retailers (tenant_id, last_order_at, id);
create index retailers_created_at on trade.retailers (tenant_id, created_at, id);
create index retailers_phone on trade.retailers (tenant_id, phone);

alter table trade.retailers enable row level security;
alter table trade.retailers force row level security;

-- The tenant's retailers; a retailer sees itself.
create policy tenant on trade.retailers to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.retailers for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, retailer_code, name, phone, email, address, currency, credit_score, last_order_at, outstanding_debt,
    available_credit, metadata, deleted_at, created_at, created_by, updated_at, name_key, risk_category, outstanding_debt_minor
) on trade.retailers to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: retailers are written by the functions below.

create function trade.retailer_figures() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    select coalesce(sum(debt), 0), coalesce(sum(available) filter (where state = 'ACTIVE'), 0)
    into new.outstanding_debt, new.available_credit
    from trade.credit_lines where tenant_id = new.tenant_id and retailer_id = new.id;
    new.credit_score := coalesce(
        (
            select score from trade.credit_scores where tenant_id = new.tenant_id and retailer_id = new.id
            order by scored_on desc limit 1
        ),
        600
    );
    return new;
end
$$;
comment on function trade.retailer_figures() is
    'Has a retailer''s debt and credit be those of its lines, and its score its last one, whatever somebody writes.';

create function trade.retailer_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.currency <> old.currency then
        perform core.refuse('CONFLICT', 'CURRENCY_FIXED', 'A retailer keeps its currency: its lines are in it.', 'input.currency');
    end if;
    return new;
end
$$;
comment on function trade.retailer_keep() is 'Has a retailer keep its currency.';

create trigger figures before insert or update on trade.retailers for each row execute function trade.retailer_figures();
create trigger keep before update on trade.retailers for each row execute function trade.retailer_keep();
create trigger touch before update on trade.retailers for each row execute function core.touch();
create trigger never_deleted before delete on trade.retailers for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.retailers for each statement execute function core.refuse_change();
create trigger audit after insert or update on trade.retailers for each row execute function core.audit(
    'RETAILER', 'name_key,outstanding_debt,outstanding_debt_minor,available_credit,last_order_at,credit_score,risk_category'
);
-- NOTE: no audit of what is reckoned: the ledger, the orders and the scores are its log.

create function trade.retailer_found(wanted uuid, field text default 'input.id') returns trade.retailers
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    retailer trade.retailers;
begin
    select * into retailer from trade.retailers
    where tenant_id = core.tenant_id() and id = wanted and deleted_at is null
    for no key update;
    if retailer.id is null then
        perform core.refuse('NOT_FOUND', 'RETAILER_NOT_FOUND', 'There is no retailer with this id.', field);
    end if;
    return retailer;
end
$$;
comment on function trade.retailer_found(uuid, text) is 'The retailer of that id, locked; refuses where there is none.';

create function trade.retailer_known(wanted uuid, field text) returns trade.retailers
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    retailer trade.retailers;
begin
    -- Its debt may change meanwhile: that is taken after the accounts.
    select * into retailer from trade.retailers
    where tenant_id = core.tenant_id() and id = wanted and deleted_at is null
    for key share;
    if retailer.id is null then
        perform core.refuse('NOT_FOUND', 'RETAILER_NOT_FOUND', 'There is no retailer with this id.', field);
    end if;
    return retailer;
end
$$;
comment on function trade.retailer_known(uuid, text) is 'The retailer of that id, whose figures others may go on to change; refuses where there is none.';

create function trade.retailer_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given trade.retailers := jsonb_populate_record(null::trade.retailers, input - 'id');
    made uuid;
begin
    perform core.demand('trade:write');
    insert into trade.retailers (tenant_id, retailer_code, name, phone, email, address, currency, metadata)
    values (
        core.tenant_id(), given.retailer_code, given.name, given.phone, given.email, given.address,
        coalesce(given.currency, (select currency from iam.organisation())), coalesce(given.metadata, '{}')
    )
    returning id into made;
    return made;
end
$$;
comment on function trade.retailer_create(jsonb) is 'Enters a retailer. It buys once it has a credit line with a vendor.';

create function trade.retailer_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before trade.retailers;
    after trade.retailers;
begin
    perform core.demand('trade:write');
    before := trade.retailer_found((input ->> 'id')::uuid);
    after := jsonb_populate_record(before, input - 'currency');
    update trade.retailers set
        retailer_code = after.retailer_code, name = after.name, phone = after.phone, email = after.email,
        address = after.address, metadata = after.metadata
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function trade.retailer_update(jsonb) is 'Changes a retailer. What is left out stays as it is.';

create function trade.retailer_delete(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    retailer trade.retailers;
begin
    perform core.demand('trade:write');
    retailer := trade.retailer_found((input ->> 'id')::uuid);
    if exists (
        select from trade.credit_lines
        where tenant_id = core.tenant_id() and retailer_id = retailer.id and (debt <> 0 or held <> 0 or state = 'ACTIVE')
    ) then
        perform core.refuse(
            'CONFLICT', 'RETAILER_IN_BUSINESS', 'Suspend the retailer''s lines first; none may owe or hold anything.', 'input.id'
        );
    end if;
    update trade.retailers set deleted_at = statement_timestamp() where tenant_id = core.tenant_id() and id = retailer.id;
    return retailer.id;
end
$$;
comment on function trade.retailer_delete(jsonb) is
    'Takes a retailer out of all lists whose lines are suspended and owe nothing. Its orders keep naming it.';

grant execute on function trade.retailer_create(jsonb), trade.retailer_update(jsonb), trade.retailer_delete(jsonb)
    to countinghouse_tenant;
