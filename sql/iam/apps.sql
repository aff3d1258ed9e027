-- An app is a program of somebody else's that works in the organisation under a name of its own, within its scopes.

create table iam.apps (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    name text not null,
    scopes text[] not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    name_key text collate "C" not null generated always as (lower(name)) stored,
    primary key (tenant_id, id),
    constraint apps_name_check check (name = btrim(name) and char_length(name) between 1 and 100),
    constraint apps_scopes_check check (cardinality(scopes) > 0 and scopes <@ core.app_scopes())
);

comment on table iam.apps is 'A program of somebody else''s that works in the organisation.';
comment on column iam.apps.tenant_id is 'The organisation.';
comment on column iam.apps.id is 'The app''s id, which is its client_id as well.';
comment on column iam.apps.name is 'What it is called: 1 to 100 characters.';
comment on column iam.apps.scopes is 'What it may do, such as billing:read: each field of the API needs one of them.';
comment on column iam.apps.last_used_at is 'When it last got an access token, to the minute.';
comment on column iam.apps.revoked_at is 'Since when it is out, for good.';
comment on column iam.apps.created_at is 'When it was entered.';
comment on column iam.apps.created_by is 'Who entered it.';
comment on column iam.apps.updated_at is 'When it was last changed, or used.';
comment on column iam.apps.name_key is 'The name in small letters, by which apps are ordered.';
comment on constraint apps_name_check on iam.apps is
    'NAME_INVALID input.name: A name has 1 to 100 characters, without blanks around them.';
comment on constraint apps_scopes_check on iam.apps is
    'SCOPE_NOT_FOR_APPS input.scopes: An app has at least one scope, and none by which it could say who may come in, or that is about a person.';

create index apps_name on iam.apps (tenant_id, name_key, id);
create index apps_created_at on iam.apps (tenant_id, created_at, id);
create index apps_client on iam.apps (id);

alter table iam.apps enable row level security;
alter table iam.apps force row level security;

-- Whoever sees the whole organisation sees who works in it; a scoped person does not.
create policy tenant on iam.apps to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all())
    with check (tenant_id = core.tenant_id() and core.sees_all());
-- An app comes in before there is a tenant.
create policy auth on iam.apps to countinghouse_auth using (true) with check (true);

grant select (tenant_id, id, name, scopes, last_used_at, revoked_at, created_at, created_by, updated_at, name_key)
    on iam.apps to countinghouse_tenant, countinghouse_reader;
grant select, update (last_used_at, updated_at) on iam.apps to countinghouse_auth;
-- NOTE: nobody writes an app but the functions below. Analysts read figures, and nothing of who may come in.

create trigger touch before update on iam.apps for each row execute function core.touch();
create trigger audit after insert or update or delete on iam.apps
    for each row execute function core.audit('APP', 'name_key,last_used_at');
-- What is revoked stays so, whoever writes.
create trigger revoked_for_good before update on iam.apps
    for each row when (old.revoked_at is not null) execute function core.refuse_change();

-- A secret is shown once, when it is made. What is kept of it cannot be turned back into it.
create table iam.app_secrets (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    app_id uuid not null,
    secret_hash bytea not null,
    hint text not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    foreign key (tenant_id, app_id) references iam.apps,
    constraint app_secrets_hash_check check (octet_length(secret_hash) = 32),
    constraint app_secrets_hint_check check (hint ~ '^.{4}$')
);

comment on table iam.app_secrets is 'With what an app shows that it is the one.';
comment on column iam.app_secrets.tenant_id is 'The organisation.';
comment on column iam.app_secrets.id is 'The secret''s id.';
comment on column iam.app_secrets.app_id is 'The app.';
comment on column iam.app_secrets.secret_hash is 'The keyed hash of the secret.';
comment on column iam.app_secrets.hint is 'Its last four characters, to tell it from another.';
comment on column iam.app_secrets.expires_at is 'Until when it is good beside the one that followed it; empty for the newest.';
comment on column iam.app_secrets.revoked_at is 'Since when it is good for nothing, whatever it says beside this.';
comment on column iam.app_secrets.created_at is 'When it was made.';
comment on column iam.app_secrets.created_by is 'Who had it made.';
comment on column iam.app_secrets.updated_at is 'When it last changed.';
comment on constraint app_secrets_hash_check on iam.app_secrets is 'SECRET_HASH: A secret is kept as a keyed hash only.';
comment on constraint app_secrets_hint_check on iam.app_secrets is 'SECRET_HINT: The hint of a secret is its last four characters.';

