-- A trusted issuer is an identity provider of the organisation's own: whoever has a token of its works here, without an
-- account in this house.

create function iam.role_may_be_given(role text) returns boolean
language sql immutable parallel safe
return coalesce(
    role in ('admin', 'accountant', 'operator', 'viewer', 'member', 'vendor', 'retailer', 'business', 'investor'), false
);
comment on function iam.role_may_be_given(text) is
    'Whether somebody from outside may have this role. An owner is always a person of this house.';

create function iam.are_roles(roles jsonb) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(bool_and(jsonb_typeof(value) = 'string' and iam.role_may_be_given(value #>> '{}')), true) and count(*) <= 100
    from jsonb_each(roles)
$$;
comment on function iam.are_roles(jsonb) is 'Whether each value of this object is a role that somebody from outside may have.';

create table iam.trusted_issuers (
    tenant_id uuid not null references iam.tenants,
    id uuid not null default core.new_id(),
    name text not null,
    issuer text not null,
    jwks_url text,
    role_claim text not null default 'role',
    roles core.json_object not null default '{}',
    scope_claim text,
    is_active boolean not null default true,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    constraint trusted_issuers_issuer_unique unique (tenant_id, issuer),
    constraint trusted_issuers_name_check check (name = btrim(name) and char_length(name) between 1 and 100),
    -- A server that does not follow addresses of its own machine has no use for the second kind: it is for trying things out.
    constraint trusted_issuers_issuer_check check (
        issuer ~ '^(https://|http://(localhost|127\.0\.0\.1)[:/])[^[:space:]?#@\\]+$' and char_length(issuer) <= 300
    ),
    constraint trusted_issuers_jwks_url_check check (
        jwks_url ~ '^(https://|http://(localhost|127\.0\.0\.1)[:/])[^[:space:]#@\\]+$' and char_length(jwks_url) <= 500
    ),
    constraint trusted_issuers_role_claim_check check (char_length(role_claim) between 1 and 100),
    constraint trusted_issuers_scope_claim_check check (char_length(scope_claim) between 1 and 100),
    constraint trusted_issuers_roles_check check (iam.are_roles(roles))
);

comment on table iam.trusted_issuers is 'An identity provider of the organisation''s own, whose tokens are believed here.';
comment on column iam.trusted_issuers.tenant_id is 'The organisation.';
comment on column iam.trusted_issuers.id is 'The issuer''s id here.';
comment on column iam.trusted_issuers.name is 'What the organisation calls it.';
comment on column iam.trusted_issuers.issuer is 'Its address, exactly as it stands in the `iss` of its tokens.';
comment on column iam.trusted_issuers.jwks_url is
    'Where its public keys are; left out, its `/.well-known/openid-configuration` says it.';
comment on column iam.trusted_issuers.role_claim is 'The claim of its tokens that names the role, one or several; `role` unless said otherwise.';
comment on column iam.trusted_issuers.roles is
    'What the values of that claim mean, as {"finance-team": "accountant"}; where it is empty they are the names of roles. Nobody becomes owner so.';
comment on column iam.trusted_issuers.scope_claim is 'The claim that names, for a member, the ids of the clients that they speak for; for a vendor, retailer, business or investor, whom they are here.';
comment on column iam.trusted_issuers.is_active is 'Whether its tokens are believed.';
comment on column iam.trusted_issuers.created_at is 'When it was entered.';
comment on column iam.trusted_issuers.created_by is 'Who entered it.';
comment on column iam.trusted_issuers.updated_at is 'When it last changed.';
comment on constraint trusted_issuers_issuer_unique on iam.trusted_issuers is
    'ISSUER_TAKEN input.issuer: Your organisation has entered this issuer already.';
comment on constraint trusted_issuers_name_check on iam.trusted_issuers is
    'NAME_INVALID input.name: A name has 1 to 100 characters, without blanks around them.';
comment on constraint trusted_issuers_issuer_check on iam.trusted_issuers is
    'ISSUER_INVALID input.issuer: An issuer is an https address without a query, such as https://login.example.com.';
comment on constraint trusted_issuers_jwks_url_check on iam.trusted_issuers is
    'JWKS_URL_INVALID input.jwksUrl: Keys are at an https address, such as https://login.example.com/jwks.json.';
comment on constraint trusted_issuers_role_claim_check on iam.trusted_issuers is
    'CLAIM_INVALID input.roleClaim: A claim is named in 1 to 100 characters.';
comment on constraint trusted_issuers_scope_claim_check on iam.trusted_issuers is
    'CLAIM_INVALID input.scopeClaim: A claim is named in 1 to 100 characters.';
comment on constraint trusted_issuers_roles_check on iam.trusted_issuers is
    'ROLE_UNKNOWN input.roles: Each value stands for admin, accountant, operator, viewer, member, vendor, retailer, business or investor, such as {"finance-team": "accountant"}; at most 100, and none for owner.';

create index trusted_issuers_created_at on iam.trusted_issuers (tenant_id, created_at, id);

alter table iam.trusted_issuers enable row level security;
alter table iam.trusted_issuers force row level security;

-- The tenant's issuers, for those who see all of it.
create policy tenant on iam.trusted_issuers to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on iam.trusted_issuers for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- Whoever comes with a token of an issuer's is nobody yet.
create policy auth on iam.trusted_issuers for select to countinghouse_auth using (true);

grant select (
    tenant_id, id, name, issuer, jwks_url, role_claim, roles, scope_claim, is_active, created_at, created_by, updated_at
) on iam.trusted_issuers to countinghouse_tenant, countinghouse_reader;
grant select on iam.trusted_issuers to countinghouse_auth;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: issuers are written by the functions below.

create trigger touch before update on iam.trusted_issuers for each row execute function core.touch();
create trigger audit after insert or update or delete on iam.trusted_issuers
    for each row execute function core.audit('TRUSTED_ISSUER', '');

create function iam.trusted_issuer_found(wanted uuid) returns iam.trusted_issuers
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    issuer iam.trusted_issuers;
begin
    select * into issuer from iam.trusted_issuers where tenant_id = core.tenant_id() and id = wanted for update;
    if issuer.id is null then
        perform core.refuse('NOT_FOUND', 'ISSUER_NOT_FOUND', 'There is no trusted issuer with this id.', 'input.id');
    end if;
    return issuer;
end
$$;
comment on function iam.trusted_issuer_found(uuid) is 'The issuer of that id, locked; refuses where there is none.';

create function iam.trusted_issuer_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    given iam.trusted_issuers := jsonb_populate_record(null::iam.trusted_issuers, input - 'id');
    made uuid;
begin
    perform core.demand('iam:write');
    -- One after the other, or many at once would each find room.
    perform from iam.tenants where id = core.tenant_id() for no key update;
    if (select count(*) from iam.trusted_issuers where tenant_id = core.tenant_id()) >= 20 then
        perform core.refuse('CONFLICT', 'TOO_MANY_ISSUERS', 'An organisation trusts twenty issuers at most. Remove one that nobody uses.');
    end if;
    insert into iam.trusted_issuers (tenant_id, name, issuer, jwks_url, role_claim, roles, scope_claim, is_active)
    values (
        core.tenant_id(), given.name, given.issuer, given.jwks_url, coalesce(given.role_claim, 'role'),
        coalesce(given.roles, '{}'), given.scope_claim, coalesce(given.is_active, true)
    )
    returning id into made;
    return made;
end
$$;
comment on function iam.trusted_issuer_create(jsonb) is
    'Trusts an identity provider of the organisation''s own. Its tokens name the organisation in their `aud`.';

create function iam.trusted_issuer_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before iam.trusted_issuers;
    after iam.trusted_issuers;
begin
    perform core.demand('iam:write');
    before := iam.trusted_issuer_found((input ->> 'id')::uuid);
    -- People are known by their issuer: under another address they would be others.
    after := jsonb_populate_record(before, input - 'issuer');
    update iam.trusted_issuers set
        name = after.name, jwks_url = after.jwks_url, role_claim = after.role_claim, roles = after.roles,
        scope_claim = after.scope_claim, is_active = after.is_active
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function iam.trusted_issuer_update(jsonb) is
    'Changes what an issuer''s tokens mean, or whether they are believed; it counts within ten seconds. What is left out stays as it is.';

create function iam.trusted_issuer_delete(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    issuer iam.trusted_issuers;
begin
    perform core.demand('iam:write');
    issuer := iam.trusted_issuer_found((input ->> 'id')::uuid);
    if exists (select from iam.external_people where tenant_id = core.tenant_id() and issuer_id = issuer.id) then
        perform core.refuse(
            'CONFLICT', 'ISSUER_USED', 'People have come in by this issuer, and the log tells what they did. Set isActive to false instead.', 'input.id'
        );
    end if;
    delete from iam.trusted_issuers where tenant_id = core.tenant_id() and id = issuer.id;
    return issuer.id;
end
$$;
comment on function iam.trusted_issuer_delete(jsonb) is 'Removes an issuer by which nobody has come in.';

grant execute on function
    iam.trusted_issuer_create(jsonb), iam.trusted_issuer_update(jsonb), iam.trusted_issuer_delete(jsonb)
    to countinghouse_tenant;

create function iam.trusted_issuer_of(tenant uuid, named text)
returns table (id uuid, jwks_url text, role_claim text, scope_claim text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select i.id, i.jwks_url, i.role_claim, i.scope_claim
    from iam.trusted_issuers as i
    join iam.tenants as t on t.id = i.tenant_id
    where i.tenant_id = trusted_issuer_of.tenant and i.issuer = named and i.is_active and t.suspended_at is null
$$;
comment on function iam.trusted_issuer_of(uuid, text) is
    'An issuer that an organisation trusts at present: where its keys are, and which claims count. No row where it does not.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.trusted_issuer_of(uuid, text) owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function iam.trusted_issuer_of(uuid, text) to countinghouse_api;
grant execute on function iam.role_may_be_given(text) to countinghouse_auth;
set local role countinghouse_owner;
