-- A code is six digits, sent to an address: whoever has them has that address.

create table iam.codes (
    id uuid primary key default core.new_id(),
    purpose text not null,
    address text collate "C" not null,
    user_id uuid references iam.users,
    code_hash bytea not null,
    failures integer not null default 0,
    expires_at timestamptz not null default statement_timestamp() + interval '10 minutes',
    used_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    constraint codes_purpose_check check (purpose in ('SIGN_UP', 'SIGN_IN', 'PASSWORD_RESET', 'ACCOUNT', 'ADDRESS')),
    constraint codes_hash_check check (octet_length(code_hash) = 32),
    constraint codes_failures_check check (failures between 0 and 5),
    constraint codes_expires_at_check check (expires_at <= created_at + interval '10 minutes')
);

comment on table iam.codes is 'What was sent to an address, to see whether it comes back.';
comment on column iam.codes.id is 'With what a code is given back.';
comment on column iam.codes.purpose is 'What it is good for, and nothing else: SIGN_UP, SIGN_IN, PASSWORD_RESET, ACCOUNT (to change it) or ADDRESS (a new one).';
comment on column iam.codes.address is 'The e-mail address or telephone number that it was sent to.';
comment on column iam.codes.user_id is 'Whose account it opens; empty where there is none, and then no code does.';
comment on column iam.codes.code_hash is 'The keyed hash of the six digits: without the house''s key it tells nothing.';
comment on column iam.codes.failures is 'How often a wrong code was given; after five, none is right.';
comment on column iam.codes.expires_at is 'When it expires: ten minutes after it was sent.';
comment on column iam.codes.used_at is 'When it came back, or another one took its place.';
comment on column iam.codes.created_at is 'When it was sent.';
comment on column iam.codes.created_by is 'Nobody: whoever asks for a code is not known yet.';
comment on column iam.codes.updated_at is 'When it was last tried.';
comment on constraint codes_purpose_check on iam.codes is 'CODE_PURPOSE: A code is for signing up, signing in, a new password or changing an account.';
comment on constraint codes_hash_check on iam.codes is 'CODE_HASH: A code is kept as a keyed hash only.';
comment on constraint codes_failures_check on iam.codes is 'CODE_FAILURES: A code is tried five times at most.';
comment on constraint codes_expires_at_check on iam.codes is 'CODE_LIFE: A code is good for ten minutes at most.';

create index codes_address on iam.codes (address, purpose) where used_at is null;
create index codes_user on iam.codes (user_id);
create index codes_created_at on iam.codes (created_at);

alter table iam.codes enable row level security;
alter table iam.codes force row level security;

-- Whoever is sent a code belongs to no tenant yet.
create policy accounts on iam.codes to countinghouse_accounts using (true) with check (true);
grant select, insert, update, delete on iam.codes to countinghouse_accounts;
-- NOTE: nothing for anybody else, ever.

create trigger touch before update on iam.codes for each row execute function core.touch();

