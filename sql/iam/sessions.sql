-- A session is a person signed in on one device. It lasts for as long as each refresh token is exchanged for the next.

create table iam.sessions (
    id uuid primary key default core.new_id(),
    user_id uuid not null references iam.users,
    organisation_id uuid not null references iam.tenants,
    ip_address text,
    user_agent text,
    last_used_at timestamptz not null default statement_timestamp(),
    expires_at timestamptz not null default statement_timestamp() + interval '30 days',
    ended_at timestamptz,
    end_reason text,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    constraint sessions_expires_at_check check (expires_at <= created_at + interval '180 days'),
    constraint sessions_end_reason_check check (
        end_reason in ('SIGNED_OUT', 'SIGNED_OUT_EVERYWHERE', 'TOKEN_REUSED', 'PASSWORD_CHANGED', 'ADDRESS_CHANGED', 'ACCOUNT_CLOSED')
    ),
    constraint sessions_ended_check check ((ended_at is null) = (end_reason is null))
);

comment on table iam.sessions is 'Where a person is signed in.';
comment on column iam.sessions.id is 'The session''s id.';
comment on column iam.sessions.user_id is 'The person.';
comment on column iam.sessions.organisation_id is 'The organisation that they work in there.';
comment on column iam.sessions.ip_address is 'The address that it was last used from.';
comment on column iam.sessions.user_agent is 'The program that it was last used with, as it calls itself.';
comment on column iam.sessions.last_used_at is 'When it was last used to get an access token.';
comment on column iam.sessions.expires_at is 'When it ends unless it is used: 30 days after its last use, 180 after its beginning at most.';
comment on column iam.sessions.ended_at is 'When it was ended.';
comment on column iam.sessions.end_reason is
    'Why it was ended: SIGNED_OUT, SIGNED_OUT_EVERYWHERE, TOKEN_REUSED, PASSWORD_CHANGED, ADDRESS_CHANGED or ACCOUNT_CLOSED.';
comment on column iam.sessions.created_at is 'When they signed in.';
comment on column iam.sessions.created_by is 'Empty: a session is begun by its person.';
comment on column iam.sessions.updated_at is 'When it last changed.';
comment on constraint sessions_expires_at_check on iam.sessions is 'SESSION_TOO_LONG: A session lasts for 180 days at most.';
comment on constraint sessions_end_reason_check on iam.sessions is 'SESSION_END_REASON: A session does not end for this reason.';
comment on constraint sessions_ended_check on iam.sessions is 'SESSION_END_REASON: A session that was ended has its reason, and no other.';

create index sessions_user on iam.sessions (user_id, last_used_at);
create index sessions_organisation on iam.sessions (organisation_id);

alter table iam.sessions enable row level security;
alter table iam.sessions force row level security;

-- People belong to no tenant, and neither does where they are signed in.
create policy auth on iam.sessions to countinghouse_auth using (true) with check (true);
grant select, insert, update, delete on iam.sessions to countinghouse_auth;
-- NOTE: nothing for anybody else: theirs a person sees by my_sessions().

create trigger touch before update on iam.sessions for each row execute function core.touch();

-- Only hashes are kept, and each token is followed by one: so a token that comes twice shows.
create table iam.refresh_tokens (
    token_hash bytea primary key,
    session_id uuid not null references iam.sessions,
    successor_hash bytea,
    used_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    constraint refresh_tokens_hash_check check (octet_length(token_hash) = 32 and octet_length(successor_hash) = 32),
    constraint refresh_tokens_used_check check ((used_at is null) = (successor_hash is null))
);

comment on table iam.refresh_tokens is 'With what the next access token of a session is got, once each.';
comment on column iam.refresh_tokens.token_hash is 'The SHA-256 hash of the token.';
comment on column iam.refresh_tokens.session_id is 'The session.';
comment on column iam.refresh_tokens.successor_hash is 'The hash of the token that was given for it.';
comment on column iam.refresh_tokens.used_at is 'When it was exchanged.';
comment on column iam.refresh_tokens.created_at is 'When it was given.';
comment on column iam.refresh_tokens.created_by is 'Empty: it is given to the person of its session.';
comment on column iam.refresh_tokens.updated_at is 'When it was exchanged, or given.';
comment on constraint refresh_tokens_hash_check on iam.refresh_tokens is 'TOKEN_HASH: A refresh token is kept as its SHA-256 hash.';
comment on constraint refresh_tokens_used_check on iam.refresh_tokens is 'TOKEN_SUCCESSOR: A token that was used has one that follows it.';

