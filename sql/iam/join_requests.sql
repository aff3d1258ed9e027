-- A join request asks an organisation to be let in. Whoever asks names it by its short name, and is not told whether there
-- is one of that name: a request to nobody waits like any other, under a tenant that does not exist.

create table iam.join_requests (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    user_id uuid not null references iam.users,
    user_name text not null,
    user_address text not null,
    organisation text collate "C" not null,
    message text,
    outcome text,
    outcome_at timestamptz,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    updated_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, id),
    constraint join_requests_organisation_check check (organisation ~ '^[a-z][a-z0-9-]{1,62}$'),
    constraint join_requests_message_check check (message = btrim(message) and char_length(message) between 1 and 1000),
    constraint join_requests_outcome_check check (outcome in ('APPROVED', 'DECLINED', 'WITHDRAWN', 'EXPIRED')),
    constraint join_requests_outcome_at_check check ((outcome is null) = (outcome_at is null))
);

comment on table iam.join_requests is 'Who asked to be let into the organisation, and what became of it.';
comment on column iam.join_requests.tenant_id is 'The organisation; all zeros where none has the name.';
comment on column iam.join_requests.id is 'The request''s id.';
comment on column iam.join_requests.user_id is 'The person.';
comment on column iam.join_requests.user_name is 'Their name.';
comment on column iam.join_requests.user_address is 'An e-mail address or telephone number that they have shown to be theirs.';
comment on column iam.join_requests.organisation is 'The short name that they asked for.';
comment on column iam.join_requests.message is 'What they say: who they are, and why they ask.';
comment on column iam.join_requests.outcome is 'What became of it: APPROVED, DECLINED, WITHDRAWN or EXPIRED; empty while nothing has.';
comment on column iam.join_requests.outcome_at is 'When that was.';
comment on column iam.join_requests.created_at is 'When they asked. After 30 days without an answer it has expired.';
comment on column iam.join_requests.created_by is 'The person.';
comment on column iam.join_requests.updated_at is 'When it last changed.';
comment on constraint join_requests_organisation_check on iam.join_requests is
    'SLUG_INVALID input.organisation: A short name has 2 to 63 small letters, digits and hyphens, and begins with a letter.';
comment on constraint join_requests_message_check on iam.join_requests is
    'MESSAGE_LENGTH input.message: A message has 1 to 1000 characters, without blanks around them.';
comment on constraint join_requests_outcome_check on iam.join_requests is
    'REQUEST_OUTCOME: A request is approved, declined, withdrawn or expired.';
comment on constraint join_requests_outcome_at_check on iam.join_requests is 'REQUEST_OUTCOME: What became of a request has its time.';

create unique index join_requests_open on iam.join_requests (tenant_id, user_id, organisation) where outcome is null;
comment on index iam.join_requests_open is
    'JOIN_REQUEST_OPEN input.organisation: You have asked this organisation already, and it has not answered yet.';
create index join_requests_created_at on iam.join_requests (tenant_id, created_at, id);
-- A person's own are counted and shown whatever they asked for.
create index join_requests_user on iam.join_requests (user_id, created_at);

alter table iam.join_requests enable row level security;
alter table iam.join_requests force row level security;

-- Colleagues see who asked; a member does not. The API shows it to whoever lets people in.
create policy tenant on iam.join_requests to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
-- Whoever asks does not belong to the organisation.
create policy auth on iam.join_requests to countinghouse_auth using (true) with check (true);

grant select (
    tenant_id, id, user_id, user_name, user_address, organisation, message, outcome, outcome_at, created_at, created_by, updated_at
) on iam.join_requests to countinghouse_tenant, countinghouse_reader;
grant select, insert, update, delete on iam.join_requests to countinghouse_auth;
-- NOTE: nothing for analysts: who is let in is the owners' business.
-- NOTE: nobody writes a request but the functions below.

create trigger touch before update on iam.join_requests for each row execute function core.touch();
create trigger audit_new after insert on iam.join_requests
    for each row when (new.tenant_id <> '00000000-0000-0000-0000-000000000000') execute function core.audit('JOIN_REQUEST', '');
create trigger audit after update on iam.join_requests
    for each row when (new.tenant_id <> '00000000-0000-0000-0000-000000000000') execute function core.audit('JOIN_REQUEST', '');

