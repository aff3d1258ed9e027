-- A tenant is an organisation. Each has a database role of its own, and nobody sees any tenant but theirs.

reset role;
create schema iam authorization countinghouse_owner;
comment on schema iam is 'Identity and access: organisations, people, and who may do what.';
grant usage on schema iam to countinghouse_api, countinghouse_tenant, countinghouse_analyst, countinghouse_reader,
    countinghouse_auth, countinghouse_accounts, countinghouse_provisioner, countinghouse_worker, countinghouse_watcher;
set local role countinghouse_owner;

create table iam.tenants (
    id uuid primary key default core.new_id(),
    slug text not null,
    name text not null,
    email text,
    phone text,
    address text,
    city text,
    state text,
    zip_code text,
    country text,
    tax_id text,
    logo text,
    currency core.currency not null default 'EUR',
    time_zone text not null default 'UTC',
    fiscal_year_start integer not null default 1,
    settings core.json_object not null default '{}',
    modules text[] not null default '{BILLING,TRADE}',
    suspended_at timestamptz,
    suspend_reason text,
    offboard_requested_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    constraint tenants_slug_unique unique (slug),
    constraint tenants_slug_check check (slug ~ '^[a-z][a-z0-9-]{1,62}$'),
    constraint tenants_name_check check (name = btrim(name) and char_length(name) between 1 and 200),
    constraint tenants_email_check check (email ~ '^[^[:space:]@]+@[^[:space:]@]+$' and char_length(email) <= 254),
    constraint tenants_logo_check check (logo ~ '^https://[^[:space:][:cntrl:]]+$' and char_length(logo) <= 2000),
    constraint tenants_modules_check check (modules <@ array['BILLING', 'TRADE']),
    constraint tenants_settings_check check (octet_length(settings::text) <= 20000),
    constraint tenants_text_length_check check (
        greatest(
            char_length(phone), char_length(address), char_length(city), char_length(state), char_length(zip_code),
            char_length(tax_id)
        ) <= 500
    ),
    constraint tenants_country_check check (country ~ '^[A-Z]{2}$'),
    constraint tenants_time_zone_check check (core.is_time_zone(time_zone)),
    constraint tenants_fiscal_year_start_check check (fiscal_year_start between 1 and 12),
    constraint tenants_suspend_reason_check check (
        suspend_reason is null
        or suspend_reason = btrim(suspend_reason) and char_length(suspend_reason) between 1 and 500
            and suspended_at is not null
    )
);

comment on table iam.tenants is 'An organisation.';
comment on column iam.tenants.id is 'The organisation''s id.';
comment on column iam.tenants.slug is 'Its short name in addresses and on the command line, such as acme.';
comment on column iam.tenants.name is 'Its name, as it stands on invoices.';
comment on column iam.tenants.email is 'Its business e-mail address.';
comment on column iam.tenants.phone is 'Its telephone number.';
comment on column iam.tenants.address is 'Street and number.';
comment on column iam.tenants.city is 'City.';
comment on column iam.tenants.state is 'State, county or province.';
comment on column iam.tenants.zip_code is 'Postal code.';
comment on column iam.tenants.country is 'Country, by its two-letter ISO 3166 code.';
comment on column iam.tenants.tax_id is 'Its tax or VAT number.';
comment on column iam.tenants.logo is 'The address of its logo, beginning with https://.';
comment on column iam.tenants.currency is 'The currency that its clients and invoices have unless they say otherwise.';
comment on column iam.tenants.time_zone is 'Its time zone, by its IANA name: it decides what day today is.';
comment on column iam.tenants.fiscal_year_start is 'The month in which its fiscal year begins: 1 to 12.';
comment on column iam.tenants.settings is 'Preferences of its own, as a JSON object of at most 20000 bytes.';
comment on column iam.tenants.modules is 'Which parts of the house it uses, for dashboards to show: BILLING, TRADE.';
comment on column iam.tenants.suspended_at is 'Since when nobody may sign in; its data is kept.';
comment on column iam.tenants.suspend_reason is 'Why; its owners may read it in their log.';
comment on column iam.tenants.offboard_requested_at is
    'When its owner asked that it be removed with everything that it has; the operator of the house does it.';