-- One that is to stay and one that is to go: there are never more.
create unique index app_secrets_two on iam.app_secrets (tenant_id, app_id, (expires_at is null)) where revoked_at is null;
comment on index iam.app_secrets_two is
    'SECRETS_TWO: An app has two secrets at most, the newest and the one before it.';
create index app_secrets_app on iam.app_secrets (tenant_id, app_id, created_at, id);
create index app_secrets_hash on iam.app_secrets (secret_hash);

alter table iam.app_secrets enable row level security;
alter table iam.app_secrets force row level security;

-- Whoever sees the app sees that it has secrets.
create policy tenant on iam.app_secrets to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all())
    with check (tenant_id = core.tenant_id() and core.sees_all());
-- An app comes in before there is a tenant.
create policy auth on iam.app_secrets to countinghouse_auth using (true) with check (true);

grant select (tenant_id, id, app_id, hint, expires_at, revoked_at, created_at, created_by, updated_at)
    on iam.app_secrets to countinghouse_tenant, countinghouse_reader;
grant select, update (secret_hash, updated_at) on iam.app_secrets to countinghouse_auth;
-- NOTE: secret_hash is granted to nobody of a tenant, and nothing at all to analysts.

create trigger touch before update on iam.app_secrets for each row execute function core.touch();
create trigger audit after insert or update or delete on iam.app_secrets
    for each row execute function core.audit('APP_SECRET', 'secret_hash,hint');

create function iam.app_handed_out(wanted text[]) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    one text;
begin
    foreach one in array coalesce(wanted, '{}') loop
        if not one = any (core.app_scopes()) then
            perform core.refuse(
                'BAD_USER_INPUT', 'SCOPE_NOT_FOR_APPS',
                format('An app cannot be given %s. Scopes for apps are %s.', one, array_to_string(core.app_scopes(), ', ')),
                'input.scopes'
            );
        end if;
        if not core.permits(one) then
            perform core.refuse(
                'FORBIDDEN', 'SCOPE_BEYOND_ROLE',
                format('Your role, %s, does not include %s, so you cannot let an app do it.', core.role(), one), 'input.scopes'
            );
        end if;
    end loop;
    return case when wanted is not null then array(select distinct each from unnest(wanted) as each order by each) end;
end
$$;
comment on function iam.app_handed_out(text[]) is
    'The scopes in order, each once; null, which the table refuses, for null. Nobody hands out what they may not do themselves, nor what no app may do.';

create function iam.app_found(wanted uuid) returns iam.apps
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    app iam.apps;
begin
    select * into app from iam.apps where tenant_id = core.tenant_id() and id = wanted for update;
    if app.id is null then
        perform core.refuse('NOT_FOUND', 'APP_NOT_FOUND', 'There is no app with this id.', 'input.id');
    end if;
    if app.revoked_at is not null then
        perform core.refuse('CONFLICT', 'APP_REVOKED', 'This app was revoked, which is for good. Make a new one.', 'input.id');
    end if;
    return app;
end
$$;
comment on function iam.app_found(uuid) is 'The app of that id, locked; refuses where there is none, or it was revoked.';

