-- The audit log: who changed what, when and from where. Append only, for everybody.

create table core.audit_log (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    action text not null,
    entity_type text not null,
    entity_id uuid,
    old_values jsonb,
    new_values jsonb,
    user_id uuid,
    ip_address text,
    user_agent text,
    request_id text,
    created_at timestamptz not null default statement_timestamp(),
    seal bigint,
    primary key (tenant_id, id, created_at),
    constraint audit_log_action_check check (
        action in ('CREATE', 'UPDATE', 'DELETE', 'TRANSITION', 'SIGN_IN', 'EXPORT', 'READ_SENSITIVE')
    )
) partition by range (created_at);

comment on table core.audit_log is
    'Every change, and every sign-in: who, when, from where, what it was and what it became. Written by triggers.';
comment on column core.audit_log.tenant_id is 'The organisation whose data it was.';
comment on column core.audit_log.id is 'The id of the entry.';
comment on column core.audit_log.action is 'What happened: CREATE, UPDATE, DELETE, TRANSITION, SIGN_IN, EXPORT or READ_SENSITIVE.';
comment on column core.audit_log.entity_type is 'The kind of thing it happened to, such as INVOICE.';
comment on column core.audit_log.entity_id is 'The id of that thing.';
comment on column core.audit_log.old_values is 'What changed, as it was before. Never a password, token or code.';
comment on column core.audit_log.new_values is 'What changed, as it was afterwards. Never a password, token or code.';
comment on column core.audit_log.user_id is 'Who did it; NULL for the worker and for an operator of the house.';
comment on column core.audit_log.ip_address is 'The address that the request came from.';
comment on column core.audit_log.user_agent is 'The program that sent the request.';
comment on column core.audit_log.request_id is 'The id of the request, as in the answer and the logs.';
comment on column core.audit_log.created_at is 'When it happened.';
comment on column core.audit_log.seal is 'The number of the seal that it is under; empty until the worker has sealed it.';
comment on constraint audit_log_action_check on core.audit_log is 'AUDIT_ACTION: The audit log does not know this action.';

create index audit_log_user on core.audit_log (tenant_id, user_id, created_at desc);
create index audit_log_entity on core.audit_log (tenant_id, entity_type, entity_id, created_at desc);
-- Read backwards it is the log as it is read; the action is in it so that those of one kind are found without the entries.
create index audit_log_created_at on core.audit_log (tenant_id, created_at, id, action);
create index audit_log_unsealed on core.audit_log (tenant_id, created_at, id) where seal is null;

alter table core.audit_log enable row level security;
alter table core.audit_log force row level security;

-- Everybody's changes are written down; who did what is read by those who may, and sealed by the worker.
create policy tenant on core.audit_log to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.permits('iam:audit') or core.permits('core:work')))
    with check (tenant_id = core.tenant_id());
create policy analyst on core.audit_log for select to countinghouse_analyst using (tenant_id = core.tenant_id());

-- Sign-ins, and new names of people in all their organisations, are recorded without a tenant's role.
create policy auth on core.audit_log for insert to countinghouse_auth with check (true);
grant insert on core.audit_log to countinghouse_auth;

-- The worker sees where there is something to seal.
create policy worker on core.audit_log for select to countinghouse_worker using (seal is null);
grant select (tenant_id, created_at, seal) on core.audit_log to countinghouse_worker;

grant select (
    tenant_id, id, action, entity_type, entity_id, old_values, new_values, user_id, ip_address, user_agent, request_id, created_at, seal
) on core.audit_log to countinghouse_tenant, countinghouse_reader;
-- NOTE: no grant to analysts: they are asked about figures, and a setting of theirs could say that they are an owner.
-- NOTE: nothing is written by tenants themselves, and no partition is granted to anybody.

create table core.audit_log_default partition of core.audit_log default;
alter table core.audit_log_default enable row level security;
alter table core.audit_log_default force row level security;
comment on table core.audit_log_default is 'Entries of months that have no partition yet, so that a late one loses nothing.';

