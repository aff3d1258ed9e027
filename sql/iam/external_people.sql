-- An external person comes in with a token of an issuer that the organisation trusts, and has no account here.

create table iam.external_people (
    tenant_id uuid not null references iam.tenants,
    id uuid not null,
    issuer_id uuid not null,
    subject text collate "C" not null,
    name text,
    email text,
    role text,
    last_seen_at timestamptz not null default statement_timestamp(),
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    foreign key (tenant_id, issuer_id) references iam.trusted_issuers,
    constraint external_people_subject_unique unique (tenant_id, issuer_id, subject),
    constraint external_people_subject_check check (char_length(subject) between 1 and 255),
    constraint external_people_role_check check (role is null or iam.role_may_be_given(role))
);

comment on table iam.external_people is 'Somebody who came by an issuer that the organisation trusts, whether they were let in or not.';
comment on column iam.external_people.tenant_id is 'The organisation.';
comment on column iam.external_people.id is 'Their id, which the log has as the person: made of the issuer and the subject, and always the same.';
comment on column iam.external_people.issuer_id is 'The issuer by which they came.';
comment on column iam.external_people.subject is 'Who they are to that issuer: the `sub` of its tokens.';
comment on column iam.external_people.name is 'Their name, as the issuer tells it.';
comment on column iam.external_people.email is 'Their e-mail address, as the issuer tells it.';
comment on column iam.external_people.role is 'The role in which they last came. Empty where their token named none that it can give, and they were refused.';
comment on column iam.external_people.last_seen_at is 'When they last came, to the hour.';
comment on column iam.external_people.created_at is 'When they first came.';
comment on column iam.external_people.created_by is 'Empty: they came by themselves.';
comment on column iam.external_people.updated_at is 'When this was last noted.';
comment on constraint external_people_subject_unique on iam.external_people is
    'EXTERNAL_PERSON_KNOWN: This person of this issuer is known under another id.';
comment on constraint external_people_subject_check on iam.external_people is
    'SUBJECT_INVALID: A subject has 1 to 255 characters.';
comment on constraint external_people_role_check on iam.external_people is
    'ROLE_UNKNOWN: Somebody from outside has any role but owner.';

create index external_people_last_seen_at on iam.external_people (tenant_id, last_seen_at, id);

alter table iam.external_people enable row level security;
alter table iam.external_people force row level security;

-- Those who see all of the tenant see who comes from outside.
create policy tenant on iam.external_people to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on iam.external_people for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- Whoever comes with a token is noted before they work as the tenant.
create policy auth on iam.external_people to countinghouse_auth using (true) with check (true);

grant select (
    tenant_id, id, issuer_id, subject, name, email, role, last_seen_at, created_at, created_by, updated_at
) on iam.external_people to countinghouse_tenant, countinghouse_reader;
grant select, insert, update on iam.external_people to countinghouse_auth;
-- NOTE: nobody writes who came in but the function below.

create trigger touch before update on iam.external_people for each row execute function core.touch();
create trigger audit after insert or update or delete on iam.external_people
    for each row execute function core.audit('EXTERNAL_PERSON', 'last_seen_at');

create function iam.external_role(roles jsonb, claimed text[]) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select given.role
    from unnest(claimed) as each (value)
    cross join lateral (select case when roles = '{}' then lower(each.value) else roles ->> each.value end) as given (role)
    where iam.role_may_be_given(given.role)
    order by array_position(
        array['admin', 'accountant', 'operator', 'viewer', 'member', 'vendor', 'retailer', 'business', 'investor'], given.role
    )
    limit 1
$$;
comment on function iam.external_role(jsonb, text[]) is
    'The role that these values of a claim mean: of several the one that may do most. Empty where they mean none.';

create function iam.external_context(
    tenant uuid, issuer uuid, person uuid, subject text, name text, email text, roles text[], scopes text[]
) returns table (
    role text, scope_ids uuid[], time_zone text, fiscal_year_start integer, permissions text[], sees_all boolean
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    trusted record;
    given_role text;
    given_scopes uuid[] := '{}';
begin
    select i.issuer, i.roles, t.time_zone, t.fiscal_year_start into trusted
    from iam.trusted_issuers as i join iam.tenants as t on t.id = i.tenant_id
    where i.tenant_id = external_context.tenant and i.id = external_context.issuer and i.is_active
      and t.suspended_at is null;
    if not found then
        return;
    end if;
    given_role := iam.external_role(trusted.roles, external_context.roles);
    if not core.role_sees_all(given_role) then
        select coalesce(array_agg(distinct scope::uuid), '{}') into given_scopes from unnest(scopes) as each (scope)
        where scope ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
    end if;
    -- Who does not see all sees what is in their scope, and without one there is nothing to see.
    if not core.role_sees_all(given_role) and cardinality(given_scopes) = 0 then
        given_role := null;
    end if;
    insert into iam.external_people as p (tenant_id, id, issuer_id, subject, name, email, role)
    values (
        external_context.tenant, person, external_context.issuer, external_context.subject, external_context.name,
        external_context.email, given_role
    )
    on conflict (tenant_id, id) do update set
        name = excluded.name, email = excluded.email, role = excluded.role, last_seen_at = statement_timestamp()
    where p.last_seen_at < statement_timestamp() - interval '1 hour'
       or (p.name, p.email, p.role) is distinct from (excluded.name, excluded.email, excluded.role);
    if found then
        perform iam.session_noted(
            person, external_context.tenant, 'SIGN_IN',
            jsonb_build_object('method', 'TRUSTED_ISSUER', 'issuer', trusted.issuer)
                || case when given_role is null then '{"refused": "ROLE_NOT_MAPPED"}' else jsonb_build_object('role', given_role) end,
            null, null, null
        );
    end if;
    if given_role is null then
        return query select null::text, null::uuid[], null::text, null::integer, null::text[], null::boolean;
        return;
    end if;
    -- There is no account of theirs here to look after.
    return query select
        given_role, given_scopes, trusted.time_zone, trusted.fiscal_year_start,
        array_remove(core.permissions(given_role), 'iam:self'), core.role_sees_all(given_role);
end
$$;
comment on function iam.external_context(uuid, uuid, uuid, text, text, text, text[], text[]) is
    'What the server puts on a connection for somebody with a token of this issuer''s, and a note that they came, once an hour. No row where the issuer is not trusted (any more), an empty one where the claims mean no role.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.external_role(jsonb, text[]) owner to countinghouse_auth;
alter function iam.external_context(uuid, uuid, uuid, text, text, text, text[], text[]) owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function iam.external_context(uuid, uuid, uuid, text, text, text, text[], text[]) to countinghouse_api;
set local role countinghouse_owner;
