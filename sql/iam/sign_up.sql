-- A sign-up session is somebody who has asked for an account and not shown yet that the address is theirs. Whoever was
-- invited needs no organisation of their own.

create table iam.signup_sessions (
    id uuid primary key default core.new_id(),
    email text collate "C",
    phone text collate "C",
    name text not null,
    password_hash text,
    google_sub text collate "C",
    organisation_name text,
    country text,
    currency core.currency not null default 'EUR',
    time_zone text not null default 'UTC',
    code_id uuid references iam.codes,
    expires_at timestamptz not null default statement_timestamp() + interval '15 minutes',
    completed_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    constraint signup_sessions_address_check check ((email is null) <> (phone is null)),
    constraint signup_sessions_email_check check (email = lower(email) and email ~ '^[^[:space:]@]+@[^[:space:]@]+$' and char_length(email) <= 254),
    constraint signup_sessions_phone_check check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    constraint signup_sessions_name_check check (name = btrim(name) and char_length(name) between 1 and 200),
    constraint signup_sessions_organisation_check check (
        organisation_name = btrim(organisation_name) and char_length(organisation_name) between 1 and 200
    ),
    constraint signup_sessions_country_check check (country ~ '^[A-Z]{2}$'),
    constraint signup_sessions_time_zone_check check (core.is_time_zone(time_zone)),
    constraint signup_sessions_hash_check check (password_hash like '$argon2id$%'),
    constraint signup_sessions_shown_check check ((code_id is null) = (google_sub is not null)),
    constraint signup_sessions_expires_at_check check (expires_at <= created_at + interval '15 minutes')
);

comment on table iam.signup_sessions is 'Who has asked for an account, and for an organisation unless they were invited to one.';
comment on column iam.signup_sessions.id is 'With what the sign-up is gone on with.';
comment on column iam.signup_sessions.email is 'The e-mail address that the account is to have, in small letters.';
comment on column iam.signup_sessions.phone is 'Or the telephone number, as +447911123456.';
comment on column iam.signup_sessions.name is 'The person''s name.';
comment on column iam.signup_sessions.password_hash is 'The argon2id hash of the password, where one was chosen.';
comment on column iam.signup_sessions.google_sub is 'The Google account that vouches for the e-mail address, where no code does.';
comment on column iam.signup_sessions.organisation_name is 'The organisation''s name; empty for whoever was invited to one.';
comment on column iam.signup_sessions.country is 'Its country, by its two-letter ISO 3166 code.';
comment on column iam.signup_sessions.currency is 'Its currency.';
comment on column iam.signup_sessions.time_zone is 'Its time zone, by its IANA name.';
comment on column iam.signup_sessions.code_id is 'The code that was sent last; none where Google vouches for the address.';
comment on column iam.signup_sessions.expires_at is 'When it is over: after fifteen minutes.';
comment on column iam.signup_sessions.completed_at is 'When the account was made.';
comment on column iam.signup_sessions.created_at is 'When it was asked for.';
comment on column iam.signup_sessions.created_by is 'Nobody: whoever signs up is not known yet.';
comment on column iam.signup_sessions.updated_at is 'When it last changed.';
comment on constraint signup_sessions_address_check on iam.signup_sessions is
    'ADDRESS_REQUIRED input.email: Sign up with an e-mail address or with a telephone number, and not with both.';
comment on constraint signup_sessions_email_check on iam.signup_sessions is
    'EMAIL_INVALID input.email: An e-mail address looks like name@example.com.';
comment on constraint signup_sessions_phone_check on iam.signup_sessions is
    'PHONE_INVALID input.phone: A telephone number begins with + and the country, such as +447911123456.';
comment on constraint signup_sessions_name_check on iam.signup_sessions is
    'NAME_INVALID input.name: A name has 1 to 200 characters, without blanks around them.';
comment on constraint signup_sessions_organisation_check on iam.signup_sessions is
    'NAME_INVALID input.organisation.name: A name has 1 to 200 characters, without blanks around them.';
comment on constraint signup_sessions_country_check on iam.signup_sessions is
    'COUNTRY_INVALID input.organisation.country: A country is its two-letter ISO 3166 code, such as GB.';
