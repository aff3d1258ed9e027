-- A TOTP device shows a new code every thirty seconds: a second thing to have, beside what one knows.

create table iam.totp_devices (
    id uuid primary key default core.new_id(),
    user_id uuid not null references iam.users,
    name text not null,
    encrypted_seed text not null,
    last_step bigint,
    confirmed_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    constraint totp_devices_name_check check (name = btrim(name) and char_length(name) between 1 and 100)
);

comment on table iam.totp_devices is 'What a person shows beside a password or a code.';
comment on column iam.totp_devices.id is 'The device''s id.';
comment on column iam.totp_devices.user_id is 'The person.';
comment on column iam.totp_devices.name is 'What they call it.';
comment on column iam.totp_devices.encrypted_seed is 'What its codes are made from, as only the house can read it.';
comment on column iam.totp_devices.last_step is 'The newest step of thirty seconds that was accepted: none is accepted twice.';
comment on column iam.totp_devices.confirmed_at is 'Since when it is asked for; empty until its first code has come.';
comment on column iam.totp_devices.created_at is 'When it was entered.';
comment on column iam.totp_devices.created_by is 'Empty: it is entered by its person.';
comment on column iam.totp_devices.updated_at is 'When it was last used.';
comment on constraint totp_devices_name_check on iam.totp_devices is
    'NAME_INVALID input.name: A name has 1 to 100 characters, without blanks around them.';

create index totp_devices_user on iam.totp_devices (user_id);

alter table iam.totp_devices enable row level security;
alter table iam.totp_devices force row level security;

-- They belong to people, and people to no tenant.
create policy accounts on iam.totp_devices to countinghouse_accounts using (true) with check (true);
grant select, insert, update, delete on iam.totp_devices to countinghouse_accounts;
-- NOTE: nothing for anybody else, ever.

create trigger touch before update on iam.totp_devices for each row execute function core.touch();

-- For the day on which the device is lost: each is good once.
create table iam.recovery_codes (
    code_hash bytea primary key,
    user_id uuid not null references iam.users,
    used_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    constraint recovery_codes_hash_check check (octet_length(code_hash) = 32)
);

comment on table iam.recovery_codes is 'What takes the place of a lost device, once each.';
comment on column iam.recovery_codes.code_hash is 'The keyed hash of the code and its person.';
comment on column iam.recovery_codes.user_id is 'The person.';
comment on column iam.recovery_codes.used_at is 'When it was used.';
comment on column iam.recovery_codes.created_at is 'When it was made.';
comment on column iam.recovery_codes.created_by is 'Empty: it is made for its person.';
comment on column iam.recovery_codes.updated_at is 'When it was made, or used.';
comment on constraint recovery_codes_hash_check on iam.recovery_codes is 'CODE_HASH: A code is kept as a keyed hash only.';

create index recovery_codes_user on iam.recovery_codes (user_id);

alter table iam.recovery_codes enable row level security;
alter table iam.recovery_codes force row level security;

-- They belong to people, and people to no tenant.
create policy accounts on iam.recovery_codes to countinghouse_accounts using (true) with check (true);
grant select, insert, update, delete on iam.recovery_codes to countinghouse_accounts;
-- NOTE: nothing for anybody else, ever.

create trigger touch before update on iam.recovery_codes for each row execute function core.touch();