comment on column iam.tenants.created_at is 'When it joined.';
comment on column iam.tenants.created_by is 'Who made it; empty for the operator of the house.';
comment on column iam.tenants.updated_at is 'When its profile last changed.';
comment on constraint tenants_slug_unique on iam.tenants is
    'SLUG_TAKEN input.slug: This short name is taken. Choose another.';
comment on constraint tenants_slug_check on iam.tenants is
    'SLUG_INVALID input.slug: A short name has 2 to 63 small letters, digits and hyphens, and begins with a letter.';
comment on constraint tenants_name_check on iam.tenants is
    'NAME_INVALID input.name: A name has 1 to 200 characters, without blanks around them.';
comment on constraint tenants_email_check on iam.tenants is
    'EMAIL_INVALID input.email: An e-mail address looks like name@example.com.';
comment on constraint tenants_logo_check on iam.tenants is
    'LOGO_INVALID input.logo: The address of a logo begins with https://.';
comment on constraint tenants_modules_check on iam.tenants is
    'MODULE_UNKNOWN input.modules: The modules are BILLING and TRADE.';
comment on constraint tenants_settings_check on iam.tenants is
    'SETTINGS_TOO_LONG input.settings: Preferences have at most 20000 bytes as JSON.';
comment on constraint tenants_text_length_check on iam.tenants is
    'TEXT_TOO_LONG: Telephone number, address fields and tax number have at most 500 characters.';
comment on constraint tenants_country_check on iam.tenants is
    'COUNTRY_INVALID input.country: A country is its two-letter ISO 3166 code, such as GB.';
comment on constraint tenants_time_zone_check on iam.tenants is
    'TIME_ZONE_UNKNOWN input.timeZone: A time zone is an IANA name, such as Europe/London.';
comment on constraint tenants_fiscal_year_start_check on iam.tenants is
    'FISCAL_YEAR_START input.fiscalYearStart: A fiscal year starts in a month from 1 to 12.';
comment on constraint tenants_suspend_reason_check on iam.tenants is
    'SUSPEND_REASON input.reason: Say why, in 1 to 500 characters; who is not suspended has no reason for it.';

alter table iam.tenants enable row level security;
alter table iam.tenants force row level security;

-- What runs for a tenant finds that tenant only.
create policy owner on iam.tenants to countinghouse_owner
    using (id = core.tenant_id()) with check (id = core.tenant_id());
-- Signing in looks among all, before there is a tenant.
create policy auth on iam.tenants for select to countinghouse_auth using (true);
grant select on iam.tenants to countinghouse_auth;
-- The worker asks what day it is in an organisation, and whether anybody may work there.
create policy worker on iam.tenants for select to countinghouse_worker using (true);
grant select (id, time_zone, fiscal_year_start, suspended_at) on iam.tenants to countinghouse_worker;

-- NOTE: no grant to tenants, analysts or the reader: this table lists organisations. Theirs they see by organisation().

create trigger touch before update on iam.tenants for each row execute function core.touch();
-- An organisation's profile stands in its own log.
create trigger audit after insert or update or delete on iam.tenants
    for each row execute function core.audit('TENANT', '');

