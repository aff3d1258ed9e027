-- A client is whom the organisation invoices.

reset role;
create schema billing authorization countinghouse_owner;
comment on schema billing is 'Clients, their invoices, and what is owed.';
grant usage on schema billing to countinghouse_tenant, countinghouse_analyst, countinghouse_reader,
    countinghouse_worker;
set local role countinghouse_owner;

create type billing.client_counts as (
    lifetime_billed numeric, lifetime_paid numeric, total_payments integer, total_received numeric, last_payment_date date,
    paid_invoices integer, paid_days bigint, oldest_due_date date
);
comment on type billing.client_counts is 'The figures of a client that are counted from its invoices, credit notes and payments.';

create table billing.clients (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    name text not null,
    email text,
    phone text,
    address text,
    city text,
    state text,
    zip_code text,
    country text,
    tax_id text,
    website text,
    status text not null default 'ACTIVE',
    payment_terms text not null default 'NET_30',
    currency core.currency not null,
    summary text,
    metadata core.json_object not null default '{}',
    external_ref text,
    deleted_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    outstanding core.money not null default 0,
    balance core.money not null default 0,
    lifetime_billed core.money not null default 0,
    lifetime_paid core.money not null default 0,
    total_payments integer not null default 0,
    total_received core.money not null default 0,
    last_payment_date date,
    paid_invoices integer not null default 0,
    paid_days bigint not null default 0,
    oldest_due_date date,
    average_payment_amount core.money generated always as (
        case when total_payments > 0 then round(total_received / total_payments, 2) end
    ) stored,
    avg_payment_days numeric generated always as (
        case when paid_invoices > 0 then round(paid_days::numeric / paid_invoices, 2) end
    ) stored,
    outstanding_minor bigint not null generated always as ((outstanding * 100)::bigint) stored,
    balance_minor bigint not null generated always as ((balance * 100)::bigint) stored,
    name_key text collate "C" not null generated always as (lower(name)) stored,
    email_key text collate "C" generated always as (lower(email)) stored,
    primary key (tenant_id, id),
    constraint clients_external_ref_unique unique (tenant_id, external_ref),
    constraint clients_name_check check (name = btrim(name) and char_length(name) between 1 and 200),
    constraint clients_email_check check (email ~ '^[^[:space:]@]+@[^[:space:]@]+$' and char_length(email) <= 254),
    constraint clients_country_check check (country ~ '^[A-Z]{2}$'),
    constraint clients_website_check check (website ~* '^https?://[^[:space:]]+$' and char_length(website) <= 2000),
    constraint clients_status_check check (status in ('ACTIVE', 'INACTIVE', 'ARCHIVED')),
    constraint clients_payment_terms_check check (
        payment_terms in ('DUE_ON_RECEIPT', 'NET_15', 'NET_30', 'NET_60', 'NET_90')
    ),
    constraint clients_external_ref_check check (char_length(external_ref) between 1 and 200),
    constraint clients_text_length_check check (
        greatest(
            char_length(phone), char_length(address), char_length(city), char_length(state), char_length(zip_code),
            char_length(tax_id)
        ) <= 500
        and char_length(summary) <= 20000
    )
);

comment on table billing.clients is 'Whom the organisation invoices.';
comment on column billing.clients.tenant_id is 'The organisation.';
comment on column billing.clients.id is 'The client''s id.';
comment on column billing.clients.name is 'The client''s name, as it stands on invoices: 1 to 200 characters.';
comment on column billing.clients.email is 'Where invoices go.';
comment on column billing.clients.phone is 'Telephone number.';
comment on column billing.clients.address is 'Street and number.';
comment on column billing.clients.city is 'City.';
comment on column billing.clients.state is 'State, county or province.';
comment on column billing.clients.zip_code is 'Postal code.';
comment on column billing.clients.country is 'Country, by its two-letter ISO 3166 code, such as GB.';
comment on column billing.clients.tax_id is 'The client''s tax or VAT number.';
comment on column billing.clients.website is 'Web address, beginning with http:// or https://.';
comment on column billing.clients.status is
    'ACTIVE; INACTIVE where there is no business at present; ARCHIVED where no new invoices are to be made.';
comment on column billing.clients.payment_terms is 'How long after its issue an invoice is due; NET_30 unless said otherwise.';
comment on column billing.clients.currency is 'The currency of the client''s invoices, by its ISO 4217 code.';
comment on column billing.clients.summary is 'What the organisation''s own people should know about the client.';
comment on column billing.clients.metadata is 'Facts of your own, as a JSON object.';
comment on column billing.clients.external_ref is
    'The client''s id in another system; unique in the organisation, and free again when the client is deleted.';