comment on constraint signup_sessions_time_zone_check on iam.signup_sessions is
    'TIME_ZONE_UNKNOWN input.organisation.timeZone: A time zone is an IANA name, such as Europe/London.';
comment on constraint signup_sessions_hash_check on iam.signup_sessions is
    'PASSWORD_HASH_INVALID: A password is kept as an argon2id hash only.';
comment on constraint signup_sessions_shown_check on iam.signup_sessions is
    'SIGN_UP_SHOWN: An address is shown to be somebody''s by a code or by Google.';
comment on constraint signup_sessions_expires_at_check on iam.signup_sessions is
    'SIGN_UP_LIFE: A sign-up is gone on with for fifteen minutes at most.';

create index signup_sessions_code on iam.signup_sessions (code_id);
create index signup_sessions_created_at on iam.signup_sessions (created_at);

alter table iam.signup_sessions enable row level security;
alter table iam.signup_sessions force row level security;

-- Whoever signs up belongs to no tenant yet.
create policy accounts on iam.signup_sessions to countinghouse_accounts using (true) with check (true);
grant select, insert, update, delete on iam.signup_sessions to countinghouse_accounts;
-- NOTE: nothing for anybody else, ever.

create trigger touch before update on iam.signup_sessions for each row execute function core.touch();