create function iam.join_request_create(person uuid, wanted text, said text) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    most_a_day constant integer := 10;
    most_open constant integer := 100;
    nowhere constant uuid := '00000000-0000-0000-0000-000000000000';
    who iam.users;
    place uuid;
    place_name text;
    made uuid;
    addresses text[];
begin
    -- One after the other, or many at once would each be the tenth.
    select * into who from iam.users as u where u.id = person and u.is_active and u.deleted_at is null for no key update;
    if iam.person_address(person) is null then
        perform core.refuse(
            'CONFLICT', 'ADDRESS_UNVERIFIED', 'Show first that your address is yours: sign in once with a code that is sent to it.'
        );
    elsif (
        select count(*) from iam.join_requests where user_id = person and created_at > statement_timestamp() - interval '1 day'
    ) >= most_a_day then
        perform core.refuse(
            'CONFLICT', 'TOO_MANY_REQUESTS', format('You have asked %s times within a day. Wait before you ask again.', most_a_day)
        );
    end if;
    if exists (
        select from iam.memberships as m join iam.tenants as t on t.id = m.tenant_id
        where m.user_id = person and m.is_active and t.slug = wanted
    ) then
        perform core.refuse('CONFLICT', 'ALREADY_A_MEMBER', 'You belong to this organisation already.', 'input.organisation');
    end if;
    update iam.join_requests set outcome = 'EXPIRED', outcome_at = created_at + interval '30 days'
    where user_id = person and outcome is null and created_at <= statement_timestamp() - interval '30 days';
    select r.id into made from iam.join_requests as r where r.user_id = person and r.organisation = wanted and r.outcome is null;
    if made is not null then
        return made;
    end if;
    -- Where too many wait already, nobody hears of one more; and nobody who asks learns of that either.
    select t.id, t.name into place, place_name from iam.tenants as t
    where t.slug = wanted and t.suspended_at is null
      and (select count(*) from iam.join_requests as r where r.tenant_id = t.id and r.outcome is null) < most_open;
    insert into iam.join_requests as r (tenant_id, user_id, user_name, user_address, organisation, message, created_by)
    values (coalesce(place, nowhere), person, who.name, iam.person_address(person), wanted, nullif(btrim(said), ''), person)
    returning r.id into made;
    select array_agg(address order by address) into addresses
    from iam.memberships as m cross join lateral iam.person_address(m.user_id) as address
    where m.tenant_id = place and m.is_active and 'iam:members' = any (core.permissions(m.role)) and address is not null;
    perform iam.notify(
        place, address, format('%s asks to join %s', left(who.name, 100), left(place_name, 100)),
        format(
            E'%s (%s) asks to join the organisation "%s" on Countinghouse.\n\nYou find the request under joinRequests.\n',
            regexp_replace(left(who.name, 100), '[[:cntrl:]]+', ' ', 'g'), iam.person_address(person),
            regexp_replace(left(place_name, 100), '[[:cntrl:]]+', ' ', 'g')
        )
    )
    from unnest(addresses) as address;
    return made;
end
$$;
comment on function iam.join_request_create(uuid, text, text) is
    'Asks the organisation of this short name to let a person in, and tells its owners. Whoever asks again before there is an answer has asked once.';

