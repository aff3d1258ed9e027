-- Context: who a statement runs for. The tenant is read from the role, which no session setting can forge; the person,
-- their role and their scope are settings that the server puts on the connection from the database.
--
-- Each function is one SQL expression without a SET clause, so that PostgreSQL inlines it into the policies.

-- The first branch is the server's, once for each table that a statement looks into: a regular expression there takes
-- half of the time of a list.
create function core.tenant_id() returns uuid
language sql stable parallel safe
return cast(
    case
        when pg_catalog.current_setting('role') like 'tenant\_%' then pg_catalog.right(pg_catalog.current_setting('role'), 32)
        else pg_catalog.substring(
            case pg_catalog.current_setting('role')
                when 'none' then session_user::text else pg_catalog.current_setting('role')
            end,
            '_([0-9a-f]{32})$'
        )
    end as uuid
);
comment on function core.tenant_id() is
    'The tenant of this statement: the 32 hex digits at the end of the role setting, or of the login where no role is set; '
    'NULL where there are none. The role setting still names the tenant inside SECURITY DEFINER and in deferred triggers.';

create function core.user_id() returns uuid
language sql stable parallel safe
return cast(nullif(pg_catalog.current_setting('app.user_id', true), '') as uuid);
comment on function core.user_id() is 'The person this statement runs for; NULL for the worker and for an operator of the house.';

create function core.role() returns text
language sql stable parallel safe
return nullif(pg_catalog.current_setting('app.role', true), '');
comment on function core.role() is 'The person''s role in the tenant; NULL where none was set, which permits nothing.';

-- No coalesce: PostgreSQL takes any expression with it for leaky, and would not look for these ids in an index.
create function core.scope_ids() returns uuid[]
language sql stable parallel safe
return cast(nullif(pg_catalog.current_setting('app.scope_ids', true), '') as uuid[]);
comment on function core.scope_ids() is
    'The ids whose rows a scoped person may see, such as the client that they speak for; NULL where none were set.';

create function core.role_is_app(role text) returns boolean
language sql immutable parallel safe
return pg_catalog.starts_with(role, 'app:');
comment on function core.role_is_app(text) is 'Whether a role is an app''s: its scopes follow, with a blank between two.';

create function core.role_sees_all(role text) returns boolean
language sql immutable parallel safe
return coalesce(
    role in ('owner', 'admin', 'accountant', 'operator', 'viewer', 'worker', 'doorway') or core.role_is_app(role), false
);
comment on function core.role_sees_all(text) is 'Whether a role sees all rows of the tenant; others see those of their scope.';

create function core.sees_all() returns boolean
language sql stable parallel safe
return core.role_sees_all(pg_catalog.current_setting('app.role', true));
comment on function core.sees_all() is 'Whether the person sees all rows of the tenant.';

create function core.is_analyst() returns boolean
language sql stable parallel safe
return session_user like 'analyst\_%';
comment on function core.is_analyst() is 'Whether an analyst is connected: their login says so, which nobody can change.';

-- The server puts the time zone on its connections; an analyst's come without. PL/pgSQL, because what it calls comes later.
create function core.home_time_zone() returns text
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    if core.is_analyst() then
        return coalesce((select time_zone from iam.organisation()), 'UTC');
    end if;
    return 'UTC';
end
$$;
comment on function core.home_time_zone() is
    'The time zone where none is set on the connection: of an analyst''s organisation, and else UTC.';

-- CASE, not coalesce, for the same reason: overdue invoices are looked for in an index.
create function core.today() returns date
language sql stable parallel safe
return cast(
    pg_catalog.timezone(
        case when pg_catalog.current_setting('app.time_zone', true) <> ''
            then pg_catalog.current_setting('app.time_zone', true) else core.home_time_zone() end,
        pg_catalog.statement_timestamp()
    ) as date
);
comment on function core.today() is
    'The day it is in the tenant''s time zone; where none is set, in that of the analyst''s organisation, and else in UTC.';

create function core.fiscal_year_start() returns integer
language sql stable parallel safe
return cast(coalesce(nullif(pg_catalog.current_setting('app.fiscal_year_start', true), ''), '1') as integer);
comment on function core.fiscal_year_start() is 'The month in which the tenant''s fiscal year begins: 1 to 12.';