create function iam.sign_up(input jsonb, keyed_hash bytea) returns table (id uuid, expires_at timestamptz, is_taken boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given_email constant text := lower(btrim(input ->> 'email'));
    given_phone constant text := btrim(input ->> 'phone');
    code uuid;
begin
    select sent.id into code
    from iam.code_send('SIGN_UP', coalesce(given_email, given_phone, ''), null, keyed_hash) as sent;
    return query
        insert into iam.signup_sessions as s (
            email, phone, name, password_hash, organisation_name, country, currency, time_zone, code_id
        ) values (
            given_email, given_phone, input ->> 'name', input ->> 'password_hash', input ->> 'organisation_name',
            input ->> 'country', coalesce(input ->> 'currency', 'EUR'), coalesce(input ->> 'time_zone', 'UTC'), code
        )
        returning s.id, s.expires_at,
            exists (select from iam.users where users.email = given_email or users.phone = given_phone);
end
$$;
comment on function iam.sign_up(jsonb, bytea) is
    'Begins a sign-up with a code that was sent to the address; or, where the address has an account, with one that was sent to nobody.';

create function iam.sign_up_again(given uuid, keyed_hash bytea) returns table (address text, is_taken boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    session iam.signup_sessions;
    code uuid;
begin
    select * into session from iam.signup_sessions as s
    where s.id = given and s.completed_at is null and s.expires_at > statement_timestamp() for update;
    if session.id is null then
        return;
    end if;
    select sent.id into code from iam.code_send('SIGN_UP', coalesce(session.email, session.phone), null, keyed_hash) as sent;
    update iam.signup_sessions as s set code_id = code where s.id = given;
    return query
        select coalesce(session.email, session.phone),
               exists (select from iam.users where users.email = session.email or users.phone = session.phone);
end
$$;
comment on function iam.sign_up_again(uuid, bytea) is 'Another code for a sign-up that is going on. No row where there is none.';

-- Whoever has shown that the address is theirs, by a code or by Google, gets the same.
create function iam.sign_up_open(session iam.signup_sessions) returns table (user_id uuid, tenant_id uuid, organisation jsonb)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    account uuid;
    tenant constant uuid := core.new_id();
begin
    insert into iam.users (email, phone, name, password_hash, google_sub, email_verified_at, phone_verified_at)
    values (
        session.email, session.phone, session.name, session.password_hash, session.google_sub,
        case when session.email is not null then statement_timestamp() end,
        case when session.phone is not null then statement_timestamp() end
    )
    on conflict do nothing
    returning users.id into account;
    if account is null then
        return;  -- there is one already, or somebody was faster
    end if;
    update iam.signup_sessions as s set completed_at = statement_timestamp(), password_hash = null where s.id = session.id;
    if session.organisation_name is null then
        return query select account, null::uuid, null::jsonb;
        return;
    end if;
    perform iam.tenant_role_create(tenant);
    return query select account, tenant, jsonb_build_object(
        'name', session.organisation_name, 'country', session.country, 'currency', session.currency,
        'time_zone', session.time_zone
    );
end
$$;
comment on function iam.sign_up_open(iam.signup_sessions) is
    'Makes the account of a sign-up, and the database role of an organisation for it, unless it wants none. No row where its address has one. The caller becomes that role in the same transaction and opens the organisation, or accepts the invite that waits.';

create function iam.sign_up_complete(given uuid, candidates bytea[]) returns table (user_id uuid, tenant_id uuid, organisation jsonb)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    session iam.signup_sessions;
    code iam.codes;
begin
    select * into session from iam.signup_sessions as s
    where s.id = given and s.completed_at is null and s.expires_at > statement_timestamp() for update;
    code := iam.code_take(session.code_id, 'SIGN_UP', candidates);
    if code.id is not null then
        -- No account, because somebody was faster, is answered as if the code were wrong.
        return query select * from iam.sign_up_open(session);
    end if;
end
$$;
comment on function iam.sign_up_complete(uuid, bytea[]) is
    'Opens the account and the organisation of whoever has the code. No row for a wrong one.';

create function iam.sign_up_with_google(input jsonb) returns table (user_id uuid, tenant_id uuid, organisation jsonb)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    session iam.signup_sessions;
begin
    insert into iam.signup_sessions (email, name, google_sub, organisation_name, country, currency, time_zone)
    values (
        lower(btrim(input ->> 'email')), input ->> 'name', input ->> 'google_sub', input ->> 'organisation_name',
        input ->> 'country', coalesce(input ->> 'currency', 'EUR'), coalesce(input ->> 'time_zone', 'UTC')
    )
    returning * into session;
    return query select * from iam.sign_up_open(session);
end
$$;
comment on function iam.sign_up_with_google(jsonb) is
    'Opens the account and the organisation of somebody for whose e-mail address Google vouches. No row where there is an account already.';

reset role;
grant create on schema iam to countinghouse_accounts;
alter function iam.sign_up(jsonb, bytea) owner to countinghouse_accounts;
alter function iam.sign_up_again(uuid, bytea) owner to countinghouse_accounts;
alter function iam.sign_up_open(iam.signup_sessions) owner to countinghouse_accounts;
alter function iam.sign_up_complete(uuid, bytea[]) owner to countinghouse_accounts;
alter function iam.sign_up_with_google(jsonb) owner to countinghouse_accounts;
revoke create on schema iam from countinghouse_accounts;
grant execute on function iam.tenant_role_create(uuid) to countinghouse_accounts;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.sign_up(jsonb, bytea), iam.sign_up_again(uuid, bytea), iam.sign_up_complete(uuid, bytea[]),
    iam.sign_up_with_google(jsonb)
    to countinghouse_api;
set local role countinghouse_owner;

-- As the new tenant, whose owner the caller is.
create function iam.organisation_open(input jsonb) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    short_name constant text := left(coalesce(nullif(regexp_replace(
        regexp_replace(lower(input ->> 'name'), '[^a-z0-9]+', '-', 'g'), '^[-0-9]+|-+$', '', 'g'
    ), ''), 'organisation'), 50);
begin
    perform core.demand('iam:members');
    if core.tenant_id() is null or exists (select from iam.tenants where id = core.tenant_id()) then
        perform core.refuse('CONFLICT', 'ORGANISATION_OPEN', 'This organisation is open already.');
    end if;
    insert into iam.tenants (id, slug, name, country, currency, time_zone, created_by)
    values (
        core.tenant_id(), short_name || '-' || right(replace(core.tenant_id()::text, '-', ''), 6), input ->> 'name',
        input ->> 'country', input ->> 'currency', input ->> 'time_zone', core.user_id()
    );
    insert into iam.memberships (tenant_id, user_id, role, user_name) values (core.tenant_id(), core.user_id(), 'owner', '');
    return (select slug from iam.tenants where id = core.tenant_id());
end
$$;
comment on function iam.organisation_open(jsonb) is
    'Opens the organisation of a role that has none yet, and makes the caller its owner.';
grant execute on function iam.organisation_open(jsonb) to countinghouse_tenant;
