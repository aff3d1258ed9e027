-- A person's own account: its name, its addresses, its end. Whatever would let somebody else take it over asks again who
-- it is: by the password, or by a code that is sent to the account's address.

create function iam.works_here() returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from iam.memberships as m
        where m.tenant_id = core.tenant_id() and m.user_id = core.user_id() and m.is_active
    )
$$;
comment on function iam.works_here() is 'Whether the caller belongs to the organisation that they say they work in.';

create function iam.my_account() returns table (
    tenant_id uuid, id uuid, name text, email text, email_verified_at timestamptz, phone text, phone_verified_at timestamptz,
    image text, settings jsonb, has_password boolean, created_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select core.tenant_id(), u.id, u.name, u.email, u.email_verified_at, u.phone, u.phone_verified_at, u.image, u.settings::jsonb,
           u.password_hash is not null, u.created_at
    from iam.users as u
    where core.permits('iam:self') and u.id = core.user_id() and u.deleted_at is null
      and exists (select from iam.memberships as m where m.tenant_id = core.tenant_id() and m.user_id = core.user_id() and m.is_active)
$$;
comment on function iam.my_account() is 'The caller''s own account.';

create function iam.account_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('iam:self');
    if not iam.works_here() then
        perform core.refuse('FORBIDDEN', 'PERMISSION_MISSING', 'This is for people who work here.');
    end if;
    update iam.users set
        name = case when input ? 'name' then btrim(input ->> 'name') else name end,
        image = case when input ? 'image' then input ->> 'image' else image end,
        settings = case when input ? 'settings' then coalesce(nullif(input -> 'settings', 'null'), '{}') else settings end
    where id = core.user_id() and deleted_at is null;
    return core.user_id();
end
$$;
comment on function iam.account_update(jsonb) is
    'Changes the caller''s own name, picture or preferences, in all their organisations. What is left out stays as it is.';

create function iam.account_code_send(person uuid, to_phone boolean, keyed_hash bytea)
returns table (id uuid, expires_at timestamptz, address text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    goes_to text;
begin
    select case when to_phone then coalesce(u.phone, u.email) else coalesce(u.email, u.phone) end into goes_to from iam.users as u
    where u.id = person and u.is_active and u.deleted_at is null;
    if goes_to is null then
        return;
    end if;
    return query
        select sent.id, sent.expires_at, goes_to from iam.code_send('ACCOUNT', goes_to, person, keyed_hash) as sent;
end
$$;
comment on function iam.account_code_send(uuid, boolean, bytea) is 'A code to the account''s own e-mail address or telephone, by which its person shows again who they are.';

create function iam.account_code(person uuid, given uuid, candidates bytea[], uses_up boolean) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    code iam.codes;
begin
    if not exists (select from iam.codes as c where c.id = given and c.user_id = person) then
        return false;
    end if;
    code := iam.code_found(given, 'ACCOUNT', candidates);
    if code.id is not null and uses_up then
        update iam.codes as c set used_at = statement_timestamp() where c.id = given;
    end if;
    return code.id is not null;
end
$$;
comment on function iam.account_code(uuid, uuid, bytea[], boolean) is
    'Whether this is the code that was sent to the account''s address; and if wanted, it is used up. Each wrong one counts.';

create function iam.address_begin(person uuid, new_address text, keyed_hash bytea)
returns table (id uuid, expires_at timestamptz, is_taken boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not coalesce(iam.is_address(new_address), false) then
        perform core.refuse(
            'BAD_USER_INPUT', 'ADDRESS_INVALID',
            'Give one e-mail address such as name@example.com, or a telephone number such as +447911123456.', 'input.address'
        );
    end if;
    return query
        select sent.id, sent.expires_at,
               exists (select from iam.users as u where u.id <> person and new_address in (u.email, u.phone))
        from iam.code_send('ADDRESS', new_address, person, keyed_hash) as sent;
end
$$;
comment on function iam.address_begin(uuid, text, bytea) is
    'Begins the change to a new address with a code that is sent to it; or, where another account has it, with one that is sent to nobody.';

create function iam.address_change(
    person uuid, given uuid, candidates bytea[], session uuid, ip_address text, user_agent text, request_id text
) returns table (new_address text, old_addresses text[])
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    code iam.codes;
    before iam.users;
begin
    if not exists (select from iam.codes as c where c.id = given and c.user_id = person) then
        return;
    end if;
    code := iam.code_take(given, 'ADDRESS', candidates);
    if code.id is null then
        return;
    end if;
    select u.email, u.phone into before.email, before.phone from iam.users as u
    where u.id = person and u.is_active and u.deleted_at is null for no key update;
    if not found then
        return;
    end if;
    begin
        update iam.users as u set
            email = case when code.address like '%@%' then code.address else u.email end,
            email_verified_at = case when code.address like '%@%' then statement_timestamp() else u.email_verified_at end,
            phone = case when code.address like '%@%' then u.phone else code.address end,
            phone_verified_at = case when code.address like '%@%' then u.phone_verified_at else statement_timestamp() end
        where u.id = person;
    exception when unique_violation then
        return;  -- somebody else has it by now; and it is answered as if the code were wrong
    end;
    -- What was sent to the old address opens nothing any more.
    update iam.codes as c set used_at = statement_timestamp() where c.user_id = person and c.used_at is null;
    perform iam.noted(person, 'UPDATE', '{"address": "CHANGED"}', ip_address, user_agent, request_id);
    perform iam.sessions_end_others(person, session, 'ADDRESS_CHANGED', ip_address, user_agent, request_id);
    return query select code.address, array_remove(array[before.email, before.phone], null);
end
$$;
comment on function iam.address_change(uuid, uuid, bytea[], uuid, text, text, text) is
    'Gives the account the address that the code was sent to, in place of the one of its kind, and ends all sessions but this. No row for a wrong code. Answers the addresses that there were.';

create function iam.sessions_end_others(
    person uuid, kept uuid, why text, ip_address text, user_agent text, request_id text
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform iam.session_end(person, s.id, why, sessions_end_others.ip_address, sessions_end_others.user_agent, sessions_end_others.request_id)
    from iam.sessions as s where s.user_id = person and s.ended_at is null and s.id <> kept;
end
$$;
comment on function iam.sessions_end_others(uuid, uuid, text, text, text, text) is 'Ends all sessions of a person but one.';

create function iam.only_owner_of(person uuid) returns text[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(t.name order by t.name), '{}')
    from iam.memberships as m join iam.tenants as t on t.id = m.tenant_id
    where m.user_id = person and m.role = 'owner' and m.is_active
      and not exists (
          select from iam.memberships as o where o.tenant_id = m.tenant_id and o.id <> m.id and o.role = 'owner' and o.is_active
      )
$$;
comment on function iam.only_owner_of(uuid) is 'The names of the organisations that would have no owner without this person.';

create function iam.workplaces_of(person uuid) returns uuid[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(m.tenant_id order by m.tenant_id), '{}') from iam.memberships as m where m.user_id = person and m.is_active
$$;
comment on function iam.workplaces_of(uuid) is 'The organisations that a person belongs to.';

create function iam.account_closing(person uuid) returns uuid[]
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from iam.users as u where u.id = person and u.deleted_at is null for no key update;
    return case when found then iam.workplaces_of(person) end;
end
$$;
comment on function iam.account_closing(uuid) is
    'Begins to close an account: nobody joins with it from now on. Answers the organisations that the caller leaves now, in the same transaction; NULL where there is no account.';

create function iam.account_close(person uuid, ip_address text, user_agent text, request_id text) returns text[]
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before iam.users;
begin
    select u.email, u.phone into before.email, before.phone from iam.users as u
    where u.id = person and u.deleted_at is null for no key update;
    if not found or iam.workplaces_of(person) <> '{}' then
        return null;
    end if;
    -- The addresses are free from now on; whoever signs up with one gets another account.
    update iam.users as u set
        deleted_at = statement_timestamp(), email = null, phone = null, email_verified_at = null, phone_verified_at = null,
        password_hash = null, google_sub = null, image = null, settings = '{}'
    where u.id = person;
    update iam.codes as c set used_at = statement_timestamp() where c.user_id = person and c.used_at is null;
    delete from iam.totp_devices as d where d.user_id = person;
    delete from iam.recovery_codes as r where r.user_id = person;
    perform iam.noted(person, 'UPDATE', '{"account": "CLOSED"}', account_close.ip_address, account_close.user_agent, account_close.request_id);
    perform iam.join_request_withdraw(person, null);
    perform iam.session_end(person, null, 'ACCOUNT_CLOSED', account_close.ip_address, account_close.user_agent, account_close.request_id);
    return array_remove(array[before.email, before.phone], null);
end
$$;
comment on function iam.account_close(uuid, text, text, text) is
    'Closes the account of somebody who has left all organisations: its addresses, password and devices go at once, its sessions end. Answers the addresses that there were; NULL where nothing was closed.';

-- As somebody who leaves: in the organisation's own role, so that what binds every change of a membership binds this one.
create function iam.membership_leave(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    membership uuid;
begin
    perform core.demand('iam:pass');
    -- Before the membership, in the order in which others lock them.
    perform from iam.tenants where id = core.tenant_id() for no key update;
    update iam.memberships set is_active = false
    where tenant_id = core.tenant_id() and user_id = core.user_id() and is_active
    returning id into membership;
    return membership;
end
$$;
comment on function iam.membership_leave(jsonb) is 'Ends the caller''s own membership. The last owner stays.';

create function iam.accounts_forget() returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    update iam.users set name = 'Closed account'
    where deleted_at < statement_timestamp() - interval '30 days' and name <> 'Closed account'
$$;
comment on function iam.accounts_forget() is 'Forgets the names of accounts that were closed more than 30 days ago, in all organisations.';

reset role;
grant create on schema iam to countinghouse_auth, countinghouse_accounts;
alter function iam.works_here() owner to countinghouse_auth;
alter function iam.my_account() owner to countinghouse_auth;
alter function iam.sessions_end_others(uuid, uuid, text, text, text, text) owner to countinghouse_auth;
alter function iam.only_owner_of(uuid) owner to countinghouse_auth;
alter function iam.workplaces_of(uuid) owner to countinghouse_auth;
alter function iam.account_update(jsonb) owner to countinghouse_accounts;
alter function iam.account_code_send(uuid, boolean, bytea) owner to countinghouse_accounts;
alter function iam.account_code(uuid, uuid, bytea[], boolean) owner to countinghouse_accounts;
alter function iam.address_begin(uuid, text, bytea) owner to countinghouse_accounts;
alter function iam.address_change(uuid, uuid, bytea[], uuid, text, text, text) owner to countinghouse_accounts;
alter function iam.account_closing(uuid) owner to countinghouse_accounts;
alter function iam.account_close(uuid, text, text, text) owner to countinghouse_accounts;
alter function iam.accounts_forget() owner to countinghouse_accounts;
revoke create on schema iam from countinghouse_auth, countinghouse_accounts;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.works_here(), iam.sessions_end_others(uuid, uuid, text, text, text, text), iam.workplaces_of(uuid),
    iam.join_request_withdraw(uuid, uuid)
    to countinghouse_accounts;
grant execute on function iam.accounts_forget() to countinghouse_auth;
grant execute on function
    iam.account_code_send(uuid, boolean, bytea), iam.account_code(uuid, uuid, bytea[], boolean), iam.address_begin(uuid, text, bytea),
    iam.address_change(uuid, uuid, bytea[], uuid, text, text, text), iam.only_owner_of(uuid),
    iam.account_closing(uuid), iam.account_close(uuid, text, text, text)
    to countinghouse_api;
grant execute on function iam.my_account() to countinghouse_tenant, countinghouse_reader;
grant execute on function iam.account_update(jsonb), iam.membership_leave(jsonb) to countinghouse_tenant;
set local role countinghouse_owner;