create index refresh_tokens_session on iam.refresh_tokens (session_id);

alter table iam.refresh_tokens enable row level security;
alter table iam.refresh_tokens force row level security;

-- They belong to sessions, and these to people.
create policy auth on iam.refresh_tokens to countinghouse_auth using (true) with check (true);
grant select, insert, update, delete on iam.refresh_tokens to countinghouse_auth;
-- NOTE: nothing for anybody else, ever.

create trigger touch before update on iam.refresh_tokens for each row execute function core.touch();

create function iam.session_begin(
    user_id uuid, organisation_id uuid, token_hash bytea, ip_address text, user_agent text, request_id text,
    method text default null
) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    begun uuid;
begin
    insert into iam.sessions (user_id, organisation_id, ip_address, user_agent)
    values (session_begin.user_id, session_begin.organisation_id, session_begin.ip_address, session_begin.user_agent)
    returning id into begun;
    insert into iam.refresh_tokens (token_hash, session_id) values (session_begin.token_hash, begun);
    update iam.users set last_login_at = statement_timestamp() where id = session_begin.user_id;
    perform iam.session_noted(session_begin.user_id, session_begin.organisation_id, 'SIGN_IN',
        case when method is not null then jsonb_build_object('method', method) end, session_begin.ip_address,
        session_begin.user_agent, session_begin.request_id);
    return begun;
end
$$;
comment on function iam.session_begin(uuid, uuid, bytea, text, text, text, text) is
    'Begins a session of somebody who has shown who they are. `method`: by what, where the log should tell.';

create function iam.session_noted(
    user_id uuid, organisation_id uuid, action text, facts jsonb, ip_address text, user_agent text, request_id text
) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into core.audit_log (tenant_id, action, entity_type, entity_id, new_values, user_id, ip_address, user_agent, request_id)
    values (
        session_noted.organisation_id, session_noted.action, 'USER', session_noted.user_id, session_noted.facts,
        session_noted.user_id, session_noted.ip_address, session_noted.user_agent, session_noted.request_id
    )
$$;
comment on function iam.session_noted(uuid, uuid, text, jsonb, text, text, text) is
    'Notes in the log of the organisation that somebody came in, went, or was refused.';

create function iam.session_refresh(
    given_hash bytea, successors bytea[], ip_address text, user_agent text, request_id text
) returns table (outcome text, session_id uuid, user_id uuid, organisation_id uuid, slug text, name text, successor integer)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    token iam.refresh_tokens;
    session iam.sessions;
    chosen bytea := successors[1];
begin
    -- The session is locked first, so that two who hold the same token come one after the other.
    select s.* into session from iam.refresh_tokens as t join iam.sessions as s on s.id = t.session_id
    where t.token_hash = given_hash for update of s;
    select * into token from iam.refresh_tokens as t where t.token_hash = given_hash;
    if session.id is null or session.ended_at is not null or session.expires_at <= statement_timestamp() then
        return query select 'REFUSED', null::uuid, null::uuid, null::uuid, null::text, null::text, null::integer;
        return;
    end if;
    if exists (select from iam.tenants as t where t.id = session.organisation_id and t.suspended_at is not null) then
        -- The token is not used up: once the organisation is open again, its people go on where they were.
        return query select 'SUSPENDED', null::uuid, null::uuid, null::uuid, null::text, null::text, null::integer;
        return;
    end if;
    if token.used_at is null then
        insert into iam.refresh_tokens (token_hash, session_id) values (chosen, session.id);
        update iam.refresh_tokens set used_at = statement_timestamp(), successor_hash = chosen where token_hash = given_hash;
    elsif token.used_at >= statement_timestamp() - interval '10 seconds' and token.successor_hash = any (successors)
        and exists (select from iam.refresh_tokens as t where t.token_hash = token.successor_hash and t.used_at is null)
    then
        -- The answer was lost, or two windows asked at once: they get the same token again.
        chosen := token.successor_hash;
    else
        -- Two hold this token, and one of them stole it. Which one, nobody can tell.
        update iam.sessions set ended_at = statement_timestamp(), end_reason = 'TOKEN_REUSED' where id = session.id;
        perform iam.session_noted(session.user_id, session.organisation_id, 'SIGN_IN', '{"refused": "TOKEN_REUSED"}',
            session_refresh.ip_address, session_refresh.user_agent, session_refresh.request_id);
        return query select 'REUSED', null::uuid, null::uuid, null::uuid, null::text, null::text, null::integer;
        return;
    end if;
    update iam.sessions set
        last_used_at = statement_timestamp(),
        expires_at = least(statement_timestamp() + interval '30 days', created_at + interval '180 days'),
        ip_address = session_refresh.ip_address, user_agent = session_refresh.user_agent
    where id = session.id;
    return query
        select 'REFRESHED', session.id, session.user_id, t.id, t.slug, t.name, array_position(successors, chosen)
        from iam.tenants as t where t.id = session.organisation_id;
