-- Suspending: nobody may work in an organisation for now, and all that it has is kept.
--
-- The lock is in the database. Every right that an organisation's roles have comes from their groups, so they leave
-- them: from the commit on the next statement is refused, on every connection, whatever a server remembers, and the
-- worker's as well. Only a transaction that runs at that moment may come to its end. Analysts may not log in either.

create function iam.is_suspended(user_id uuid, tenant_id uuid) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from iam.memberships
        join iam.tenants on tenants.id = memberships.tenant_id
        join iam.users on users.id = memberships.user_id
        where memberships.tenant_id = is_suspended.tenant_id and memberships.user_id = is_suspended.user_id
          and memberships.is_active and tenants.suspended_at is not null and users.is_active and users.deleted_at is null
    ) or exists (
        select from iam.apps
        join iam.tenants on tenants.id = apps.tenant_id
        where apps.tenant_id = is_suspended.tenant_id and apps.id = is_suspended.user_id and apps.revoked_at is null
          and tenants.suspended_at is not null
    )
$$;
comment on function iam.is_suspended(uuid, uuid) is
    'Whether it is for the suspension alone that this person or app may not work in this organisation. Strangers learn nothing.';

create function iam.membership_demand_open() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from iam.tenants where id = new.tenant_id and suspended_at is not null) then
        perform core.refuse('CONFLICT', 'TENANT_SUSPENDED', 'This organisation is suspended at present. Nobody can join it.');
    end if;
    return new;
end
$$;
comment on function iam.membership_demand_open() is 'Lets nobody into an organisation that is suspended, whichever way they come.';
create trigger demand_open before insert on iam.memberships for each row execute function iam.membership_demand_open();

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.is_suspended(uuid, uuid) owner to countinghouse_auth;
alter function iam.membership_demand_open() owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function iam.is_suspended(uuid, uuid) to countinghouse_api;
set local role countinghouse_owner;
grant execute on function core.refuse(text, text, text, text) to countinghouse_auth;

-- What the operator of the house calls, as a superuser; nobody else may.

create function iam.tenant_roles_settle(tenant uuid, may_work boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    one record;
    membership record;
    names_grantors constant boolean := current_setting('server_version_num')::int >= 160000;
begin
    for one in
        select oid, rolname as name, rolcanlogin as logs_in, rolname like 'analyst\_%' as is_analyst,
               case when rolname like 'analyst\_%' then 'countinghouse_analyst' else 'countinghouse_tenant' end as rights
        from pg_roles
        where rolname ~ ('^(tenant|analyst_.+)_' || replace(tenant::text, '-', '') || '$')
    loop
        if may_work then
            -- Those that were shut out here, and no analyst who could not log in before.
            continue when exists (select from pg_auth_members where member = one.oid and roleid = one.rights::regrole);
            if one.is_analyst then
                execute format('grant %I to %I', one.rights, one.name);
                execute format('alter role %I login', one.name);
            else
                perform iam.tenant_role_create(tenant);
            end if;
        elsif one.logs_in or not one.is_analyst then
            for membership in
                select grantor::regrole::text as grantor from pg_auth_members
                where member = one.oid and roleid = one.rights::regrole
            loop
                -- From 16 on each membership is its grantor's.
                execute format('revoke %I from %I', one.rights, one.name)
                    || case when names_grantors then ' granted by ' || membership.grantor else '' end;
            end loop;
            if one.is_analyst then
                execute format('alter role %I nologin', one.name);
            end if;
        end if;
    end loop;
end
$$;
comment on function iam.tenant_roles_settle(uuid, boolean) is
    'Puts the roles of an organisation and of its analysts into the groups that they have their rights from, or takes them out.';

create function iam.tenant_suspension() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform iam.tenant_roles_settle(new.id, may_work => new.suspended_at is null);
    return null;
end
$$;
comment on function iam.tenant_suspension() is 'Has the rights of an organisation''s roles follow from its row, whoever writes that.';
create trigger suspension after update on iam.tenants
    for each row when ((old.suspended_at is null) <> (new.suspended_at is null))
    execute function iam.tenant_suspension();

create function iam.tenant_suspend(input jsonb) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    tenant iam.tenants;
begin
    select * into tenant from iam.tenants where slug = input ->> 'slug' for no key update;
    if tenant.id is null then
        perform core.refuse('NOT_FOUND', 'TENANT_NOT_FOUND', 'There is no organisation of this short name.', 'input.slug');
    end if;
    if tenant.suspended_at is not null then
        perform core.refuse('CONFLICT', 'TENANT_SUSPENDED', 'This organisation is suspended already.', 'input.slug');
    end if;
    if input ->> 'reason' is null then
        perform core.refuse('BAD_USER_INPUT', 'SUSPEND_REASON', 'Say why it is suspended.', 'input.reason');
    end if;
    update iam.tenants set suspended_at = statement_timestamp(), suspend_reason = input ->> 'reason' where id = tenant.id;
    return tenant.id;
end
$$;
comment on function iam.tenant_suspend(jsonb) is
    'Suspends an organisation: nobody may work in it, at once, and nothing of it is changed. Who is connected as one of its analysts is put out by iam.tenant_connections_end().';

create function iam.tenant_resume(input jsonb) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    tenant iam.tenants;
begin
    select * into tenant from iam.tenants where slug = input ->> 'slug' for no key update;
    if tenant.id is null then
        perform core.refuse('NOT_FOUND', 'TENANT_NOT_FOUND', 'There is no organisation of this short name.', 'input.slug');
    end if;
    if tenant.suspended_at is null then
        perform core.refuse('CONFLICT', 'TENANT_NOT_SUSPENDED', 'This organisation is not suspended.', 'input.slug');
    end if;
    update iam.tenants set suspended_at = null, suspend_reason = null where id = tenant.id;
    return tenant.id;
end
$$;
comment on function iam.tenant_resume(jsonb) is 'Has an organisation go on as it was before it was suspended.';

create function iam.tenant_connections_end(tenant uuid) returns integer
language sql
set search_path = pg_catalog, pg_temp
as $$
    select count(pg_terminate_backend(pid))::integer from pg_stat_activity
    where usename ~ ('^(tenant|analyst_.+)_' || replace(tenant::text, '-', '') || '$')
$$;
comment on function iam.tenant_connections_end(uuid) is
    'Ends the connections of who has logged in as a role of this organisation, its analysts for instance. Answers how many.';

create function iam.tenant_roles_restore() returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    made integer;
begin
    select count(iam.tenant_role_create(tenants.id)) into made
    from iam.tenants
    where not exists (select from pg_roles where rolname = 'tenant_' || replace(tenants.id::text, '-', ''));
    perform iam.tenant_roles_settle(id, may_work => false) from iam.tenants where suspended_at is not null;
    return made;
end
$$;
comment on function iam.tenant_roles_restore() is
    'Makes the database roles that are missing: a dump carries the tenants, not their roles. Answers how many.';
