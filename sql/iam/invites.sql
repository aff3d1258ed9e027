-- An invite asks whoever has an address to work in the organisation. It is bound to the address and to nothing that could
-- be forwarded: it is accepted by somebody who is signed in and has shown that the address is theirs.

create table iam.invites (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    address text collate "C" not null,
    role text not null,
    scope_ids uuid[] not null default '{}',
    invited_by text not null,
    expires_at timestamptz not null default statement_timestamp() + interval '14 days',
    outcome text,
    outcome_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    constraint invites_address_check check (iam.is_address(address)),
    constraint invites_role_check check (
        role in ('owner', 'admin', 'accountant', 'operator', 'viewer', 'member', 'vendor', 'retailer', 'business', 'investor')
    ),
    constraint invites_scope_check check (core.role_sees_all(role) = (cardinality(scope_ids) = 0)),
    constraint invites_expires_at_check check (expires_at <= created_at + interval '14 days'),
    constraint invites_outcome_check check (outcome in ('ACCEPTED', 'DECLINED', 'REVOKED', 'EXPIRED')),
    constraint invites_outcome_at_check check ((outcome is null) = (outcome_at is null))
);

comment on table iam.invites is 'Who was asked to work in the organisation, and what became of it.';
comment on column iam.invites.tenant_id is 'The organisation.';
comment on column iam.invites.id is 'The invite''s id.';
comment on column iam.invites.address is 'The e-mail address or telephone number that is invited: whoever has shown that it is theirs may accept.';
comment on column iam.invites.role is 'What they are to be.';
comment on column iam.invites.scope_ids is 'For a MEMBER: the clients that they are to speak for; for a VENDOR, RETAILER, BUSINESS or INVESTOR: whom they are to be there.';
comment on column iam.invites.invited_by is 'The name of whoever invited them.';
comment on column iam.invites.expires_at is 'Until when it can be accepted: for 14 days.';
comment on column iam.invites.outcome is 'What became of it: ACCEPTED, DECLINED, REVOKED or EXPIRED; empty while nothing has.';
comment on column iam.invites.outcome_at is 'When that was.';
comment on column iam.invites.created_at is 'When they were invited.';
comment on column iam.invites.created_by is 'Who invited them. It counts for as long as they may let people in.';
comment on column iam.invites.updated_at is 'When it last changed.';
comment on constraint invites_address_check on iam.invites is
    'ADDRESS_INVALID input.address: Give one e-mail address such as name@example.com, or a telephone number such as +447911123456.';
comment on constraint invites_role_check on iam.invites is
    'ROLE_UNKNOWN input.role: A role is owner, admin, accountant, operator, viewer, member, vendor, retailer, business or investor.';
comment on constraint invites_scope_check on iam.invites is
    'SCOPE_REQUIRED input.scopeIds: A member, vendor, retailer, business or investor needs the ids of what they may see, and no other role has any.';
comment on constraint invites_expires_at_check on iam.invites is 'INVITE_LIFE: An invite is good for 14 days at most.';
comment on constraint invites_outcome_check on iam.invites is
    'INVITE_OUTCOME: An invite is accepted, declined, revoked or expired.';
comment on constraint invites_outcome_at_check on iam.invites is 'INVITE_OUTCOME: What became of an invite has its time.';

create unique index invites_open on iam.invites (tenant_id, address) where outcome is null;
comment on index iam.invites_open is
    'INVITE_OPEN input.address: This address is invited already. Revoke that invite before you send another.';
create index invites_created_at on iam.invites (tenant_id, created_at, id);
-- Whoever is invited looks among all organisations.
create index invites_address on iam.invites (address) where outcome is null;

alter table iam.invites enable row level security;
alter table iam.invites force row level security;

-- Colleagues see who is invited; a member does not. The API shows it to whoever lets people in.
create policy tenant on iam.invites to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
-- Whoever is invited belongs elsewhere, or nowhere yet.
create policy auth on iam.invites for select to countinghouse_auth using (true);

grant select (
    tenant_id, id, address, role, scope_ids, invited_by, expires_at, outcome, outcome_at, created_at, created_by, updated_at
) on iam.invites to countinghouse_tenant, countinghouse_reader;
grant select on iam.invites to countinghouse_auth;
-- NOTE: nothing for analysts: who is let in is the owners' business.
-- NOTE: nobody writes an invite but the functions below.

create trigger touch before update on iam.invites for each row execute function core.touch();
create trigger audit after insert or update or delete on iam.invites
    for each row execute function core.audit('INVITE', '');

create function iam.invites_end() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update iam.invites set outcome = 'REVOKED', outcome_at = statement_timestamp()
    where tenant_id = new.tenant_id and created_by = new.user_id and outcome is null;
    return null;
end
$$;
comment on function iam.invites_end() is
    'Revokes the open invites of somebody who may let nobody in any more, or they could come back by one of their own.';