-- The tenant's own profile.
create function iam.organisation() returns table (
    tenant_id uuid, id uuid, slug text, name text, email text, phone text, address text, city text, state text,
    zip_code text, country text, tax_id text, logo text, currency text, time_zone text, fiscal_year_start integer,
    settings jsonb, modules text[], offboard_requested_at timestamptz, created_at timestamptz, updated_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select id, id, slug, name, email, phone, address, city, state, zip_code, country, tax_id, logo, currency::text,
           time_zone, fiscal_year_start, settings, modules, offboard_requested_at, created_at, updated_at
    from iam.tenants
    where id = core.tenant_id() and (core.permits('iam:read') or core.is_analyst())
$$;
comment on function iam.organisation() is 'The organisation that the caller works in.';
grant execute on function iam.organisation() to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;

create function iam.organisation_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before iam.tenants;
    after iam.tenants;
begin
    perform core.demand('iam:write');
    select * into before from iam.tenants where id = core.tenant_id() for no key update;
    after := jsonb_populate_record(before, input);
    update iam.tenants set
        name = after.name, email = after.email, phone = after.phone, address = after.address, city = after.city,
        state = after.state, zip_code = after.zip_code, country = after.country, tax_id = after.tax_id, logo = after.logo,
        currency = after.currency, time_zone = after.time_zone, fiscal_year_start = after.fiscal_year_start,
        settings = after.settings, modules = array(select distinct each from unnest(after.modules) as each order by each)
    where id = before.id;
    return before.id;
end
$$;
comment on function iam.organisation_update(jsonb) is
    'Changes the profile of the organisation. What is left out stays as it is, and so does what was made in the currency and time zone before.';
grant execute on function iam.organisation_update(jsonb) to countinghouse_tenant;

create function iam.organisation_offboard_request(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('iam:offboard');
    update iam.tenants
    set offboard_requested_at = case when (input ->> 'wanted')::boolean then coalesce(offboard_requested_at, statement_timestamp()) end
    where id = core.tenant_id();
    return core.tenant_id();
end
$$;
comment on function iam.organisation_offboard_request(jsonb) is
    'Asks the operator of the house to remove the organisation with everything that it has, or takes that back. Nothing else changes by it.';
grant execute on function iam.organisation_offboard_request(jsonb) to countinghouse_tenant;

-- Roles of tenants: made and dropped by these two functions and nobody else.

create function iam.tenant_role_create(tenant uuid) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    role_name constant text := 'tenant_' || replace(tenant::text, '-', '');
    -- From 16 on a membership says whether it inherits; on 15 the member does, and countinghouse_api does not.
    says_how constant boolean := current_setting('server_version_num')::int >= 160000;
begin
    -- In as few statements as can be: each grant has PostgreSQL look anew at all tenants that the provisioner has made,
    -- for 25 ms with 10,000 of them. Neither of the two logins inherits, nor do they by this.
    if not exists (select from pg_roles where rolname = role_name) then
        execute format('create role %I nologin role countinghouse_api, countinghouse_worker', role_name);
    else
        execute format('grant %I to countinghouse_api, countinghouse_worker', role_name)
            || case when says_how then ' with inherit false, set true' else '' end;
    end if;
    -- Nobody becomes the group by way of a tenant. Else a backend that learns of a new one, and follows every way that
    -- the server could go, would come to the group from each tenant, and look each time whether it has been there, among
    -- all tenants: 80 of 130 ms.
    execute format('grant countinghouse_tenant to %I', role_name)
        || case when says_how then ' with inherit true, set false' else '' end;
    return role_name;
end
$$;
comment on function iam.tenant_role_create(uuid) is
    'Makes the database role of a tenant, if it is missing, and lets the server and the worker become it.';

create function iam.tenant_role_drop(tenant uuid) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('drop role if exists %I', 'tenant_' || replace(tenant::text, '-', ''));
end
$$;
comment on function iam.tenant_role_drop(uuid) is 'Drops the database role of a tenant. Nothing is ever granted to one, so nothing holds it.';

reset role;
grant create on schema iam to countinghouse_provisioner;
alter function iam.tenant_role_create(uuid) owner to countinghouse_provisioner;
alter function iam.tenant_role_drop(uuid) owner to countinghouse_provisioner;
revoke create on schema iam from countinghouse_provisioner;
set local role countinghouse_owner;

-- What the operator of the house calls, as a superuser; nobody else may.

create function iam.tenant_create(input jsonb) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    made uuid;
begin
    insert into iam.tenants (
        slug, name, email, phone, address, city, state, zip_code, country, tax_id, logo, currency, time_zone,
        fiscal_year_start, settings
    )
    select
        given.slug, given.name, given.email, given.phone, given.address, given.city, given.state, given.zip_code,
        given.country, given.tax_id, given.logo, coalesce(given.currency, 'EUR'), coalesce(given.time_zone, 'UTC'),
        coalesce(given.fiscal_year_start, 1), coalesce(given.settings, '{}')
    from jsonb_to_record(input) as given (
        slug text, name text, email text, phone text, address text, city text, state text, zip_code text, country text,
        tax_id text, logo text, currency text, time_zone text, fiscal_year_start integer, settings jsonb
    )
    returning id into made;
    perform iam.tenant_role_create(made);
    return made;
end
$$;
comment on function iam.tenant_create(jsonb) is 'Makes an organisation together with its database role.';