create function core.fiscal_year(day date, first_month integer) returns integer
language sql immutable parallel safe
return cast(extract(year from day) as integer)
    + case when first_month > 1 and extract(month from day) >= first_month then 1 else 0 end;
comment on function core.fiscal_year(date, integer) is
    'The fiscal year in which a day lies, named by the calendar year in which it ends.';

create function core.context() returns text
language sql stable parallel safe
return pg_catalog.current_setting('app.context', true);
comment on function core.context() is
    'The fingerprint of the context that this connection stands in. A statement carries the one it was made for.';

create function core.permissions(role text) returns text[]
language sql immutable parallel safe
return case role
    when 'owner' then array[
        'billing:read', 'billing:write', 'billing:internal', 'ledger:read', 'ledger:write', 'iam:read', 'iam:write',
        'iam:audit', 'iam:members', 'iam:offboard', 'iam:self', 'trade:read', 'trade:write', 'trade:internal'
    ]
    when 'admin' then array[
        'billing:read', 'billing:write', 'billing:internal', 'ledger:read', 'ledger:write', 'iam:read', 'iam:write',
        'iam:audit', 'iam:self', 'trade:read', 'trade:write', 'trade:internal'
    ]
    when 'accountant' then array[
        'billing:read', 'billing:write', 'billing:internal', 'ledger:read', 'ledger:write', 'iam:read', 'iam:self',
        'trade:read', 'trade:internal'
    ]
    when 'operator' then array[
        'billing:read', 'billing:write', 'billing:internal', 'ledger:read', 'iam:read', 'iam:self', 'trade:read', 'trade:write',
        'trade:internal'
    ]
    when 'viewer' then array[
        'billing:read', 'billing:internal', 'ledger:read', 'iam:read', 'iam:self', 'trade:read', 'trade:internal'
    ]
    when 'member' then array['billing:read', 'iam:read', 'iam:self']
    -- Held to their scope like a member; what they may do comes with their domains.
    when 'vendor' then array['iam:read', 'iam:self', 'trade:read']
    when 'retailer' then array['iam:read', 'iam:self', 'trade:read']
    when 'business' then array['iam:read', 'iam:self']
    when 'investor' then array['iam:read', 'iam:self']
    -- No person's: in this role the worker does what is due in an organisation, and nothing that a person asks for.
    when 'worker' then array['core:work']
    -- No membership has it either: in this role somebody comes in or leaves, and does nothing else.
    when 'doorway' then array['iam:pass']
    -- An app's: its scopes stand in it, as iam.app_context() has found them.
    else case when core.role_is_app(role)
        then pg_catalog.string_to_array(pg_catalog.substr(role, 5), ' ') else array[]::text[] end
end;
comment on function core.permissions(text) is
    'What a role may do: read, write, and read what is kept internal, in each domain; iam:self is what concerns the person alone. The one place that knows.';

create function core.app_scopes() returns text[]
language sql immutable parallel safe
return array(
    select permission from pg_catalog.unnest(core.permissions('owner')) as permission
    where permission not like 'iam:%' or permission = 'iam:read'
    order by permission
);
comment on function core.app_scopes() is
    'What an app may be allowed to do: all that an owner may, but who comes in, and what concerns a person, people decide.';

create function core.permits(permission text) returns boolean
language sql stable parallel safe
return coalesce(permission = any (core.permissions(core.role())), false);
comment on function core.permits(text) is 'Whether the person may do this.';

do $$
declare
    signature text;
begin
    foreach signature in array array[
        'tenant_id()', 'user_id()', 'role()', 'scope_ids()', 'role_is_app(text)', 'role_sees_all(text)', 'sees_all()', 'is_analyst()',
        'home_time_zone()', 'today()', 'fiscal_year_start()', 'fiscal_year(date, integer)', 'context()', 'permissions(text)',
        'permits(text)', 'app_scopes()'
    ] loop
        execute format(
            'grant execute on function core.%s to countinghouse_tenant, countinghouse_analyst, countinghouse_reader, '
            'countinghouse_auth, countinghouse_accounts, countinghouse_api, countinghouse_provisioner, countinghouse_reports',
            signature
        );
    end loop;
end
$$;
