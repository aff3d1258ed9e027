-- Signing in: what the server may ask before it knows who is there.

create function iam.organisations_of(wanted uuid) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        jsonb_agg(
            jsonb_build_object('tenant_id', tenants.id, 'slug', tenants.slug, 'name', tenants.name, 'role', memberships.role)
            order by tenants.name, tenants.slug
        ),
        '[]'
    )
    from iam.memberships
    join iam.tenants on tenants.id = memberships.tenant_id
    where memberships.user_id = wanted and memberships.is_active and tenants.suspended_at is null
$$;
comment on function iam.organisations_of(uuid) is 'The organisations in which a person may work, by name.';

create function iam.sign_in_lookup(address text) returns table (user_id uuid, password_hash text, memberships jsonb)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select users.id, users.password_hash, iam.organisations_of(users.id)
    from iam.users
    where (users.email = lower(btrim(sign_in_lookup.address)) or users.phone = btrim(sign_in_lookup.address))
      and users.is_active and users.deleted_at is null
$$;
comment on function iam.sign_in_lookup(text) is
    'The account of an e-mail address or telephone number: the hash to verify, and the organisations to choose from.';

create function iam.sign_in_refused(address text, why text, ip_address text, user_agent text, request_id text) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    select iam.noted(
        (
            select users.id from iam.users
            where users.email = lower(btrim(sign_in_refused.address)) or users.phone = btrim(sign_in_refused.address)
        ),
        'SIGN_IN', jsonb_build_object('refused', why), ip_address, user_agent, request_id
    )
$$;
comment on function iam.sign_in_refused(text, text, text, text, text) is
    'Notes that somebody was refused who named this address: in the log of each organisation of its account, or in that of the house. The address is not noted: people type passwords into the wrong field.';

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
alter function iam.organisations_of(uuid) owner to countinghouse_auth;
alter function iam.sign_in_lookup(text) owner to countinghouse_auth;
alter function iam.sign_in_refused(text, text, text, text, text) owner to countinghouse_auth;
alter function iam.context(uuid, uuid, uuid) owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.sign_in_lookup(text), iam.sign_in_refused(text, text, text, text, text), iam.context(uuid, uuid, uuid)
    to countinghouse_api;
set local role countinghouse_owner;