end
$$;
comment on function iam.session_refresh(bytea, bytea[], text, text, text) is
    'Exchanges a refresh token for the next of its session: REFRESHED. REFUSED where there is no such session any more, SUSPENDED where its organisation is, REUSED where the token was exchanged before, which ends the session. For ten seconds the same exchange gives the same token again.';

create function iam.session_switch(session_id uuid, user_id uuid, slug text, ip_address text, user_agent text, request_id text)
returns table (organisation_id uuid, organisation_slug text, organisation_name text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
        update iam.sessions as s set organisation_id = t.id
        from iam.tenants as t
        join iam.memberships as m on m.tenant_id = t.id
        where s.id = session_switch.session_id and s.user_id = session_switch.user_id and s.ended_at is null
          and s.expires_at > statement_timestamp() and t.slug = session_switch.slug and t.suspended_at is null
          and m.user_id = session_switch.user_id and m.is_active
        returning t.id, t.slug, t.name;
    if found then
        perform iam.session_noted(session_switch.user_id, t.id, 'SIGN_IN', '{"switched": true}', session_switch.ip_address,
            session_switch.user_agent, session_switch.request_id)
        from iam.tenants as t where t.slug = session_switch.slug;
    end if;
end
$$;
comment on function iam.session_switch(uuid, uuid, text, text, text, text) is
    'Goes over to another organisation of the person''s, without signing in again. No row where they do not belong to it.';

create function iam.session_end(
    user_id uuid, session_id uuid, why text, ip_address text, user_agent text, request_id text
) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    ended integer := 0;
    session iam.sessions;
begin
    for session in
        update iam.sessions as s set ended_at = statement_timestamp(), end_reason = why
        where s.user_id = session_end.user_id and s.ended_at is null
          and (session_end.session_id is null or s.id = session_end.session_id)
        returning s.*
    loop
        ended := ended + 1;
        perform iam.session_noted(session.user_id, session.organisation_id, 'SIGN_IN', jsonb_build_object('ended', why),
            session_end.ip_address, session_end.user_agent, session_end.request_id);
    end loop;
    return ended;
end
$$;
comment on function iam.session_end(uuid, uuid, text, text, text, text) is
    'Ends one session of a person, or all of them where none is named. Answers how many. Access tokens are refused within seconds.';

create function iam.my_sessions() returns table (
    tenant_id uuid, id uuid, line bigint, ip_address text, user_agent text, signed_in_at timestamptz, last_used_at timestamptz,
    expires_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select core.tenant_id(), s.id, row_number() over (order by s.last_used_at desc, s.id), s.ip_address, s.user_agent, s.created_at,
           s.last_used_at, s.expires_at
    from iam.sessions as s
    where core.permits('iam:self') and s.user_id = core.user_id() and s.ended_at is null and s.expires_at > statement_timestamp()
      and exists (select from iam.memberships as m where m.tenant_id = core.tenant_id() and m.user_id = core.user_id() and m.is_active)
    order by s.last_used_at desc, s.id
$$;
comment on function iam.my_sessions() is 'Where the caller is signed in, the one used last at first.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.session_begin(uuid, uuid, bytea, text, text, text, text) owner to countinghouse_auth;
alter function iam.session_noted(uuid, uuid, text, jsonb, text, text, text) owner to countinghouse_auth;
alter function iam.session_refresh(bytea, bytea[], text, text, text) owner to countinghouse_auth;
alter function iam.session_switch(uuid, uuid, text, text, text, text) owner to countinghouse_auth;
alter function iam.session_end(uuid, uuid, text, text, text, text) owner to countinghouse_auth;
alter function iam.my_sessions() owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.session_begin(uuid, uuid, bytea, text, text, text, text), iam.session_refresh(bytea, bytea[], text, text, text),
    iam.session_switch(uuid, uuid, text, text, text, text), iam.session_end(uuid, uuid, text, text, text, text),
    iam.session_noted(uuid, uuid, text, jsonb, text, text, text)
    to countinghouse_api;
grant execute on function iam.my_sessions() to countinghouse_tenant, countinghouse_reader;
set local role countinghouse_owner;
