-- A membership says that a person works in an organisation, in which role, and what they see there.

create table iam.memberships (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    user_id uuid not null references iam.users,
    user_name text not null,
    user_email text,
    user_phone text,
    role text not null,
    scope_ids uuid[] not null default '{}',
    is_active boolean not null default true,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    constraint memberships_user_unique unique (tenant_id, user_id),
    constraint memberships_role_check check (
        role in ('owner', 'admin', 'accountant', 'operator', 'viewer', 'member', 'vendor', 'retailer', 'business', 'investor')
    ),
    constraint memberships_scope_check check (core.role_sees_all(role) = (cardinality(scope_ids) = 0))
);

comment on table iam.memberships is 'A person''s place in the organisation.';
comment on column iam.memberships.tenant_id is 'The organisation.';
comment on column iam.memberships.id is 'The membership''s id.';
comment on column iam.memberships.user_id is 'The person.';
comment on column iam.memberships.user_name is 'The person''s name.';
comment on column iam.memberships.user_email is 'The person''s e-mail address.';
comment on column iam.memberships.user_phone is 'The person''s telephone number.';
comment on column iam.memberships.role is
    'What they may do: OWNER everything, ADMIN all but the roles of others, ACCOUNTANT and OPERATOR the daily work, VIEWER reads, MEMBER, VENDOR, RETAILER, BUSINESS and INVESTOR what concerns them.';
comment on column iam.memberships.scope_ids is 'For a MEMBER: the clients that they speak for; for a VENDOR, RETAILER, BUSINESS or INVESTOR: whom they are there.';
comment on column iam.memberships.is_active is 'Whether they may work here at present.';
comment on column iam.memberships.created_at is 'When they joined.';
comment on column iam.memberships.created_by is 'Who let them in.';
comment on column iam.memberships.updated_at is 'When it last changed.';
comment on constraint memberships_user_unique on iam.memberships is
    'ALREADY_A_MEMBER input.userId: This person belongs to the organisation already.';
comment on constraint memberships_role_check on iam.memberships is
    'ROLE_UNKNOWN input.role: A role is owner, admin, accountant, operator, viewer, member, vendor, retailer, business or investor.';
comment on constraint memberships_scope_check on iam.memberships is
    'SCOPE_REQUIRED input.scopeIds: A member, vendor, retailer, business or investor needs the ids of what they may see, and no other role has any.';

create index memberships_role on iam.memberships (tenant_id, role, is_active);
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

grant select (tenant_id, id, user_id, user_name, user_email, user_phone, role, scope_ids, is_active, created_at, created_by, updated_at)
    on iam.memberships to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
grant select, update (user_name, user_email, user_phone, updated_at) on iam.memberships to countinghouse_auth;
-- NOTE: nobody writes a membership but the functions below.

create trigger touch before update on iam.memberships for each row execute function core.touch();
create trigger audit after insert or update or delete on iam.memberships
    for each row execute function core.audit('MEMBERSHIP', '');

create function iam.membership_name() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    select name, email, phone into new.user_name, new.user_email, new.user_phone from iam.users where id = new.user_id;
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
    update iam.memberships set user_name = new.name, user_email = new.email, user_phone = new.phone where user_id = new.id;
    return null;
end
$$;
comment on function iam.memberships_rename() is 'Keeps the copies of a person''s name and address current.';
create trigger rename after update of name, email, phone on iam.users
    for each row when ((old.name, old.email, old.phone) is distinct from (new.name, new.email, new.phone))
    execute function iam.memberships_rename();

create function iam.membership_keep() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- One after the other, or the last two could go at once.
    perform from iam.tenants where id = old.tenant_id for no key update;
    if not exists (
        select from iam.memberships
        where tenant_id = old.tenant_id and id <> old.id and role = 'owner' and is_active
    ) then
        perform core.refuse(
            'CONFLICT', 'LAST_OWNER', 'This is the last owner of the organisation. Make somebody else an owner first.', 'input.id'
        );
    end if;
    return new;
end
$$;
comment on function iam.membership_keep() is 'Keeps an owner in every organisation, whoever writes.';
create trigger keep before update on iam.memberships
    for each row when (old.role = 'owner' and old.is_active and (new.role <> 'owner' or not new.is_active))
    execute function iam.membership_keep();

create function iam.demand_still(permission text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- One after the other, so that what is seen here holds until the end.
    perform from iam.tenants where id = core.tenant_id() for no key update;
    if not exists (
        select from iam.memberships
        where tenant_id = core.tenant_id() and user_id = core.user_id() and is_active and permission = any (core.permissions(role))
    ) then
        perform core.refuse(
            'FORBIDDEN', 'PERMISSION_MISSING', format('Your role does not include %s any more.', permission)
        );
    end if;
end
$$;
comment on function iam.demand_still(text) is
    'Refuses the caller whose membership does not include this at this very moment. A role is believed for ten seconds, and who was an owner must not use them to stay one.';

create function iam.membership_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before iam.memberships;
    after iam.memberships;
begin
    perform core.demand('iam:members');
    perform iam.demand_still('iam:members');
    select * into before from iam.memberships
    where tenant_id = core.tenant_id() and id = (input ->> 'id')::uuid for update;
    if before.id is null then
        perform core.refuse('NOT_FOUND', 'MEMBERSHIP_NOT_FOUND', 'There is no membership with this id.', 'input.id');
    end if;
    after := jsonb_populate_record(before, input - 'user_id');
    -- A scope is that of a role: a client's spokesman who becomes a vendor is not the vendor of that name.
    if after.role <> before.role and not input ? 'scope_ids' then
        after.scope_ids := '{}';
    end if;
    update iam.memberships set role = after.role, scope_ids = after.scope_ids, is_active = after.is_active
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function iam.membership_update(jsonb) is
    'Gives a person another role or scope, or keeps them out. It counts within ten seconds. What is left out stays as it is.';
grant execute on function iam.membership_update(jsonb) to countinghouse_tenant;

create function iam.membership_create(input jsonb) returns uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into iam.memberships (tenant_id, user_id, role, scope_ids, user_name, user_email)
    values (
        (input ->> 'tenant_id')::uuid,
        (input ->> 'user_id')::uuid,
        input ->> 'role',
        coalesce((select array_agg(each::uuid) from jsonb_array_elements_text(nullif(input -> 'scope_ids', 'null')) each), '{}'),
        '', ''
    )
    returning id
$$;
comment on function iam.membership_create(jsonb) is 'Lets a person into an organisation. For the operator of the house.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.membership_name() owner to countinghouse_auth;
alter function iam.memberships_rename() owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
set local role countinghouse_owner;