create function core.audit_partitions(first_month date, months integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    month date;
    partition_name text;
    made integer := 0;
begin
    for month in
        select generate_series(date_trunc('month', first_month::timestamp), first_month + make_interval(months => months - 1), '1 month')::date
    loop
        partition_name := 'audit_log_' || to_char(month, 'YYYY_MM');
        continue when to_regclass('core.' || partition_name) is not null;
        -- Months in UTC, whatever the time zone of the session, so that they meet without a gap.
        begin
            execute format(
                'create table core.%I partition of core.audit_log for values from (%L) to (%L)',
                partition_name, month::timestamp at time zone 'UTC', (month + interval '1 month') at time zone 'UTC'
            );
        exception when check_violation then
            continue;  -- entries of that month stand in the default partition already, where they stay
        end;
        execute format('alter table core.%I enable row level security', partition_name);
        execute format('alter table core.%I force row level security', partition_name);
        -- Row triggers come from the parent; one for a whole statement does not.
        execute format(
            'create trigger not_emptied before truncate on core.%I for each statement execute function core.refuse_change()',
            partition_name
        );
        execute format(
            'comment on table core.%I is %L', partition_name, 'The audit log of ' || to_char(month, 'FMMonth YYYY') || '.'
        );
        made := made + 1;
    end loop;
    return made;
end
$$;
comment on function core.audit_partitions(date, integer) is
    'Makes the partitions of the audit log for so many months, those that are missing. Answers how many were made.';

create function core.audit_partitions_due() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return to_regclass('core.audit_log_' || to_char(current_date + interval '11 months', 'YYYY_MM')) is null;
comment on function core.audit_partitions_due() is 'Whether the audit log has partitions for less than a year ahead.';
grant execute on function core.audit_partitions(date, integer), core.audit_partitions_due() to countinghouse_worker;

-- As whoever writes: the owner for a tenant, bound by its policy, or the operator of the house.
create function core.audit() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Derived columns say nothing that the others do not; secrets are never written down.
    left_out constant text[] := string_to_array(coalesce(tg_argv[1], ''), ',')
        || array['tenant_id', 'created_at', 'updated_at', 'created_by', 'password_hash'];
    whose constant jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
    before constant jsonb := case tg_op when 'INSERT' then null when 'DELETE' then whose - left_out else to_jsonb(old) - left_out end;
    after constant jsonb := case when tg_op <> 'DELETE' then whose - left_out end;
    changed_before jsonb := before;
    changed_after jsonb := after;
begin
    if tg_op = 'UPDATE' then
        if before = after then
            return null;
        end if;
        select jsonb_object_agg(key, before -> key), jsonb_object_agg(key, after -> key)
        into changed_before, changed_after
        from jsonb_object_keys(after) as keys (key)
        where before -> key is distinct from after -> key and key not like '%\_key' and key not like '%\_minor';
        if changed_after is null then
            return null;
        end if;
    end if;
    insert into core.audit_log (
        tenant_id, action, entity_type, entity_id, old_values, new_values, user_id, ip_address, user_agent, request_id
    ) values (
        coalesce(whose ->> 'tenant_id', whose ->> 'id')::uuid,  -- a tenant's own row is its id
        case
            when tg_op = 'INSERT' then 'CREATE'
            when tg_op = 'DELETE' then 'DELETE'
            when changed_after ->> 'deleted_at' is not null then 'DELETE'
            when changed_after ? 'status' then 'TRANSITION'
            else 'UPDATE'
        end,
        tg_argv[0],
        (whose ->> 'id')::uuid,
        changed_before,
        changed_after,
        core.user_id(),
        nullif(current_setting('app.ip_address', true), ''),
        nullif(current_setting('app.user_agent', true), ''),
        nullif(current_setting('app.request_id', true), '')
    );
    return null;
end
$$;
comment on function core.audit() is
    'Writes a row''s change to the audit log. Arguments of the trigger: the kind of thing, and columns to leave out.';

create trigger append_only before delete on core.audit_log
    for each row execute function core.refuse_change();
-- An entry comes under a seal once; nothing else of it ever changes.
create trigger sealed_once before update on core.audit_log
    for each row when (
        old.seal is not null
        or (
            new.tenant_id, new.id, new.action, new.entity_type, new.entity_id, new.old_values, new.new_values, new.user_id,
            new.ip_address, new.user_agent, new.request_id, new.created_at
        ) is distinct from (
            old.tenant_id, old.id, old.action, old.entity_type, old.entity_id, old.old_values, old.new_values, old.user_id,
            old.ip_address, old.user_agent, old.request_id, old.created_at
        )
    )
    execute function core.refuse_change();
create trigger not_emptied before truncate on core.audit_log
    for each statement execute function core.refuse_change();
create trigger not_emptied before truncate on core.audit_log_default
    for each statement execute function core.refuse_change();

do $$ begin perform core.audit_partitions(current_date, 13); end $$;