comment on column billing.clients.deleted_at is 'When the client was deleted. Deleted clients stand in no list; their invoices still name them.';
comment on column billing.clients.created_at is 'When the client was entered.';
comment on column billing.clients.created_by is 'Who entered the client.';
comment on column billing.clients.updated_at is 'When the client last changed.';
comment on column billing.clients.outstanding is 'What the client owes: the balance of its receivable account in its currency.';
comment on column billing.clients.balance is 'What it owes less its credit: what it has paid or been credited and not used yet.';
comment on column billing.clients.lifetime_billed is 'The totals of all its issued invoices, less void ones and credit notes, in its currency.';
comment on column billing.clients.lifetime_paid is 'All its confirmed payments, less refunds, in its currency.';
comment on column billing.clients.total_payments is 'How many payments of it are confirmed, and neither reversed nor given back whole.';
comment on column billing.clients.total_received is 'What those payments add up to.';
comment on column billing.clients.last_payment_date is 'The day on which the last of those payments was received.';
comment on column billing.clients.paid_invoices is 'How many of its invoices are paid.';
comment on column billing.clients.paid_days is 'How many days those took from issue to payment, added up.';
comment on column billing.clients.oldest_due_date is 'The due date of the invoice that has been open longest; disputed ones do not count.';
comment on column billing.clients.average_payment_amount is 'The mean of those payments, rounded to two decimals; empty without any.';
comment on column billing.clients.avg_payment_days is
    'The mean number of days from issue to payment over its paid invoices, to two decimals; empty without any.';
comment on column billing.clients.balance_minor is 'The balance in hundredths, by which clients are filtered and ordered.';
comment on column billing.clients.outstanding_minor is 'What it owes in hundredths, by which clients are filtered and ordered.';
comment on column billing.clients.name_key is 'The name in small letters, by which clients are ordered and found.';
comment on column billing.clients.email_key is 'The e-mail address in small letters, by which clients are found.';
comment on constraint clients_external_ref_unique on billing.clients is
    'EXTERNAL_REF_TAKEN input.externalRef: Another client has this external reference already.';
comment on constraint clients_name_check on billing.clients is
    'NAME_INVALID input.name: A name has 1 to 200 characters, without blanks around them.';
comment on constraint clients_email_check on billing.clients is
    'EMAIL_INVALID input.email: An e-mail address looks like name@example.com.';
comment on constraint clients_country_check on billing.clients is
    'COUNTRY_INVALID input.country: A country is its two-letter ISO 3166 code, such as GB.';
comment on constraint clients_website_check on billing.clients is
    'WEBSITE_INVALID input.website: A web address begins with http:// or https://.';
comment on constraint clients_status_check on billing.clients is
    'STATUS_UNKNOWN input.status: A client is ACTIVE, INACTIVE or ARCHIVED.';
comment on constraint clients_payment_terms_check on billing.clients is
    'PAYMENT_TERMS_UNKNOWN input.paymentTerms: Payment terms are DUE_ON_RECEIPT, NET_15, NET_30, NET_60 or NET_90.';
comment on constraint clients_external_ref_check on billing.clients is
    'EXTERNAL_REF_INVALID input.externalRef: An external reference has 1 to 200 characters.';
comment on constraint clients_text_length_check on billing.clients is
    'TEXT_TOO_LONG: Address fields have at most 500 characters, the summary 20000.';

create index clients_name on billing.clients (tenant_id, name_key, id);
create index clients_email on billing.clients (tenant_id, email_key);
create index clients_without_email on billing.clients (tenant_id, email) where email is null;
create index clients_status on billing.clients (tenant_id, status, name_key, id);
create index clients_outstanding on billing.clients (tenant_id, outstanding_minor, id);
create index clients_balance on billing.clients (tenant_id, balance_minor, id);
create index clients_created_at on billing.clients (tenant_id, created_at, id);

alter table billing.clients enable row level security;
alter table billing.clients force row level security;

-- The tenant's clients; a scoped person sees those that they speak for.
create policy tenant on billing.clients to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or id = any (core.scope_ids())));
-- An analyst sees the whole tenant: settings of theirs prove nothing.
create policy analyst on billing.clients for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, name, email, phone, address, city, state, zip_code, country, tax_id, website, status, payment_terms,
    currency, summary, metadata, external_ref, deleted_at, created_at, created_by, updated_at, outstanding, balance,
    lifetime_billed, lifetime_paid, total_payments, total_received, last_payment_date, paid_invoices, paid_days,
    oldest_due_date, average_payment_amount, avg_payment_days, outstanding_minor, balance_minor, name_key, email_key
) on billing.clients to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: clients are written by the functions below.

-- What a client owes is what its accounts say. The other figures are counted by the triggers of settlement.sql, and nobody
-- else can set them; in another currency they are counted anew.