create function iam.app_secret_add(app uuid, hash text, last_four text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into iam.app_secrets (tenant_id, app_id, secret_hash, hint) values (core.tenant_id(), app, decode(hash, 'hex'), last_four)
$$;
comment on function iam.app_secret_add(uuid, text, text) is 'Keeps what is kept of a new secret.';

create function iam.app_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given iam.apps := jsonb_populate_record(null::iam.apps, input - 'id');
    made uuid;
begin
    perform core.demand('iam:write');
    insert into iam.apps (tenant_id, name, scopes) values (core.tenant_id(), given.name, iam.app_handed_out(given.scopes))
    returning id into made;
    perform iam.app_secret_add(made, input ->> 'secret_hash', input ->> 'hint');
    return made;
end
$$;
comment on function iam.app_create(jsonb) is
    'Lets a program of somebody else''s work in the organisation. Its secret is shown this once.';

create function iam.app_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before iam.apps;
    after iam.apps;
begin
    perform core.demand('iam:write');
    before := iam.app_found((input ->> 'id')::uuid);
    after := jsonb_populate_record(before, input);
    if input ? 'scopes' then
        after.scopes := iam.app_handed_out(after.scopes);
    end if;
    update iam.apps set name = after.name, scopes = after.scopes where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function iam.app_update(jsonb) is
    'Gives an app another name or other scopes, which count within ten seconds. What is left out stays as it is.';

create function iam.app_secret_rotate(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    app iam.apps;
    overlap integer := coalesce((input ->> 'overlap_hours')::integer, 24);
begin
    perform core.demand('iam:write');
    app := iam.app_found((input ->> 'id')::uuid);
    -- Whoever has the secret may do what the app may.
    perform iam.app_handed_out(app.scopes);
    if overlap not between 0 and 720 then
        perform core.refuse(
            'BAD_USER_INPUT', 'OVERLAP_INVALID', 'An old secret stays good for 0 to 720 hours, which are 30 days.',
            'input.overlapHours'
        );
    end if;
    update iam.app_secrets set revoked_at = statement_timestamp()
    where tenant_id = core.tenant_id() and app_id = app.id and revoked_at is null and (overlap = 0 or expires_at is not null);
    update iam.app_secrets set expires_at = statement_timestamp() + make_interval(hours => overlap)
    where tenant_id = core.tenant_id() and app_id = app.id and revoked_at is null;
    perform iam.app_secret_add(app.id, input ->> 'secret_hash', input ->> 'hint');
    return app.id;
end
$$;
comment on function iam.app_secret_rotate(jsonb) is
    'Gives an app a new secret, which is shown this once. The one before it stays good for a while, a still older one does not.';

create function iam.app_revoke(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    app iam.apps;
begin
    perform core.demand('iam:write');
    app := iam.app_found((input ->> 'id')::uuid);
    update iam.app_secrets set revoked_at = statement_timestamp()
    where tenant_id = core.tenant_id() and app_id = app.id and revoked_at is null;
    update iam.apps set revoked_at = statement_timestamp() where tenant_id = core.tenant_id() and id = app.id;
    return app.id;
end
$$;
comment on function iam.app_revoke(jsonb) is
    'Puts an app out, for good: it gets no more tokens, and those that it has are refused within ten seconds.';

grant execute on function iam.app_create(jsonb), iam.app_update(jsonb), iam.app_secret_rotate(jsonb), iam.app_revoke(jsonb)
    to countinghouse_tenant;

-- What the server asks before it knows which organisation an app is of.

create function iam.app_noted(
    organisation_id uuid, app_id uuid, facts jsonb, ip_address text, user_agent text, request_id text
) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into core.audit_log (tenant_id, action, entity_type, entity_id, new_values, user_id, ip_address, user_agent, request_id)
    values (
        app_noted.organisation_id, 'SIGN_IN', 'APP', app_noted.app_id, app_noted.facts, app_noted.app_id,
        app_noted.ip_address, app_noted.user_agent, app_noted.request_id
    )
$$;
comment on function iam.app_noted(uuid, uuid, jsonb, text, text, text) is
    'Notes in the log of the organisation that an app came in, or was refused.';

create function iam.app_sign_in(
    client uuid, hashes bytea[], wanted text[], ip_address text, user_agent text, request_id text
) returns table (outcome text, organisation_id uuid, scopes text[])
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    app iam.apps;
    secret iam.app_secrets;
begin
    -- By the hash, which nobody can steer without our key: how long its comparison takes tells nothing of a secret.
    select s.* into secret from iam.app_secrets as s
    where s.secret_hash = any (hashes) and s.app_id = client and s.revoked_at is null
      and (s.expires_at is null or s.expires_at > statement_timestamp());
    select a.* into app from iam.apps as a join iam.tenants as t on t.id = a.tenant_id
    where a.tenant_id = secret.tenant_id and a.id = secret.app_id and a.revoked_at is null and t.suspended_at is null;
    if app.id is null then
        return query select 'REFUSED', null::uuid, null::text[];
        return;
    end if;
    if not coalesce(wanted, app.scopes) <@ app.scopes then
        perform iam.app_noted(app.tenant_id, app.id, '{"refused": "SCOPE_BEYOND"}', app_sign_in.ip_address,
            app_sign_in.user_agent, app_sign_in.request_id);
        return query select 'BEYOND', app.tenant_id, app.scopes;
        return;
    end if;
    -- Under the newest of our keys from now on.
    update iam.app_secrets set secret_hash = hashes[1]
    where tenant_id = secret.tenant_id and id = secret.id and secret_hash <> hashes[1];
    update iam.apps set last_used_at = date_trunc('minute', statement_timestamp())
    where tenant_id = app.tenant_id and id = app.id
      and (last_used_at is null or last_used_at < date_trunc('minute', statement_timestamp()));
    perform iam.app_noted(app.tenant_id, app.id, jsonb_build_object('scopes', coalesce(wanted, app.scopes)),
        app_sign_in.ip_address, app_sign_in.user_agent, app_sign_in.request_id);
    return query select 'KNOWN', app.tenant_id, coalesce(wanted, app.scopes);
end
$$;
comment on function iam.app_sign_in(uuid, bytea[], text[], text, text, text) is
    'Whether an app has a secret of one of these hashes: KNOWN, with its organisation and the scopes that it asked for, or all of its own; BEYOND where it has not all that it asked for; REFUSED otherwise.';

create function iam.app_refused(client uuid, ip_address text, user_agent text, request_id text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform iam.app_noted(a.tenant_id, a.id, '{"refused": "CREDENTIALS_INVALID"}', app_refused.ip_address,
        app_refused.user_agent, app_refused.request_id)
    from iam.apps as a where a.id = client;
    if not found then
        perform iam.noted(null, 'SIGN_IN', '{"refused": "CREDENTIALS_INVALID"}', app_refused.ip_address,
            app_refused.user_agent, app_refused.request_id);
    end if;
end
$$;
comment on function iam.app_refused(uuid, text, text, text) is
    'Notes in the log of an app''s organisation that somebody was refused who named it; in that of the house where there is no such app.';

create function iam.app_context(app_id uuid, tenant_id uuid, wanted text[]) returns table (
    role text, scope_ids uuid[], time_zone text, fiscal_year_start integer, permissions text[], sees_all boolean
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select granted.role, '{}'::uuid[], tenants.time_zone, tenants.fiscal_year_start,
           core.permissions(granted.role), core.role_sees_all(granted.role)
    from iam.apps
    join iam.tenants on tenants.id = apps.tenant_id
    cross join lateral (
        select 'app:' || coalesce(string_agg(scope, ' ' order by scope), '') as role
        from unnest(apps.scopes) as scope where scope = any (app_context.wanted)
    ) as granted
    where apps.tenant_id = app_context.tenant_id and apps.id = app_context.app_id
      and apps.revoked_at is null and tenants.suspended_at is null
$$;
comment on function iam.app_context(uuid, uuid, text[]) is
    'What the server puts on a connection for this app with a token of these scopes: those that it still has. No row where it may not work there.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.app_noted(uuid, uuid, jsonb, text, text, text) owner to countinghouse_auth;
alter function iam.app_sign_in(uuid, bytea[], text[], text, text, text) owner to countinghouse_auth;
alter function iam.app_refused(uuid, text, text, text) owner to countinghouse_auth;
alter function iam.app_context(uuid, uuid, text[]) owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.app_sign_in(uuid, bytea[], text[], text, text, text), iam.app_refused(uuid, text, text, text),
    iam.app_context(uuid, uuid, text[])
    to countinghouse_api;
set local role countinghouse_owner;
