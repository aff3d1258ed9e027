-- A membership says that a person works in an organisation, in which role, and what they see there.

create table iam.memberships (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    user_id uuid not null references iam.users,
    user_name text not null,
    user_email text not null,
    role text not null,
    scope_ids uuid[] not null default '{}',
    is_active boolean not null default true,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    constraint memberships_user_unique unique (tenant_id, user_id),
    constraint memberships_role_check check (role in ('owner', 'admin', 'accountant', 'operator', 'viewer', 'member')),
    constraint memberships_scope_check check ((role = 'member') = (cardinality(scope_ids) > 0))
);

comment on table iam.memberships is 'A person''s place in the organisation.';
comment on column iam.memberships.tenant_id is 'The organisation.';
comment on column iam.memberships.id is 'The membership''s id.';
comment on column iam.memberships.user_id is 'The person.';
comment on column iam.memberships.user_name is 'The person''s name.';
comment on column iam.memberships.user_email is 'The person''s e-mail address.';
comment on column iam.memberships.role is
    'What they may do: OWNER and ADMIN everything, ACCOUNTANT and OPERATOR the daily work, VIEWER reads, MEMBER reads what concerns them.';
comment on column iam.memberships.scope_ids is 'For a MEMBER: the clients that they speak for.';
comment on column iam.memberships.is_active is 'Whether they may work here at present.';
comment on column iam.memberships.created_at is 'When they joined.';
comment on column iam.memberships.created_by is 'Who let them in.';
comment on column iam.memberships.updated_at is 'When it last changed.';
comment on constraint memberships_user_unique on iam.memberships is
    'ALREADY_A_MEMBER input.userId: This person belongs to the organisation already.';
comment on constraint memberships_role_check on iam.memberships is
    'ROLE_UNKNOWN input.role: A role is owner, admin, accountant, operator, viewer or member.';
comment on constraint memberships_scope_check on iam.memberships is
    'SCOPE_REQUIRED input.scopeIds: A member needs the ids of what they may see, and no other role has any.';

create index memberships_role on iam.memberships (tenant_id, role);
create index memberships_created_at on iam.memberships (tenant_id, created_at, id);
create index memberships_user on iam.memberships (user_id);

alter table iam.memberships enable row level security;
alter table iam.memberships force row level security;

-- Colleagues see one another; a member sees their own membership only.
create policy tenant on iam.memberships to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or user_id = core.user_id()))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or user_id = core.user_id()));
create policy analyst on iam.memberships for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- Signing in looks where a person belongs, before there is a tenant, and keeps their name there current.
create policy auth on iam.memberships to countinghouse_auth using (true) with check (true);

grant select (tenant_id, id, user_id, user_name, user_email, role, scope_ids, is_active, created_at, created_by, updated_at)
    on iam.memberships to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
grant select, update (user_name, user_email, updated_at) on iam.memberships to countinghouse_auth;
-- NOTE: nobody writes a membership but the functions below, for the operator of the house; inviting comes with its issue.

create trigger touch before update on iam.memberships for each row execute function core.touch();
create trigger audit after insert or update or delete on iam.memberships
    for each row execute function core.audit('MEMBERSHIP', '');

create function iam.membership_name() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    select name, email into new.user_name, new.user_email from iam.users where id = new.user_id;
    return new;
end
$$;
comment on function iam.membership_name() is 'Copies the person''s name and address, so that colleagues can see them.';
create trigger name before insert on iam.memberships for each row execute function iam.membership_name();

create function iam.memberships_rename() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update iam.memberships set user_name = new.name, user_email = new.email where user_id = new.id;
    return null;
end
$$;
comment on function iam.memberships_rename() is 'Keeps the copies of a person''s name and address current.';
create trigger rename after update of name, email on iam.users
    for each row when (old.name is distinct from new.name or old.email is distinct from new.email)
    execute function iam.memberships_rename();

create function iam.membership_create(input jsonb) returns uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into iam.memberships (tenant_id, user_id, role, scope_ids, user_name, user_email)
    values (
        (input ->> 'tenant_id')::uuid,
        (input ->> 'user_id')::uuid,
        input ->> 'role',
        coalesce((select array_agg(each::uuid) from jsonb_array_elements_text(input -> 'scope_ids') each), '{}'),
        '', ''
    )
    returning id
$$;
comment on function iam.membership_create(jsonb) is 'Lets a person into an organisation. For the operator of the house.';

-- Signing in: what the server may ask before it knows who is there.

create function iam.sign_in_lookup(email text) returns table (user_id uuid, password_hash text, memberships jsonb)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select users.id, users.password_hash, coalesce(
        (
            select jsonb_agg(
                jsonb_build_object('tenant_id', tenants.id, 'slug', tenants.slug, 'name', tenants.name, 'role', memberships.role)
                order by tenants.name, tenants.slug
            )
            from iam.memberships
            join iam.tenants on tenants.id = memberships.tenant_id
            where memberships.user_id = users.id and memberships.is_active and tenants.suspended_at is null
        ),
        '[]'
    )
    from iam.users
    where users.email = lower(btrim(sign_in_lookup.email)) and users.is_active and users.deleted_at is null
$$;
comment on function iam.sign_in_lookup(text) is
    'The account of an e-mail address: the hash to verify, and the organisations to choose from.';

create function iam.sign_in_refused(email text, why text, ip_address text, user_agent text, request_id text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform iam.session_noted(
        users.id, memberships.tenant_id, 'SIGN_IN', jsonb_build_object('refused', why), sign_in_refused.ip_address,
        sign_in_refused.user_agent, sign_in_refused.request_id
    )
    from iam.users join iam.memberships on memberships.user_id = users.id
    where users.email = lower(btrim(sign_in_refused.email)) and memberships.is_active;
end
$$;
comment on function iam.sign_in_refused(text, text, text, text, text) is
    'Notes in the log of each organisation of an account that somebody was refused who named it.';

create function iam.context(user_id uuid, tenant_id uuid, session_id uuid default null) returns table (
    role text, scope_ids uuid[], time_zone text, fiscal_year_start integer, permissions text[], sees_all boolean,
    slug text, tenant_name text, user_name text, email text
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select memberships.role, memberships.scope_ids, tenants.time_zone, tenants.fiscal_year_start,
           core.permissions(memberships.role), core.role_sees_all(memberships.role),
           tenants.slug, tenants.name, users.name, users.email
    from iam.memberships
    join iam.tenants on tenants.id = memberships.tenant_id
    join iam.users on users.id = memberships.user_id
    where memberships.tenant_id = context.tenant_id and memberships.user_id = context.user_id
      and memberships.is_active and tenants.suspended_at is null and users.is_active and users.deleted_at is null
      and (
          context.session_id is null
          or exists (
              select from iam.sessions
              where sessions.id = context.session_id and sessions.user_id = context.user_id and sessions.ended_at is null
          )
      )
$$;
comment on function iam.context(uuid, uuid, uuid) is
    'What the server puts on a connection for this person in this organisation; no row where they may not work there, or have ended the session that their token is of.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.membership_name() owner to countinghouse_auth;
alter function iam.memberships_rename() owner to countinghouse_auth;
alter function iam.sign_in_lookup(text) owner to countinghouse_auth;
alter function iam.sign_in_refused(text, text, text, text, text) owner to countinghouse_auth;
alter function iam.context(uuid, uuid, uuid) owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.sign_in_lookup(text), iam.sign_in_refused(text, text, text, text, text), iam.context(uuid, uuid, uuid)
    to countinghouse_api;
set local role countinghouse_owner;