create function billing.client_figures() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_direct constant boolean := pg_trigger_depth() = 1;
    counted billing.client_counts;
begin
    if tg_op = 'INSERT' or new.currency <> old.currency then
        counted := billing.client_counted(new.tenant_id, new.id, new.currency);
    elsif is_direct then
        counted := (
            old.lifetime_billed, old.lifetime_paid, old.total_payments, old.total_received, old.last_payment_date,
            old.paid_invoices, old.paid_days, old.oldest_due_date
        )::billing.client_counts;
    end if;
    if counted.total_payments is not null then
        new.lifetime_billed := counted.lifetime_billed;
        new.lifetime_paid := counted.lifetime_paid;
        new.total_payments := counted.total_payments;
        new.total_received := counted.total_received;
        new.last_payment_date := counted.last_payment_date;
        new.paid_invoices := counted.paid_invoices;
        new.paid_days := counted.paid_days;
        new.oldest_due_date := counted.oldest_due_date;
    end if;
    select coalesce(sum(balance) filter (where kind = 'ASSET'), 0),
           coalesce(sum(case kind when 'ASSET' then balance else - balance end), 0)
    into new.outstanding, new.balance
    from ledger.accounts
    where tenant_id = new.tenant_id and owner_id = new.id and currency = new.currency
      and code in ('RECEIVABLE:' || new.id, 'CUSTOMER_CREDIT:' || new.id);
    return new;
end
$$;
comment on function billing.client_figures() is
    'Has a client owe what its accounts say, and lets nobody set the figures that are counted.';

create function billing.client_accounts_moved() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moved record;
begin
    -- Once for each client, though an allocation moves two accounts of it; in order of ids, and each found by its key.
    for moved in
        select distinct account.tenant_id, account.owner_id from posted
        cross join lateral (
            select tenant_id, owner_id from ledger.accounts
            where tenant_id = posted.tenant_id and id = posted.account_id and owner_noun = 'CLIENT'
        ) as account
        order by account.tenant_id, account.owner_id
    loop
        update billing.clients set updated_at = statement_timestamp() where tenant_id = moved.tenant_id and id = moved.owner_id;
    end loop;
    return null;
end
$$;
comment on function billing.client_accounts_moved() is 'Has a client''s figures made again when entries have moved its accounts.';

create trigger figures before insert or update on billing.clients for each row execute function billing.client_figures();
create trigger touch before update on billing.clients for each row execute function core.touch();
create trigger audit after insert or update or delete on billing.clients
    for each row execute function core.audit(
        'CLIENT',
        'name_key,email_key,outstanding,balance,lifetime_billed,lifetime_paid,total_payments,total_received,last_payment_date,'
        'paid_invoices,paid_days,oldest_due_date,average_payment_amount,avg_payment_days,outstanding_minor,balance_minor'
    );
create trigger client_figures after insert on ledger.entries
    referencing new table as posted for each statement execute function billing.client_accounts_moved();

create function billing.client_found(wanted uuid, field text default 'input.id') returns billing.clients
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_client billing.clients;
begin
    select * into found_client from billing.clients
    where tenant_id = core.tenant_id() and id = wanted and deleted_at is null
    for update;
    if found_client.id is null then
        perform core.refuse('NOT_FOUND', 'CLIENT_NOT_FOUND', 'There is no client with this id.', field);
    end if;
    return found_client;
end
$$;
comment on function billing.client_found(uuid, text) is 'The client of that id, locked until the transaction ends; refuses where there is none.';

create function billing.client_locked(wanted uuid) returns billing.clients
language sql
set search_path = pg_catalog, pg_temp
as $$
    select * from billing.clients where tenant_id = core.tenant_id() and id = wanted for no key update
$$;
comment on function billing.client_locked(uuid) is
    'The client, deleted or not, locked. What moves money locks the client first, then documents, then accounts, so that no two wait for one another.';

create function billing.client_insert(input jsonb) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    given billing.clients := jsonb_populate_record(null::billing.clients, input - 'id');
    made uuid;
begin
    insert into billing.clients (
        tenant_id, name, email, phone, address, city, state, zip_code, country, tax_id, website, payment_terms, currency,
        summary, metadata, external_ref
    ) values (
        core.tenant_id(), given.name, given.email, given.phone, given.address, given.city, given.state, given.zip_code,
        given.country, given.tax_id, given.website, coalesce(given.payment_terms, 'NET_30'),
        coalesce(given.currency, (select currency from iam.tenants where id = core.tenant_id())),
        given.summary, coalesce(given.metadata, '{}'), given.external_ref
    )
    returning id into made;
    return made;