create trigger invites_end after update on iam.memberships
    for each row when (
        old.is_active and 'iam:members' = any (core.permissions(old.role))
        and not (new.is_active and 'iam:members' = any (core.permissions(new.role)))
    )
    execute function iam.invites_end();

create function iam.has_address(person uuid, address text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Locked, so that nobody joins with an account that is being closed.
    perform from iam.users as u
    where u.id = person and u.is_active and u.deleted_at is null
      and (u.email = has_address.address and u.email_verified_at is not null
           or u.phone = has_address.address and u.phone_verified_at is not null)
    for share;
    return found;
end
$$;
comment on function iam.has_address(uuid, text) is 'Whether the person has shown that this address is theirs.';

create function iam.person_address(person uuid) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select case when u.email_verified_at is not null then u.email when u.phone_verified_at is not null then u.phone end
    from iam.users as u where u.id = person and u.is_active and u.deleted_at is null
$$;
comment on function iam.person_address(uuid) is
    'The address that a person has shown to be theirs; empty where there is none, or no account any more.';

create function iam.invite_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    most_open constant integer := 100;
    wanted constant text := lower(btrim(input ->> 'address'));
    organisation iam.tenants;
    inviter text;
    made iam.invites;
begin
    perform core.demand('iam:members');
    perform iam.demand_still('iam:members');
    select * into organisation from iam.tenants where id = core.tenant_id();
    select user_name into inviter from iam.memberships where tenant_id = core.tenant_id() and user_id = core.user_id();
    update iam.invites set outcome = 'EXPIRED', outcome_at = expires_at
    where tenant_id = core.tenant_id() and outcome is null and expires_at <= statement_timestamp();
    if exists (
        select from iam.memberships where tenant_id = core.tenant_id() and wanted in (user_email, user_phone)
    ) then
        perform core.refuse(
            'CONFLICT', 'ALREADY_A_MEMBER',
            'Somebody with this address belongs to the organisation already. membershipUpdate changes what they may do.', 'input.address'
        );
    elsif exists (select from iam.invites where tenant_id = core.tenant_id() and address = wanted and outcome is null) then
        perform core.refuse(
            'CONFLICT', 'INVITE_OPEN', 'This address is invited already. Revoke that invite before you send another.', 'input.address'
        );
    elsif (
        select count(*) from iam.invites
        where tenant_id = core.tenant_id() and (outcome is null or created_at > statement_timestamp() - interval '1 day')
    ) >= most_open then
        perform core.refuse(
            'CONFLICT', 'TOO_MANY_INVITES',
            format('At most %s invites may be open, or be sent within a day. Wait, or revoke some.', most_open)
        );
    end if;
    insert into iam.invites (tenant_id, address, role, scope_ids, invited_by)
    values (
        core.tenant_id(), wanted, input ->> 'role',
        coalesce((select array_agg(each::uuid) from jsonb_array_elements_text(nullif(input -> 'scope_ids', 'null')) each), '{}'),
        coalesce(inviter, '')
    )
    returning * into made;
    perform iam.notify(
        made.tenant_id, made.address, format('%s invites you', left(organisation.name, 100)),
        format(
            E'%s invites you to work in the organisation "%s" on Countinghouse.\n\n'
            'Sign in with this address and name %s as the organisation; or, without an account, sign up with it and name none. '
            'Who is signed in already finds the invite under myInvites. It is good until %s.\n\nIf you do not know them, do nothing.\n',
            regexp_replace(left(coalesce(inviter, 'Somebody'), 100), '[[:cntrl:]]+', ' ', 'g'),
            regexp_replace(left(organisation.name, 100), '[[:cntrl:]]+', ' ', 'g'),
            organisation.slug, to_char(made.expires_at at time zone organisation.time_zone, 'FMDD FMMonth YYYY')
        )
    );
    return made.id;
end
$$;
comment on function iam.invite_create(jsonb) is
    'Invites whoever has this address to work in the organisation, and tells them. The answer is the same whether the address has an account or not. At most a hundred invites are open, or sent within a day.';

create function iam.invite_revoke(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invite iam.invites;
begin
    perform core.demand('iam:members');
    select * into invite from iam.invites where tenant_id = core.tenant_id() and id = (input ->> 'id')::uuid for update;
    if invite.id is null then
        perform core.refuse('NOT_FOUND', 'INVITE_NOT_FOUND', 'There is no invite with this id.', 'input.id');
    elsif invite.outcome is not null or invite.expires_at <= statement_timestamp() then
        perform core.refuse('CONFLICT', 'INVITE_OVER', 'This invite is over already: it was answered, revoked, or has expired.', 'input.id');
    end if;
    update iam.invites set outcome = 'REVOKED', outcome_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = invite.id;
    return invite.id;
end
$$;
comment on function iam.invite_revoke(jsonb) is 'Takes an open invite back.';

-- What the invited do. The server looks up where the invite is from, and becomes that organisation's role.

create function iam.invite_found(person uuid, wanted uuid, organisation text)
returns table (id uuid, tenant_id uuid, slug text, name text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select i.id, t.id, t.slug, t.name
    from iam.users as u
    join iam.invites as i on i.address = u.email and u.email_verified_at is not null
        or i.address = u.phone and u.phone_verified_at is not null
    join iam.tenants as t on t.id = i.tenant_id
    where u.id = person and u.is_active and u.deleted_at is null
      and i.outcome is null and i.expires_at > statement_timestamp() and t.suspended_at is null
      and (wanted is null or i.id = wanted) and (organisation is null or t.slug = organisation)
    order by i.created_at desc, i.id desc
    limit 1
$$;
comment on function iam.invite_found(uuid, uuid, text) is
    'The open invite of this id, from the organisation of this short name, or the newest of all, that waits for an address which the person has shown to be theirs. No row where there is none.';

create function iam.invite_taken(wanted uuid) returns iam.invites
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    invite iam.invites;
begin
    select * into invite from iam.invites where tenant_id = core.tenant_id() and id = wanted for update;
    if invite.id is null or invite.outcome is not null or invite.expires_at <= statement_timestamp()
        or not iam.has_address(core.user_id(), invite.address)
    then
        perform core.refuse(
            'NOT_FOUND', 'INVITE_NOT_FOUND',
            'No open invite with this id waits for an address that you have shown to be yours. `myInvites` lists those that do.', 'input.id'
        );
    end if;
    return invite;
end
$$;
comment on function iam.invite_taken(uuid) is 'The open invite of this id that waits for the caller, locked. Any other is as if it were not there.';

create function iam.invite_accept(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invite iam.invites;
    joined uuid;
begin
    perform core.demand('iam:pass');
    invite := iam.invite_taken((input ->> 'id')::uuid);
    -- Whoever was kept out comes back by an owner's doing, and not by an invite from before.
    insert into iam.memberships (tenant_id, user_id, user_name, role, scope_ids, created_by)
    values (core.tenant_id(), core.user_id(), '', invite.role, invite.scope_ids, invite.created_by)
    on conflict on constraint memberships_user_unique do nothing
    returning id into joined;
    if joined is null then
        perform core.refuse(
            'CONFLICT', 'ALREADY_A_MEMBER',
            'You belong to this organisation already. If you may not work there at present, ask one of its owners.', 'input.id'
        );
    end if;
    update iam.invites set outcome = 'ACCEPTED', outcome_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = invite.id;
    return joined;
end
$$;
comment on function iam.invite_accept(jsonb) is 'Makes the caller what an invite says, once.';

create function iam.invite_decline(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invite iam.invites;
begin
    perform core.demand('iam:pass');
    invite := iam.invite_taken((input ->> 'id')::uuid);
    update iam.invites set outcome = 'DECLINED', outcome_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = invite.id;
    return invite.id;
end
$$;
comment on function iam.invite_decline(jsonb) is 'Says no to an invite.';

create function iam.my_invites() returns table (
    tenant_id uuid, id uuid, line bigint, organisation_slug text, organisation_name text, role text, invited_by text,
    address text, created_at timestamptz, expires_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select core.tenant_id(), i.id, row_number() over (order by i.created_at desc, i.id desc), t.slug, t.name, i.role,
           i.invited_by, i.address, i.created_at, i.expires_at
    from iam.users as u
    join iam.invites as i on i.address = u.email and u.email_verified_at is not null
        or i.address = u.phone and u.phone_verified_at is not null
    join iam.tenants as t on t.id = i.tenant_id
    where core.permits('iam:self') and u.id = core.user_id() and u.deleted_at is null
      and i.outcome is null and i.expires_at > statement_timestamp() and t.suspended_at is null
      and exists (select from iam.memberships as m where m.tenant_id = core.tenant_id() and m.user_id = core.user_id() and m.is_active)
    order by i.created_at desc, i.id desc
$$;
comment on function iam.my_invites() is 'The open invites that wait for an address which the caller has shown to be theirs, the newest at first.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.has_address(uuid, text) owner to countinghouse_auth;
alter function iam.person_address(uuid) owner to countinghouse_auth;
alter function iam.invite_found(uuid, uuid, text) owner to countinghouse_auth;
alter function iam.my_invites() owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function iam.has_address(uuid, text), iam.person_address(uuid) to countinghouse_owner;
grant execute on function iam.invite_found(uuid, uuid, text) to countinghouse_api;
grant execute on function iam.my_invites() to countinghouse_tenant, countinghouse_reader;
grant execute on function
    iam.invite_create(jsonb), iam.invite_revoke(jsonb), iam.invite_accept(jsonb), iam.invite_decline(jsonb)
    to countinghouse_tenant;
set local role countinghouse_owner;
