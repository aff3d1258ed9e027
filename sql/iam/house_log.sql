-- The log of the house: what concerns no organisation. Strangers who were refused, people who belong to none, and keys.

create table iam.house_log (
    id uuid primary key default core.new_id(),
    event text not null,
    facts jsonb not null,
    user_id uuid references iam.users,
    ip_address text,
    user_agent text,
    request_id text,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid,
    constraint house_log_event_check check (event in ('SIGN_IN', 'UPDATE', 'KEYS'))
);

comment on table iam.house_log is 'What happened that concerns no organisation: who was refused, and which keys are in use.';
comment on column iam.house_log.id is 'The id of the entry.';
comment on column iam.house_log.event is 'What it was about: SIGN_IN, UPDATE of an account, or KEYS.';
comment on column iam.house_log.facts is 'What happened. Never a password, token, code or key, nor what was typed for an address.';
comment on column iam.house_log.user_id is 'The person whom it was about, where they are known.';
comment on column iam.house_log.ip_address is 'The address that the request came from.';
comment on column iam.house_log.user_agent is 'The program that sent the request.';
comment on column iam.house_log.request_id is 'The id of the request, as in the answer and the logs.';
comment on column iam.house_log.created_at is 'When it happened.';
comment on column iam.house_log.created_by is 'Empty: whoever is refused is not known yet.';
comment on constraint house_log_event_check on iam.house_log is 'HOUSE_EVENT: The log of the house does not know this event.';

create index house_log_created_at on iam.house_log (created_at);
create index house_log_user on iam.house_log (user_id);

alter table iam.house_log enable row level security;
alter table iam.house_log force row level security;

-- It is about people, and people belong to no tenant.
create policy auth on iam.house_log to countinghouse_auth using (true) with check (true);
grant select, insert, delete on iam.house_log to countinghouse_auth;
-- NOTE: nothing for anybody else: the operator of the house reads it, as a superuser.

create trigger append_only before update on iam.house_log
    for each row execute function core.refuse_change();
create trigger not_forgotten before delete on iam.house_log
    for each row when (old.created_at > statement_timestamp() - interval '180 days')
    execute function core.refuse_change();
create trigger not_emptied before truncate on iam.house_log
    for each statement execute function core.refuse_change();

create function iam.noted(
    person uuid, action text, facts jsonb, ip_address text, user_agent text, request_id text
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.audit_log (tenant_id, action, entity_type, entity_id, new_values, user_id, ip_address, user_agent, request_id)
    select m.tenant_id, noted.action, 'USER', person, noted.facts, person, noted.ip_address, noted.user_agent, noted.request_id
    from iam.memberships as m where m.user_id = person and m.is_active;
    if not found then
        insert into iam.house_log (event, facts, user_id, ip_address, user_agent, request_id)
        values (noted.action, noted.facts, person, noted.ip_address, noted.user_agent, noted.request_id);
    end if;
end
$$;
comment on function iam.noted(uuid, text, jsonb, text, text, text) is
    'Notes what happened to a person''s account in the log of each organisation that they work in; in that of the house where there is none, or nobody knows who it was.';

create function iam.keys_noted(kind text, newest text, believed text[]) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    now_in_use constant jsonb := jsonb_build_object('kind', kind, 'newest', newest, 'believed', believed);
    last_noted jsonb;
begin
    select facts into last_noted from iam.house_log
    where event = 'KEYS' and facts ->> 'kind' = kind order by created_at desc, id desc limit 1;
    if now_in_use is not distinct from last_noted then
        return false;
    end if;
    insert into iam.house_log (event, facts) values ('KEYS', now_in_use);
    return true;
end
$$;
comment on function iam.keys_noted(text, text, text[]) is
    'Notes which keys of a kind are in use, by their names, where it is not what was noted last. Answers whether it was.';

reset role;
grant create on schema iam to countinghouse_auth;
alter function iam.noted(uuid, text, jsonb, text, text, text) owner to countinghouse_auth;
alter function iam.keys_noted(text, text, text[]) owner to countinghouse_auth;
revoke create on schema iam from countinghouse_auth;
revoke execute on all functions in schema iam from public;
grant execute on function
    iam.noted(uuid, text, jsonb, text, text, text), iam.keys_noted(text, text, text[])
    to countinghouse_api;
grant execute on function iam.noted(uuid, text, jsonb, text, text, text) to countinghouse_accounts;
set local role countinghouse_owner;