create function iam.code_send(for_what text, to_address text, of_user uuid, keyed_hash bytea)
returns table (id uuid, expires_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The newest code is the one that counts.
    update iam.codes as c set used_at = statement_timestamp()
    where c.address = to_address and c.purpose = for_what and c.used_at is null;
    return query
        insert into iam.codes as c (purpose, address, user_id, code_hash) values (for_what, to_address, of_user, keyed_hash)
        returning c.id, c.expires_at;
end
$$;
comment on function iam.code_send(text, text, uuid, bytea) is 'Notes that a code is sent to an address. The one before it is good for nothing any more.';

create function iam.code_found(given uuid, for_what text, candidates bytea[]) returns iam.codes
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    code iam.codes;
begin
    select * into code from iam.codes where id = given and purpose = for_what for update;
    if code.id is null or code.used_at is not null or code.failures >= 5 or code.expires_at <= statement_timestamp() then
        return null;
    end if;
    if code.code_hash = any (candidates) then
        return code;
    end if;
    update iam.codes set failures = failures + 1 where id = given;
    return null;
end
$$;
comment on function iam.code_found(uuid, text, bytea[]) is
    'The code, if it is the right one and came in time. Each wrong one counts, and the caller must let it be committed.';

create function iam.code_take(given uuid, for_what text, candidates bytea[]) returns iam.codes
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    code iam.codes := iam.code_found(given, for_what, candidates);
begin
    if code.id is null then
        return null;
    end if;
    update iam.codes set used_at = statement_timestamp() where id = given returning * into code;
    return code;
end
$$;
comment on function iam.code_take(uuid, text, bytea[]) is 'The code, if it is the right one and came in time: once.';

create function iam.code_request(for_what text, to_address text, keyed_hash bytea)
returns table (id uuid, expires_at timestamptz, is_known boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    account uuid;
begin
    select users.id into account from iam.users
    where (users.email = to_address or users.phone = to_address) and users.is_active and users.deleted_at is null;
    return query
        select sent.id, sent.expires_at, account is not null from iam.code_send(for_what, to_address, account, keyed_hash) as sent;
end
$$;
comment on function iam.code_request(text, text, bytea) is
    'A code for the account of this address, to sign in with or to set a new password. For an unknown address there is one too, which opens nothing.';

create function iam.address_verified(code iam.codes) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    update iam.users set
        email_verified_at = case when email = code.address then coalesce(email_verified_at, statement_timestamp()) else email_verified_at end,
        phone_verified_at = case when phone = code.address then coalesce(phone_verified_at, statement_timestamp()) else phone_verified_at end
    where id = code.user_id and (email_verified_at is null or phone_verified_at is null)
$$;
comment on function iam.address_verified(iam.codes) is 'Notes that the address is the person''s, as a code that came back shows.';

create function iam.code_opens(given uuid, candidates bytea[]) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    code constant iam.codes := iam.code_found(given, 'SIGN_IN', candidates);
begin
    return code.user_id;
end
$$;
comment on function iam.code_opens(uuid, bytea[]) is
    'Whose account this code opens, before it is used up: they may have to show a second factor first.';

create function iam.sign_in_by_code(given uuid, candidates bytea[]) returns table (user_id uuid, memberships jsonb)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    code constant iam.codes := iam.code_take(given, 'SIGN_IN', candidates);
begin
    perform iam.address_verified(code);
    return query
        select users.id, iam.organisations_of(users.id) from iam.users
        where users.id = code.user_id and users.is_active and users.deleted_at is null;
end
$$;
comment on function iam.sign_in_by_code(uuid, bytea[]) is 'Whoever this code lets in, with the organisations to choose from. No row for a wrong one.';

create function iam.code_refused(given uuid, why text, ip_address text, user_agent text, request_id text) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    select iam.noted(
        (select codes.user_id from iam.codes where codes.id = given), 'SIGN_IN', jsonb_build_object('refused', why),
        ip_address, user_agent, request_id
    )
$$;
comment on function iam.code_refused(uuid, text, text, text, text) is
    'Notes that a code was wrong: in the log of each organisation of whom it was sent to, or in that of the house.';

create function iam.password_reset(
    given uuid, candidates bytea[], new_hash text, ip_address text, user_agent text, request_id text
) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    code constant iam.codes := iam.code_take(given, 'PASSWORD_RESET', candidates);
begin
    if code.user_id is null then
        return false;
    end if;
    perform iam.address_verified(code);
    update iam.users set password_hash = new_hash where id = code.user_id;
    perform iam.noted(code.user_id, 'UPDATE', '{"password": "RESET"}', ip_address, user_agent, request_id);
    perform iam.session_end(code.user_id, null, 'PASSWORD_CHANGED', ip_address, user_agent, request_id);
    return true;
end
$$;
comment on function iam.password_reset(uuid, bytea[], text, text, text, text) is
    'A new password for whoever has the code. Signs them out everywhere: somebody else may have been in.';

create function iam.password_of(person uuid) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select password_hash from iam.users where id = person and is_active and deleted_at is null
$$;
comment on function iam.password_of(uuid) is 'The hash of the password of somebody who is signed in, to verify it before it is changed.';

create function iam.password_change(
    person uuid, old_hash text, new_hash text, ip_address text, user_agent text, request_id text
) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Only if it is still the one that was verified.
    update iam.users set password_hash = new_hash where id = person and password_hash = old_hash;
    if not found then
        return false;
    end if;
    perform iam.noted(person, 'UPDATE', '{"password": "CHANGED"}', ip_address, user_agent, request_id);
    perform iam.session_end(person, null, 'PASSWORD_CHANGED', ip_address, user_agent, request_id);
    return true;
end
$$;
comment on function iam.password_change(uuid, text, text, text, text, text) is
    'A new password for somebody who has shown the old one. Signs them out everywhere.';

reset role;
grant create on schema iam to countinghouse_accounts;
alter function iam.code_send(text, text, uuid, bytea) owner to countinghouse_accounts;
alter function iam.code_found(uuid, text, bytea[]) owner to countinghouse_accounts;
alter function iam.code_take(uuid, text, bytea[]) owner to countinghouse_accounts;
alter function iam.code_opens(uuid, bytea[]) owner to countinghouse_accounts;
alter function iam.code_request(text, text, bytea) owner to countinghouse_accounts;
alter function iam.address_verified(iam.codes) owner to countinghouse_accounts;
alter function iam.sign_in_by_code(uuid, bytea[]) owner to countinghouse_accounts;
alter function iam.code_refused(uuid, text, text, text, text) owner to countinghouse_accounts;
alter function iam.password_reset(uuid, bytea[], text, text, text, text) owner to countinghouse_accounts;
alter function iam.password_of(uuid) owner to countinghouse_accounts;
alter function iam.password_change(uuid, text, text, text, text, text) owner to countinghouse_accounts;
revoke create on schema iam from countinghouse_accounts;
grant execute on function iam.organisations_of(uuid), iam.session_end(uuid, uuid, text, text, text, text) to countinghouse_accounts;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.code_request(text, text, bytea), iam.code_opens(uuid, bytea[]), iam.sign_in_by_code(uuid, bytea[]),
    iam.code_refused(uuid, text, text, text, text),
    iam.password_reset(uuid, bytea[], text, text, text, text), iam.password_of(uuid),
    iam.password_change(uuid, text, text, text, text, text)
    to countinghouse_api;
set local role countinghouse_owner;