end
$$;
comment on function billing.client_insert(jsonb) is 'Enters a client; the currency is the organisation''s unless given.';

create function billing.client_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('billing:write');
    return billing.client_insert(input);
end
$$;
comment on function billing.client_create(jsonb) is 'Enters a new client.';

create function billing.client_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before billing.clients;
    after billing.clients;
begin
    perform core.demand('billing:write');
    before := billing.client_found((input ->> 'id')::uuid);
    after := jsonb_populate_record(before, input);
    if after.status is distinct from before.status and 'ARCHIVED' in (before.status, after.status) then
        perform core.refuse(
            'BAD_USER_INPUT', 'STATUS_BY_UPDATE', 'A client is archived by clientArchive and restored by clientRestore.',
            'input.status'
        );
    end if;
    update billing.clients set
        name = after.name, email = after.email, phone = after.phone, address = after.address, city = after.city,
        state = after.state, zip_code = after.zip_code, country = after.country, tax_id = after.tax_id,
        website = after.website, status = after.status, payment_terms = after.payment_terms, currency = after.currency,
        summary = after.summary, metadata = after.metadata, external_ref = after.external_ref
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function billing.client_update(jsonb) is 'Changes a client. What is left out stays as it is. Issued invoices keep what they say.';

create function billing.client_archive(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    client billing.clients;
begin
    perform core.demand('billing:write');
    client := billing.client_found((input ->> 'id')::uuid);
    if client.status = 'ARCHIVED' then
        perform core.refuse('CONFLICT', 'CLIENT_ARCHIVED', format('%s is archived already.', client.name), 'input.id');
    end if;
    update billing.clients set status = 'ARCHIVED' where tenant_id = core.tenant_id() and id = client.id;
    return client.id;
end
$$;
comment on function billing.client_archive(jsonb) is 'Archives a client: no new invoices can be made for it. Undone by clientRestore.';

create function billing.client_restore(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    client billing.clients;
begin
    perform core.demand('billing:write');
    client := billing.client_found((input ->> 'id')::uuid);
    if client.status <> 'ARCHIVED' then
        perform core.refuse('CONFLICT', 'CLIENT_NOT_ARCHIVED', format('%s is not archived.', client.name), 'input.id');
    end if;
    update billing.clients set status = 'ACTIVE' where tenant_id = core.tenant_id() and id = client.id;
    return client.id;
end
$$;
comment on function billing.client_restore(jsonb) is 'Makes an archived client active again.';

create function billing.client_delete(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    client billing.clients;
begin
    perform core.demand('billing:write');
    client := billing.client_found((input ->> 'id')::uuid);
    if exists (
        select from billing.invoices
        where tenant_id = core.tenant_id() and client_id = client.id
          and status in ('DRAFT', 'SENT', 'VIEWED', 'PARTIALLY_PAID', 'DISPUTED')
    ) then
        perform core.refuse(
            'CONFLICT', 'CLIENT_HAS_OPEN_INVOICES',
            format('%s has drafts or open invoices and cannot be deleted; void them first, or archive the client.', client.name),
            'input.id'
        );
    elsif client.outstanding <> client.balance or exists (
        select from billing.payments
        where tenant_id = core.tenant_id() and client_id = client.id and status in ('PENDING', 'PROCESSING')
    ) then
        perform core.refuse(
            'CONFLICT', 'CLIENT_HAS_PAYMENTS',
            format('%s has credit or a payment under way and cannot be deleted; give the credit back, or archive the client.', client.name),
            'input.id'
        );
    end if;
    -- Contacts and notes have no life of their own; the audit log still has them.
    delete from billing.client_contacts where tenant_id = core.tenant_id() and client_id = client.id;
    delete from billing.client_notes where tenant_id = core.tenant_id() and client_id = client.id;
    -- The reference becomes free, so that the same client can be imported again.
    update billing.clients set deleted_at = statement_timestamp(), external_ref = null
    where tenant_id = core.tenant_id() and id = client.id;
    return client.id;
end
$$;
comment on function billing.client_delete(jsonb) is
    'Deletes a client that has nothing open, with its contacts and notes. Its invoices stay and still name it; no list shows it any more.';

create function billing.clients_import(input jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('billing:write');
    return billing.import_rows('CLIENT', input);
end
$$;
comment on function billing.clients_import(jsonb) is
    'Enters many clients at once, at most 1000. A row whose external reference is there already is left as it is. '
    'Each row answers for itself, unless allOrNothing is set: then the first refused row refuses all.';

grant execute on function
    billing.client_create(jsonb), billing.client_update(jsonb), billing.client_archive(jsonb),
    billing.client_restore(jsonb), billing.client_delete(jsonb), billing.clients_import(jsonb)
    to countinghouse_tenant;