create function iam.join_request_withdraw(person uuid, wanted uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update iam.join_requests as r set outcome = 'WITHDRAWN', outcome_at = statement_timestamp()
    where r.user_id = person and (wanted is null or r.id = wanted) and r.outcome is null
      and r.created_at > statement_timestamp() - interval '30 days';
    return found;
end
$$;
comment on function iam.join_request_withdraw(uuid, uuid) is
    'Takes an open request of the person''s back, or all of them where none is named. Answers whether there was any.';

create function iam.join_request_taken(wanted uuid) returns iam.join_requests
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    request iam.join_requests;
begin
    select * into request from iam.join_requests where tenant_id = core.tenant_id() and id = wanted for update;
    if request.id is null then
        perform core.refuse('NOT_FOUND', 'JOIN_REQUEST_NOT_FOUND', 'There is no join request with this id.', 'input.id');
    elsif request.outcome is not null or request.created_at <= statement_timestamp() - interval '30 days' then
        perform core.refuse(
            'CONFLICT', 'JOIN_REQUEST_OVER', 'This request is over already: it was answered, withdrawn, or has expired.', 'input.id'
        );
    end if;
    return request;
end
$$;
comment on function iam.join_request_taken(uuid) is 'The open request of this id, locked.';

create function iam.join_request_tell(request iam.join_requests, answer text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    organisation iam.tenants;
begin
    select * into organisation from iam.tenants where id = core.tenant_id();
    perform iam.notify(
        core.tenant_id(), iam.person_address(request.user_id), format('%s has answered', left(organisation.name, 100)),
        format(
            answer, regexp_replace(left(organisation.name, 100), '[[:cntrl:]]+', ' ', 'g'), organisation.slug
        )
    );
end
$$;
comment on function iam.join_request_tell(iam.join_requests, text) is 'Tells whoever asked what the answer is.';

create function iam.join_request_approve(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    request iam.join_requests;
    scopes constant uuid[] :=
        coalesce((select array_agg(each::uuid) from jsonb_array_elements_text(nullif(input -> 'scope_ids', 'null')) each), '{}');
begin
    perform core.demand('iam:members');
    perform iam.demand_still('iam:members');
    request := iam.join_request_taken((input ->> 'id')::uuid);
    if exists (
        select from iam.memberships where tenant_id = core.tenant_id() and user_id = request.user_id and is_active
    ) then
        perform core.refuse('CONFLICT', 'ALREADY_A_MEMBER', 'This person belongs to the organisation already.', 'input.id');
    elsif not iam.has_address(request.user_id, iam.person_address(request.user_id)) then
        perform core.refuse('CONFLICT', 'PERSON_GONE', 'Whoever asked has no account any more.', 'input.id');
    end if;
    -- Whoever was kept out comes back, in the role that they are given now.
    insert into iam.memberships as m (tenant_id, user_id, user_name, role, scope_ids)
    values (core.tenant_id(), request.user_id, '', input ->> 'role', scopes)
    on conflict on constraint memberships_user_unique do update
        set role = excluded.role, scope_ids = excluded.scope_ids, is_active = true;
    update iam.join_requests set outcome = 'APPROVED', outcome_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = request.id;
    perform iam.join_request_tell(
        request, E'The organisation "%s" lets you in. Sign in, and name %s as the organisation.\n'
    );
    return request.id;
end
$$;
comment on function iam.join_request_approve(jsonb) is 'Lets somebody in who asked, in this role, and tells them.';

create function iam.join_request_decline(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    request iam.join_requests;
begin
    perform core.demand('iam:members');
    request := iam.join_request_taken((input ->> 'id')::uuid);
    update iam.join_requests set outcome = 'DECLINED', outcome_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = request.id;
    perform iam.join_request_tell(request, E'The organisation "%s" does not let you in at present.\n');
    return request.id;
end
$$;
comment on function iam.join_request_decline(jsonb) is 'Does not let somebody in who asked, and tells them.';

create function iam.my_join_requests() returns table (
    tenant_id uuid, id uuid, line bigint, organisation_slug text, message text, status text, created_at timestamptz,
    answered_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    -- What was asked of nobody is forgotten after 90 days, so that the others are shown no longer.
    select core.tenant_id(), r.id, row_number() over (order by r.created_at desc, r.id desc), r.organisation, r.message,
           coalesce(r.outcome, case when r.created_at <= statement_timestamp() - interval '30 days' then 'EXPIRED' else 'PENDING' end),
           r.created_at, r.outcome_at
    from iam.join_requests as r
    where core.permits('iam:self') and r.user_id = core.user_id() and r.created_at > statement_timestamp() - interval '90 days'
      and exists (select from iam.memberships as m where m.tenant_id = core.tenant_id() and m.user_id = core.user_id() and m.is_active)
    order by r.created_at desc, r.id desc
$$;
comment on function iam.my_join_requests() is 'What the caller has asked organisations in the last 90 days, the newest at first.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.join_request_create(uuid, text, text) owner to countinghouse_auth;
alter function iam.join_request_withdraw(uuid, uuid) owner to countinghouse_auth;
alter function iam.my_join_requests() owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function iam.join_request_create(uuid, text, text), iam.join_request_withdraw(uuid, uuid) to countinghouse_api;
grant execute on function iam.my_join_requests() to countinghouse_tenant, countinghouse_reader;
grant execute on function iam.join_request_approve(jsonb), iam.join_request_decline(jsonb) to countinghouse_tenant;
set local role countinghouse_owner;