create function iam.totp_begin(person uuid, called text, seed text) returns table (id uuid, account text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    made uuid;
begin
    delete from iam.totp_devices where user_id = person and confirmed_at is null;
    insert into iam.totp_devices as d (user_id, name, encrypted_seed) values (person, called, seed) returning d.id into made;
    return query select made, coalesce(users.email, users.phone) from iam.users where users.id = person;
end
$$;
comment on function iam.totp_begin(uuid, text, text) is 'Enters a device, which counts once its first code has come. Answers its id, and what to call the account on it.';

create function iam.totp_devices_of(person uuid)
returns table (id uuid, name text, encrypted_seed text, is_confirmed boolean, created_at timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select d.id, d.name, d.encrypted_seed, d.confirmed_at is not null, d.created_at
    from iam.totp_devices as d where d.user_id = person order by d.created_at, d.id
$$;
comment on function iam.totp_devices_of(uuid) is 'The devices of a person, to verify a code with.';

create function iam.totp_accept(
    person uuid, device uuid, step bigint, confirms boolean, ip_address text, user_agent text, request_id text
) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update iam.totp_devices set last_step = step, confirmed_at = coalesce(confirmed_at, statement_timestamp())
    where id = device and user_id = person and (last_step is null or last_step < step)
      and (confirmed_at is null) = confirms;
    if not found then
        return false;
    end if;
    if confirms then
        perform iam.noted(person, 'UPDATE', '{"second_factor": "ADDED"}', ip_address, user_agent, request_id);
    end if;
    return true;
end
$$;
comment on function iam.totp_accept(uuid, uuid, bigint, boolean, text, text, text) is
    'Whether the code of this step counts: each does once, and none after a later one.';

create function iam.totp_reseal(person uuid, device uuid, old_seed text, new_seed text) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    update iam.totp_devices set encrypted_seed = new_seed where id = device and user_id = person and encrypted_seed = old_seed
$$;
comment on function iam.totp_reseal(uuid, uuid, text, text) is 'Keeps the same seed under the house''s newest key.';

create function iam.totp_remove(person uuid, device uuid, ip_address text, user_agent text, request_id text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from iam.totp_devices where id = device and user_id = person;
    if not found then
        return false;
    end if;
    delete from iam.recovery_codes
    where user_id = person and not exists (select from iam.totp_devices where user_id = person and confirmed_at is not null);
    perform iam.noted(person, 'UPDATE', '{"second_factor": "REMOVED"}', ip_address, user_agent, request_id);
    return true;
end
$$;
comment on function iam.totp_remove(uuid, uuid, text, text, text) is 'Takes a device away, and with the last one the recovery codes.';

create function iam.recovery_codes_put(person uuid, hashes bytea[], ip_address text, user_agent text, request_id text) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    delete from iam.recovery_codes where user_id = person;
    insert into iam.recovery_codes (code_hash, user_id) select hash, person from unnest(hashes) as hash;
    select iam.noted(person, 'UPDATE', '{"recovery_codes": "RENEWED"}', ip_address, user_agent, request_id)
$$;
comment on function iam.recovery_codes_put(uuid, bytea[], text, text, text) is 'New recovery codes in place of all that were.';

create function iam.recovery_code_take(
    person uuid, candidates bytea[], ip_address text, user_agent text, request_id text
) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update iam.recovery_codes set used_at = statement_timestamp()
    where user_id = person and code_hash = any (candidates) and used_at is null;
    if not found then
        return false;
    end if;
    perform iam.noted(person, 'UPDATE', '{"recovery_code": "USED"}', ip_address, user_agent, request_id);
    return true;
end
$$;
comment on function iam.recovery_code_take(uuid, bytea[], text, text, text) is 'Whether this is a recovery code of the person''s that was not used yet; now it is.';

create function iam.my_totp_devices() returns table (
    tenant_id uuid, id uuid, line bigint, name text, confirmed_at timestamptz, created_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select core.tenant_id(), d.id, row_number() over (order by d.created_at, d.id), d.name, d.confirmed_at, d.created_at
    from iam.totp_devices as d
    where core.permits('iam:self') and d.user_id = core.user_id()
    order by d.created_at, d.id
$$;
comment on function iam.my_totp_devices() is 'The caller''s TOTP devices, the oldest at first.';

create function iam.has_second_factor(person uuid) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select exists (select from iam.totp_devices where user_id = person and confirmed_at is not null)
$$;
comment on function iam.has_second_factor(uuid) is 'Whether a person is asked for a second factor.';

reset role;
grant create on schema iam to countinghouse_accounts;
alter function iam.totp_begin(uuid, text, text) owner to countinghouse_accounts;
alter function iam.totp_devices_of(uuid) owner to countinghouse_accounts;
alter function iam.totp_accept(uuid, uuid, bigint, boolean, text, text, text) owner to countinghouse_accounts;
alter function iam.totp_reseal(uuid, uuid, text, text) owner to countinghouse_accounts;
alter function iam.totp_remove(uuid, uuid, text, text, text) owner to countinghouse_accounts;
alter function iam.recovery_codes_put(uuid, bytea[], text, text, text) owner to countinghouse_accounts;
alter function iam.recovery_code_take(uuid, bytea[], text, text, text) owner to countinghouse_accounts;
alter function iam.my_totp_devices() owner to countinghouse_accounts;
alter function iam.has_second_factor(uuid) owner to countinghouse_accounts;
revoke create on schema iam from countinghouse_accounts;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.totp_begin(uuid, text, text), iam.totp_devices_of(uuid), iam.totp_accept(uuid, uuid, bigint, boolean, text, text, text),
    iam.totp_reseal(uuid, uuid, text, text), iam.totp_remove(uuid, uuid, text, text, text), iam.recovery_codes_put(uuid, bytea[], text, text, text),
    iam.recovery_code_take(uuid, bytea[], text, text, text), iam.has_second_factor(uuid)
    to countinghouse_api;
grant execute on function iam.my_totp_devices() to countinghouse_tenant, countinghouse_reader;
set local role countinghouse_owner;
